// A node that is stopped waits for nothing that takes long, and what was half done is done again.
#include <gtest/gtest.h>

#include "control/limits.h"
#include "spar/demo/node_process.h"
#include "tests/support/postgres_versions.h"
#include "tests/support/server_trouble.h"

namespace spar::test {
namespace {

using std::chrono::milliseconds;

class ServerStop : public ServerTrouble {
 protected:
  // While the file `slow` is there, a base backup takes many minutes: it says the rate.
  void make() {
    slow_ = directory_.path() + "/slow";
    make_with_programs(directory_.path(),
                       programs_with(directory_.path() + "/programs", "pg_basebackup",
                                     "if test -e " + slow_ + "; then set -- --max-rate=$(cat " +
                                         slow_ + ") \"$@\"; fi"));
  }
  void start_node() { node_ = must(app::NodeProcess::start(SPAR_PROGRAM, directory_.path())); }
  json wait(const std::string& what, const std::function<bool(const json&)>& wanted,
            std::chrono::seconds patience = std::chrono::seconds(60)) {
    const auto deadline = in(patience);
    while (std::chrono::steady_clock::now() < deadline) {
      auto now = node_->cluster();
      if (now && wanted(*now)) return *now;
    }
    throw std::runtime_error(what + " did not happen: " + said("status"));
  }

  // Its place is empty then, and it is filled at this rate.
  std::string lose_a_replica(const std::string& rate) {
    const std::string lost = with_role(wait("all copies", is_whole), "replica");
    std::ofstream(slow_) << rate;
    fs::rename(data_of(lost), data_of(lost) + ".lost");
    for (pid_t pid : agent::working_in(data_of(lost) + ".lost", "postgres")) ::kill(pid, SIGKILL);
    wait("a base backup", [&](const json&) { return fs::exists(data_of(lost) + ".new/base"); });
    return lost;
  }

  std::string slow_;
  std::unique_ptr<app::NodeProcess> node_;
};

TEST_F(ServerStop, EndsABaseBackupThatIsUnderWay) {
  make();
  start_node();
  const std::string lost = lose_a_replica("32k");
  const std::string half = data_of(lost) + ".new";
  EXPECT_FALSE(fs::exists(data_of(lost)));

  const auto asked = std::chrono::steady_clock::now();
  EXPECT_TRUE(node_->stop(std::chrono::seconds(15)));
  const auto took = std::chrono::steady_clock::now() - asked;
  std::cout << "stopped in " << std::chrono::duration_cast<milliseconds>(took).count() << " ms\n";
  EXPECT_TRUE(agent::working_in(half, "pg_basebackup").empty());
  EXPECT_TRUE(fs::exists(half)) << "the backup had ended";

  fs::remove(slow_);
  start_node();
  wait("all copies again", is_whole);
  EXPECT_FALSE(fs::exists(half));
}

// More than any action of the machine may take.
TEST_F(ServerStop, ABaseBackupTakesAsLongAsItTakes) {
  if (std::getenv("SPAR_LONG_COPY") == nullptr) GTEST_SKIP() << "minutes: set SPAR_LONG_COPY";
  make();
  start_node();
  const auto began = std::chrono::steady_clock::now();
  const std::string lost = lose_a_replica("150k");
  wait("all copies again", is_whole, std::chrono::seconds(400));
  const auto took = std::chrono::steady_clock::now() - began;
  std::cout << "filled in " << std::chrono::duration_cast<std::chrono::seconds>(took).count()
            << " s\n";
  EXPECT_GT(took, control::kRejoinDeadline) << "it was not slow enough";
  EXPECT_EQ(said("events").find("no answer in time"), std::string::npos);
}

}  // namespace
}  // namespace spar::test
