#include "server/postgres/doctor.h"

#include <charconv>

#include "base/size_text.h"
#include "server/address.h"

namespace spar::server::postgres {
namespace {

using engines::postgres::Identity;
using engines::postgres::KeptLog;
using engines::postgres::Lsn;
using engines::postgres::ServerControl;

constexpr int kKeptWalMax = 64;  // MB, below which a rewind may lack the log back to the fork

class Judge {
 public:
  Judge(std::string copy, const Identity& identity, std::vector<Finding>& findings)
      : copy_(std::move(copy)), identity_(identity), findings_(findings) {}

  std::string text(const std::string& name) const {
    auto found = identity_.settings.find(name);
    return found == identity_.settings.end() ? "" : found->second;
  }
  int number(const std::string& name) const {
    const std::string value = text(name);
    int parsed = 0;
    std::from_chars(value.data(), value.data() + value.size(), parsed);
    return parsed;
  }
  void say(const std::string& what, Severity severity, std::string found, std::string remedy) {
    if (severity == Severity::good) remedy.clear();
    findings_.push_back({copy_, what, severity, std::move(found), std::move(remedy)});
  }
  // ALTER SYSTEM on this copy mends it, after a restart.
  void expect(bool good, const std::string& name, const std::string& wanted,
              Severity otherwise = Severity::problem) {
    say(name, good ? Severity::good : otherwise, text(name),
        "ALTER SYSTEM SET " + name + " = '" + wanted + "'; then restart " + copy_);
  }

 private:
  std::string copy_;
  const Identity& identity_;
  std::vector<Finding>& findings_;
};

// What a copy said, as far as it matters beside the others.
struct Examined {
  const CopyConfig* config = nullptr;
  Identity identity;
  std::optional<KeptLog> kept;  // of a primary

  const std::string& name() const { return config->name; }
};

std::vector<Finding> examine_copy(const CopyConfig& copy, int copies, Monotonic deadline,
                                  std::optional<Examined>& examined) {
  auto control = ServerControl::connect(copy.address, deadline);
  if (!control) {
    return {{copy.name, "connection", Severity::problem, control.error().message,
             "is it running, does `address` name it, and does its pg_hba.conf let us in?"}};
  }
  auto found = control->identify(deadline);
  if (!found) {
    return {{copy.name, "rights", Severity::problem, found.error().message,
             "the user of `address` must be a superuser"}};
  }
  examined = Examined{&copy, *found, {}};
  if (!found->in_recovery) {
    if (auto kept = control->kept_log(deadline)) examined->kept = *kept;
  }
  std::vector<Finding> findings = {{copy.name, "connection", Severity::good, "answers", ""},
                                   encryption_of(copy)};
  for (Finding& each : findings_of(copy.name, *found, copies)) findings.push_back(std::move(each));
  return findings;
}

// Whether it streams; if not, whether it still could.
Finding examine_replication(const Examined& copy, const Examined& primary) {
  const Identity& standby = copy.identity;
  const Lsn at = standby.received, end = primary.identity.received;
  const std::string behind = size_text(end > at ? end.value - at.value : 0) + " behind";
  if (standby.receiver && standby.receiver->streaming) {
    return {copy.name(), "replication", Severity::good, "streams, " + behind, ""};
  }
  const bool archive = !standby.settings.at("restore_command").empty();
  if (archive || !primary.kept || primary.kept->reaches(at)) {
    return {copy.name(), "replication", Severity::warning, "receives nothing, " + behind,
            "`spar serve` makes it follow; if it does not, its log says why"};
  }
  const bool managed = !copy.config->path.empty() || copy.config->agent.at.on();
  return {copy.name(), "replication", Severity::problem,
          behind + ", and " + primary.name() + " has thrown away the log that it needs",
          managed ? "`spar serve` fills it anew by a base backup"
                  : "fill it anew: `spar status` names the command"};
}

// What only all of them together show.
void compare(const std::vector<Examined>& all, std::vector<Finding>& findings) {
  const Examined* primary = nullptr;
  for (const Examined& each : all) {
    const Identity& identity = each.identity;
    const Examined& first = all.front();
    if (identity.system != first.identity.system) {
      findings.push_back({each.name(), "system", Severity::problem,
                          "another cluster than " + first.name(),
                          "make it anew by pg_basebackup from the primary"});
    }
    if (identity.version / 10000 != first.identity.version / 10000) {
      findings.push_back({each.name(), "version", Severity::problem,
                          "another major version than " + first.name(),
                          "streaming replication needs the same one"});
    }
    if (identity.in_recovery) continue;
    if (primary != nullptr) {
      findings.push_back({each.name(), "role", Severity::problem,
                          "a primary, as " + primary->name() + " is",
                          "if Spar serves the cluster it fences the wrong one; else stop it"});
    }
    primary = &each;
  }
  if (primary == nullptr && !all.empty()) {
    findings.push_back({"", "role", Severity::problem, "no server is a primary",
                        "start `spar serve`, or look at the events"});
  }
  for (const Examined& each : all) {
    if (primary == nullptr || !each.identity.in_recovery) continue;
    findings.push_back(examine_replication(each, *primary));
  }
}

}  // namespace

Finding encryption_of(const CopyConfig& copy) {
  const std::string host = copy.address.place();
  const std::string mode = copy.address.get("sslmode");
  const bool local = host.starts_with('/') || is_loopback(host);
  if (local || mode == "verify-full" || mode == "verify-ca") {
    return {copy.name, "encryption", Severity::good, local ? "on this machine" : mode, ""};
  }
  return {copy.name, "encryption", Severity::warning,
          mode == "require" ? "encrypted, but nobody checks who answers"
                            : "connections to " + host + " may be unencrypted",
          "set ssl = on there, and sslmode=verify-full sslrootcert=FILE in its `address`"};
}

std::vector<Finding> findings_of(const std::string& copy, const Identity& identity, int copies) {
  std::vector<Finding> findings;
  Judge judge(copy, identity, findings);
  judge.expect(judge.text("wal_level") == "replica" || judge.text("wal_level") == "logical",
               "wal_level", "replica");
  judge.expect(judge.text("hot_standby") == "on", "hot_standby", "on");
  const int connections = 2 * copies + 2;
  judge.expect(judge.number("max_wal_senders") >= connections, "max_wal_senders",
               std::to_string(std::max(connections, 10)));
  judge.expect(judge.number("max_replication_slots") >= copies, "max_replication_slots",
               std::to_string(std::max(copies, 10)));
  const bool rewinds = judge.text("wal_log_hints") == "on" || judge.text("data_checksums") == "on";
  judge.say("wal_log_hints", rewinds ? Severity::good : Severity::warning,
            rewinds ? "a lost primary can be rewound" : "off, and no data checksums",
            "ALTER SYSTEM SET wal_log_hints = 'on'; then restart " + copy +
                " (else a lost primary is copied anew)");
  judge.expect(judge.number("wal_keep_size") >= kKeptWalMax, "wal_keep_size", "512MB",
               Severity::warning);
  const bool bounded = judge.number("max_slot_wal_keep_size") >= 0;
  judge.say("max_slot_wal_keep_size", bounded ? Severity::good : Severity::warning,
            bounded ? judge.text("max_slot_wal_keep_size") : "no bound",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '8GB' and reload " + copy +
                " (else a copy that stays away fills the primary's disk)");
  return findings;
}

std::vector<Finding> examine(const ClusterConfig& cluster, Monotonic deadline) {
  std::vector<Finding> findings;
  std::vector<Examined> all;
  for (const CopyConfig& copy : cluster.copies) {
    std::optional<Examined> examined;
    for (Finding& each :
         examine_copy(copy, static_cast<int>(cluster.copies.size()), deadline, examined)) {
      findings.push_back(std::move(each));
    }
    if (examined) all.push_back(std::move(*examined));
  }
  compare(all, findings);
  return findings;
}

}  // namespace spar::server::postgres
