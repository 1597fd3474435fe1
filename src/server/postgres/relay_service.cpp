#include "server/postgres/relay_service.h"

#include "query/replay/explicit_values.h"

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

using gateway::relay::Outcome;

Outcome to_relay(engines::postgres::Outcome outcome) {
  switch (outcome) {
    case engines::postgres::Outcome::committed:
      return Outcome::committed;
    case engines::postgres::Outcome::not_committed:
      return Outcome::not_committed;
    case engines::postgres::Outcome::unknown:
      break;
  }
  return Outcome::unknown;
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
          .route = [&node](std::string_view database) -> std::optional<gateway::relay::Placing> {
            ServerPath* servers = node.servers_of(database);
            auto place = servers == nullptr ? std::nullopt : servers->place();
            if (!place) return std::nullopt;
            return gateway::relay::Placing{{place->host, place->port, place->tls},
                                           place->epoch.value};
          },
          .limits = limits,
          .resolve =
              [&node](const std::string& database, std::uint64_t epoch, std::uint64_t xid,
                      std::function<void(Outcome)> done) {
                ServerPath* servers = node.servers_of(database);
                if (servers == nullptr) return done(Outcome::unknown);
                servers->resolve_transaction(
                    Epoch(epoch), engines::postgres::Xid(xid),
                    [done = std::move(done)](engines::postgres::Outcome found) {
                      done(to_relay(found));
                    });
              },
          .explicit_values =
              [](std::string_view sql, std::span<const std::string> names,
                 const query::replay::AnsweredRows& rows) {
                return query::replay::with_explicit_values(sql, names, rows, {},
                                                           query::replay::Sequences::move_past);
              },
          .greeting = [&node](std::string_view database) { return node.warning_for(database); },
          .read_map = [&node](std::string_view database) -> gateway::relay::ReadMapPtr {
            ServerPath* servers = node.servers_of(database);
            return servers == nullptr ? nullptr : servers->read_map();
          }};
}

RelayLoop::Options with_catalogues(RelayLoop::Options options,
                                   std::function<Catalogues*(std::string_view)> of) {
  options.objects = [of](std::string_view database) {
    Catalogues* catalogues = of(database);
    return catalogues == nullptr ? nullptr : catalogues->of(database);
  };
  options.schema_touched = [of](std::string_view database) {
    if (Catalogues* catalogues = of(database)) catalogues->touched(database);
  };
  return options;
}

}  // namespace

RelayService::RelayService(Node& node, const RelayOptions& options)
    : node_(node),
      credentials_(with_roles(options.credentials, node)),
      loop_(
          with_catalogues(loop_options(node, credentials_, options),
                          [this](std::string_view database) { return catalogues_of(database); })) {
  for (ServerPath* servers : node.servers()) {
    servers->attach(
        {[this](RouteChange change) { on_change(change); }, [this] { return loop_.busy(); }});
    catalogues_[servers] = std::make_unique<Catalogues>(
        [servers] { return servers->primary_address(); }, [this] { loop_.objects_changed(); });
  }
}

Catalogues* RelayService::catalogues_of(std::string_view database) {
  auto found = catalogues_.find(node_.servers_of(database));
  return found == catalogues_.end() ? nullptr : found->second.get();
}

void RelayService::on_change(RouteChange change) {
  if (change == RouteChange::copies) return loop_.copies_changed();
  loop_.set_draining(change == RouteChange::drain);  // which looks at the route anew
}

void RelayService::start() {
  thread_ = std::thread([this] { loop_.run(); });
}

RelayService::~RelayService() {
  stop();
  catalogues_.clear();  // they call the loop
}

void RelayService::stop() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace spar::server::postgres
