#include "agent/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "agent/limits.h"
#include "agent/process_table.h"
#include "tests/support/temp_directory.h"

namespace spar::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

Command shell(const std::string& script) {
  return {.arguments = {"/bin/sh", "-c", script}, .environment = {}, .user = {}};
}

Monotonic soon() {
  return steady_clock::now() + seconds(20);
}

TEST(ChildProcess, SaysHowItEndedAndWhatWasPrinted) {
  auto ended = run_program(shell("echo out; echo err >&2; exit 3"), soon());
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->exit_code, 3);
  EXPECT_EQ(ended->output, "out\nerr\n");
  auto killed = run_program(shell("kill -9 $$"), soon());
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->exit_code, -1);
  EXPECT_EQ(killed->signal, SIGKILL);
}

TEST(ChildProcess, TakesArgumentsAsTheyAre) {
  Command command{
      .arguments = {"/bin/echo", "$HOME", "a b", "'", "*"}, .environment = {}, .user = {}};
  EXPECT_EQ(run_well(command, soon()).value(), "$HOME a b ' *\n");
}

TEST(ChildProcess, HasOnlyTheEnvironmentItWasGiven) {
  Command command{.arguments = {"/usr/bin/env"}, .environment = {"SECRET=x y"}, .user = {}};
  EXPECT_EQ(run_well(command, soon()).value(), "LC_ALL=C\nPATH=/usr/bin:/bin\nSECRET=x y\n");
}

TEST(ChildProcess, NoFileOfOursIsOpenInIt) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);  // without close-on-exec
  EXPECT_EQ(run_well(shell("ls /proc/self/fd | wc -l"), soon()).value(), "4\n");  // and ls's own
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ChildProcess, AProgramThatIsNotThereIsAnError) {
  Command missing{.arguments = {"/no/such/program"}, .environment = {}, .user = {}};
  auto ended = run_program(missing, soon());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::io);
  EXPECT_NE(ended.error().message.find("No such file"), std::string::npos);
  auto started = start_daemon(missing, "/dev/null");
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::io);
}

TEST(ChildProcess, IsKilledWithItsChildrenAtTheDeadline) {
  auto began = steady_clock::now();
  auto ended = run_program(shell("sleep 600 & sleep 600"), began + milliseconds(100));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::deadline);
  EXPECT_LT(steady_clock::now() - began, seconds(20));
}

TEST(ChildProcess, IsEndedWhenItShallNotGoOn) {
  test::TempDirectory directory;
  Command command = shell("touch " + directory.path() + "/begun; sleep 600 & wait");
  command.goes_on = [&] { return !std::filesystem::exists(directory.path() + "/begun"); };
  auto ended = run_program(command, soon());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::cancelled);
}

TEST(ChildProcess, IsNotWaitedForPastItsOwnEnd) {
  // A grandchild keeps the output open.
  auto ended = run_program(shell("sleep 600 & echo $!"), soon());
  ASSERT_TRUE(ended) << ended.error().message;
  ::kill(std::stoi(ended->output), SIGKILL);
}

TEST(ChildProcess, KeepsTheEndOfALongOutput) {
  auto ended = run_program(shell("yes 0123456789 | head -c 1000000; echo end"), soon());
  ASSERT_TRUE(ended);
  EXPECT_LE(ended->output.size(), 2 * kOutputKeptMax);
  EXPECT_GE(ended->output.size(), kOutputKeptMax);
  EXPECT_TRUE(ended->output.ends_with("end\n"));
}

TEST(ChildProcess, FailureCarriesWhatTheProgramSaid) {
  auto failed = run_well(shell("echo 'it broke'; exit 1"), soon());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::unavailable);
  EXPECT_EQ(failed.error().message, "sh failed with 1");
  EXPECT_EQ(failed.error().detail, "it broke\n");
}

TEST(ChildProcess, ADaemonIsNobodysChildAndWritesItsLog) {
  test::TempDirectory directory;
  auto pid = start_daemon(shell("echo started; exec sleep 600"), directory / "log");
  ASSERT_TRUE(pid) << pid.error().message;
  EXPECT_EQ(state_of(*pid), ProcessState::alive);
  EXPECT_NE(::getpgid(*pid), ::getpgrp());
  std::string line;
  auto deadline = soon();
  while (line.empty() && steady_clock::now() < deadline) {
    std::ifstream log(directory / "log");
    std::getline(log, line);
  }
  EXPECT_EQ(line, "started");
  ::kill(*pid, SIGKILL);
  while (state_of(*pid) == ProcessState::alive && steady_clock::now() < deadline) {
  }
  EXPECT_NE(state_of(*pid), ProcessState::alive);
}

}  // namespace
}  // namespace spar::agent
