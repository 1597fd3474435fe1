#include "server/config.h"

#include <algorithm>
#include <set>
#include <type_traits>

#include "server/address.h"
#include "server/config_reader.h"
#include "server/password.h"

namespace spar::server {
namespace {

constexpr std::size_t kCopiesMax = 32;
constexpr std::string_view kAddressForm =
    "\"ADDRESS:PORT\" such as \"127.0.0.1:6432\" or \"[::1]:6432\", or \"\" to switch it off";

Listener read_listener(Reader& reader, const toml::table& node, std::string_view key,
                       std::string_view fallback) {
  std::string text = reader.text(node, key, fallback);
  Listener listener;
  if (text.empty() || !reader.ok()) return listener;
  if (!parse_address(text, listener)) {
    reader.mistake(*node.get(key), std::string(key) + " cannot be \"" + text + "\"",
                   std::string(kAddressForm));
  }
  return listener;
}

void warn_later(Reader& reader, Config& config, const toml::table& table, std::string_view key,
                std::string_view consequence) {
  config.warnings.push_back(reader.place(table, key) + ": " + std::string(key) +
                            " belongs to a later version: " + std::string(consequence));
}

void read_node(Reader& reader, const toml::table& root, Config& config) {
  config.data_directory = absolute_from(config.file, "spar-data");
  const toml::table* node = reader.child(root, "node");
  if (node == nullptr) return;
  reader.check_keys(*node, "[node]", {"data", "postgres_listen", "mysql_listen", "console_listen"});
  std::string data = reader.text(*node, "data", "spar-data");
  if (data.empty()) reader.mistake(*node->get("data"), "data is empty", "a directory");
  config.data_directory = absolute_from(config.file, data);
  config.postgres = read_listener(reader, *node, "postgres_listen", "127.0.0.1:6432");
  config.console = read_listener(reader, *node, "console_listen", "");
  if (reader.ok() && config.console.on() && !is_loopback(config.console.host)) {
    reader.mistake(*node->get("console_listen"),
                   "the console asks nobody for a password and listens on " + config.console.host,
                   "127.0.0.1 or [::1], and a proxy with logins in front of it");
  }
  if (reader.ok() && read_listener(reader, *node, "mysql_listen", "").on()) {
    warn_later(reader, config, *node, "mysql_listen", "nothing listens there");
  }
}

void read_tls(Reader& reader, const toml::table& root, Config& config) {
  const toml::table* tls = reader.child(root, "tls");
  if (tls == nullptr) return;
  reader.check_keys(*tls, "[tls]", {"certificate", "key"});
  config.tls.certificate = reader.required_path(*tls, "[tls]", "certificate");
  config.tls.key = reader.required_path(*tls, "[tls]", "key");
}

void read_agent_tls(Reader& reader, const toml::table& root, Config& config) {
  constexpr const char* kTable = "[agent_tls]";
  const toml::table* tls = reader.child(root, "agent_tls");
  if (tls == nullptr) return;
  reader.check_keys(*tls, kTable, {"certificate", "key", "authority"});
  config.agent_tls.certificate = reader.required_path(*tls, kTable, "certificate");
  config.agent_tls.key = reader.required_path(*tls, kTable, "key");
  config.agent_tls.authority = reader.required_path(*tls, kTable, "authority");
}

// Sizes and numbers of the table [limits].
void read_amounts(Reader& reader, const toml::table& t, gateway::Limits& limits) {
  limits.message_bytes_max =
      reader.bytes(t, "message_bytes_max", {1 << 16, (1LL << 30) - 1}, limits.message_bytes_max);
  limits.held_output_bytes_max =
      reader.bytes(t, "held_output_bytes_max", {1 << 16, 1LL << 36}, limits.held_output_bytes_max);
  auto count = [&](std::string_view key, IntegerRange range, auto& field) {
    using Field = std::remove_reference_t<decltype(field)>;
    field = static_cast<Field>(reader.integer(t, key, range, static_cast<std::int64_t>(field)));
  };
  count("sessions_max", {1, 10'000}, limits.sessions_max);
  count("logins_max", {1, 10'000}, limits.logins_max);
  count("statement_tokens_max", {100, 10'000'000}, limits.parse.tokens_max);
  count("statement_nesting_max", {10, 5'000}, limits.parse.nesting_max);
  count("prepared_statements_max", {1, 1'000'000}, limits.prepared_statements_max);
  count("portals_max", {1, 1'000'000}, limits.portals_max);
}

void read_times(Reader& reader, const toml::table& t, Config& config) {
  constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;
  gateway::Limits& limits = config.limits;
  limits.login_timeout = reader.duration(t, "login_timeout", {100, kHour}, limits.login_timeout);
  limits.write_timeout = reader.duration(t, "write_timeout", {1000, kDay}, limits.write_timeout);
  limits.shutdown_timeout =
      reader.duration(t, "shutdown_timeout", {0, kDay}, limits.shutdown_timeout);
  config.write_pause_max = reader.duration(t, "write_pause_max", {0, kDay}, config.write_pause_max);
}

void read_limits(Reader& reader, const toml::table& root, Config& config) {
  const toml::table* table = reader.child(root, "limits");
  if (table == nullptr) return;
  reader.check_keys(
      *table, "[limits]",
      {"message_bytes_max", "held_output_bytes_max", "sessions_max", "logins_max",
       "statement_tokens_max", "statement_nesting_max", "prepared_statements_max", "portals_max",
       "login_timeout", "write_timeout", "shutdown_timeout", "write_pause_max"});
  read_amounts(reader, *table, config.limits);
  read_times(reader, *table, config);
}

void read_engine(Reader& reader, const toml::table& table, CopyConfig& copy) {
  constexpr std::string_view kEngines[] = {"sqlite", "postgres", "mysql", "oracle"};
  constexpr std::size_t kHere = 2;
  if (table.get("engine") == nullptr) {
    reader.mistake(table, "copy \"" + copy.name + "\" lacks the key \"engine\"",
                   "\"sqlite\" or \"postgres\"");
    return;
  }
  std::size_t index =
      reader.choice(table, "engine", {kEngines[0], kEngines[1], kEngines[2], kEngines[3]}, 0);
  copy.engine = std::string(kEngines[index]);
  if (index >= kHere) {
    reader.mistake(
        *table.get("engine"),
        "copy \"" + copy.name + "\": the engine " + copy.engine + " is not in this version",
        "\"sqlite\" or \"postgres\"");
  }
}

// The gateway connects without a resolver.
void read_address(Reader& reader, const toml::table& table, CopyConfig& copy) {
  constexpr const char* kForm =
      "such as \"host=10.0.0.5 port=5432 user=postgres\", the host a numeric address or the "
      "directory of a socket";
  std::string text = reader.required_text(table, "[[cluster.copy]]", "address");
  if (!reader.ok()) return;
  auto address = engines::postgres::Conninfo::parse(text);
  if (!address) {
    return reader.mistake(*table.get("address"),
                          "copy \"" + copy.name + "\": " + address.error().message, kForm);
  }
  copy.address = *address;
  const std::string host = address->place();
  std::string port = address->get("port");
  Listener parsed;
  const bool six = host.contains(':');
  const std::string whole = (six ? "[" + host + "]" : host) + ":" + (port.empty() ? "5432" : port);
  if (host.starts_with('/') || parse_address(whole, parsed)) return;
  reader.mistake(*table.get("address"),
                 "copy \"" + copy.name + "\": its address names no host that can be used", kForm);
}

// Either this process looks after the server, or its agent does.
void read_agent(Reader& reader, const toml::table& table, CopyConfig& copy) {
  constexpr const char* kForm = "\"ADDRESS:PORT\" such as \"10.0.0.5:6445\", the address numeric";
  std::string name = reader.text(table, "agent_name", "");
  if (table.get("agent") == nullptr) {
    if (table.get("agent_name") == nullptr) return;
    return reader.mistake(*table.get("agent_name"), "agent_name without agent", kForm);
  }
  std::string text = reader.required_text(table, "[[cluster.copy]]", "agent");
  if (!reader.ok()) return;
  if (!parse_address(text, copy.agent.at) || copy.agent.at.port == 0) {
    return reader.mistake(*table.get("agent"), "agent cannot be \"" + text + "\"", kForm);
  }
  copy.agent.name = name.empty() ? copy.agent.at.host : name;
  if (!copy.path.empty()) {
    reader.mistake(*table.get("agent"), "copy \"" + copy.name + "\" has both path and agent",
                   "path: Spar itself starts the server there; agent: `spar agent` does");
  }
}

// Which version Spar starts.
void read_programs(Reader& reader, const toml::table& table, CopyConfig& copy) {
  std::string programs = reader.text(table, "programs", "");
  if (programs.empty()) return;
  copy.programs = absolute_from(reader.file(), programs);
  if (table.get("path") == nullptr) {
    reader.mistake(*table.get("programs"),
                   "copy \"" + copy.name + "\" has programs, but no path to start a server in",
                   "programs beside path; an agent has its own");
  }
}

CopyConfig read_copy(Reader& reader, const toml::table& table) {
  CopyConfig copy;
  copy.name = reader.required_name(table, "[[cluster.copy]]");
  if (reader.ok()) read_engine(reader, table, copy);
  if (!reader.ok()) return copy;
  std::string path;
  if (copy.is_server()) {
    reader.check_keys(
        table, "[[cluster.copy]]",
        {"name", "engine", "address", "path", "programs", "agent", "agent_name", "role"});
    read_address(reader, table, copy);
    path = reader.text(table, "path", "");
    read_programs(reader, table, copy);
  } else {
    reader.check_keys(table, "[[cluster.copy]]", {"name", "engine", "path", "role"});
    path = reader.required_text(table, "[[cluster.copy]]", "path");
  }
  if (!reader.ok()) return copy;
  if (!path.empty()) copy.path = absolute_from(reader.file(), path);
  if (copy.is_server()) read_agent(reader, table, copy);
  if (table.get("role") != nullptr) {
    reader.choice(table, "role", {"replica"}, 0);
    copy.replica_only = true;
  }
  return copy;
}

void read_copies(Reader& reader, const toml::table& table, ClusterConfig& cluster) {
  std::set<std::string> names;
  for (const toml::table* child : reader.children(table, "copy")) {
    CopyConfig copy = read_copy(reader, *child);
    if (!reader.ok()) return;
    if (!names.insert(copy.name).second) {
      reader.mistake(*child->get("name"),
                     "cluster \"" + cluster.name + "\" has two copies named \"" + copy.name + "\"",
                     "a name of its own for each copy");
    }
    cluster.copies.push_back(std::move(copy));
  }
  if (reader.ok() && !cluster.copies.empty()) {
    const std::string& engine = cluster.copies.front().engine;
    for (const CopyConfig& copy : cluster.copies) {
      if (copy.engine == engine) continue;
      reader.mistake(table,
                     "cluster \"" + cluster.name + "\" has copies of the engines " + engine +
                         " and " + copy.engine,
                     "one engine in a cluster, in this version");
      return;
    }
  }
  if (cluster.copies.empty() || cluster.copies.size() > kCopiesMax) {
    reader.mistake(
        table,
        "cluster \"" + cluster.name + "\" has " + std::to_string(cluster.copies.size()) + " copies",
        "1 to 32 tables [[cluster.copy]]");
  }
}

void read_mirrors(Reader& reader, const toml::table& table, ClusterConfig& cluster) {
  constexpr Durability kChoices[] = {Durability::mirrored, Durability::mirrored_strict,
                                     Durability::async};
  cluster.durability =
      kChoices[reader.choice(table, "durability", {"mirrored", "mirrored-strict", "async"}, 0)];
  auto eligible = std::count_if(cluster.copies.begin(), cluster.copies.end(),
                                [](const CopyConfig& copy) { return !copy.replica_only; });
  if (eligible == 0) {
    reader.mistake(table, "cluster \"" + cluster.name + "\" has replicas only",
                   "at least one copy without role = \"replica\"");
    return;
  }
  std::int64_t most = eligible - 1;
  bool waits = cluster.durability != Durability::async;
  cluster.mirrors = static_cast<int>(
      reader.integer(table, "mirrors", {0, most}, waits ? std::min<std::int64_t>(1, most) : 0));
  if (cluster.durability == Durability::mirrored_strict && cluster.mirrors == 0) {
    reader.mistake(table,
                   "mirrored-strict needs a mirror, cluster \"" + cluster.name + "\" has none",
                   "mirrors of at least 1 and two copies, or durability = \"mirrored\"");
  }
}

void read_databases(Reader& reader, const toml::table& table, ClusterConfig& cluster) {
  cluster.databases = reader.texts(table, "databases");
  std::set<std::string> names;
  for (const std::string& name : cluster.databases) {
    bool usable = !name.empty() && name.size() <= 63 && name.find('\0') == std::string::npos;
    if (!usable || !names.insert(name).second) {
      reader.mistake(*table.get("databases"), "\"" + name + "\" cannot stand in databases",
                     "names of 1 to 63 bytes, each once");
    }
  }
}

ClusterConfig read_cluster(Reader& reader, const toml::table& table, Config& config) {
  ClusterConfig cluster;
  reader.check_keys(table, "[[cluster]]",
                    {"name", "durability", "mirrors", "databases", "copy", "backup"});
  cluster.name = reader.required_name(table, "[[cluster]]");
  if (reader.ok()) read_databases(reader, table, cluster);
  if (reader.ok()) read_copies(reader, table, cluster);
  if (reader.ok()) read_mirrors(reader, table, cluster);
  if (const toml::table* backup = reader.child(table, "backup")) {
    reader.check_keys(*backup, "[cluster.backup]", {"repository", "every", "keep"});
    warn_later(reader, config, table, "backup", "no backup is made");
  }
  return cluster;
}

bool holds(const std::string& outer, const std::string& inner) {
  return inner == outer || inner.starts_with(outer == "/" ? outer : outer + "/");
}

// Two copies in one directory, or one inside the other, would destroy each other.
void check_paths(Reader& reader, const toml::table& root, const Config& config) {
  std::vector<std::pair<std::string, std::string>> seen;  // path, whose it is
  for (const ClusterConfig& cluster : config.clusters) {
    for (const CopyConfig& copy : cluster.copies) {
      if (copy.path.empty()) continue;
      if (holds(copy.path, config.data_directory)) seen.emplace_back(config.data_directory, "node");
      for (const auto& [path, owner] : seen) {
        if (!holds(path, copy.path) && !holds(copy.path, path)) continue;
        reader.mistake(root,
                       "the directory of copy \"" + copy.name + "\", " + copy.path +
                           ", overlaps that of " + owner + ", " + path,
                       "a directory of its own for each copy");
        return;
      }
      seen.emplace_back(copy.path, "copy \"" + copy.name + "\"");
    }
  }
}

// One listener speaks to sessions of its own, or passes them on.
void check_engines(Reader& reader, const toml::table& root, const Config& config) {
  const bool servers = config.clusters.front().copies.front().is_server();
  for (const ClusterConfig& cluster : config.clusters) {
    if (cluster.copies.front().is_server() == servers) continue;
    reader.mistake(root, "the node has both embedded clusters and clusters of servers",
                   "one kind on a node, in this version");
    return;
  }
}

void read_clusters(Reader& reader, const toml::table& root, Config& config) {
  std::set<std::string> names, databases;
  for (const toml::table* table : reader.children(root, "cluster")) {
    ClusterConfig cluster = read_cluster(reader, *table, config);
    if (!reader.ok()) return;
    if (!names.insert(cluster.name).second) {
      reader.mistake(*table->get("name"), "two clusters are named \"" + cluster.name + "\"",
                     "a name of its own for each cluster");
    }
    for (const std::string& database : cluster.databases) {
      if (databases.insert(database).second) continue;
      reader.mistake(*table->get("databases"),
                     "database \"" + database + "\" stands in two clusters",
                     "each database in one cluster");
    }
    config.clusters.push_back(std::move(cluster));
  }
  if (config.clusters.empty()) {
    reader.mistake(root, "there is no [[cluster]]", "at least one table [[cluster]]");
  }
  if (reader.ok()) check_paths(reader, root, config);
  if (reader.ok()) check_engines(reader, root, config);
}

UserConfig read_user(Reader& reader, const toml::table& table) {
  UserConfig user;
  reader.check_keys(table, "[[user]]", {"name", "password"});
  user.name = reader.required_text(table, "[[user]]", "name");
  std::string text = reader.required_text(table, "[[user]]", "password");
  if (!reader.ok()) return user;
  user.password = classify_password(text);
  if (!is_usable(user.password)) {
    reader.mistake(*table.get("password"), "the password of \"" + user.name + "\" is not usable",
                   "a SCRAM-SHA-256 secret, a plain password, env:NAME or file:PATH");
  }
  if (user.password.kind == Password::Kind::file) {
    user.password.value = absolute_from(reader.file(), user.password.value);
  }
  return user;
}

void read_users(Reader& reader, const toml::table& root, Config& config) {
  std::set<std::string> names;
  for (const toml::table* table : reader.children(root, "user")) {
    UserConfig user = read_user(reader, *table);
    if (!reader.ok()) return;
    if (!names.insert(user.name).second) {
      reader.mistake(*table->get("name"), "two users are named \"" + user.name + "\"",
                     "each user once");
    }
    config.users.push_back(std::move(user));
  }
}

void check_exposure(Reader& reader, const toml::table& root, const Config& config) {
  if (!reader.ok() || !config.postgres.on() || is_loopback(config.postgres.host)) return;
  const toml::node& at = *root["node"]["postgres_listen"].node();
  if (config.users.empty()) {
    reader.mistake(at, "listening on " + config.postgres.host + " without any [[user]]",
                   "127.0.0.1, [::1], or at least one [[user]]");
  }
  if (!config.tls.on()) {
    reader.mistake(at, "listening on " + config.postgres.host + " without TLS",
                   "127.0.0.1, [::1], or a table [tls] with certificate and key");
  }
}

// A server has one copy: an agent knows it by the copy's name alone.
void check_agents(Reader& reader, const toml::table& root, const Config& config) {
  std::set<std::string> servers;
  for (const ClusterConfig& cluster : config.clusters) {
    for (const CopyConfig& copy : cluster.copies) {
      if (!copy.agent.at.on()) continue;
      const std::string at = copy.agent.at.host + " " + std::to_string(copy.agent.at.port);
      if (config.agent_tls.certificate.empty()) {
        reader.mistake(root, "copy \"" + copy.name + "\" has an agent, and there is no [agent_tls]",
                       "a table [agent_tls] with certificate, key and authority");
      } else if (!servers.insert(at + " " + copy.name).second) {
        reader.mistake(root, "two copies named \"" + copy.name + "\" have the same agent",
                       "a name of its own for each server of an agent");
      }
    }
  }
}

Config read_root(Reader& reader, const toml::table& root) {
  Config config;
  config.file = reader.file();
  reader.check_keys(root, "the file", {"node", "tls", "agent_tls", "limits", "cluster", "user"});
  read_node(reader, root, config);
  read_tls(reader, root, config);
  read_agent_tls(reader, root, config);
  read_limits(reader, root, config);
  read_users(reader, root, config);
  read_clusters(reader, root, config);
  check_exposure(reader, root, config);
  if (reader.ok()) check_agents(reader, root, config);
  return config;
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& file) {
  SPAR_ASSIGN(const toml::table root, parse_toml(text, file));
  Reader reader(file);
  Config config = read_root(reader, root);
  if (!reader.ok()) return std::unexpected(*reader.error());
  return config;
}

Result<Config> read_config(const std::string& file) {
  auto text = read_small_file(file, "the configuration");
  if (!text) {
    text.error().hint = "make one with `spar init DIR`, or name it with --config FILE";
    return std::unexpected(std::move(text.error()));
  }
  return parse_config(*text, file);
}

const ClusterConfig* Config::find_cluster(std::string_view name) const {
  const auto found = std::ranges::find(clusters, name, &ClusterConfig::name);
  return found == clusters.end() ? nullptr : &*found;
}

std::string admin_socket_path(const Config& config) {
  return config.data_directory + "/admin.sock";
}

}  // namespace spar::server
