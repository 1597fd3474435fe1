#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_directory.h"

namespace spar::server {
namespace {

using testing::HasSubstr;

constexpr const char* kSmallest = R"([[cluster]]
name = "main"
[[cluster.copy]]
name = "a"
engine = "sqlite"
path = "copies/a"
[[cluster.copy]]
name = "b"
engine = "sqlite"
path = "/srv/b/"
)";

Config parsed(const std::string& text) {
  auto config = parse_config(text, "/etc/spar/spar.toml");
  EXPECT_TRUE(config) << (config ? "" : config.error().message);
  return config ? *config : Config{};
}

TEST(Config, SmallestFileGetsDefaults) {
  Config config = parsed(kSmallest);
  EXPECT_EQ(config.data_directory, "/etc/spar/spar-data");
  EXPECT_EQ(config.postgres.host, "127.0.0.1");
  EXPECT_EQ(config.postgres.port, 6432);
  EXPECT_FALSE(config.tls.on());
  EXPECT_EQ(config.limits.message_bytes_max, gateway::Limits{}.message_bytes_max);
  ASSERT_EQ(config.clusters.size(), 1u);
  const ClusterConfig& cluster = config.clusters[0];
  EXPECT_EQ(cluster.durability, Durability::mirrored);
  EXPECT_EQ(cluster.mirrors, 1);
  ASSERT_EQ(cluster.copies.size(), 2u);
  EXPECT_EQ(cluster.copies[0].path, "/etc/spar/copies/a");
  EXPECT_EQ(cluster.copies[1].path, "/srv/b");
  EXPECT_TRUE(config.warnings.empty());
}

TEST(Config, EveryKeyIsRead) {
  Config config = parsed(R"(
[node]
data = "/var/lib/spar"
postgres_listen = "[::]:5432"
mysql_listen = "127.0.0.1:6446"
console_listen = ""
[tls]
certificate = "server.crt"
key = "/etc/ssl/server.key"
[limits]
message_bytes_max = "16MiB"
sessions_max = 50
statement_tokens_max = 1000
statement_nesting_max = 100
held_output_bytes_max = 134217728
login_timeout = "2s"
write_pause_max = "1min"
shutdown_timeout = "500ms"
[[cluster]]
name = "main"
durability = "mirrored-strict"
mirrors = 2
databases = ["shop", "stock"]
[[cluster.copy]]
name = "a"
engine = "sqlite"
path = "a"
[[cluster.copy]]
name = "b"
engine = "sqlite"
path = "b"
[[cluster.copy]]
name = "c"
engine = "sqlite"
path = "c"
[[cluster.copy]]
name = "d"
engine = "sqlite"
path = "d"
role = "replica"
[cluster.backup]
repository = "backups"
every = "1h"
keep = "30d"
[[user]]
name = "app"
password = "env:APP_PASSWORD"
[[user]]
name = "other"
password = "file:secret"
)");
  EXPECT_EQ(config.data_directory, "/var/lib/spar");
  EXPECT_EQ(config.postgres.host, "::");
  EXPECT_EQ(config.postgres.port, 5432);
  EXPECT_EQ(config.tls.certificate, "/etc/spar/server.crt");
  EXPECT_EQ(config.tls.key, "/etc/ssl/server.key");
  EXPECT_EQ(config.limits.message_bytes_max, 16u << 20);
  EXPECT_EQ(config.limits.sessions_max, 50u);
  EXPECT_EQ(config.limits.parse.tokens_max, 1000u);
  EXPECT_EQ(config.limits.parse.nesting_max, 100u);
  EXPECT_EQ(config.limits.held_output_bytes_max, 134217728u);
  EXPECT_EQ(config.limits.login_timeout, std::chrono::seconds(2));
  EXPECT_EQ(config.write_pause_max, std::chrono::minutes(1));
  EXPECT_EQ(config.limits.shutdown_timeout, std::chrono::milliseconds(500));
  const ClusterConfig& cluster = config.clusters.at(0);
  EXPECT_EQ(cluster.durability, Durability::mirrored_strict);
  EXPECT_EQ(cluster.mirrors, 2);
  EXPECT_THAT(cluster.databases, testing::ElementsAre("shop", "stock"));
  EXPECT_TRUE(cluster.copies.at(3).replica_only);
  EXPECT_EQ(config.users.at(0).password.kind, Password::Kind::environment);
  EXPECT_EQ(config.users.at(1).password.value, "/etc/spar/secret");
  ASSERT_EQ(config.warnings.size(), 2u);
  EXPECT_THAT(config.warnings[0], HasSubstr("/etc/spar/spar.toml:5:16: mysql_listen"));
  EXPECT_THAT(config.warnings[1], HasSubstr("no backup is made"));
}

// A cluster of one server; `more` is added to its copy.
std::string server_cluster(const std::string& more, const std::string& name = "m") {
  return "[[cluster]]\nname = \"" + name +
         "\"\n[[cluster.copy]]\nname = \"a\"\nengine = \"postgres\"\naddress = "
         "\"host=10.0.0.5\"\n" +
         more;
}

constexpr const char* kAgentTls =
    "[agent_tls]\ncertificate = \"s.crt\"\nkey = \"s.key\"\nauthority = \"/etc/ca.crt\"\n";

TEST(Config, AgentsAreRead) {
  Config config = parsed(kAgentTls + server_cluster("agent = \"10.0.0.5:6445\"\n") +
                         server_cluster("agent = \"[::1]:7\"\nagent_name = \"db-a\"\n", "n"));
  EXPECT_EQ(config.agent_tls.certificate, "/etc/spar/s.crt");
  EXPECT_EQ(config.agent_tls.key, "/etc/spar/s.key");
  EXPECT_EQ(config.agent_tls.authority, "/etc/ca.crt");
  ASSERT_EQ(config.clusters.size(), 2u);
  const AgentAddress& first = config.clusters[0].copies[0].agent;
  EXPECT_EQ(first.at.host, "10.0.0.5");
  EXPECT_EQ(first.at.port, 6445);
  EXPECT_EQ(first.name, "10.0.0.5");
  EXPECT_EQ(config.clusters[1].copies[0].agent.at.host, "::1");
  EXPECT_EQ(config.clusters[1].copies[0].agent.name, "db-a");
  EXPECT_FALSE(parsed(server_cluster("")).clusters[0].copies[0].agent.at.on());
}

TEST(Config, ACopyMayNameItsPrograms) {
  Config config = parsed(server_cluster("path = \"a\"\nprograms = \"pg17/bin\"\n") +
                         server_cluster("path = \"b\"\n", "n"));
  EXPECT_EQ(config.clusters[0].copies[0].programs, "/etc/spar/pg17/bin");
  EXPECT_EQ(config.clusters[1].copies[0].programs, "");
}

struct Mistake {
  const char* name;
  std::string text;
  const char* message;  // after "f.toml:"
  const char* hint;
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
  return out << mistake.name;
}

class ConfigMistake : public testing::TestWithParam<Mistake> {};

TEST_P(ConfigMistake, NamesPlaceAndWhatIsAllowed) {
  auto config = parse_config(GetParam().text, "f.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::invalid);
  EXPECT_THAT(config.error().message, HasSubstr(std::string("f.toml:") + GetParam().message));
  EXPECT_THAT(config.error().hint, HasSubstr(GetParam().hint));
}

const std::string kCluster = kSmallest;

INSTANTIATE_TEST_SUITE_P(
    All, ConfigMistake,
    testing::Values(
        Mistake{"no_toml", "[node\n", "1:6: ", "TOML"},
        Mistake{"unknown_table", "[nodes]\n" + kCluster, "1:2: unknown key \"nodes\"", "node, tls"},
        Mistake{"unknown_key", "[node]\ndat = \"x\"\n" + kCluster,
                "2:1: unknown key \"dat\" in [node]", "data, postgres_listen"},
        Mistake{"wrong_type", "[node]\ndata = 5\n" + kCluster, "2:8: data has the wrong type",
                "a text in quotes"},
        Mistake{"wrong_table", "node = 5\n" + kCluster, "1:8: node has the wrong type", "a table"},
        Mistake{"bad_address", "[node]\npostgres_listen = \"here\"\n" + kCluster,
                "2:19: postgres_listen cannot be \"here\"", "\"[::1]:6432\""},
        Mistake{"bad_port", "[node]\npostgres_listen = \"127.0.0.1:99999\"\n" + kCluster,
                "2:19: ", "ADDRESS:PORT"},
        Mistake{"bare_v6", "[node]\npostgres_listen = \"::1:6432\"\n" + kCluster,
                "2:19: ", "ADDRESS:PORT"},
        Mistake{"open_without_users", "[node]\npostgres_listen = \"0.0.0.0:6432\"\n" + kCluster,
                "2:19: listening on 0.0.0.0 without any [[user]]", "127.0.0.1"},
        Mistake{"open_without_tls",
                "[node]\npostgres_listen = \"0.0.0.0:6432\"\n" + kCluster +
                    "[[user]]\nname = \"a\"\npassword = \"b\"\n",
                "2:19: listening on 0.0.0.0 without TLS", "[tls]"},
        Mistake{"half_tls", "[tls]\nkey = \"k\"\n" + kCluster, "1:1: [tls] lacks the key", ""},
        Mistake{"limit_range", "[limits]\nsessions_max = 0\n" + kCluster,
                "2:16: sessions_max cannot be 0", "1 to 10000"},
        Mistake{"limit_size", "[limits]\nmessage_bytes_max = \"3 yards\"\n" + kCluster,
                "2:21: message_bytes_max is no usable size", "64MiB"},
        Mistake{"limit_time", "[limits]\nlogin_timeout = 5\n" + kCluster,
                "2:17: login_timeout is no usable time", "\"10s\""},
        Mistake{"no_cluster", "", "1:1: there is no [[cluster]]", "[[cluster]]"},
        Mistake{"no_copies", "[[cluster]]\nname = \"m\"\n", "1:1: cluster \"m\" has 0 copies",
                "1 to 32"},
        Mistake{"bad_durability",
                "[[cluster]]\nname = \"m\"\ndurability = \"always\"\n" +
                    kCluster.substr(kCluster.find("[[cluster.copy")),
                "3:14: durability cannot be \"always\"", "mirrored, mirrored-strict or async"},
        Mistake{"too_many_mirrors",
                "[[cluster]]\nname = \"m\"\nmirrors = 2\n" +
                    kCluster.substr(kCluster.find("[[cluster.copy")),
                "3:11: mirrors cannot be 2", "0 to 1"},
        Mistake{"strict_alone",
                "[[cluster]]\nname = \"m\"\ndurability = \"mirrored-strict\"\nmirrors = 0\n" +
                    kCluster.substr(kCluster.find("[[cluster.copy")),
                "1:1: mirrored-strict needs a mirror", "two copies"},
        Mistake{"bad_name", "[[cluster]]\nname = \"m m\"\n", "2:8: \"m m\" is no name", "letters"},
        Mistake{"bad_databases", "[[cluster]]\nname = \"m\"\ndatabases = [1]\n",
                "3:14: ", "list of texts"},
        Mistake{"twice_database", "[[cluster]]\nname = \"m\"\ndatabases = [\"x\", \"x\"]\n",
                "3:13: \"x\" cannot stand", "each once"},
        Mistake{"two_clusters", kCluster + kCluster, "12:8: two clusters are named \"main\"", ""},
        Mistake{"two_copies",
                kCluster + "[[cluster.copy]]\nname = \"a\"\nengine = \"sqlite\"\npath = \"q\"\n",
                "12:8: cluster \"main\" has two copies named \"a\"", ""},
        Mistake{"shared_path",
                kCluster + "[[cluster.copy]]\nname = \"c\"\nengine = \"sqlite\"\npath = "
                           "\"copies/a/sub\"\n",
                "", "directory of its own"},
        Mistake{"unknown_engine",
                kCluster + "[[cluster.copy]]\nname = \"c\"\nengine = \"db2\"\npath = \"q\"\n",
                "13:10: engine cannot be \"db2\"", "sqlite, postgres, mysql or oracle"},
        Mistake{"later_engine",
                kCluster + "[[cluster.copy]]\nname = \"c\"\nengine = \"mysql\"\naddress = \"h\"\n",
                "13:10: copy \"c\": the engine mysql is not in this version",
                "\"sqlite\" or \"postgres\""},
        Mistake{"no_path", kCluster + "[[cluster.copy]]\nname = \"c\"\nengine = \"sqlite\"\n",
                "11:1: [[cluster.copy]] lacks the key \"path\"", ""},
        Mistake{"bad_role",
                kCluster + "[[cluster.copy]]\nname = \"c\"\nengine = \"sqlite\"\npath = "
                           "\"q\"\nrole = \"mirror\"\n",
                "15:8: role cannot be \"mirror\"", "replica"},
        Mistake{"user_twice",
                kCluster + "[[user]]\nname = \"a\"\npassword = \"b\"\n[[user]]\nname = "
                           "\"a\"\npassword = \"b\"\n",
                "15:8: two users are named \"a\"", ""},
        Mistake{"agent_without_tls", server_cluster("agent = \"10.0.0.5:6445\"\n"),
                "1:1: copy \"a\" has an agent, and there is no [agent_tls]", "authority"},
        Mistake{"agent_half_tls", "[agent_tls]\nkey = \"k\"\n" + kCluster,
                "1:1: [agent_tls] lacks the key \"certificate\"", ""},
        Mistake{"bad_agent", kAgentTls + server_cluster("agent = \"db-a:6445\"\n"),
                "11:9: agent cannot be \"db-a:6445\"", "numeric"},
        Mistake{"agent_and_path",
                kAgentTls + server_cluster("path = \"p\"\nagent = \"10.0.0.5:6445\"\n"),
                "12:9: copy \"a\" has both path and agent", "`spar agent`"},
        Mistake{"agent_name_alone", server_cluster("agent_name = \"x\"\n"),
                "7:14: agent_name without agent", "ADDRESS:PORT"},
        Mistake{"agent_twice",
                kAgentTls + server_cluster("agent = \"10.0.0.5:6445\"\n") +
                    server_cluster("agent = \"10.0.0.5:6445\"\n", "n"),
                "1:1: two copies named \"a\" have the same agent", "name of its own"},
        Mistake{"agent_of_sqlite", kCluster + "agent = \"10.0.0.5:6445\"\n",
                "11:1: unknown key \"agent\"", ""},
        Mistake{"programs_alone", server_cluster("programs = \"/opt/bin\"\n"),
                "7:12: copy \"a\" has programs, but no path", "beside path"},
        Mistake{"bad_secret", kCluster + "[[user]]\nname = \"a\"\npassword = \"SCRAM-SHA-256$x\"\n",
                "13:12: the password of \"a\" is not usable", "env:NAME"}),
    [](const auto& mistake) { return mistake.param.name; });

TEST(Config, FileThatIsNotThereSaysWhatToDo) {
  test::TempDirectory directory;
  auto config = read_config(directory / "spar.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::io);
  EXPECT_THAT(config.error().hint, HasSubstr("spar init"));
}

TEST(Config, NeverShowsAPassword) {
  auto config = parse_config(kCluster + "[[user]]\nname = \"a\"\npassword = \"hunter2\nx\"\n", "f");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, testing::Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace spar::server
