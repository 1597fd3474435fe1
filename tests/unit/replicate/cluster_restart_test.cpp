#include <gtest/gtest.h>

#include "replicate/bring_up.h"
#include "replicate/cluster.h"
#include "storage/disk.h"
#include "tests/support/shop_schema.h"
#include "tests/support/temp_directory.h"

namespace spar::replicate {
namespace {

constexpr CopyId kPrimary{1}, kReplica{2}, kMirror{3};

class ClusterRestartTest : public ::testing::Test {
 protected:
  void add(Cluster& cluster, CopyId id) {
    std::string name = std::to_string(id.value);
    auto parts = open_parts(*disk_, {id, name, directory_.path() + "/" + name}, {{}, 1, id},
                            [](const Error&) {});
    ASSERT_TRUE(parts) << parts.error().message;
    cluster.add(std::move(*parts));
  }

  static void lead(Cluster& cluster, const std::vector<CopyId>& synchronous) {
    auto end = cluster.promote(kPrimary, Epoch(1));
    ASSERT_TRUE(end) << end.error().message;
    cluster.set_synchronous(kPrimary, synchronous, true);
    cluster.begin_epoch({{Epoch(1), Sequence()}}, Epoch(1), end->sequence);
    ASSERT_TRUE(cluster.admit(kPrimary, Epoch(1)));
  }

  static void write_schema(Cluster& cluster) {
    auto lease = cluster.begin_write({100, kNoDeadline, nullptr}, kNoDeadline);
    ASSERT_TRUE(lease) << lease.error().message;
    ASSERT_TRUE((*lease)->session().change_schema(test::shop_schema()));
    auto position = (*lease)->commit(TransactionId(1), Timestamp(0));
    ASSERT_TRUE(position) << position.error().message;
    ASSERT_EQ(cluster.pipeline().wait(**position, kNoDeadline), Outcome::committed);
  }

  static void expect_read_from_primary(Cluster& cluster, const ReadNeed& need) {
    auto lease = cluster.begin_read(need, kNoDeadline);
    ASSERT_TRUE(lease) << lease.error().message;
    EXPECT_EQ((*lease)->member().id(), kPrimary);
  }

  test::TempDirectory directory_;
  std::unique_ptr<storage::Disk> disk_ = storage::make_posix_disk();
};

// A client whose COMMIT broke off with the server looks up what became of it: the answer must not
// come from a copy that has yet to hear of it.
TEST_F(ClusterRestartTest, NoReadComesFromACopyThatLacksTheHistory) {
  {
    Cluster first([](CopyId, const Error&) {});
    ASSERT_NO_FATAL_FAILURE(add(first, kPrimary));
    ASSERT_NO_FATAL_FAILURE(lead(first, {}));
    ASSERT_NO_FATAL_FAILURE(write_schema(first));
  }
  Cluster restarted([](CopyId, const Error&) {});
  ASSERT_NO_FATAL_FAILURE(add(restarted, kPrimary));
  ASSERT_NO_FATAL_FAILURE(add(restarted, kReplica));
  // The mirror is not back yet, so that nothing counts as acknowledged in this process.
  ASSERT_NO_FATAL_FAILURE(lead(restarted, {kMirror}));
  for (int turn = 0; turn < 4; ++turn) {
    expect_read_from_primary(restarted, {});
    expect_read_from_primary(
        restarted, {.kind = ReadNeed::Kind::bounded, .max_staleness = std::chrono::seconds(1)});
  }
}

}  // namespace
}  // namespace spar::replicate
