// Clusters of PostgreSQL 15 to 18: made, replicated, and their primary killed under load.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/postgres_versions.h"
#include "tests/support/shop_life.h"

namespace spar::test {
namespace {

constexpr int kDefaultLosses = 2;

class ServerVersions : public ::testing::TestWithParam<std::string> {};

TEST_P(ServerVersions, ReplicatesAndFailsOver) {
  if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  const std::string bin = programs_of(GetParam());
  if (bin.empty()) {
    GTEST_SKIP() << "PostgreSQL " << GetParam() << " is neither installed nor in "
                 << versions_directory();
  }
  TempDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
  ShopLife life(start_with_programs(directory.path(),
                                    complete_programs(bin, directory.path() + "/programs")));
  life.open();
  const json first = life.wait("all copies", is_whole);
  for (const json& copy : copies_of(first)) {
    auto link = link_to(copy);
    EXPECT_TRUE(one(link, "show server_version_num").starts_with(GetParam()));
  }
  std::vector<std::chrono::milliseconds> gaps;
  for (int loss = 0; loss < runs(kDefaultLosses) && !HasFailure(); ++loss) {
    gaps.push_back(life.lose_primary([](const std::string&, int pid) { ::kill(pid, SIGKILL); }));
    life.wait_until_whole();
  }
  life.close_and_check();
  report_gaps(gaps);
}

INSTANTIATE_TEST_SUITE_P(PostgreSQL, ServerVersions, ::testing::Values("15", "16", "17", "18"),
                         [](const auto& version) { return version.param; });

}  // namespace
}  // namespace spar::test
