#include "changelog/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "changelog/segment.h"
#include "tests/support/fault_disk.h"
#include "tests/support/recording_disk.h"

namespace spar::changelog {
namespace {

using test::Calls;
using test::Fault;
using test::FaultDisk;
using test::RecordingDisk;

constexpr LogOptions kSmall{.segment_bytes = 8192};

SharedRecord record(std::uint64_t sequence, std::size_t size = 100, std::uint64_t epoch = 1) {
  return std::make_shared<const Record>(
      Record{.position = {Epoch{epoch}, Sequence{sequence}},
             .transaction = TransactionId{sequence * 7},
             .commit_time = Timestamp{1000 + 1},
             .changes = Bytes(size, static_cast<char>(sequence))});
}

std::unique_ptr<Log> open(storage::Disk& disk, Position base = {}, LogOptions options = kSmall) {
  auto log = Log::open(disk, "copy/log", options, base);
  EXPECT_TRUE(log) << log.error().message;
  return log ? std::move(*log) : nullptr;
}

void append(Log& log, const SharedRecord& one) {
  auto done = log.append({&one, 1});
  EXPECT_TRUE(done) << done.error().message;
}

void append_and_sync(Log& log, std::uint64_t first, std::uint64_t last, std::size_t size = 100) {
  for (std::uint64_t i = first; i <= last; ++i) append(log, record(i, size));
  EXPECT_TRUE(log.sync());
}

// The sequences that read() gives after `after`.
std::vector<std::uint64_t> sequences(Log& log, std::uint64_t after, std::size_t bytes = 1 << 30) {
  auto records = log.read(Sequence{after}, bytes);
  EXPECT_TRUE(records) << records.error().message;
  std::vector<std::uint64_t> result;
  if (!records) return {};
  for (const SharedRecord& one : *records) {
    EXPECT_EQ(one->changes, record(one->position.sequence.value, one->changes.size())->changes);
    result.push_back(one->position.sequence.value);
  }
  return result;
}

std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> result;
  for (; first <= last; ++first) result.push_back(first);
  return result;
}

std::string only_segment(storage::Disk& disk) {
  auto names = disk.list("copy/log").value();
  std::erase(names, std::string("spare.new"));
  EXPECT_EQ(names.size(), 1u);
  return "copy/log/" + names.front();
}

void overwrite(storage::Disk& disk, const std::string& path, std::uint64_t offset,
               std::string_view bytes) {
  auto file = disk.open(path, storage::OpenMode::read_write);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write(offset, bytes));
}

TEST(Log, KeepsRecordsAndPositions) {
  RecordingDisk disk;
  auto log = open(disk);
  EXPECT_EQ(log->end(), Position{});
  EXPECT_TRUE(log->intact());
  append(*log, record(1));
  EXPECT_EQ(log->end(), (Position{Epoch{1}, Sequence{1}}));
  EXPECT_EQ(log->durable(), Position{});
  ASSERT_TRUE(log->sync());
  EXPECT_EQ(log->durable(), log->end());
  std::vector<SharedRecord> more{record(2, 0), record(3, 5000, 2)};
  ASSERT_TRUE(log->append(more));
  auto read = log->read(Sequence{1}, 1 << 20).value();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(*read[0], *more[0]);
  EXPECT_EQ(*read[1], *more[1]);
}

TEST(Log, RefusesRecordsThatDoNotFollow) {
  RecordingDisk disk;
  auto log = open(disk, {Epoch{4}, Sequence{10}});
  for (const SharedRecord& wrong : {record(10, 1, 4), record(12, 1, 4), record(11, 1, 3)}) {
    auto done = log->append({&wrong, 1});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Code::invalid);
  }
  append(*log, record(11, 1, 5));
  EXPECT_TRUE(log->sync());
}

TEST(Log, FindsItsEndAgainOverManySegments) {
  RecordingDisk disk;
  {
    auto log = open(disk);
    append_and_sync(*log, 1, 100, 300);
    EXPECT_TRUE(log->intact());
  }
  EXPECT_GT(disk.list("copy/log")->size(), 4u);
  auto log = open(disk, {Epoch{9}, Sequence{9}});  // a base is for an empty directory only
  EXPECT_EQ(log->base(), Position{});
  EXPECT_EQ(log->end().sequence, Sequence{100});
  EXPECT_EQ(log->durable(), log->end());
  EXPECT_EQ(sequences(*log, 0), range(1, 100));
  append_and_sync(*log, 101, 120, 300);
  for (std::uint64_t after : {0, 1, 13, 99, 119}) {
    EXPECT_EQ(sequences(*log, after), range(after + 1, 120));
  }
  EXPECT_TRUE(sequences(*log, 120).empty());
}

TEST(Log, ReadStopsAtItsBudgetButGivesOne) {
  RecordingDisk disk;
  auto log = open(disk);
  append_and_sync(*log, 1, 10, 1000);
  EXPECT_EQ(sequences(*log, 3, 1), range(4, 4));
  EXPECT_EQ(sequences(*log, 3, 2100), range(4, 5));
}

TEST(Log, ARecordMayBeLargerThanASegment) {
  RecordingDisk disk;
  auto log = open(disk);
  append_and_sync(*log, 1, 1, 50000);  // in the first, empty segment
  append_and_sync(*log, 2, 2, 10);
  append_and_sync(*log, 3, 3, 700000);
  append_and_sync(*log, 4, 4, 10);
  EXPECT_TRUE(log->intact());
  log = open(disk);
  EXPECT_EQ(sequences(*log, 0), range(1, 4));
}

TEST(Log, TheNextSegmentIsReadyBeforeItIsNeeded) {
  RecordingDisk disk;
  auto log = open(disk, {}, {.segment_bytes = 1 << 20});
  bool ready = false;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    append_and_sync(*log, i, i, 10000);
    std::uint64_t zeroed = 0;
    for (const auto& operation : disk.operations()) {
      if (operation.kind == test::DiskOperation::Kind::create) zeroed = 0;
      if (operation.bytes.size() == (256 << 10)) zeroed += operation.bytes.size();
    }
    ready = ready || (disk.exists("copy/log/spare.new") && zeroed == (1 << 20));
  }
  EXPECT_TRUE(ready);
}

TEST(Log, ABatchIsOneWrite) {
  RecordingDisk disk;
  auto log = open(disk, {}, {.segment_bytes = 1 << 20});
  std::uint64_t before = disk.moment();
  std::vector<SharedRecord> batch;
  for (std::uint64_t i = 1; i <= 50; ++i) batch.push_back(record(i));
  ASSERT_TRUE(log->append(batch));
  ASSERT_TRUE(log->sync());
  EXPECT_EQ(disk.moment() - before, 2u);
}

TEST(Log, CutsAndGoesOn) {
  for (std::uint64_t last : {0u, 1u, 20u, 21u, 22u, 23u, 57u, 99u, 100u, 200u}) {
    RecordingDisk disk;
    auto log = open(disk);
    append_and_sync(*log, 1, 100, 300);
    ASSERT_TRUE(log->cut_after(Sequence{last}));
    std::uint64_t left = std::min<std::uint64_t>(last, 100);
    EXPECT_EQ(log->end().sequence.value, left);
    EXPECT_TRUE(log->intact());
    EXPECT_EQ(sequences(*log, 0), range(1, left));
    append(*log, record(left + 1, 299));
    ASSERT_TRUE(log->sync());
    log = open(disk);
    EXPECT_EQ(sequences(*log, 0), range(1, left + 1));
  }
}

TEST(Log, TrimsWholeSegments) {
  RecordingDisk disk;
  auto log = open(disk);
  append_and_sync(*log, 1, 100, 300);
  ASSERT_TRUE(log->trim_through(Sequence{50}));
  Position base = log->base();
  EXPECT_GT(base.sequence.value, 20u);
  EXPECT_LE(base.sequence.value, 50u);
  auto older = log->read(Sequence{base.sequence.value - 1}, 100);
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, Code::invalid);
  EXPECT_EQ(log->cut_after(Sequence{base.sequence.value - 1}).error().code, Code::invalid);
  log = open(disk);
  EXPECT_EQ(log->base(), base);
  EXPECT_EQ(sequences(*log, base.sequence.value), range(base.sequence.value + 1, 100));
  ASSERT_TRUE(log->trim_through(Sequence{1000}));
  EXPECT_EQ(log->end().sequence.value, 100u);
}

TEST(Log, RestartsAnywhere) {
  RecordingDisk disk;
  auto log = open(disk);
  append_and_sync(*log, 1, 60, 300);
  for (Position base : {Position{Epoch{3}, Sequence{1000}}, Position{}, Position{}}) {
    ASSERT_TRUE(log->restart_at(base));
    EXPECT_EQ(log->base(), base);
    EXPECT_EQ(log->end(), base);
    EXPECT_EQ(log->durable(), base);
    append(*log, record(base.sequence.value + 1, 10, 3));
    ASSERT_TRUE(log->sync());
    log = open(disk);
    EXPECT_EQ(log->base(), base);
    EXPECT_EQ(sequences(*log, base.sequence.value),
              range(base.sequence.value + 1, base.sequence.value + 1));
  }
}

TEST(Log, ADamagedTailEndsTheLogAndIsCleared) {
  RecordingDisk disk;
  {
    auto log = open(disk);
    append_and_sync(*log, 1, 10, 100);
  }
  const std::uint64_t record_bytes = 100 + kRecordOverhead;
  overwrite(disk, only_segment(disk), kHeaderBytes + 5 * record_bytes + 60, "X");
  auto log = open(disk);
  EXPECT_EQ(log->end().sequence.value, 5u);
  auto file = disk.open(only_segment(disk), storage::OpenMode::read).value();
  std::string rest(record_bytes * 5, 'x');
  ASSERT_TRUE(file->read(kHeaderBytes + 5 * record_bytes, rest));
  EXPECT_EQ(rest, std::string(rest.size(), '\0'));
  append_and_sync(*log, 6, 7, 100);
  EXPECT_EQ(open(disk)->end().sequence.value, 7u);
}

TEST(Log, DamageBeforeTheLastSegmentIsCorruption) {
  for (std::uint64_t offset : {std::uint64_t{3}, kHeaderBytes + 20, kHeaderBytes + 500}) {
    RecordingDisk disk;
    {
      auto log = open(disk);
      append_and_sync(*log, 1, 40, 300);
    }
    overwrite(disk, "copy/log/" + segment_name(Sequence{1}), offset, "XX");
    auto log = Log::open(disk, "copy/log", kSmall);
    ASSERT_FALSE(log) << offset;
    EXPECT_EQ(log.error().code, Code::corrupt);
  }
}

TEST(Log, AMissingSegmentIsCorruption) {
  RecordingDisk disk;
  {
    auto log = open(disk);
    append_and_sync(*log, 1, 100, 300);
  }
  auto names = disk.list("copy/log").value();
  ASSERT_TRUE(disk.remove("copy/log/" + names[1]));
  EXPECT_EQ(Log::open(disk, "copy/log", kSmall).error().code, Code::corrupt);
}

TEST(Log, ReadNoticesDamage) {
  RecordingDisk disk;
  auto log = open(disk);
  append_and_sync(*log, 1, 10, 100);
  overwrite(disk, only_segment(disk), kHeaderBytes + 60, "X");
  auto read = log->read(Sequence{0}, 1 << 20);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::corrupt);
}

TEST(Log, IntactNoticesWhatHappensToItsFile) {
  auto run = [](auto&& damage) {
    RecordingDisk disk;
    auto log = open(disk);
    append_and_sync(*log, 1, 10, 100);
    EXPECT_TRUE(log->intact());
    damage(disk, only_segment(disk));
    return log->intact();
  };
  EXPECT_TRUE(run([](auto&, const std::string&) {}));
  EXPECT_FALSE(run([](auto& disk, const std::string& path) { (void)disk.remove(path); }));
  EXPECT_FALSE(run([](auto& disk, const std::string&) { (void)disk.remove_all("copy"); }));
  EXPECT_FALSE(run([](auto& disk, const std::string&) { (void)disk.rename("copy", "moved"); }));
  EXPECT_FALSE(run([](auto& disk, const std::string& path) { overwrite(disk, path, 9, "Z"); }));
  EXPECT_FALSE(run([](auto& disk, const std::string& path) {
    overwrite(disk, path, kHeaderBytes + 10 * (100 + kRecordOverhead) - 1, "Z");
  }));
  EXPECT_FALSE(run([](auto& disk, const std::string& path) {
    (void)disk.open(path, storage::OpenMode::read_write).value()->truncate(8000);
  }));
}

TEST(Log, AppendSyncAndReadMayOverlap) {
  RecordingDisk disk;
  auto log = open(disk);
  constexpr std::uint64_t kLast = 300;
  std::thread appender([&] {
    for (std::uint64_t i = 1; i <= kLast; ++i) append(*log, record(i, 300));
  });
  std::thread syncer([&] {
    while (log->durable().sequence.value < kLast) ASSERT_TRUE(log->sync());
  });
  std::uint64_t seen = 0;
  while (seen < kLast) {
    for (std::uint64_t sequence : sequences(*log, seen, 2000)) EXPECT_EQ(sequence, ++seen);
    EXPECT_TRUE(log->intact());
    if (seen > 100) {
      EXPECT_TRUE(log->trim_through(Sequence{seen - 50}));
    }
  }
  appender.join();
  syncer.join();
}

// Every call fails with the first error once a write or a sync has failed. (Mutant
// ignore_failed_flush: claims to be durable.)
TEST(Log, AFailedSyncIsNeverRetried) {
  RecordingDisk below;
  FaultDisk disk(below);
  auto log = open(disk);
  append_and_sync(*log, 1, 3);
  append(*log, record(4));
  disk.fail_operation(1, Fault::io_error, Calls::syncs);
  auto synced = log->sync();
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().code, Code::io);
  EXPECT_EQ(log->durable().sequence.value, 3u);
  EXPECT_EQ(log->sync().error().message, synced.error().message);
  SharedRecord next = record(5);
  EXPECT_EQ(log->append({&next, 1}).error().message, synced.error().message);
  EXPECT_FALSE(log->read(Sequence{0}, 100));
  EXPECT_FALSE(log->cut_after(Sequence{1}));
  EXPECT_FALSE(log->trim_through(Sequence{1}));
  EXPECT_FALSE(log->restart_at({}));
  EXPECT_FALSE(log->intact());
}

// Fails the n-th call of the disk for every n: what was synced is there afterwards.
TEST(Log, AnyFailedCallLosesNothingThatWasSynced) {
  for (Fault fault : {Fault::io_error, Fault::disk_full}) {
    for (std::uint64_t n = 1;; ++n) {
      RecordingDisk below;
      FaultDisk disk(below);
      std::uint64_t synced = 0;
      bool failed = false;
      disk.fail_operation(n, fault);
      auto log = Log::open(disk, "copy/log", kSmall);
      failed = !log;
      for (std::uint64_t i = 1; log && i <= 60 && !failed; ++i) {
        SharedRecord one = record(i, 300);
        failed = !(*log)->append({&one, 1}) || !(*log)->sync();
        if (!failed) synced = i;
        if (i == 40 && !failed) failed = !(*log)->trim_through(Sequence{20});
      }
      disk.heal();
      auto again = open(below);
      EXPECT_GE(again->end().sequence.value, synced);
      EXPECT_LE(again->end().sequence.value, synced + 1);
      if (!failed && disk.operations() < n) break;
    }
  }
}

}  // namespace
}  // namespace spar::changelog
