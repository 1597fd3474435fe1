#include "agent/process_table.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_directory.h"

namespace spar::agent {
namespace {

TEST(ProcessTable, FindsTheStateBehindAnyName) {
  EXPECT_EQ(state_letter("1 (postgres) S 0 1"), 'S');
  EXPECT_EQ(state_letter("1 (a) Z (b) R 0 1"), 'R');
  EXPECT_EQ(state_letter("1 (cut off)"), std::nullopt);
  EXPECT_EQ(state_letter(""), std::nullopt);
}

// A child that waits in `directory` until it is killed.
pid_t child_in(const std::string& directory) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  pid_t child = ::fork();
  if (child == 0) {
    bool moved = ::chdir(directory.c_str()) == 0 && ::write(ends[1], "x", 1) == 1;
    while (moved) ::pause();
    ::_exit(1);
  }
  char there;
  EXPECT_EQ(::read(ends[0], &there, 1), 1);
  ::close(ends[0]);
  ::close(ends[1]);
  return child;
}

TEST(ProcessTable, AZombieIsNotAliveAndWorksNowhere) {
  test::TempDirectory directory;
  pid_t child = child_in(directory.path());
  EXPECT_EQ(state_of(child), ProcessState::alive);
  EXPECT_TRUE(works_in(child, directory.path()));
  EXPECT_FALSE(works_in(child, "/"));
  EXPECT_EQ(working_in(directory.path(), "unit_agent"), std::vector<pid_t>{child});
  EXPECT_TRUE(working_in(directory.path(), "unit").empty());

  ::kill(child, SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(::kill(child, 0), 0);  // as if it lived
  EXPECT_EQ(state_of(child), ProcessState::zombie);
  EXPECT_TRUE(working_in(directory.path(), "unit_agent").empty());
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(state_of(child), ProcessState::gone);
}

TEST(ProcessTable, NobodyWorksInADirectoryThatIsNotThere) {
  EXPECT_TRUE(working_in("/no/such/directory", "unit_agent").empty());
  EXPECT_FALSE(works_in(::getpid(), "/no/such/directory"));
}

}  // namespace
}  // namespace spar::agent
