#include "engines/sqlite/copy.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "storage/disk.h"
#include "tests/support/shop_schema.h"

namespace spar::engines::sqlite {
namespace {

using data::Datum;
using namespace spar::test;

class CopyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/spar-copy-XXXXXX";
    directory_ = mkdtemp(pattern);
    disk_ = storage::make_posix_disk();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Copy> open(const std::string& name, Position log_end) {
    auto copy = open_copy(*disk_, {directory_ + "/" + name, log_end, [](const Error&) {}});
    EXPECT_TRUE(copy) << copy.error().message;
    return copy ? std::move(*copy) : nullptr;
  }

  static std::uint64_t run(WriteSession& session, const query::Plan& plan,
                           std::vector<Datum> values) {
    auto cursor = session.open({plan, values});
    EXPECT_TRUE(cursor) << cursor.error().message;
    data::Row row;
    while (true) {
      auto more = (*cursor)->next(row);
      EXPECT_TRUE(more);
      if (!more || !*more) break;
    }
    return (*cursor)->rows_changed();
  }

  // One transaction of `work` at the next sequence number.
  template <class Work>
  changelog::SharedRecord commit(Copy& copy, Work work) {
    auto session = copy.open_write(Epoch(1));
    EXPECT_TRUE(session) << session.error().message;
    work(**session);
    Position next{Epoch(1), Sequence(copy.applied().sequence.value + 1)};
    auto record = (*session)->prepare_commit({next, TransactionId(7), Timestamp(1)});
    EXPECT_TRUE(record) << record.error().message;
    auto committed = (*session)->commit();
    EXPECT_TRUE(committed) << committed.error().message;
    return *record;
  }

  std::vector<changelog::SharedRecord> fill(Copy& copy) {
    EXPECT_TRUE(copy.promote(Epoch(1)));
    std::vector<changelog::SharedRecord> records;
    records.push_back(commit(copy, [](WriteSession& session) {
      auto changed = session.change_schema(shop_schema());
      EXPECT_TRUE(changed) << changed.error().message;
    }));
    records.push_back(commit(copy, [](WriteSession& session) {
      for (std::int64_t id = 1; id <= 5; ++id) run(session, insert_account(), {id, id * 100});
      run(session, insert_payment(), {std::int64_t(2), std::int64_t(-7)});
      run(session, insert_payment(), {std::int64_t(2), std::int64_t(-7)});
    }));
    records.push_back(commit(copy, [](WriteSession& session) {
      EXPECT_EQ(run(session, add_to_balance(), {std::int64_t(3), std::int64_t(11)}), 1u);
      auto erase = plan(query::PlanKind::erase, "DELETE FROM t16385 WHERE c1=?1");
      EXPECT_EQ(run(session, erase, {std::int64_t(5)}), 1u);
      auto rename = plan(query::PlanKind::update, "UPDATE t16385 SET c1=50 WHERE c1=4");
      EXPECT_EQ(run(session, rename, {}), 1u);
    }));
    return records;
  }

  static void expect_consistent(Copy& copy) {
    auto scanned = copy.scan();
    ASSERT_TRUE(scanned) << scanned.error().message;
    Contents carried = copy.contents();
    for (auto& [table, hash] : scanned->second) EXPECT_EQ(carried[table], hash);
  }

  std::string directory_;
  std::unique_ptr<storage::Disk> disk_;
};

TEST_F(CopyTest, CarriesTheContentHashForward) {
  auto copy = open("a", {});
  fill(*copy);
  expect_consistent(*copy);
  EXPECT_EQ(copy->contents()[kAccounts].rows, 4);
  EXPECT_EQ(copy->contents()[kPayments].rows, 2);
}

TEST_F(CopyTest, AFollowerThatAppliesTheRecordsEqualsThePrimary) {
  auto primary = open("a", {});
  auto records = fill(*primary);
  auto follower = open("b", {Epoch(1), Sequence(3)});
  ASSERT_TRUE(follower->follow(Epoch(1)));
  ASSERT_TRUE(follower->apply({records.data(), 2}));
  auto rest = follower->apply({records.data() + 2, 1});
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(follower->applied(), primary->applied());
  EXPECT_EQ(follower->contents(), primary->contents());
  expect_consistent(*follower);
}

// A sequence's state is a row like any other; a view is in the catalogue only.
TEST_F(CopyTest, SequencesAndViewsAreFollowed) {
  auto primary = open("a", {});
  auto records = fill(*primary);
  data::Table sequence;
  sequence.id = ObjectId(16500);
  sequence.database = ObjectId(16384);
  sequence.name = "s";
  sequence.columns = {{1, "last_value", {data::TypeId::int8, -1}, true, {}},
                      {2, "log_cnt", {data::TypeId::int8, -1}, true, {}},
                      {3, "is_called", {data::TypeId::boolean, -1}, true, {}}};
  sequence.sequence = data::Sequence{};
  data::Table view;
  view.id = ObjectId(16501);
  view.database = sequence.database;
  view.name = "v";
  view.columns = {sequence.columns[0]};
  view.view = data::View{"SELECT last_value FROM s", {sequence.id}, {"public"}, false};
  query::functions::SessionSequences known;
  auto count = plan(query::PlanKind::select, "SELECT spar_nextval(16500,'s',1,1,9,0)");
  count.counts = true;
  const auto next = [&](WriteSession& session) {
    auto cursor = session.open({count, {}, kNoDeadline, nullptr, &known});
    data::Row row;
    EXPECT_TRUE(cursor && *(*cursor)->next(row));
    return std::get<std::int64_t>(row.at(0));
  };
  records.push_back(commit(*primary, [&](WriteSession& session) {
    ASSERT_TRUE(session.change_schema({data::put_object(sequence), data::put_object(view)}));
    run(session, plan(query::PlanKind::insert, "INSERT INTO t16500(c1,c2,c3) VALUES(1,0,0)"), {});
    EXPECT_EQ(next(session), 1);
    ASSERT_TRUE(session.savepoint("x"));
    EXPECT_EQ(next(session), 2);
    ASSERT_TRUE(session.rollback_to_savepoint("x"));
    EXPECT_EQ(next(session), 2);
  }));
  EXPECT_EQ(known.values[sequence.id], 2);
  expect_consistent(*primary);
  auto follower = open("b", {Epoch(1), Sequence(4)});
  ASSERT_TRUE(follower->follow(Epoch(1)));
  auto applied = follower->apply(records);
  ASSERT_TRUE(applied) << applied.error().message;
  expect_consistent(*follower);
  EXPECT_EQ(follower->contents(), primary->contents());
  ASSERT_TRUE(follower->promote(Epoch(1)));
  commit(*follower, [&](WriteSession& session) { EXPECT_EQ(next(session), 3); });
  expect_consistent(*follower);
}

TEST_F(CopyTest, AFollowerWithAnotherRowIsFoundOut) {
  auto primary = open("a", {});
  auto records = fill(*primary);
  auto follower = open("b", {Epoch(1), Sequence(3)});
  ASSERT_TRUE(follower->apply({records.data(), 1}));
  auto skipped = follower->apply({records.data() + 2, 1});
  ASSERT_FALSE(skipped);
  EXPECT_EQ(skipped.error().code, Code::corrupt);
}

TEST_F(CopyTest, ReopensWhereItWas) {
  Contents contents;
  {
    auto copy = open("a", {});
    fill(*copy);
    contents = copy->contents();
  }
  auto copy = open("a", {Epoch(1), Sequence(3)});
  EXPECT_EQ(copy->applied(), (Position{Epoch(1), Sequence(3)}));
  EXPECT_EQ(copy->contents(), contents);
  EXPECT_NE(copy->catalogue()->table(kAccounts), nullptr);
}

TEST_F(CopyTest, IsCutBackToItsLog) {
  {
    auto copy = open("a", {});
    fill(*copy);
  }
  auto copy = open("a", {Epoch(1), Sequence(2)});
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(copy->applied().sequence, Sequence(2));
  EXPECT_EQ(copy->contents()[kAccounts].rows, 5);
  expect_consistent(*copy);
}

TEST_F(CopyTest, ACheckpointedCopyCannotBeCutBackAndSaysSo) {
  {
    auto copy = open("a", {});
    fill(*copy);
    auto reached = copy->checkpoint([](Position) { return true; });
    ASSERT_TRUE(reached) << reached.error().message;
    ASSERT_TRUE(*reached);
    EXPECT_EQ((*reached)->sequence, Sequence(3));
  }
  auto copy = open_copy(*disk_, {directory_ + "/a", {Epoch(1), Sequence(2)}, [](const Error&) {}});
  ASSERT_FALSE(copy);
  EXPECT_EQ(copy.error().code, Code::corrupt);
}

TEST_F(CopyTest, ASnapshotHoldsThePositionItSays) {
  auto primary = open("a", {});
  fill(*primary);
  auto position = primary->snapshot_into(directory_ + "/b");
  ASSERT_TRUE(position) << position.error().message;
  auto other = open("b", *position);
  EXPECT_EQ(other->applied(), *position);
  EXPECT_EQ(other->contents(), primary->contents());
  expect_consistent(*other);
}

TEST_F(CopyTest, NamesTheConstraintThatAStatementViolates) {
  auto copy = open("a", {});
  fill(*copy);
  auto session = copy->open_write(Epoch(1));
  ASSERT_TRUE(session);
  std::vector<Datum> values{std::int64_t(1), std::int64_t(0)};
  auto insert = insert_account();
  auto twice = (*session)->open({insert, values});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().sqlstate, "23505");
  EXPECT_EQ(twice.error().message,
            "duplicate key value violates unique constraint \"accounts_pkey\"");
  std::vector<Datum> missing{std::int64_t(99), std::int64_t(0)};
  auto payment = insert_payment();
  auto orphan = (*session)->open({payment, missing});
  ASSERT_FALSE(orphan);
  EXPECT_EQ(orphan.error().sqlstate, "23503");
  EXPECT_EQ(orphan.error().constraint, "payments_account_fkey");
  std::vector<Datum> null{std::int64_t(98), Datum()};
  auto empty = (*session)->open({insert, null});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().sqlstate, "23502");
  EXPECT_FALSE((*session)->wrote());  // nothing of the failed statements is left to be logged
}

TEST_F(CopyTest, AFencedCopyAnswersNobody) {
  auto copy = open("a", {});
  fill(*copy);
  auto reader = copy->open_read();
  ASSERT_TRUE(reader);
  copy->fence();
  auto read = read_balance();
  std::vector<Datum> key{std::int64_t(1)};
  auto cursor = (*reader)->open({read, key});
  ASSERT_FALSE(cursor);
  EXPECT_EQ(cursor.error().code, Code::copy_lost);
  EXPECT_FALSE(copy->open_write(Epoch(1)));
}

std::chrono::nanoseconds processor_time(std::thread& thread) {
  clockid_t clock{};
  timespec used{};
  if (pthread_getcpuclockid(thread.native_handle(), &clock) == 0) clock_gettime(clock, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// A commit that fence() interrupts is done again on another copy: "canceled" would reach the
// client.
TEST_F(CopyTest, WhatFenceInterruptsIsLostAndNotCanceled) {
  auto copy = open("a", {});
  fill(*copy);
  auto writer = copy->open_write(Epoch(1));
  ASSERT_TRUE(writer) << writer.error().message;
  std::atomic<bool> done{false};
  Result<bool> endless = true;
  std::thread thread([&] {
    endless = (*writer)->any_row(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n WHERE i<0");
    done = true;
  });
  // It is inside SQLite once it has worked for a while.
  while (processor_time(thread) < std::chrono::milliseconds(5)) std::this_thread::yield();
  while (!done) copy->fence();
  thread.join();
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, Code::copy_lost) << endless.error().message;
}

std::int64_t balance(ReadSession& session, std::int64_t account) {
  query::Plan wanted = plan(query::PlanKind::select, "SELECT c2 FROM t16385 WHERE c1=?1");
  std::vector<Datum> values{account};
  auto cursor = session.open({wanted, values});
  EXPECT_TRUE(cursor) << cursor.error().message;
  data::Row row;
  auto more = (*cursor)->next(row);
  EXPECT_TRUE(more && *more);
  return more && *more ? std::get<std::int64_t>(row[0]) : -1;
}

// A read has everything up to what was applied before it, and nothing newer than what it says it
// has seen: the first is what strict reads rely on, the second what they wait for.
TEST_F(CopyTest, AReadLiesBetweenWhatWasAppliedAndWhatItHasSeen) {
  constexpr int kCommits = 3000;
  constexpr std::int64_t kFirst = 100;  // as fill() leaves it
  auto primary = open("a", {});
  auto records = fill(*primary);
  for (int i = 0; i < kCommits; ++i) {
    records.push_back(commit(*primary, [](WriteSession& session) {
      run(session, add_to_balance(), {std::int64_t(1), std::int64_t(1)});
    }));
  }
  auto copy = open("b", {});
  const std::size_t filled = records.size() - kCommits;
  ASSERT_TRUE(copy->apply({records.data(), filled}));
  const std::uint64_t start = copy->applied().sequence.value;
  std::atomic<bool> done{false};
  const auto read = [&] {
    auto session = copy->open_read();
    ASSERT_TRUE(session);
    while (!done) {
      const std::uint64_t applied = copy->applied().sequence.value;
      const auto shown = static_cast<std::uint64_t>(balance(**session, 1) - kFirst) + start;
      EXPECT_LE(applied, shown);
      EXPECT_LE(shown, (*session)->seen().sequence.value);
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  for (std::size_t i = filled; i < records.size(); ++i) {
    EXPECT_TRUE(copy->apply({&records[i], 1}));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

TEST_F(CopyTest, SavepointsTakeBackTheirRecords) {
  auto copy = open("a", {});
  fill(*copy);
  auto record = commit(*copy, [](WriteSession& session) {
    ASSERT_TRUE(session.savepoint("s"));
    run(session, insert_account(), {std::int64_t(70), std::int64_t(1)});
    ASSERT_TRUE(session.rollback_to_savepoint("s"));
    run(session, insert_account(), {std::int64_t(71), std::int64_t(1)});
  });
  expect_consistent(*copy);
  changelog::ChangeReader reader(record->changes);
  auto first = reader.next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->new_key, 71);
}

}  // namespace
}  // namespace spar::engines::sqlite
