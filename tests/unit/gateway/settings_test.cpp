#include "gateway/settings.h"

#include <gtest/gtest.h>

#include "gateway/setting_table.h"

namespace spar::gateway {
namespace {

Settings fresh() {
  return Settings("app", Limits());
}

std::string value_of(const Settings& settings, std::string_view name) {
  auto value = settings.show(name);
  return value ? *value : "error " + value.error().sqlstate + " " + value.error().message;
}

// Sets and shows: what the value became, or the error.
std::string after_set(std::string_view name, std::string_view value) {
  Settings settings = fresh();
  auto done = settings.set(name, value, false);
  if (!done) return done.error().sqlstate + " " + done.error().message;
  return value_of(settings, name);
}

TEST(Settings, NormalisesValues) {
  EXPECT_EQ(after_set("statement_timeout", "5000"), "5s");
  EXPECT_EQ(after_set("statement_timeout", "1500 ms"), "1500ms");
  EXPECT_EQ(after_set("lock_timeout", "2min"), "2min");
  EXPECT_EQ(after_set("Statement_Timeout", "0.5s"), "500ms");
  EXPECT_EQ(after_set("statement_timeout", "0"), "0");
  EXPECT_EQ(after_set("default_transaction_read_only", "TRUE"), "on");
  EXPECT_EQ(after_set("client_encoding", "utf-8"), "UTF8");
  EXPECT_EQ(after_set("client_encoding", "SQL_ASCII"), "SQL_ASCII");
  EXPECT_EQ(after_set("datestyle", "ISO"), "ISO, MDY");
  EXPECT_EQ(after_set("timezone", "utc"), "UTC");
  EXPECT_EQ(after_set("TimeZone", "+02:00"), "+02:00");
  EXPECT_EQ(after_set("TimeZone", "2"), "<+02>-02");
  EXPECT_EQ(after_set("TimeZone", "-11"), "<-11>+11");
  EXPECT_EQ(after_set("spar.read", "Bounded"), "bounded");
  EXPECT_EQ(after_set("spar.after", "3/1042"), "3/1042");
  EXPECT_EQ(after_set("default_transaction_isolation", "SERIALIZABLE"), "serializable");
  EXPECT_EQ(after_set("extra_float_digits", "3"), "3");
}

// POSIX counts to the west.
TEST(Settings, TellHowFarEastTheTimeZoneIs) {
  EXPECT_EQ(zone_offset("UTC"), "UTC");
  EXPECT_EQ(zone_offset("+02:00"), "-02:00");
  EXPECT_EQ(zone_offset("-5:30"), "+5:30");
  EXPECT_EQ(zone_offset("<+02>-02"), "+02");
  EXPECT_EQ(zone_offset("<-11>+11"), "-11");
}

TEST(Settings, RefusesWhatPostgresqlRefuses) {
  EXPECT_EQ(after_set("no_such_thing", "1"),
            "42704 unrecognized configuration parameter \"no_such_thing\"");
  EXPECT_EQ(after_set("statement_timeout", "soon"),
            "22023 invalid value for parameter \"statement_timeout\": \"soon\"");
  EXPECT_EQ(after_set("statement_timeout", "-1"),
            "22023 -1 ms is outside the valid range for parameter \"statement_timeout\" "
            "(0 .. 2147483647)");
  EXPECT_EQ(after_set("default_transaction_read_only", "maybe"),
            "22023 parameter \"default_transaction_read_only\" requires a Boolean value");
  EXPECT_EQ(after_set("spar.read", "always"),
            "22023 invalid value for parameter \"spar.read\": \"always\"");
  EXPECT_EQ(after_set("server_version", "16"),
            "55P02 parameter \"server_version\" cannot be changed");
  EXPECT_EQ(after_set("spar.reed", "strict"),
            "42704 unrecognized configuration parameter \"spar.reed\"");
  EXPECT_TRUE(after_set("client_encoding", "LATIN1").starts_with("0A000"));
  EXPECT_TRUE(after_set("datestyle", "German").starts_with("0A000"));
  EXPECT_TRUE(after_set("standard_conforming_strings", "off").starts_with("0A000"));
  EXPECT_TRUE(after_set("spar.after", "yesterday").starts_with("22023"));
}

TEST(Settings, KeepsCustomParametersOfTwoParts) {
  EXPECT_EQ(after_set("myapp.user_id", "42"), "42");
  EXPECT_EQ(value_of(fresh(), "myapp.user_id"),
            "error 42704 unrecognized configuration parameter \"myapp.user_id\"");
  EXPECT_TRUE(after_set("1app.x", "1").starts_with("42704"));
  EXPECT_TRUE(after_set("app.", "1").starts_with("42704"));
}

TEST(Settings, LimitsCustomParameters) {
  Limits limits;
  limits.custom_settings_max = 2;
  limits.setting_bytes_max = 10;
  Settings settings("app", limits);
  EXPECT_TRUE(settings.set("a.a", "1", false));
  EXPECT_TRUE(settings.set("a.b", "1", false));
  EXPECT_EQ(settings.set("a.c", "1", false).error().sqlstate, "54000");
  EXPECT_EQ(settings.set("a.a", "12345678901", false).error().sqlstate, "54000");
}

TEST(Settings, RollbackTakesBackWhatTheTransactionSet) {
  Settings settings = fresh();
  ASSERT_TRUE(settings.set("application_name", "one", false));
  settings.commit();
  ASSERT_TRUE(settings.set("application_name", "two", false));
  ASSERT_TRUE(settings.set("application_name", "three", true));
  EXPECT_EQ(value_of(settings, "application_name"), "three");
  settings.rollback();
  EXPECT_EQ(value_of(settings, "application_name"), "one");
}

TEST(Settings, CommitTakesBackWhatIsLocal) {
  Settings settings = fresh();
  ASSERT_TRUE(settings.set("application_name", "kept", false));
  ASSERT_TRUE(settings.set("application_name", "local", true));
  settings.commit();
  EXPECT_EQ(value_of(settings, "application_name"), "kept");
}

TEST(Settings, SavepointsTakeBackTheirPart) {
  Settings settings = fresh();
  ASSERT_TRUE(settings.set("application_name", "a", false));
  settings.savepoint("s");
  ASSERT_TRUE(settings.set("application_name", "b", false));
  settings.savepoint("t");
  ASSERT_TRUE(settings.set("application_name", "c", true));
  settings.rollback_to("s");
  EXPECT_EQ(value_of(settings, "application_name"), "a");
  ASSERT_TRUE(settings.set("application_name", "d", false));
  settings.rollback_to("s");
  EXPECT_EQ(value_of(settings, "application_name"), "a");
  settings.release("s");
  settings.commit();
  EXPECT_EQ(value_of(settings, "application_name"), "a");
}

TEST(Settings, ResetGoesToTheStartUpPacket) {
  Settings settings = fresh();
  std::string warning;
  ASSERT_TRUE(settings.set_default("application_name", "psql", warning));
  ASSERT_TRUE(settings.set("application_name", "other", false));
  ASSERT_TRUE(settings.set("application_name", std::nullopt, false));
  EXPECT_EQ(value_of(settings, "application_name"), "psql");
  ASSERT_TRUE(settings.set("statement_timeout", "1s", false));
  ASSERT_TRUE(settings.set("my.own", "x", false));
  settings.reset_all();
  EXPECT_EQ(value_of(settings, "statement_timeout"), "0");
  EXPECT_EQ(value_of(settings, "my.own"), "");
}

TEST(Settings, TakesUtcForAnUnknownZoneOfTheStartUpPacket) {
  Settings settings = fresh();
  std::string warning;
  ASSERT_TRUE(settings.set_default("TimeZone", "Asia/Shanghai", warning));
  EXPECT_NE(warning.find("Asia/Shanghai"), std::string::npos);
  EXPECT_EQ(value_of(settings, "timezone"), "UTC");
  EXPECT_EQ(settings.set("timezone", "Asia/Shanghai", false).error().sqlstate, "22023");
}

TEST(Settings, ReportsEachChangeOnce) {
  Settings settings = fresh();
  auto reported = [&] {
    std::vector<std::string> out;
    settings.report([&](std::string_view name, std::string_view value) {
      out.push_back(std::string(name) + "=" + std::string(value));
    });
    return out;
  };
  EXPECT_EQ(reported().size(), 13u);
  EXPECT_TRUE(reported().empty());
  ASSERT_TRUE(settings.set("application_name", "x", false));
  ASSERT_TRUE(settings.set("lock_timeout", "1s", false));
  EXPECT_EQ(reported(), std::vector<std::string>{"application_name=x"});
  settings.rollback();
  EXPECT_EQ(reported(), std::vector<std::string>{"application_name="});
}

TEST(Settings, CountsChangesOfMeaning) {
  Settings settings = fresh();
  const std::uint64_t before = settings.meaning_changes();
  ASSERT_TRUE(settings.set("application_name", "x", false));
  EXPECT_EQ(settings.meaning_changes(), before);
  ASSERT_TRUE(settings.set("search_path", "shop, public", false));
  EXPECT_GT(settings.meaning_changes(), before);
}

TEST(SettingTable, SplitsLists) {
  EXPECT_EQ(identifier_list("\"$user\", Public,\"My Schema\""),
            (std::vector<std::string>{"$user", "public", "My Schema"}));
  EXPECT_TRUE(identifier_list("").empty());
}

}  // namespace
}  // namespace spar::gateway
