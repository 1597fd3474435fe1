#include "server/postgres/server_copy.h"

#include <charconv>
#include <filesystem>

#include "server/postgres/limits.h"

namespace spar::server::postgres {
namespace {

using agent::StartAs;
using engines::postgres::Conninfo;
using engines::postgres::ServerControl;

constexpr std::uint16_t kDefaultPort = 5432;

std::string without_extras(const Conninfo& address) {
  Conninfo plain = address;
  plain.set("dbname", "");
  return plain.without_password();
}

}  // namespace

Failure needs_a_person(const std::string& what, const std::string& hint) {
  auto failed = failure(Code::unavailable, what);
  failed.error().hint = hint;
  return failed;
}

Result<std::unique_ptr<ServerCopy>> ServerCopy::make(storage::Disk& disk, CopyId id,
                                                     ServerSpec spec) {
  std::optional<agent::PostgresServer> server;
  std::unique_ptr<ServerCopy> copy(new ServerCopy(id, std::move(spec), std::nullopt));
  if (copy->spec_.directory.empty()) return copy;
  SPAR_ASSIGN(agent::PostgresTools tools, agent::find_postgres_tools());
  SPAR_ASSIGN(agent::PostgresServer made,
              agent::PostgresServer::at(disk, std::move(tools),
                                        {copy->spec_.directory, copy->port(), copy->host()}));
  copy->server_.emplace(std::move(made));
  return copy;
}

std::string ServerCopy::host() const {
  std::string host = spec_.address.get("hostaddr");
  return host.empty() ? spec_.address.get("host") : host;
}

std::uint16_t ServerCopy::port() const {
  std::string text = spec_.address.get("port");
  std::uint16_t port = kDefaultPort;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

Result<ServerControl> ServerCopy::control(Monotonic deadline) const {
  return ServerControl::connect(spec_.address, deadline);
}

Conninfo ServerCopy::upstream_for(const ServerCopy& standby) const {
  Conninfo address = spec_.address;
  address.set("dbname", "");
  address.set("application_name", standby.name());
  return address;
}

agent::Upstream ServerCopy::upstream(const ServerCopy& primary) const {
  Conninfo address = primary.upstream_for(*this);
  return {.conninfo = address.without_password(),
          .password = address.get("password"),
          .slot = engines::postgres::slot_name(id_)};
}

bool ServerCopy::has_data() const {
  if (!server_) return false;
  std::error_code ignored;
  return std::filesystem::exists(server_->place().data() + "/PG_VERSION", ignored);
}

bool ServerCopy::is_standby() const {
  std::error_code ignored;
  return std::filesystem::exists(server_->place().data() + "/standby.signal", ignored);
}

int ServerCopy::pid() const {
  if (!server_) return 0;
  std::lock_guard lock(mutex_);
  agent::ServerStatus status = server_->status();
  return status.state == agent::ServerState::running ? status.pid : 0;
}

Result<void> ServerCopy::create(Monotonic deadline) {
  std::lock_guard lock(mutex_);
  agent::InitOptions options;
  std::string user = spec_.address.get("user"), password = spec_.address.get("password");
  if (!user.empty()) options.superuser = user;
  options.login = password.empty() ? agent::Login::trust : agent::Login::scram;
  options.password = password;
  SPAR_TRY(server_->init(options, deadline));
  return server_->start(StartAs::primary, deadline);
}

Result<void> ServerCopy::start_as_it_was(bool may_be_primary, Monotonic deadline) {
  bool standby = is_standby();
  if (!standby && !may_be_primary) {
    return failure(Code::invalid, name() + " was primary and has to be rewound before it starts");
  }
  std::lock_guard lock(mutex_);
  return server_->start(standby ? StartAs::standby : StartAs::primary, deadline);
}

Result<void> ServerCopy::stop(agent::Stop how, Monotonic deadline) {
  std::lock_guard lock(mutex_);
  return server_->stop(how, deadline);
}

Result<std::string> ServerCopy::lost_transactions(const engines::postgres::ServerHistory& history,
                                                  Monotonic deadline) {
  std::lock_guard lock(mutex_);
  SPAR_ASSIGN(std::uint32_t timeline, server_->timeline(deadline));
  bool here = false;
  for (const auto& fork : history) {
    if (here && fork.timeline.value != timeline) {
      return server_->transactions_from(
          timeline, to_string(engines::postgres::Lsn(fork.fork.after.value)), deadline);
    }
    here = here || fork.timeline.value == timeline;
  }
  return "";
}

Result<std::string> ServerCopy::rewind_behind(const ServerCopy& primary, Monotonic deadline) {
  std::lock_guard lock(mutex_);
  if (auto stopped = server_->stop(agent::Stop::fast, std::chrono::steady_clock::now() + kStopTime);
      !stopped) {
    SPAR_TRY(server_->stop(agent::Stop::kill, deadline));
  }
  SPAR_TRY(server_->rewind(upstream(primary), deadline));
  SPAR_TRY(server_->start(StartAs::standby, deadline));
  return "rewound to the fork";
}

Result<std::string> ServerCopy::rebuild_behind(const ServerCopy& primary, Monotonic deadline) {
  std::lock_guard lock(mutex_);
  SPAR_TRY(server_->stop(agent::Stop::kill, deadline));
  SPAR_ASSIGN(std::string aside, server_->set_aside());
  SPAR_TRY(server_->base_backup(upstream(primary), deadline));
  SPAR_TRY(server_->start(StartAs::standby, deadline));
  return aside.empty() ? "filled by a base backup"
                       : "filled by a base backup; what it held is in " + aside;
}

// The cheapest that fits: start it, rewind it, fill it anew.
Result<std::string> ServerCopy::bring_behind(const ServerCopy& primary, Monotonic deadline) {
  if (!server_) {
    return needs_a_person("copy " + name() + " has no agent that could make it follow",
                          "stop it, run pg_rewind --source-server=\"" +
                              without_extras(primary.address()) +
                              "\", give it standby.signal and start it; or set `path` or `agent` "
                              "in the configuration");
  }
  if (!has_data()) return rebuild_behind(primary, deadline);
  auto rewound = rewind_behind(primary, deadline);
  if (rewound) return rewound;
  if (rewound.error().code == Code::deadline) return rewound;
  auto rebuilt = rebuild_behind(primary, deadline);
  if (rebuilt) return *rebuilt + " (" + rewound.error().message + ")";
  return rebuilt;
}

}  // namespace spar::server::postgres
