#include "server/agent_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_directory.h"

namespace spar::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kAgent =
    "[agent]\nlisten = \"10.0.0.5:6445\"\ncertificate = \"agent.crt\"\nkey = \"agent.key\"\n"
    "authority = \"/etc/ca.crt\"\n";
const std::string kServer = "[[server]]\nname = \"a\"\npath = \"a\"\n";

TEST(AgentConfig, SmallestFileGetsDefaults) {
  auto config = parse_agent_config(kAgent + kServer, "/etc/spar/agent.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen.host, "10.0.0.5");
  EXPECT_EQ(config->listen.port, 6445);
  EXPECT_EQ(config->tls.certificate, "/etc/spar/agent.crt");
  EXPECT_EQ(config->tls.key, "/etc/spar/agent.key");
  EXPECT_EQ(config->tls.authority, "/etc/ca.crt");
  EXPECT_TRUE(config->allow.empty());
  ASSERT_EQ(config->servers.size(), 1u);
  EXPECT_EQ(config->servers[0].name, "a");
  EXPECT_EQ(config->servers[0].place.directory, "/etc/spar/a");
  EXPECT_EQ(config->servers[0].place.port, 5432);
  EXPECT_EQ(config->servers[0].place.listen, "127.0.0.1");
  EXPECT_EQ(config->servers[0].programs, "");
}

TEST(AgentConfig, EveryKeyIsRead) {
  auto config = parse_agent_config(
      kAgent + "allow = [\"spar\", \"10.0.0.1\"]\n" + kServer +
          "port = 5433\nlisten = \"10.0.0.5\"\nprograms = \"/opt/pg/bin/\"\n"
          "[[server]]\nname = \"b\"\npath = \"/srv/b\"\nport = 5434\nlisten = \"::1\"\n",
      "/etc/spar/agent.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->allow, ElementsAre("spar", "10.0.0.1"));
  ASSERT_EQ(config->servers.size(), 2u);
  EXPECT_EQ(config->servers[0].place.port, 5433);
  EXPECT_EQ(config->servers[0].place.listen, "10.0.0.5");
  EXPECT_EQ(config->servers[0].programs, "/opt/pg/bin");
  EXPECT_EQ(config->servers[1].place.directory, "/srv/b");
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

class AgentConfigMistake : public testing::TestWithParam<Mistake> {};

TEST_P(AgentConfigMistake, NamesPlaceAndWhatIsAllowed) {
  auto config = parse_agent_config(GetParam().text, "f.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::invalid);
  EXPECT_THAT(config.error().message, HasSubstr(std::string("f.toml:") + GetParam().message));
  EXPECT_THAT(config.error().hint, HasSubstr(GetParam().hint));
}

INSTANTIATE_TEST_SUITE_P(
    Files, AgentConfigMistake,
    testing::Values(
        Mistake{"no_toml", "[agent", "1:", "TOML"},
        Mistake{"nothing", "", "1:1: there is no table [agent]", "certificate"},
        Mistake{"no_certificate", "[agent]\nlisten = \"10.0.0.5:6445\"\n" + kServer,
                "1:1: [agent] lacks the key \"certificate\"", ""},
        Mistake{"no_authority", kAgent.substr(0, kAgent.find("authority")) + kServer,
                "1:1: [agent] lacks the key \"authority\"", ""},
        Mistake{"unknown_key", kAgent + "allowed = []\n" + kServer,
                "6:1: unknown key \"allowed\" in [agent]", "allow"},
        Mistake{"unknown_table", kAgent + kServer + "[tls]\n", "9:2: unknown key \"tls\"",
                "server"},
        Mistake{"bad_listen", "[agent]\nlisten = \"db-a:1\"\n", "2:10: listen cannot be \"db-a:1\"",
                "10.0.0.5"},
        Mistake{"empty_allow", kAgent + "allow = [\"\"]\n" + kServer, "6:9: a name in allow", ""},
        Mistake{"no_server", kAgent, "1:1: there is no server to look after", "[[server]]"},
        Mistake{"no_path", kAgent + "[[server]]\nname = \"a\"\n",
                "6:1: [[server]] lacks the key \"path\"", ""},
        Mistake{"bad_name", kAgent + "[[server]]\nname = \"a b\"\npath = \"p\"\n",
                "7:8: \"a b\" is no name", "letters"},
        Mistake{"bad_port", kAgent + kServer + "port = 0\n", "9:8: port cannot be 0", "1 to 65535"},
        Mistake{"bad_server_listen", kAgent + kServer + "listen = \"*\"\n",
                "9:10: listen cannot be \"*\"", "numeric"},
        Mistake{"two_names", kAgent + kServer + "[[server]]\nname = \"a\"\npath = \"b\"\n",
                "10:8: two servers are named \"a\"", ""},
        Mistake{"two_paths", kAgent + kServer + "[[server]]\nname = \"b\"\npath = \"./a/\"\n",
                "11:8: two servers have the path", "directory of its own"}),
    [](const auto& mistake) { return mistake.param.name; });

TEST(AgentConfig, FileThatIsNotThereSaysWhatToDo) {
  test::TempDirectory directory;
  auto config = read_agent_config(directory / "agent.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::io);
  EXPECT_THAT(config.error().hint, HasSubstr("spar agent --help"));
}

}  // namespace
}  // namespace spar::server
