// What `spar doctor` makes of a server's settings.
#include <gtest/gtest.h>

#include <algorithm>

#include "server/postgres/doctor.h"

namespace spar::server::postgres {
namespace {

engines::postgres::Identity healthy() {
  engines::postgres::Identity identity;
  identity.settings = {{"wal_level", "replica"},  {"hot_standby", "on"},
                       {"max_wal_senders", "10"}, {"max_replication_slots", "10"},
                       {"wal_log_hints", "on"},   {"data_checksums", "off"},
                       {"wal_keep_size", "512"},  {"max_slot_wal_keep_size", "8192"}};
  return identity;
}

Finding about(const std::vector<Finding>& all, const std::string& what) {
  auto found = std::ranges::find(all, what, &Finding::what);
  return found == all.end() ? Finding{} : *found;
}

TEST(Doctor, FindsNothingWrongWithAServerAsSparMakesIt) {
  for (const Finding& each : findings_of("a", healthy(), 3)) {
    EXPECT_EQ(each.severity, Severity::good) << each.what;
    EXPECT_EQ(each.remedy, "") << each.what;
  }
}

TEST(Doctor, SaysWhatMendsEachSetting) {
  struct Case {
    const char *name, *value;
    Severity severity;
    const char* remedy;
  };
  for (const Case& each :
       {Case{"wal_level", "minimal", Severity::problem, "ALTER SYSTEM SET wal_level = 'replica'"},
        Case{"hot_standby", "off", Severity::problem, "hot_standby = 'on'"},
        Case{"max_wal_senders", "2", Severity::problem, "max_wal_senders = '10'"},
        Case{"max_replication_slots", "0", Severity::problem, "max_replication_slots = '10'"},
        Case{"max_slot_wal_keep_size", "-1", Severity::warning, "max_slot_wal_keep_size = '8GB'"},
        Case{"wal_log_hints", "off", Severity::warning, "wal_log_hints = 'on'"},
        Case{"wal_keep_size", "0", Severity::warning, "wal_keep_size = '512MB'"}}) {
    auto identity = healthy();
    identity.settings[each.name] = each.value;
    const Finding found = about(findings_of("a", identity, 3), each.name);
    EXPECT_EQ(found.severity, each.severity) << each.name;
    EXPECT_NE(found.remedy.find(each.remedy), std::string::npos) << found.remedy;
  }
}

TEST(Doctor, WantsServersElsewhereToProveWhoTheyAre) {
  for (const auto& [address, severity] :
       {std::pair("host=127.0.0.1", Severity::good), std::pair("host=/run", Severity::good),
        std::pair("host=10.0.0.5", Severity::warning),
        std::pair("host=10.0.0.5 sslmode=require", Severity::warning),
        std::pair("host=10.0.0.5 sslmode=verify-full sslrootcert=/r", Severity::good)}) {
    CopyConfig copy{.name = "a", .address = *engines::postgres::Conninfo::parse(address)};
    EXPECT_EQ(encryption_of(copy).severity, severity) << address;
  }
}

TEST(Doctor, TakesChecksumsInsteadOfHints) {
  auto identity = healthy();
  identity.settings["wal_log_hints"] = "off";
  identity.settings["data_checksums"] = "on";
  EXPECT_EQ(about(findings_of("a", identity, 3), "wal_log_hints").severity, Severity::good);
}

}  // namespace
}  // namespace spar::server::postgres
