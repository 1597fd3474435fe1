// tests/unit/replicate/rig.h: a cluster of embedded copies on a disk in memory, put together
// without a controller.
#pragma once

#include <gtest/gtest.h>

#include "replicate/bring_up.h"
#include "replicate/cluster.h"
#include "tests/support/fault_disk.h"
#include "tests/support/recording_disk.h"
#include "tests/support/shop_schema.h"

namespace spar::replicate {

inline Monotonic soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

template <class Condition>
bool eventually(Condition holds) {
  for (Monotonic limit = soon(); !holds();) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

class Rig {
 public:
  Rig() = default;

  static std::string directory(CopyId id) { return "/copy" + std::to_string(id.value); }
  static CopyIdentity identity(CopyId id) { return {{}, 1, id}; }

  Member::Parts open(CopyId id) {
    MemberIdentity place{id, "c" + std::to_string(id.value), directory(id)};
    auto parts = open_parts(disk, place, identity(id), [this, id](const Error& error) {
      if (auto member = cluster.member(id)) member->fail(error);
    });
    EXPECT_TRUE(parts) << parts.error().message;
    return std::move(*parts);
  }
  std::shared_ptr<Member> add(CopyId id) { return cluster.add(open(id)); }

  // `primary` serves `epoch` with `mirrors`; later epochs begin where the new primary ends.
  void serve(CopyId primary, const std::vector<CopyId>& mirrors, Epoch epoch) {
    cluster.hold();
    auto end = cluster.promote(primary, epoch);
    ASSERT_TRUE(end) << end.error().message;
    history.push_back({epoch, end->sequence});
    cluster.set_synchronous(primary, mirrors, true);
    cluster.begin_epoch(history, epoch, end->sequence);
    cluster.set_synchronous(primary, mirrors, true);
    auto admitted = cluster.admit(primary, epoch);
    ASSERT_TRUE(admitted) << admitted.error().message;
  }

  std::unique_ptr<WriteLease> write(std::uint64_t session = 100) {
    auto lease = cluster.begin_write({session, soon(), nullptr}, soon());
    EXPECT_TRUE(lease) << lease.error().message;
    return lease ? std::move(*lease) : nullptr;
  }

  // Published, and not waited for.
  Position create_shop() {
    auto lease = write();
    EXPECT_TRUE(lease->session().change_schema(test::shop_schema()));
    insert(*lease, 1);
    return finish(*lease);
  }
  Position add_account(std::int64_t id) {
    auto lease = write();
    insert(*lease, id);
    return finish(*lease);
  }
  static void insert(WriteLease& lease, std::int64_t id) {
    std::vector<data::Row> rows{{id, std::int64_t(0)}};
    EXPECT_TRUE(lease.session().insert_many(test::insert_account(), rows, {}, nullptr));
  }
  static Position finish(WriteLease& lease) {
    auto position = lease.commit(TransactionId(7), Timestamp(0));
    EXPECT_TRUE(position && *position);
    return position && *position ? **position : Position{};
  }
  Outcome settled(const Position& position) { return cluster.pipeline().wait(position, soon()); }

  static std::size_t accounts(engines::ReadSession& session) {
    query::Plan all = test::plan(query::PlanKind::select, "SELECT c1 FROM t16385");
    all.output = {{"id", {data::TypeId::int4, -1}, test::kAccounts, 1}};
    auto cursor = session.open({all, {}});
    EXPECT_TRUE(cursor) << cursor.error().message;
    data::Row row;
    std::size_t count = 0;
    while (cursor) {
      auto more = (*cursor)->next(row);
      EXPECT_TRUE(more);
      if (!more || !*more) break;
      ++count;
    }
    return count;
  }

  std::vector<CopyId> reported() {
    std::lock_guard lock(failures_mutex);
    return failures;
  }

  test::RecordingDisk memory;
  test::FaultDisk disk{memory};
  std::vector<CopyId> failures;
  std::mutex failures_mutex;
  Cluster cluster{[this](CopyId id, const Error&) {
    std::lock_guard lock(failures_mutex);
    failures.push_back(id);
  }};
  History history;
};

inline constexpr CopyId kFirst{1};
inline constexpr CopyId kSecond{2};
inline constexpr CopyId kThird{3};

}  // namespace spar::replicate
