// What a local agent decides without a server: whom it obeys. Real servers: tests/integration.
#include "agent/local_agent.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "tests/support/fault_disk.h"
#include "tests/support/temp_directory.h"

namespace spar::agent {
namespace {

Monotonic patiently() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

class LocalAgents : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    if (!server_user()) GTEST_SKIP() << "SKIPPED: " << server_user().error().message;
  }
  LocalAgent agent() {
    return LocalAgent(failing_, PostgresServer::at(failing_, {"/nowhere"}, {place_, 5432}).value());
  }

  test::TempDirectory directory_;
  const std::string place_ = directory_ / "a";
  std::unique_ptr<storage::Disk> disk_ = storage::make_posix_disk();
  test::FaultDisk failing_{*disk_};
};

TEST_F(LocalAgents, AnEmptyPlaceIsLookedAtAndEnded) {
  LocalAgent agent = this->agent();
  auto report = agent.look(patiently());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->has_data || report->standby || report->must_be_rewound);
  EXPECT_EQ(report->running_pid(), 0);
  EXPECT_TRUE(agent.stop(Epoch(3), Stop::kill, patiently()));
  EXPECT_TRUE(agent.stop(Epoch(3), Stop::fast, patiently()));
  EXPECT_EQ(agent.look(patiently())->epoch, Epoch(3));
}

TEST_F(LocalAgents, NoOrderOfAnOlderEpochIsObeyed) {
  EXPECT_TRUE(agent().stop(Epoch(3), Stop::fast, patiently()));
  LocalAgent agent = this->agent();
  for (const Result<void>& refused :
       {agent.create(Epoch(2), {}, patiently()),
        agent.start(Epoch(2), StartAs::primary, patiently()),
        agent.stop(Epoch(2), Stop::fast, patiently()),
        agent.stop(Epoch(2), Stop::kill, patiently()), agent.rewind(Epoch(2), {}, patiently())}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::invalid);
    EXPECT_NE(refused.error().message.find("epoch 2"), std::string::npos);
  }
  EXPECT_FALSE(agent.rebuild(Epoch(2), {}, patiently()));
  EXPECT_FALSE(std::filesystem::exists(place_ + "/data"));
}

// A fence must not depend on a disk; everything else waits for it.
TEST_F(LocalAgents, AFullDiskStopsOrdersButNoKill) {
  LocalAgent agent = this->agent();
  EXPECT_TRUE(agent.stop(Epoch(1), Stop::fast, patiently()));
  failing_.fail_under(place_, test::Fault::disk_full);
  EXPECT_TRUE(agent.stop(Epoch(2), Stop::kill, patiently()));
  EXPECT_FALSE(agent.stop(Epoch(2), Stop::fast, patiently()));
  EXPECT_EQ(agent.stop(Epoch(1), Stop::fast, patiently()).error().code, Code::invalid);
  failing_.heal();
  EXPECT_TRUE(agent.stop(Epoch(2), Stop::fast, patiently()));
}

// A server is being made, by a program of the test's, until the file `go` is there.
TEST_F(LocalAgents, OrdersWaitForTheirTurnUntilTheirDeadlineAndQuestionsDoNot) {
  const std::string go = directory_ / "go", program = directory_ / "initdb";
  std::ofstream(program) << "#!/bin/sh\nwhile [ ! -e " << go << " ]; do sleep 0.01; done; exit 1\n";
  std::filesystem::permissions(program, std::filesystem::perms(0755));
  LocalAgent agent(failing_,
                   PostgresServer::at(failing_, {directory_.path()}, {place_, 5432}).value());
  auto made =
      std::async(std::launch::async, [&] { return agent.create(Epoch(1), {}, patiently()); });
  const Monotonic deadline = patiently();
  while (agent.look(patiently())->epoch != Epoch(1)) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
  const auto soon = [] { return std::chrono::steady_clock::now() + std::chrono::milliseconds(50); };
  EXPECT_EQ(agent.start(Epoch(1), StartAs::primary, soon()).error().code, Code::deadline);
  EXPECT_EQ(agent.stop(Epoch(2), Stop::kill, soon()).error().code, Code::deadline);
  // It did not come to its end, but the older epoch is over all the same.
  auto older = std::async(std::launch::async,
                          [&] { return agent.start(Epoch(1), StartAs::primary, patiently()); });
  auto kill =
      std::async(std::launch::async, [&] { return agent.stop(Epoch(2), Stop::kill, patiently()); });
  std::ofstream(go).flush();
  EXPECT_FALSE(made.get());
  EXPECT_TRUE(kill.get());
  EXPECT_EQ(older.get().error().code, Code::invalid);
}

}  // namespace
}  // namespace spar::agent
