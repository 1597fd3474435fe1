#include "server/postgres/doctor.h"

#include <charconv>

#include "server/address.h"

namespace spar::server::postgres {
namespace {

using engines::postgres::Identity;
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

std::vector<Finding> examine_copy(const CopyConfig& copy, int copies, Monotonic deadline,
                                  std::optional<Identity>& identity) {
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
  identity = *found;
  std::vector<Finding> findings = {{copy.name, "connection", Severity::good, "answers", ""},
                                   encryption_of(copy)};
  for (Finding& each : findings_of(copy.name, *found, copies)) findings.push_back(std::move(each));
  return findings;
}

// What only all of them together show.
void compare(const std::vector<std::pair<std::string, Identity>>& all,
             std::vector<Finding>& findings) {
  std::string primary;
  for (const auto& [name, identity] : all) {
    if (identity.system != all.front().second.system) {
      findings.push_back({name, "system", Severity::problem,
                          "another cluster than " + all.front().first,
                          "make it anew by pg_basebackup from the primary"});
    }
    if (identity.version / 10000 != all.front().second.version / 10000) {
      findings.push_back({name, "version", Severity::problem,
                          "another major version than " + all.front().first,
                          "streaming replication needs the same one"});
    }
    if (identity.in_recovery) continue;
    if (!primary.empty()) {
      findings.push_back({name, "role", Severity::problem, "a primary, as " + primary + " is",
                          "if Spar serves the cluster it fences the wrong one; else stop it"});
    }
    primary = name;
  }
  if (primary.empty() && !all.empty()) {
    findings.push_back({"", "role", Severity::problem, "no server is a primary",
                        "start `spar serve`, or look at the events"});
  }
}

}  // namespace

Finding encryption_of(const CopyConfig& copy) {
  std::string host = copy.address.get("hostaddr");
  if (host.empty()) host = copy.address.get("host");
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
  return findings;
}

std::vector<Finding> examine(const ClusterConfig& cluster, Monotonic deadline) {
  std::vector<Finding> findings;
  std::vector<std::pair<std::string, Identity>> all;
  for (const CopyConfig& copy : cluster.copies) {
    std::optional<Identity> identity;
    for (Finding& each :
         examine_copy(copy, static_cast<int>(cluster.copies.size()), deadline, identity)) {
      findings.push_back(std::move(each));
    }
    if (identity) all.emplace_back(copy.name, std::move(*identity));
  }
  compare(all, findings);
  return findings;
}

}  // namespace spar::server::postgres
