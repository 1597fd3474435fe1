#include "server/serve.h"

#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/log.h"
#include "console/http_server.h"
#include "gateway/auth/scram.h"
#include "gateway/listener.h"
#include "server/address.h"
#include "server/admin.h"
#include "server/listen.h"
#include "server/node.h"
#include "server/node_lock.h"
#include "server/password.h"
#include "server/postgres/relay_service.h"

namespace spar::server {
namespace {

constexpr std::chrono::seconds kStartPatience{20};

// Signals are taken by the main thread alone, from before the first other thread starts.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void wait_for_end(const sigset_t& signals) {
  int signal = SIGHUP;
  while (signal == SIGHUP) sigwait(&signals, &signal);
}

Result<gateway::Credentials> credentials_of(const Config& config) {
  gateway::Credentials credentials;
  credentials.trust_everyone = config.users.empty();
  credentials.mock_key = gateway::random_bytes(32);
  for (const UserConfig& user : config.users) {
    SPAR_ASSIGN(Password password, resolve_password(user));
    credentials.secrets[user.name] = gateway::to_secret(password.value, gateway::random_bytes(16));
  }
  return credentials;
}

Result<std::unique_ptr<gateway::TlsContext>> tls_of(const Config& config) {
  if (!config.tls.on()) return std::unique_ptr<gateway::TlsContext>();
  return gateway::TlsContext::load(config.tls.certificate, config.tls.key);
}

Result<void> run(const Config& config, const ServeOptions& options, const sigset_t& signals) {
  SPAR_ASSIGN(gateway::Credentials credentials, credentials_of(config));
  SPAR_ASSIGN(std::unique_ptr<gateway::TlsContext> tls, tls_of(config));
  auto disk = storage::make_posix_disk();
  Node node(*disk, config);
  SPAR_TRY(node.prepare());
  std::vector<int> sockets;
  if (options.postgres_fd >= 0) sockets.push_back(options.postgres_fd);
  bool exposed = config.postgres.on() && !is_loopback(config.postgres.host);
  std::optional<postgres::RelayService> relay;
  if (!node.servers().empty()) {
    relay.emplace(node, postgres::RelayOptions{sockets, credentials, tls.get(), exposed, config});
  }
  // Before the clusters: one that finds no primary is what people ask about.
  SPAR_ASSIGN(auto admin, AdminServer::start(admin_socket_path(config), [&](const auto& request) {
                return node.answer(request);
              }));
  std::unique_ptr<console::HttpServer> console;
  if (config.console.on()) {
    SPAR_ASSIGN(console, console::HttpServer::start(
                             config.console.host, config.console.port,
                             {[&] { return node.answer({{"command", "status"}}); },
                              [&](std::uint64_t after) {
                                return node.answer({{"command", "events"}, {"after", after}});
                              }}));
    log_info("serve", "the console is at http://" + config.console.host + ":" +
                          std::to_string(console->port()) + "/");
  }
  SPAR_TRY(node.start(std::chrono::steady_clock::now() + kStartPatience));
  std::optional<gateway::Listener> listener;
  if (!relay) {
    listener.emplace(sockets, gateway::Service{node, credentials, tls.get(), exposed, config.limits,
                                               gateway::sql_language()});
    listener->start();
  }
  if (relay) relay->start();
  if (options.on_ready) options.on_ready();
  log_info("serve", "ready");
  wait_for_end(signals);
  log_info("serve", "stopping");
  if (listener) listener->stop();
  if (relay) relay->stop();
  node.stop_servers();
  return {};
}

}  // namespace

int serve(const Config& config, const ServeOptions& options) {
  sigset_t signals = block_signals();
  Result<void> served = run(config, options, signals);
  if (served) return 0;
  log_error("serve", served.error().message +
                         (served.error().hint.empty() ? "" : " (" + served.error().hint + ")"));
  if (!served.error().detail.empty()) log_error("serve", served.error().detail);
  return 1;
}

}  // namespace spar::server
