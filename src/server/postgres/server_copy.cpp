#include "server/postgres/server_copy.h"

#include <charconv>

#include "agent/local_agent.h"
#include "server/postgres/limits.h"

namespace spar::server::postgres {
namespace {

using engines::postgres::Conninfo;
using engines::postgres::ServerControl;

constexpr std::uint16_t kDefaultPort = 5432;

std::string without_extras(const Conninfo& address) {
  Conninfo plain = address;
  plain.set("dbname", "");
  return plain.without_password();
}

}  // namespace

bool ServerCopy::needs_rebuild(const Error& error) {
  return error.code != Code::deadline && error.code != Code::copy_lost &&
         error.code != Code::invalid && error.code != Code::cancelled;
}

Failure needs_a_person(const std::string& what, const std::string& hint) {
  auto failed = failure(Code::unavailable, what);
  failed.error().hint = hint;
  return failed;
}

Result<std::unique_ptr<ServerCopy>> ServerCopy::make(storage::Disk& disk, CopyId id,
                                                     ServerSpec spec) {
  std::unique_ptr<ServerCopy> copy(new ServerCopy(id, std::move(spec)));
  const Conninfo& address = copy->spec_.address;
  auto tls = gateway::relay::ServerTls::make(address.get("sslmode"), address.get("sslrootcert"),
                                             address.named_host());
  if (!tls) {
    tls.error().message = "copy \"" + copy->name() + "\": " + tls.error().message;
    return Failure(tls.error());
  }
  copy->tls_ = std::move(*tls);
  if (const auto& remote = copy->spec_.remote) {
    copy->agent_ = std::make_unique<agent::remote::RemoteAgent>(remote->tls, remote->place);
  } else if (!copy->spec_.directory.empty()) {
    SPAR_ASSIGN(agent::PostgresTools tools, agent::find_postgres_tools(copy->spec_.programs));
    SPAR_ASSIGN(agent::PostgresServer server,
                agent::PostgresServer::at(disk, std::move(tools),
                                          {copy->spec_.directory, copy->port(), copy->host()}));
    copy->agent_ = std::make_unique<agent::LocalAgent>(disk, std::move(server));
  }
  return copy;
}

std::string ServerCopy::host() const {
  return spec_.address.place();
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
  address.set("keepalives_idle", "10");  // of a host that is gone, nothing else tells
  address.set("keepalives_interval", "5");
  address.set("keepalives_count", "3");
  const std::string time = std::to_string(kDeadStandbyTime.count());
  const std::string own = address.get("options");
  address.set("options", own + (own.empty() ? "" : " ") + "-c tcp_user_timeout=" + time +
                             " -c wal_sender_timeout=" + time);
  return address;
}

agent::Upstream ServerCopy::upstream(const ServerCopy& primary) const {
  Conninfo address = primary.upstream_for(*this);
  return {.conninfo = address.without_password(),
          .password = address.get("password"),
          .slot = engines::postgres::slot_name(id_)};
}

bool ServerCopy::has_data(Monotonic deadline) const {
  auto seen = look(deadline);
  return seen && seen->has_data;
}

// People look often, and an agent may be slow to answer: asked only now and then.
int ServerCopy::pid() const {
  if (!agent_) return 0;
  std::lock_guard lock(mutex_);
  const Monotonic now = std::chrono::steady_clock::now();
  if (spec_.remote && now < pid_known_till_) return pid_;
  auto seen = agent_->look(now + kPidTime);
  pid_ = seen ? seen->running_pid() : 0;
  pid_known_till_ = std::chrono::steady_clock::now() + kPidKnownFor;
  return pid_;
}

Result<void> ServerCopy::create(Epoch epoch, Monotonic deadline) {
  agent::FirstUser user;
  if (std::string name = spec_.address.get("user"); !name.empty()) user.name = name;
  user.password = spec_.address.get("password");
  return agent_->create(epoch, user, deadline);
}

Result<void> ServerCopy::start(Epoch epoch, agent::StartAs as, Monotonic deadline) {
  return agent_->start(epoch, as, deadline);
}

Result<void> ServerCopy::stop(Epoch epoch, agent::Stop how, Monotonic deadline) {
  return agent_->stop(epoch, how, deadline);
}

Result<std::string> ServerCopy::lost_transactions(const engines::postgres::ServerHistory& history,
                                                  Monotonic deadline) {
  std::vector<agent::TimelineEnd> ends;
  const engines::postgres::ServerFork* last = nullptr;
  for (const auto& fork : history) {
    if (last != nullptr && last->timeline != fork.timeline) {
      ends.push_back(
          {last->timeline.value, to_string(engines::postgres::Lsn(fork.fork.after.value))});
    }
    last = &fork;
  }
  return agent_->transactions_beyond(ends, deadline);
}

// As its server's user. Nobody knows where its data is but the server itself.
std::string ServerCopy::backup_command(const ServerCopy& primary) const {
  std::string data = "DATA_DIRECTORY";
  const Monotonic deadline = in(kAnswerWithin);
  if (auto server = control(deadline)) {
    if (auto identity = server->identify(deadline)) data = identity->settings["data_directory"];
  }
  const agent::Upstream source = upstream(primary);
  return "pg_basebackup -d \"" + source.conninfo + "\" -D " + data + " -S " + source.slot +
         " -X stream -c fast -R";
}

Result<std::string> ServerCopy::fill_anew(Epoch epoch, const ServerCopy& primary,
                                          const std::string& why) {
  if (!agent_) {
    return needs_a_person(why, "stop it, empty its data directory, run `" +
                                   backup_command(primary) +
                                   "` and start it; or set `path` or `agent` in the configuration");
  }
  SPAR_ASSIGN(std::string aside, agent_->rebuild(epoch, upstream(primary), in(kCopyTime)));
  std::string done = "filled by a base backup";
  if (!aside.empty()) done += "; what it held is in " + aside;
  return why.empty() ? done : done + " (" + why + ")";
}

// The cheapest that fits: rewind it, fill it anew.
Result<std::string> ServerCopy::bring_behind(Epoch epoch, const ServerCopy& primary,
                                             Monotonic deadline) {
  if (!agent_) {
    return needs_a_person("copy " + name() + " has no agent that could make it follow",
                          "stop it, run pg_rewind --source-server=\"" +
                              without_extras(primary.address()) +
                              "\", give it standby.signal and start it; or set `path` or `agent` "
                              "in the configuration");
  }
  SPAR_ASSIGN(agent::AgentReport seen, look(deadline));
  if (!seen.has_data) return fill_anew(epoch, primary, "");
  auto rewound = agent_->rewind(epoch, upstream(primary), deadline);
  if (rewound) return "rewound to the fork";
  if (!needs_rebuild(rewound.error())) return std::unexpected(std::move(rewound.error()));
  return fill_anew(epoch, primary, rewound.error().message);
}

}  // namespace spar::server::postgres
