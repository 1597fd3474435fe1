#include "server/supervisor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "tests/support/temp_directory.h"

namespace spar::server {
namespace {

using std::chrono::milliseconds;

constexpr int exited(int code) {
  return code << 8;
}
constexpr int killed(int signal) {
  return signal;
}

TEST(BackOff, DoublesUpToTenSecondsAndStartsAgainAfterAGoodLife) {
  BackOff back_off;
  for (int expected : {100, 200, 400, 800, 1600, 3200, 6400, 10'000, 10'000}) {
    EXPECT_EQ(back_off.after_life_of(milliseconds(5)).count(), expected);
  }
  EXPECT_EQ(back_off.after_life_of(milliseconds(60'000)).count(), 100);
  EXPECT_EQ(back_off.after_life_of(milliseconds(59'999)).count(), 200);
}

TEST(JudgeEnd, TellsDeathsFromEndings) {
  EXPECT_TRUE(judge_end(killed(SIGKILL), true, false).restart);
  EXPECT_TRUE(judge_end(killed(SIGSEGV), false, false).restart);
  EXPECT_TRUE(judge_end(exited(1), true, false).restart);
  EXPECT_FALSE(judge_end(exited(0), true, false).restart);
  EXPECT_TRUE(judge_end(exited(2), true, false).restart);  // a bad edit can be mended
  EXPECT_EQ(judge_end(exited(2), false, false).exit_code, 2);
  EXPECT_FALSE(judge_end(exited(1), false, false).restart);
  EXPECT_EQ(judge_end(exited(1), false, false).exit_code, 1);
  EXPECT_FALSE(judge_end(killed(SIGTERM), true, true).restart);
  EXPECT_EQ(judge_end(killed(SIGKILL), true, true).exit_code, 137);
}

SupervisedCommand shell(const std::string& script) {
  return {.program = "/bin/sh", .arguments = {"sh", "-c", script}};
}

std::string contents(const std::string& path) {
  std::ifstream in(path);
  return (std::ostringstream() << in.rdbuf()).str();
}

TEST(Supervise, StartsAgainAfterDeathAndEndsWithTheChildsCode) {
  test::TempDirectory directory;
  std::string script = "echo x >>'" + (directory / "lives") + "'; if [ $(wc -l <'" +
                       (directory / "lives") + "') -lt 3 ]; then kill -9 $$; fi; exit 2";
  EXPECT_EQ(supervise(shell(script)), 2);
  EXPECT_EQ(contents(directory / "lives"), "x\nx\nx\n");
}

TEST(Supervise, HandsDescriptorsDownAndTakesReadiness) {
  test::TempDirectory directory;
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  std::string fd = std::to_string(ready[1]);
  std::string script = "echo x >>'" + (directory / "lives") + "'; echo . >&" + fd +
                       "; [ $(wc -l <'" + (directory / "lives") +
                       "') -ge 2 ] && exit 0; sleep 0.05; exit 1";
  SupervisedCommand command = shell(script);
  command.inherited = {ready[1]};
  command.ready_fd = ready[0];
  EXPECT_EQ(supervise(command), 0);  // code 1 after it was ready: started again
  EXPECT_EQ(contents(directory / "lives"), "x\nx\n");
  ::close(ready[0]);
  ::close(ready[1]);
}

// The supervisor in a process of its own; returns its pid once `file` is there.
pid_t supervise_apart(const std::string& script, const std::string& file) {
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(supervise(shell(script)));
  while (contents(file).empty()) ::usleep(1000);
  return pid;
}

TEST(Supervise, PassesSignalsOn) {
  test::TempDirectory directory;
  std::string script =
      "trap 'exit 7' TERM; echo $$ >'" + (directory / "pid") + "'; while :; do sleep 0.01; done";
  pid_t pid = supervise_apart(script, directory / "pid");
  ::kill(pid, SIGTERM);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(Supervise, TheChildDiesWithItsParent) {
  test::TempDirectory directory;
  std::string script = "echo $$ >'" + (directory / "pid") + "'; while :; do sleep 0.01; done";
  pid_t pid = supervise_apart(script, directory / "pid");
  int child = std::stoi(contents(directory / "pid"));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  for (int i = 0; i < 5000 && ::kill(child, 0) == 0; ++i) {
    std::string state = contents("/proc/" + std::to_string(child) + "/stat");
    if (state.find(") Z ") != std::string::npos) break;  // nobody reaps it in a container
    ::usleep(1000);
    ASSERT_LT(i, 4999) << "the child lives on";
  }
}

}  // namespace
}  // namespace spar::server
