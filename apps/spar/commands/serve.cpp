// serve: a small parent that keeps the listening socket, and the server itself as its child.
#include "server/serve.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "server/listen.h"
#include "server/node_lock.h"
#include "server/supervisor.h"
#include "spar/commands/command.h"
#include "spar/log_to_stderr.h"

namespace spar::app {
namespace {

struct ServeArguments {
  std::string config;
  bool alone = false;                   // no supervising parent
  int postgres_fd = -1, ready_fd = -1;  // handed down by the parent
};

// The lock on the data directory and the socket that clients reach.
struct Door {
  server::OwnedFd lock, postgres;
};

Result<Door> open_door(const server::Config& config) {
  Door door;
  SPAR_ASSIGN(door.lock, server::lock_node(config.data_directory));
  if (!config.postgres.on()) return door;
  SPAR_ASSIGN(door.postgres, server::listen_on(config.postgres));
  SPAR_ASSIGN(server::Listener bound, server::bound_to(door.postgres.get()));
  SPAR_TRY(server::publish_address(door.lock, bound));
  log_info("serve", "SQL clients reach this node at " + to_string(bound));
  return door;
}

void tell_parent(int fd) {
  [[maybe_unused]] ssize_t written = ::write(fd, ".", 1);
}

int be_child(const server::Config& config, const ServeArguments& arguments) {
  if (arguments.postgres_fd >= 0) ::fcntl(arguments.postgres_fd, F_SETFD, FD_CLOEXEC);
  server::ServeOptions options{.postgres_fd = arguments.postgres_fd, .supervised = true};
  options.on_ready = [fd = arguments.ready_fd] { tell_parent(fd); };
  return server::serve(config, options);
}

int be_alone(const server::Config& config) {
  auto door = open_door(config);
  if (!door) return show_error(door.error(), false);
  return server::serve(config, {.postgres_fd = door->postgres.get()});
}

std::vector<std::string> child_arguments(const std::string& file, const Door& door, int ready_fd) {
  std::vector<std::string> arguments = {"spar", "serve", file, "--ready-fd",
                                        std::to_string(ready_fd)};
  if (door.postgres.open()) {
    arguments.insert(arguments.end(), {"--postgres-fd", std::to_string(door.postgres.get())});
  }
  return arguments;
}

int be_parent(const server::Config& config, const Context& context) {
  auto door = open_door(config);
  if (!door) return show_error(door.error(), false);
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) return 1;
  server::OwnedFd read_end(ready[0]), write_end(ready[1]);
  server::SupervisedCommand command{
      .program = context.program,
      .arguments = child_arguments(config.file, *door, write_end.get()),
      .inherited = {door->lock.get(), write_end.get()},
      .ready_fd = read_end.get()};
  if (door->postgres.open()) command.inherited.push_back(door->postgres.get());
  return server::supervise(command);
}

int serve(const ServeArguments& arguments, const Context& context) {
  log_to_stderr();
  CommonOptions options;
  options.config = arguments.config;
  auto config = server::read_config(config_file(options));
  if (!config) return show_error(config.error(), false);
  if (arguments.ready_fd >= 0) return be_child(*config, arguments);
  for (const std::string& warning : config->warnings) log_warning("serve", warning);
  return arguments.alone ? be_alone(*config) : be_parent(*config, context);
}

}  // namespace

void add_serve(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, {"serve", "Serve SQL; starts itself again when it dies", "spar serve shop/spar.toml"});
  auto arguments = std::make_shared<ServeArguments>();
  command->add_option("CONFIG,--config", arguments->config,
                      "configuration file (default: ./spar.toml, then $SPAR_CONFIG)");
  command->add_flag("--no-supervisor", arguments->alone,
                    "one process only: nothing starts it again");
  command->add_option("--postgres-fd", arguments->postgres_fd)->group("");  // from the parent
  command->add_option("--ready-fd", arguments->ready_fd)->group("");
  command->callback([arguments, &context] { context.exit_code = serve(*arguments, context); });
}

}  // namespace spar::app
