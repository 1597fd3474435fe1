// The command line of Spar. Everything that a command does lives in commands/.
#include <pthread.h>

#include <filesystem>
#include <iostream>

#include "spar/commands/command.h"

namespace {

using namespace spar::app;

void add_commands(CLI::App& app, Context& context) {
  add_init(app, context);
  add_serve(app, context);
  add_agent(app, context);
  add_status(app, context);
  add_events(app, context);
  add_doctor(app, context);
  add_switchover(app, context);
  add_failover(app, context);
  add_copy(app, context);
  add_pause(app, context);
  add_resume(app, context);
  add_demo(app, context);
  add_version(app, context);
  add_completion(app, context);
}

// The deepest statements that the limits allow need 4 MiB (tests/unit/query/depth_test.cpp);
// without this, threads have what `ulimit -s` says.
void give_threads_deep_stacks() {
  constexpr std::size_t kStackBytes = std::size_t{8} << 20;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

std::string own_path(const char* argv0) {
  std::error_code status;
  std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", status);
  return status ? std::string(argv0) : path.string();
}

}  // namespace

int main(int argc, char** argv) {
  give_threads_deep_stacks();
  Context context{.program = own_path(argv[0])};
  CLI::App app("One SQL address that stays up while the databases behind it die.", "spar");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("spar ") + kVersion, "print the version");
  app.footer(
      "Example:\n  spar init shop && spar serve shop/spar.toml\n\n"
      "Exit code: 0 done, 1 failed, 2 wrong usage. `spar COMMAND --help` says more.");
  add_commands(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::cerr << "spar: " << error.what() << '\n';
    return 1;
  }
  return context.exit_code;
}
