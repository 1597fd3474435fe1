#include "server/node.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "coordination/local/file_store.h"
#include "data/text_format.h"
#include "server/admin.h"
#include "server/version.h"
#include "server/wall_clock.h"

namespace spar::server {
namespace {

using nlohmann::json;

control::Durability durability_of(Durability durability) {
  switch (durability) {
    case Durability::mirrored:
      return control::Durability::mirrored;
    case Durability::mirrored_strict:
      return control::Durability::mirrored_strict;
    case Durability::async:
      return control::Durability::async;
  }
  return control::Durability::mirrored;
}

control::Member member_of(const CopyConfig& copy) {
  control::Member member;
  member.name = copy.name;
  member.engine = copy.engine;
  member.location = copy.is_server() ? copy.address.without_password() : copy.path;
  member.may_be_primary = !copy.replica_only;
  return member;
}

ClusterSpec spec_of(const ClusterConfig& config) {
  ClusterSpec spec;
  spec.name = config.name;
  spec.mirrors = static_cast<std::uint32_t>(config.mirrors);
  spec.durability = durability_of(config.durability);
  for (const CopyConfig& copy : config.copies) spec.members.push_back(member_of(copy));
  return spec;
}

using AgentTls = std::shared_ptr<const agent::remote::TlsContext>;

Result<AgentTls> agent_tls_of(const AgentTlsConfig& tls) {
  using agent::remote::TlsContext;
  if (tls.certificate.empty()) return AgentTls();
  return TlsContext::load({tls.certificate, tls.key, tls.authority}, TlsContext::Side::client);
}

postgres::ServerSpec server_of(const CopyConfig& copy, const AgentTls& tls) {
  postgres::ServerSpec spec{copy.name, copy.address, copy.path};
  if (const Listener& at = copy.agent.at; at.on()) {
    spec.remote = {tls, {{at.host, at.port}, copy.agent.name, copy.name}};
  }
  spec.programs = copy.programs;
  return spec;
}

Result<std::vector<postgres::ServerSpec>> servers_in(const Config& config,
                                                     const ClusterConfig& cluster) {
  SPAR_ASSIGN(const AgentTls tls, agent_tls_of(config.agent_tls));
  std::vector<postgres::ServerSpec> servers;
  for (const CopyConfig& copy : cluster.copies) servers.push_back(server_of(copy, tls));
  return servers;
}

std::string iso_time(Timestamp time) {
  std::string text;
  data::format_text(static_cast<std::int64_t>(time.count()), {data::TypeId::timestamptz, -1}, {},
                    text);
  return text;
}

}  // namespace

Node::Node(storage::Disk& disk, const Config& config)
    : disk_(disk), config_(config), started_(wall_clock_now()) {}

Node::~Node() = default;

Result<void> Node::prepare() {
  for (const ClusterConfig& cluster : config_.clusters) SPAR_TRY(make_cluster(cluster));
  return {};
}

Result<void> Node::start(Monotonic deadline) {
  for (std::size_t i = 0; i < clusters_.size(); ++i) {
    SPAR_TRY(start_cluster(config_.clusters[i], *clusters_[i], deadline));
  }
  return {};
}

Result<void> Node::make_cluster(const ClusterConfig& config) {
  auto hosted = std::make_unique<Hosted>();
  std::string place = config_.data_directory + "/clusters/" + config.name;
  const std::string ledgers = config_.data_directory + "/ledgers";
  SPAR_TRY(disk_.make_directory(place));
  hosted->store = coordination::open_file_store(disk_, place + "/record");
  DataPath* path = nullptr;
  if (config.copies.front().is_server()) {
    SPAR_ASSIGN(auto servers, servers_in(config_, config));
    SPAR_ASSIGN(hosted->servers,
                postgres::ServerPath::make_path(disk_, std::move(servers), ledgers));
    path = hosted->servers.get();
  } else {
    hosted->embedded = std::make_unique<EmbeddedPath>(disk_, ledgers);
    hosted->embedded->cluster().set_patience(config_.write_pause_max);
    hosted->sessions = std::make_unique<SessionFactory>(hosted->embedded->cluster());
    path = hosted->embedded.get();
  }
  hosted->controller =
      std::make_unique<Controller>(*path, *hosted->store, events_, spec_of(config));
  clusters_.push_back(std::move(hosted));
  return {};
}

Result<void> Node::start_cluster(const ClusterConfig& config, Hosted& hosted, Monotonic deadline) {
  Result<void> started = hosted.controller->start(deadline);
  if (!started && started.error().code != Code::unavailable) return started;
  // Without a primary the node serves all the same: `spar status` says what is missing, and clients
  // wait for their primary as they would after a failure.
  if (!started) {
    log_error("server", started.error().message);
    return {};
  }
  SPAR_TRY(follow_configuration(config, *hosted.controller));
  return hosted.embedded ? make_databases(config, hosted) : Result<void>();
}

postgres::ServerPath* Node::servers_of(std::string_view database) {
  postgres::ServerPath* any = nullptr;
  for (std::size_t i = 0; i < clusters_.size(); ++i) {
    if (!clusters_[i]->servers) continue;
    const auto& named = config_.clusters[i].databases;
    if (std::ranges::find(named, database) != named.end()) return clusters_[i]->servers.get();
    if (any == nullptr) any = clusters_[i]->servers.get();
  }
  return any;
}

std::string Node::warning_for(std::string_view database) {
  const postgres::ServerPath* servers = servers_of(database);
  for (const auto& hosted : clusters_) {
    if (servers == nullptr || hosted->servers.get() != servers || !hosted->controller) continue;
    const control::State state = hosted->controller->state();
    if (!state.exposed_since) return "";
    const auto since = std::chrono::steady_clock::now() - *state.exposed_since;
    return "cluster \"" + hosted->controller->spec().name + "\" has been exposed for " +
           std::to_string(std::chrono::duration_cast<std::chrono::seconds>(since).count()) +
           " s: " + state.condition;
  }
  return "";
}

std::vector<postgres::ServerPath*> Node::servers() {
  std::vector<postgres::ServerPath*> all;
  for (const auto& hosted : clusters_) {
    if (hosted->servers) all.push_back(hosted->servers.get());
  }
  return all;
}

void Node::stop_servers() {
  for (const auto& hosted : clusters_) {
    if (!hosted->servers) continue;
    hosted->controller.reset();
    hosted->servers->stop_servers();
  }
}

// What the file says differently from the record since the last start.
Result<void> Node::follow_configuration(const ClusterConfig& config, Controller& controller) {
  control::State state = controller.state();
  if (!state.record) return {};
  auto mirrors = static_cast<std::uint32_t>(config.mirrors);
  control::Durability durability = durability_of(config.durability);
  for (const CopyConfig& copy : config.copies) {
    if (control::find_member(*state.record, copy.name) == nullptr) {
      log_warning("server", "copy \"" + copy.name +
                                "\" of the configuration is not a member of "
                                "cluster \"" +
                                config.name + "\"; \"spar copy add\" makes it one");
    }
  }
  if (state.record->mirrors == mirrors && state.record->durability == durability) return {};
  Monotonic deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  SPAR_TRY(controller.ask(control::Configure{mirrors, durability}, deadline));
  return {};
}

Result<void> Node::make_databases(const ClusterConfig& config, Hosted& hosted) {
  replicate::Cluster& cluster = hosted.embedded->cluster();
  if (cluster.catalogue()->version() > 0) return {};
  std::vector<std::string> names = config.databases;
  if (names.empty()) names.push_back("postgres");
  Monotonic deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  SPAR_ASSIGN(auto lease, cluster.begin_write({2, deadline, nullptr}, deadline));
  std::uint32_t id = lease->session().catalogue()->next_id().value;
  std::vector<data::ObjectChange> changes;
  for (const std::string& name : names) {
    changes.push_back(data::put_object(data::Database{ObjectId(id++), name}));
  }
  SPAR_TRY(lease->session().change_schema(changes));
  SPAR_ASSIGN(auto position, lease->commit(TransactionId(1), wall_clock_now()));
  if (cluster.pipeline().wait(*position, deadline) == replicate::Outcome::committed) return {};
  return failure(Code::unavailable, "the databases of the configuration could not be made");
}

Result<std::unique_ptr<gateway::Backend>> Node::open(const std::string& database,
                                                     const std::string& user) {
  for (const auto& hosted : clusters_) {
    if (!hosted->sessions) continue;
    auto backend = hosted->sessions->open(database, user);
    if (backend || backend.error().sqlstate != "3D000") return backend;
  }
  return sql_error("3D000", "database \"" + database + "\" does not exist");
}

// --- the admin door ---

nlohmann::json Node::answer(const json& request) {
  std::string name = request.value("command", "");
  if (name == "status") return status();
  if (name == "events") return events(request.value("after", std::uint64_t(0)));
  return command(request);
}

json Node::status() const {
  json clusters = json::array();
  for (const auto& hosted : clusters_) clusters.push_back(status_of(*hosted));
  return {{"ok", true},
          {"node", {{"pid", getpid()}, {"version", kVersion}, {"started", iso_time(started_)}}},
          {"clusters", clusters}};
}

json Node::status_of(const Hosted& hosted) const {
  control::State state = hosted.controller->state();
  DataPath& path = hosted.path();
  const control::Record record = state.record.value_or(control::Record{});
  auto now = std::chrono::steady_clock::now();
  double exposed =
      state.exposed_since ? std::chrono::duration<double>(now - *state.exposed_since).count() : 0;
  json copies = json::array();
  for (const control::CopyView& view : state.copies) {
    const control::Member* member = control::find_member(record, view.id);
    if (member == nullptr) continue;
    CopyStatus seen = path.status(view.id);
    bool up = seen.up && view.health == control::Health::serving;
    std::string trouble =
        view.text.empty() ? std::string(control::to_string(view.health)) : view.text;
    if (!seen.advice.empty() && seen.advice != trouble) trouble += "; " + seen.advice;
    json copy = {{"name", member->name},
                 {"engine", member->engine},
                 {"role", control::role_of(state, view)},
                 {"health", !up                    ? trouble
                            : seen.trouble.empty() ? "ok"
                                                   : seen.trouble},
                 {"received", path.text_of(seen.up ? seen.received : view.received)},
                 {"applied", path.text_of(seen.applied)},
                 {"lag_ms", seen.up ? seen.lag.count() : -1}};
    if (seen.behind_bytes >= 0) copy["behind_bytes"] = seen.behind_bytes;
    copy[seen.address.empty() ? "path" : "address"] =
        seen.address.empty() ? member->location : seen.address;
    if (seen.pid > 0) copy["pid"] = seen.pid;
    if (!seen.content_hash.empty()) copy["content_hash"] = seen.content_hash;
    copies.push_back(std::move(copy));
  }
  return {{"name", hosted.controller->spec().name},
          {"epoch", record.epoch.value},
          {"primary", control::active_primary(state)
                          ? control::name_of(record, *control::active_primary(state))
                          : ""},
          {"protected", control::active_primary(state).has_value() && !state.exposed_since},
          {"exposed_seconds", exposed},
          {"paused", record.paused},
          {"durability", control::to_string(record.durability)},
          {"condition", state.record ? state.condition : "it is being opened"},
          {"acknowledged", path.text_of(path.acknowledged())},
          {"copies", copies}};
}

json Node::events(std::uint64_t after) const {
  json all = json::array();
  for (const LoggedEvent& event : events_.after(after)) {
    all.push_back({{"id", event.id},
                   {"time", iso_time(event.time)},
                   {"cluster", event.cluster},
                   {"what", event.what},
                   {"copy", event.copy},
                   {"evidence", event.evidence},
                   {"took_ms", event.took_ms}});
  }
  return {{"ok", true}, {"events", all}};
}

Result<Node::Hosted*> Node::named(const json& request) {
  std::string name = request.value("cluster", "");
  if (name.empty() && clusters_.size() == 1) return clusters_[0].get();
  for (const auto& hosted : clusters_) {
    if (hosted->controller->spec().name == name) return hosted.get();
  }
  return failure(Code::invalid, name.empty() ? std::string("there are several clusters: name one")
                                             : "there is no cluster \"" + name + "\"");
}

namespace {

Result<CopyId> copy_named(const control::Record& record, const std::string& name,
                          bool may_be_empty) {
  if (name.empty() && may_be_empty) return CopyId{};
  const control::Member* member = control::find_member(record, name);
  if (member != nullptr) return member->id;
  return failure(Code::invalid, "there is no copy \"" + name + "\"");
}

Result<control::Command> command_of(const json& request, const control::Record& record) {
  std::string name = request.value("command", "");
  if (name == "pause") return control::Pause{};
  if (name == "resume") return control::Resume{};
  if (name == "switchover" || name == "failover") {
    SPAR_ASSIGN(CopyId to, copy_named(record, request.value("to", ""), true));
    if (name == "switchover") return control::Switchover{to};
    return control::Failover{to, request.value("accept_data_loss", false)};
  }
  if (name == "copy_add") {
    control::Member member;
    member.name = request.value("name", "");
    member.engine = request.value("engine", "sqlite");
    member.location = request.value("path", "");
    member.may_be_primary = !request.value("replica_only", false);
    return control::Add{std::move(member)};
  }
  if (name == "copy_remove") {
    SPAR_ASSIGN(CopyId copy, copy_named(record, request.value("name", ""), false));
    return control::Remove{copy};
  }
  return failure(Code::invalid, "there is no command \"" + name + "\"");
}

// A server that becomes a copy, as the configuration that is to be will have it.
Result<postgres::ServerSpec> server_named(const json& request, const std::string& file,
                                          const std::string& cluster, control::Member& member) {
  SPAR_ASSIGN(const Config config, parse_config(request.value("configuration", ""), file));
  if (const ClusterConfig* found = config.find_cluster(cluster)) {
    const auto copy = std::ranges::find(found->copies, member.name, &CopyConfig::name);
    if (copy != found->copies.end() && copy->is_server()) {
      member = member_of(*copy);
      SPAR_ASSIGN(const AgentTls tls, agent_tls_of(config.agent_tls));
      return server_of(*copy, tls);
    }
  }
  return failure(Code::invalid, "the configuration has no server \"" + member.name + "\"");
}

std::string describe(const control::Command& command, const control::Record& record) {
  std::string text = "would perform " + std::string(control::name_of(command));
  if (auto* what = std::get_if<control::Switchover>(&command)) {
    text +=
        what->to == CopyId{} ? " to the best mirror" : " to " + control::name_of(record, what->to);
  }
  if (auto* what = std::get_if<control::Failover>(&command)) {
    text +=
        what->to == CopyId{} ? " to the best copy" : " to " + control::name_of(record, what->to);
  }
  return text + "; the primary is " + control::name_of(record, record.primary) + ", epoch " +
         std::to_string(record.epoch.value);
}

}  // namespace

json Node::command(const json& request) {
  auto hosted = named(request);
  if (!hosted) return admin_error(hosted.error());
  Controller& controller = *(*hosted)->controller;
  control::State state = controller.state();
  if (!state.record) return admin_error("the cluster has no record yet", "Try again in a moment.");
  auto wanted = command_of(request, *state.record);
  if (!wanted) return admin_error(wanted.error());
  auto* add = std::get_if<control::Add>(&*wanted);
  std::optional<postgres::ServerSpec> server;
  if (add != nullptr && (*hosted)->servers) {
    auto named = server_named(request, config_.file, controller.spec().name, add->member);
    if (!named) return admin_error(named.error());
    server = std::move(*named);
  }
  if (request.value("dry_run", false)) {
    return {{"ok", true}, {"message", describe(*wanted, *state.record)}};
  }
  if (server) {
    if (auto known = (*hosted)->servers->add_server(*server); !known) {
      return admin_error(known.error());
    }
  }
  Monotonic deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  auto done = controller.ask(std::move(*wanted), deadline);
  if (!done && server) (*hosted)->servers->remove_server(server->name);
  if (!done) return admin_error(done.error());
  return {{"ok", true}, {"message", *done}};
}

}  // namespace spar::server
