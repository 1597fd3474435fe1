#include "server/postgres/relay_service.h"

namespace spar::server::postgres {
namespace {

using gateway::relay::RelayLoop;

gateway::Credentials with_roles(gateway::Credentials credentials, Node& node) {
  using Secret = std::optional<gateway::auth::ScramSecret>;
  credentials.elsewhere = [&node](std::string_view user,
                                  std::string_view database) -> Result<Secret> {
    ServerPath* servers = node.servers_of(database);
    if (servers == nullptr) return Secret();
    SPAR_ASSIGN(std::optional<std::string> text, servers->secret_of(user));
    if (!text) return Secret();
    auto secret = gateway::auth::parse_secret(*text);
    return secret ? Result<Secret>(Secret(std::move(*secret))) : Result<Secret>(Secret());
  };
  return credentials;
}

RelayLoop::Options loop_options(Node& node, const gateway::Credentials& credentials,
                                const RelayOptions& options) {
  gateway::relay::RelayLimits limits;
  limits.sessions_max = options.config.limits.sessions_max;
  limits.session.frames.whole_bytes_max =
      static_cast<std::uint32_t>(options.config.limits.message_bytes_max);
  limits.login_timeout = options.config.limits.login_timeout;
  limits.shutdown_timeout = options.config.limits.shutdown_timeout;
  limits.pool.wait_max = options.config.write_pause_max;
  return {.sockets = options.sockets,
          .credentials = credentials,
          .tls = options.tls,
          .tls_required = options.tls_required,
          .route = [&node](std::string_view database) -> std::optional<gateway::relay::Address> {
            ServerPath* servers = node.servers_of(database);
            auto place = servers == nullptr ? std::nullopt : servers->place();
            if (!place) return std::nullopt;
            return gateway::relay::Address{place->host, place->port};
          },
          .limits = limits};
}

}  // namespace

RelayService::RelayService(Node& node, const RelayOptions& options)
    : credentials_(with_roles(options.credentials, node)),
      loop_(loop_options(node, credentials_, options)) {
  for (ServerPath* servers : node.servers()) {
    servers->attach(
        {[this](RouteChange) { loop_.route_changed(); }, [this] { return loop_.connections(); }});
  }
}

void RelayService::start() {
  thread_ = std::thread([this] { loop_.run(); });
}

RelayService::~RelayService() {
  stop();
}

void RelayService::stop() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace spar::server::postgres
