// The guides are scripts: every ```sh block of each, in order, in an empty directory and a network of
// its own, so that they can use the default ports.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/network.h"
#include "tests/support/postgres_copy.h"
#include "tests/support/temp_directory.h"

namespace spar::test {
namespace {

std::string script_of(const std::string& guide) {
  std::ifstream in(std::string(SPAR_SOURCE_DIR) + "/docs/guide/" + guide);
  std::string script = "set -eux\n";
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```sh";
    } else if (inside) {
      script += line + "\n";
    }
  }
  return script;
}

std::string content_of(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Guide : public ::testing::TestWithParam<const char*> {};

TEST_P(Guide, DoesWhatItSays) {
  if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  if (!Network::can_run()) GTEST_SKIP() << "no network namespaces here (needs root)";
  TempDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
  const std::string program = std::filesystem::path(SPAR_PROGRAM).parent_path();
  std::ofstream(directory.path() + "/guide.sh") << script_of(GetParam());
  const std::string command = "cd " + directory.path() + " && PATH=" + program +
                              ":$PATH timeout 120 unshare --net sh -c "
                              "'ip link set lo up && exec bash guide.sh' > output 2>&1";
  const int status = std::system(command.c_str());
  EXPECT_EQ(status, 0) << content_of(directory.path() + "/output") << "\n"
                       << content_of(directory.path() + "/serve.log");
}

INSTANTIATE_TEST_SUITE_P(All, Guide,
                         ::testing::Values("embedded-copies.md", "postgresql-servers.md"));

}  // namespace
}  // namespace spar::test
