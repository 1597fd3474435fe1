// agent: looks after the database servers of this machine, as Spar orders.
#include <csignal>

#include "agent/local_agent.h"
#include "agent/remote/agent_server.h"
#include "agent/remote/limits.h"
#include "base/log.h"
#include "server/agent_config.h"
#include "server/listen.h"
#include "spar/commands/command.h"
#include "spar/log_to_stderr.h"
#include "storage/disk.h"

namespace spar::app {
namespace {

using agent::remote::AgentServer;
using agent::remote::TlsContext;

constexpr const char* kExample = R"(spar agent agent.toml

  agent.toml:
    [agent]
    listen = "10.0.0.5:6445"
    certificate = "agent.crt"    # for the address 10.0.0.5
    key = "agent.key"
    authority = "authority.crt"  # signed this certificate and Spar's
    allow = ["spar"]             # names of the certificates that may give orders

    [[server]]
    name = "a"                   # the copy's name in spar.toml
    path = "/srv/spar/a"         # made when it is not there
    port = 5432
    listen = "10.0.0.5"

  spar.toml, on Spar's machine:
    [agent_tls]
    certificate = "spar.crt"
    key = "spar.key"
    authority = "authority.crt"

    [[cluster.copy]]
    name = "a"
    engine = "postgres"
    address = "host=10.0.0.5 port=5432 user=postgres password=..."
    agent = "10.0.0.5:6445")";

Result<std::unique_ptr<AgentServer>> make_server(storage::Disk& disk,
                                                 const server::AgentConfig& config) {
  SPAR_ASSIGN(auto tls, TlsContext::load(config.tls, TlsContext::Side::server));
  AgentServer::Agents agents;
  for (const server::AgentServerConfig& each : config.servers) {
    SPAR_ASSIGN(agent::PostgresTools tools, agent::find_postgres_tools(each.programs));
    SPAR_ASSIGN(agent::PostgresServer server,
                agent::PostgresServer::at(disk, std::move(tools), each.place));
    agents[each.name] = std::make_unique<agent::LocalAgent>(disk, std::move(server));
  }
  SPAR_ASSIGN(server::OwnedFd socket, server::listen_on(config.listen));
  SPAR_ASSIGN(server::Listener bound, server::bound_to(socket.get()));
  log_info("agent", "listening on " + to_string(bound));
  return std::make_unique<AgentServer>(agent::Descriptor(socket.release()), std::move(tls),
                                       std::move(agents), config.allow);
}

void wait_for_end(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
}

int serve(const std::string& file) {
  log_to_stderr();
  auto config = server::read_agent_config(file);
  if (!config) return show_error(config.error(), false);
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);  // the log may go into a pipe
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before the first other thread
  auto disk = storage::make_posix_disk();
  auto server = make_server(*disk, *config);
  if (!server) return show_error(server.error(), false);
  if (config->allow.empty()) {
    log_warning("agent",
                "every certificate that the authority signed may give orders here: say "
                "`allow` in [agent]");
  }
  if (auto started = (*server)->start(); !started) return show_error(started.error(), false);
  log_info("agent", "ready");
  wait_for_end(signals);
  log_info("agent", "stopping; the servers go on");
  const auto patience = std::chrono::steady_clock::now() + agent::remote::kStopPatience;
  if ((*server)->stop(patience)) return 0;
  log_warning("agent", "an order is broken off; it will be given again");
  std::_Exit(1);
}

}  // namespace

void add_agent(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, {"agent", "Start, stop, rewind and rebuild this machine's database servers for Spar",
            kExample});
  auto file = std::make_shared<std::string>();
  command->add_option("CONFIG,--config", *file, "the agent's configuration file")->required();
  command->callback([file, &context] { context.exit_code = serve(*file); });
}

}  // namespace spar::app
