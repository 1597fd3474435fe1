#include "server/config_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spar::server {
namespace {

using testing::HasSubstr;

const std::string kText = R"(# my cluster
[[cluster]]
name = "main"
mirrors = 1
[[cluster.copy]]
name = "a"
engine = "sqlite"
path = "copies/a"  # the fast disk
[[cluster.copy]]
name = "b"
engine = "sqlite"
path = "copies/b"

# who may come in
[[user]]
name = "app"
password = "x"
)";

TEST(ConfigEdit, AddsBehindTheLastCopyAndKeepsTheRest) {
  auto text = add_copy(kText, "/d/spar.toml", "main", {"c", "sqlite", "/d/copies/c", true});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("path = \"copies/b\"\n[[cluster.copy]]\nname = \"c\"\nengine = "
                               "\"sqlite\"\npath = \"copies/c\"\nrole = \"replica\"\n\n# who"));
  EXPECT_THAT(*text, HasSubstr("# the fast disk"));
}

TEST(ConfigEdit, WritesPathsElsewhereInFull) {
  auto text = add_copy(kText, "/d/spar.toml", "main", {"c", "sqlite", "/mnt/\"x\"", false});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(parse_config(*text, "/d/spar.toml")->clusters[0].copies[2].path, "/mnt/\"x\"");
}

TEST(ConfigEdit, RemoveUndoesAdd) {
  auto added = add_copy(kText, "/d/spar.toml", "main", {"c", "sqlite", "/d/c", false});
  EXPECT_EQ(*remove_copy(*added, "/d/spar.toml", "main", "c"), kText);
}

TEST(ConfigEdit, WritesAServerWithItsAgentAsItWillBeRead) {
  const std::string text =
      "[agent_tls]\ncertificate = \"c\"\nkey = \"k\"\nauthority = \"a\"\n[[cluster]]\nname = "
      "\"m\"\n[[cluster.copy]]\nname = \"a\"\nengine = \"postgres\"\naddress = "
      "\"host=10.0.0.1 user=postgres\"\n[[cluster.copy]]\nname = \"b\"\nengine = \"postgres\"\n"
      "address = \"host=10.0.0.2 user=postgres\"\n";
  CopyConfig server{"c", "postgres", "", true, {}, {}};
  server.address = *engines::postgres::Conninfo::parse("host=10.0.0.3 password='it\\'s'");
  server.agent = {{"10.0.0.3", 6445}, "db3"};
  auto added = add_copy(text, "/d/spar.toml", "m", server);
  ASSERT_TRUE(added) << added.error().message;
  const CopyConfig read = parse_config(*added, "/d/spar.toml")->clusters[0].copies[2];
  EXPECT_EQ(read.address.text(), server.address.text());
  EXPECT_EQ(read.agent.name, "db3");
  EXPECT_EQ(read.agent.at.port, 6445);
  EXPECT_TRUE(read.replica_only);
  EXPECT_EQ(*remove_copy(*added, "/d/spar.toml", "m", "c"), text);
}

TEST(ConfigEdit, RefusesWhatWouldBreakTheFile) {
  EXPECT_FALSE(add_copy(kText, "/d/f", "main", {"a", "sqlite", "/d/c", false}));
  EXPECT_FALSE(add_copy(kText, "/d/f", "other", {"c", "sqlite", "/d/c", false}));
  EXPECT_FALSE(remove_copy(kText, "/d/f", "main", "z"));
  auto too_few = remove_copy(kText, "/d/f", "main", "b");  // mirrors = 1 needs two copies
  ASSERT_FALSE(too_few);
  EXPECT_THAT(too_few.error().message, HasSubstr("mirrors cannot be 1"));
}

TEST(ConfigEdit, LeavesInlineTablesToAPerson) {
  std::string text =
      "[[cluster]]\nname = \"m\"\ncopy = [{name = \"a\", engine = \"sqlite\", path = \"a\"}]\n";
  auto edited = add_copy(text, "/d/f", "m", {"c", "sqlite", "/d/c", false});
  ASSERT_FALSE(edited);
  EXPECT_EQ(edited.error().code, Code::invalid);
}

}  // namespace
}  // namespace spar::server
