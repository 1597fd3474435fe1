#include "server/agent_config.h"

#include <set>

#include "server/address.h"
#include "server/config_reader.h"
#include "server/password.h"

namespace spar::server {
namespace {

constexpr std::string_view kAddressForm =
    "\"ADDRESS:PORT\" such as \"10.0.0.5:6445\" or \"[::1]:6445\"";
constexpr std::int64_t kPortDefault = 5432;

void read_agent(Reader& reader, const toml::table& root, AgentConfig& config) {
  constexpr const char* kTable = "[agent]";
  const toml::table* agent = reader.child(root, "agent");
  if (agent == nullptr) {
    return reader.mistake(root, "there is no table [agent]",
                          "[agent] with listen, certificate, key and authority");
  }
  reader.check_keys(*agent, kTable, {"listen", "certificate", "key", "authority", "allow"});
  std::string listen = reader.required_text(*agent, kTable, "listen");
  if (reader.ok() && !parse_address(listen, config.listen)) {
    reader.mistake(*agent->get("listen"), "listen cannot be \"" + listen + "\"",
                   std::string(kAddressForm));
  }
  config.tls.certificate = reader.required_path(*agent, kTable, "certificate");
  config.tls.key = reader.required_path(*agent, kTable, "key");
  config.tls.authority = reader.required_path(*agent, kTable, "authority");
  config.allow = reader.texts(*agent, "allow");
  for (const std::string& name : config.allow) {
    if (name.empty()) reader.mistake(*agent->get("allow"), "a name in allow is empty", "names");
  }
}

AgentServerConfig read_server(Reader& reader, const toml::table& table) {
  constexpr const char* kTable = "[[server]]";
  AgentServerConfig server;
  reader.check_keys(table, kTable, {"name", "path", "port", "listen", "programs"});
  server.name = reader.required_name(table, kTable);
  server.place.directory = reader.required_path(table, kTable, "path");
  server.place.port =
      static_cast<std::uint16_t>(reader.integer(table, "port", {1, 65'535}, kPortDefault));
  server.place.listen = reader.text(table, "listen", server.place.listen);
  Listener parsed;
  const bool six = server.place.listen.contains(':');
  if (reader.ok() &&
      !parse_address((six ? "[" + server.place.listen + "]" : server.place.listen) + ":1",
                     parsed)) {
    reader.mistake(*table.get("listen"), "listen cannot be \"" + server.place.listen + "\"",
                   "a numeric address of this machine, such as \"10.0.0.5\"");
  }
  std::string programs = reader.text(table, "programs", "");
  if (!programs.empty()) server.programs = absolute_from(reader.file(), programs);
  return server;
}

void read_servers(Reader& reader, const toml::table& root, AgentConfig& config) {
  std::set<std::string> names, paths;
  for (const toml::table* table : reader.children(root, "server")) {
    AgentServerConfig server = read_server(reader, *table);
    if (!reader.ok()) return;
    if (!names.insert(server.name).second) {
      reader.mistake(*table->get("name"), "two servers are named \"" + server.name + "\"",
                     "a name of its own for each server");
    }
    if (!paths.insert(server.place.directory).second) {
      reader.mistake(*table->get("path"), "two servers have the path " + server.place.directory,
                     "a directory of its own for each server");
    }
    config.servers.push_back(std::move(server));
  }
  if (reader.ok() && config.servers.empty()) {
    reader.mistake(root, "there is no server to look after", "at least one table [[server]]");
  }
}

}  // namespace

Result<AgentConfig> parse_agent_config(std::string_view text, const std::string& file) {
  SPAR_ASSIGN(const toml::table root, parse_toml(text, file));
  Reader reader(file);
  AgentConfig config;
  config.file = file;
  reader.check_keys(root, "the file", {"agent", "server"});
  read_agent(reader, root, config);
  read_servers(reader, root, config);
  if (!reader.ok()) return std::unexpected(*reader.error());
  return config;
}

Result<AgentConfig> read_agent_config(const std::string& file) {
  auto text = read_small_file(file, "the configuration");
  if (!text) {
    text.error().hint = "`spar agent --help` shows one";
    return std::unexpected(std::move(text.error()));
  }
  return parse_agent_config(*text, file);
}

}  // namespace spar::server
