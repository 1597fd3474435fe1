#include "spar/commands/init.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "server/config.h"
#include "tests/support/temp_directory.h"

namespace spar::app {
namespace {

using test::TempDirectory;

TEST(Init, WritesAFileThatServes) {
  test::TempDirectory directory;
  InitOptions options{.directory = directory / "shop", .database = "my \"shop\""};
  auto made = make_node(options, false);
  ASSERT_TRUE(made) << made.error().message;
  auto config = server::read_config(directory / "shop/spar.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->clusters[0].copies.size(), 3u);
  EXPECT_EQ(config->clusters[0].databases[0], "my \"shop\"");
  for (const server::CopyConfig& copy : config->clusters[0].copies) {
    EXPECT_TRUE(std::filesystem::is_empty(copy.path)) << copy.path;
  }
  EXPECT_TRUE(config->warnings.empty());
}

TEST(Init, OneCopyNeedsNoMirror) {
  auto config = server::parse_config(node_file({.directory = "x", .copies = 1}), "x/spar.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->clusters[0].mirrors, 0);
}

TEST(Init, TwentySixCopiesHaveNamesOfTheirOwn) {
  auto config = server::parse_config(node_file({.directory = "x", .copies = 26}), "x/spar.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->clusters[0].copies.back().name, "z");
}

TEST(Init, RefusesWhatIsThereAlready) {
  test::TempDirectory directory;
  InitOptions options{.directory = directory.path()};
  ASSERT_TRUE(make_node(options, false));
  EXPECT_FALSE(make_node(options, false));
  std::filesystem::remove(directory / "spar.toml");
  ASSERT_TRUE(make_node(options, false)) << "empty copies are welcome";
  std::filesystem::remove(directory / "spar.toml");
  std::ofstream(directory / "copies/a/data.sqlite") << "precious";
  EXPECT_FALSE(make_node(options, false));
}

TEST(Init, DryRunMakesNothing) {
  test::TempDirectory directory;
  ASSERT_TRUE(make_node({.directory = directory / "shop"}, true));
  EXPECT_FALSE(std::filesystem::exists(directory / "shop"));
}

TEST(Init, RefusesAnAddressThatNobodyCouldServe) {
  test::TempDirectory directory;
  EXPECT_FALSE(make_node({.directory = directory / "shop", .listen = "nowhere"}, false));
  EXPECT_FALSE(std::filesystem::exists(directory / "shop"));
}

}  // namespace
}  // namespace spar::app
