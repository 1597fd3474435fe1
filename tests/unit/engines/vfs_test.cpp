#include "engines/sqlite/vfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/support/fault_disk.h"
#include "tests/support/recording_disk.h"

namespace spar::engines::sqlite {
namespace {

using test::Calls;
using test::DiskOperation;
using test::Fault;
using test::FaultDisk;
using test::RecordingDisk;

const std::string kPath = "copy/data.sqlite";

class Database {
 public:
  Database(const Vfs& vfs, const std::string& path = kPath, bool create = true) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    open_result = sqlite3_open_v2(path.c_str(), &db_, flags, vfs.name().c_str());
    sqlite3_busy_timeout(db_, 10000);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { close(); }

  void close() {
    sqlite3_close(db_);
    db_ = nullptr;
  }
  int try_run(const std::string& sql) {
    rows.clear();
    auto collect = [](void* self, int columns, char** values, char**) {
      auto* me = static_cast<Database*>(self);
      for (int i = 0; i < columns; ++i) me->rows.emplace_back(values[i] ? values[i] : "null");
      return 0;
    };
    return sqlite3_exec(db_, sql.c_str(), collect, this, nullptr);
  }
  void run(const std::string& sql) {
    ASSERT_EQ(try_run(sql), SQLITE_OK) << sql << ": " << sqlite3_errmsg(db_);
  }
  std::string value(const std::string& sql) {
    EXPECT_EQ(try_run(sql), SQLITE_OK) << sql << ": " << sqlite3_errmsg(db_);
    return rows.empty() ? "" : rows.front();
  }
  int extended() { return sqlite3_extended_errcode(db_); }
  sqlite3* raw() { return db_; }

  int open_result = SQLITE_OK;
  std::vector<std::string> rows;

 private:
  sqlite3* db_ = nullptr;
};

// Counts faults; safe from any thread.
struct Faults {
  std::atomic<int> count{0};
  std::mutex mutex;
  Error last;
  FaultHandler handler() {
    return [this](const Error& error) {
      std::lock_guard lock(mutex);
      last = error;
      ++count;
    };
  }
};

void prepare(Database& db, const std::string& synchronous = "NORMAL") {
  db.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=" + synchronous +
         "; PRAGMA wal_autocheckpoint=0; CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v)");
}

void insert(Database& db, int first, int last, int size = 100) {
  db.run("BEGIN");
  for (int i = first; i <= last; ++i) {
    db.run("INSERT INTO t VALUES(" + std::to_string(i) + ", randomblob(" + std::to_string(size) +
           "))");
  }
  db.run("COMMIT");
}

std::vector<std::string> files(storage::Disk& disk) {
  return disk.list("copy").value();
}

class VfsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(disk_.make_directory("copy")); }
  void overwrite(const std::string& path, std::uint64_t offset, const std::string& bytes) {
    auto file = disk_.open(path, storage::OpenMode::read_write);
    ASSERT_TRUE(file && (*file)->write(offset, bytes));
  }

  RecordingDisk disk_;
  Faults faults_;
};

TEST_F(VfsTest, ConnectionsShareOneDatabase) {
  Vfs vfs(disk_, faults_.handler());
  {
    Database one(vfs), two(vfs);
    prepare(one);
    insert(one, 1, 10);
    EXPECT_EQ(two.value("SELECT count(*) FROM t"), "10");
    two.run("BEGIN; SELECT * FROM t");
    insert(one, 11, 20);
    EXPECT_EQ(two.value("SELECT count(*) FROM t"), "10");
    two.run("COMMIT");
    EXPECT_EQ(two.value("SELECT count(*) FROM t"), "20");
    one.run("BEGIN IMMEDIATE");
    sqlite3_busy_timeout(two.raw(), 0);
    EXPECT_EQ(two.try_run("BEGIN IMMEDIATE"), SQLITE_BUSY);
    one.run("COMMIT");
    EXPECT_EQ(one.value("PRAGMA wal_checkpoint(TRUNCATE)"), "0");
    EXPECT_TRUE(vfs.inspect(100));
  }
  EXPECT_THAT(files(disk_), testing::ElementsAre("data.sqlite"));
  Database again(vfs);
  EXPECT_EQ(again.value("SELECT count(*) FROM t"), "20");
  EXPECT_EQ(again.value("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(faults_.count, 0);
}

TEST_F(VfsTest, EachHasItsOwnName) {
  Vfs one(disk_, nullptr);
  std::string name = one.name();
  {
    Vfs two(disk_, nullptr);
    EXPECT_NE(two.name(), name);
    EXPECT_NE(sqlite3_vfs_find(two.name().c_str()), nullptr);
    name = two.name();
  }
  EXPECT_EQ(sqlite3_vfs_find(name.c_str()), nullptr);
}

TEST_F(VfsTest, RollbackJournalAndLocksWorkToo) {
  Vfs vfs(disk_, faults_.handler());
  Database one(vfs), two(vfs);
  sqlite3_busy_timeout(one.raw(), 0);
  sqlite3_busy_timeout(two.raw(), 0);
  one.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  insert(one, 1, 10);
  two.run("BEGIN; SELECT * FROM t");
  one.run("BEGIN IMMEDIATE; INSERT INTO t VALUES(11, 1)");
  EXPECT_EQ(two.try_run("INSERT INTO t VALUES(12, 1)"), SQLITE_BUSY);
  EXPECT_EQ(one.try_run("COMMIT"), SQLITE_BUSY);  // a reader is in the way
  two.run("COMMIT");
  EXPECT_EQ(two.try_run("SELECT * FROM t"), SQLITE_BUSY);  // the writer waits: no new readers
  one.run("COMMIT");
  EXPECT_EQ(two.value("SELECT count(*) FROM t"), "11");
  one.run("BEGIN; DELETE FROM t; ROLLBACK");
  EXPECT_EQ(two.value("SELECT count(*) FROM t"), "11");
  EXPECT_EQ(faults_.count, 0);
}

TEST_F(VfsTest, DoesNotMakeADatabaseUnasked) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs, kPath, false);
  EXPECT_EQ(db.open_result, SQLITE_CANTOPEN);
  EXPECT_EQ(faults_.count, 0);
}

TEST_F(VfsTest, ACommitIsOneWrite) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs);
  prepare(db);
  insert(db, 1, 1);
  const std::uint64_t before = disk_.moment();
  insert(db, 2, 100, 1000);
  auto operations = disk_.operations();
  ASSERT_EQ(operations.size() - before, 1u);
  EXPECT_EQ(operations.back().kind, DiskOperation::Kind::write);
  EXPECT_GT(operations.back().bytes.size(), 20u * 4096);
}

TEST_F(VfsTest, SpilledPagesAreReadBackAndRewritten) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs), other(vfs);
  prepare(db);
  db.run("PRAGMA cache_size=10; BEGIN");
  for (int i = 1; i <= 500; ++i) {
    db.run("INSERT INTO t VALUES(" + std::to_string(i) + ", zeroblob(1500))");
  }
  for (int round = 0; round < 3; ++round) db.run("UPDATE t SET v = randomblob(1400)");
  EXPECT_EQ(db.value("SELECT count(*) FROM t"), "500");
  EXPECT_EQ(other.value("SELECT count(*) FROM t"), "0");
  auto early = disk_.clone();
  db.run("COMMIT");
  EXPECT_EQ(other.value("SELECT count(*) FROM t"), "500");
  EXPECT_EQ(other.value("PRAGMA integrity_check"), "ok");
  EXPECT_TRUE(vfs.inspect(10000));
  // A process that dies now keeps the whole transaction; one that died before keeps none of it.
  auto late = disk_.clone();
  for (auto [disk, rows] : {std::pair{early.get(), "0"}, std::pair{late.get(), "500"}}) {
    Vfs later(*disk, faults_.handler());
    Database recovered(later);
    EXPECT_EQ(recovered.value("SELECT count(*) FROM t"), rows);
    EXPECT_EQ(recovered.value("PRAGMA integrity_check"), "ok");
  }
  EXPECT_EQ(faults_.count, 0);
}

TEST_F(VfsTest, TemporaryFilesStayInMemory) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs);
  prepare(db);
  db.run("PRAGMA temp_store=FILE; PRAGMA cache_size=10; PRAGMA temp.cache_size=10");
  insert(db, 1, 500, 500);
  db.run("CREATE TEMP TABLE u AS SELECT * FROM t ORDER BY v; CREATE INDEX temp.i ON u(v)");
  db.run("BEGIN; DELETE FROM u WHERE id % 2; ROLLBACK");
  EXPECT_EQ(db.value("SELECT count(*) FROM u"), "500");
  EXPECT_THAT(files(disk_), testing::ElementsAre("data.sqlite", "data.sqlite-wal"));
}

TEST_F(VfsTest, TheWalCanBeKept) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs);
  prepare(db);
  int keep = 1;
  sqlite3_file_control(db.raw(), "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
  db.close();
  EXPECT_THAT(files(disk_), testing::ElementsAre("data.sqlite", "data.sqlite-wal"));
}

// --- Verification ---

struct Damage {
  const char* name;
  std::function<void(VfsTest&, RecordingDisk&)> make;
};

void write_at(RecordingDisk& disk, const std::string& path, std::uint64_t offset,
              const std::string& bytes) {
  (void)disk.open(path, storage::OpenMode::read_write).value()->write(offset, bytes);
}
void cut(RecordingDisk& disk, const std::string& path, std::uint64_t size) {
  (void)disk.open(path, storage::OpenMode::read_write).value()->truncate(size);
}

const Damage kContents[] = {
    {"noise", [](auto&, auto& d) { write_at(d, kPath, 0, std::string(40000, 'x')); }},
    {"one byte", [](auto&, auto& d) { write_at(d, kPath, 5 * 4096 + 77, "!"); }},
    {"truncated", [](auto&, auto& d) { cut(d, kPath, 8192); }},
    {"emptied", [](auto&, auto& d) { cut(d, kPath, 0); }},
    {"WAL noise", [](auto&, auto& d) { write_at(d, kPath + "-wal", 32, std::string(40000, 'x')); }},
    {"WAL truncated", [](auto&, auto& d) { cut(d, kPath + "-wal", 5000); }},
};
const Damage kNames[] = {
    // which only inspect() looks at
    {"deleted", [](auto&, auto& d) { (void)d.remove(kPath); }},
    {"WAL deleted", [](auto&, auto& d) { (void)d.remove(kPath + "-wal"); }},
    {"directory deleted", [](auto&, auto& d) { (void)d.remove_all("copy"); }},
    {"directory moved", [](auto&, auto& d) { (void)d.rename("copy", "elsewhere"); }},
};

class VfsDamage : public VfsTest, public testing::WithParamInterface<Damage> {
 protected:
  // Pages 2 to 40 in the main file, 41 to 60 changed in the WAL.
  void fill(Database& db) {
    prepare(db);
    insert(db, 1, 60, 3000);
    db.run("PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET v = randomblob(3000) WHERE id > 40");
  }
};

TEST_P(VfsDamage, InspectSeesIt) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs);
  fill(db);
  ASSERT_TRUE(vfs.inspect(1000));
  GetParam().make(*this, disk_);
  auto seen = vfs.inspect(1000);
  ASSERT_FALSE(seen);
  EXPECT_TRUE(seen.error().code == Code::corrupt || seen.error().code == Code::io);
  EXPECT_THAT(seen.error().message, testing::HasSubstr("copy/data.sqlite"));
  EXPECT_EQ(faults_.count, 1);
  EXPECT_FALSE(vfs.inspect(1000));
  EXPECT_NE(db.try_run("SELECT sum(length(v)) FROM t"), SQLITE_OK);
  EXPECT_EQ(faults_.count, 1);
}

TEST_P(VfsDamage, InspectSeesItInSmallStepsToo) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs);
  fill(db);
  GetParam().make(*this, disk_);
  int calls = 1;
  while (vfs.inspect(2) && calls < 100) ++calls;
  EXPECT_LT(calls, 60);
}

class VfsContents : public VfsDamage {};

TEST_P(VfsContents, TheNextReadSeesIt) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs);
  fill(db);
  GetParam().make(*this, disk_);
  Database fresh(vfs);
  EXPECT_NE(fresh.try_run("SELECT sum(length(v)) FROM t"), SQLITE_OK);
  EXPECT_EQ(faults_.count, 1);
  EXPECT_NE(db.try_run("INSERT INTO t VALUES(1000, 1)"), SQLITE_OK);
  EXPECT_EQ(faults_.count, 1);
}

const auto kDamageName = [](const auto& one) {
  std::string name = one.param.name;
  std::erase_if(name, [](char c) { return c == ' '; });
  return name;
};
INSTANTIATE_TEST_SUITE_P(Contents, VfsDamage, testing::ValuesIn(kContents), kDamageName);
INSTANTIATE_TEST_SUITE_P(Names, VfsDamage, testing::ValuesIn(kNames), kDamageName);
INSTANTIATE_TEST_SUITE_P(All, VfsContents, testing::ValuesIn(kContents), kDamageName);

TEST_F(VfsTest, AnOldPageInPlaceOfANewOneIsSeen) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs);
  prepare(db);
  insert(db, 1, 40, 3000);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  std::string old(4096, '\0');
  ASSERT_TRUE(disk_.open(kPath, storage::OpenMode::read).value()->read(5 * 4096, old));
  db.run("UPDATE t SET v = randomblob(3000); PRAGMA wal_checkpoint(TRUNCATE)");
  EXPECT_TRUE(vfs.inspect(1000));
  overwrite(kPath, 5 * 4096, old);
  EXPECT_FALSE(vfs.inspect(1000));
}

TEST_F(VfsTest, OpeningADeletedDatabaseAgainIsAFault) {
  Vfs vfs(disk_, faults_.handler());
  Database db(vfs);
  prepare(db);
  ASSERT_TRUE(disk_.remove(kPath));
  Database again(vfs, kPath, false);
  EXPECT_EQ(again.open_result, SQLITE_CANTOPEN);
  EXPECT_EQ(faults_.count, 1);
}

// --- Failing disks ---

TEST_F(VfsTest, AFullDiskIsReportedAsFull) {
  FaultDisk failing(disk_);
  Vfs vfs(failing, faults_.handler());
  Database db(vfs);
  prepare(db);
  insert(db, 1, 10);
  failing.fail_under("copy", Fault::disk_full);
  EXPECT_EQ(db.try_run("INSERT INTO t VALUES(100, 1)"), SQLITE_FULL);
  EXPECT_EQ(faults_.count, 1);
  EXPECT_EQ(faults_.last.sqlstate, "53100");
  failing.heal();
  EXPECT_NE(db.try_run("INSERT INTO t VALUES(100, 1)"), SQLITE_OK);  // the copy is lost
  EXPECT_EQ(faults_.count, 1);
}

// Fails each call of the disk in turn: what was committed with synchronous=FULL is there
// afterwards.
TEST_F(VfsTest, AnyFailedCallLosesNoCommit) {
  for (std::uint64_t n = 1;; ++n) {
    RecordingDisk below;
    ASSERT_TRUE(below.make_directory("copy"));
    FaultDisk failing(below);
    Faults faults;
    int committed = 0, failed = 0;
    {
      Vfs vfs(failing, faults.handler());
      failing.fail_operation(n, Fault::io_error);
      Database db(vfs);
      failed = db.try_run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(id)");
      for (int i = 1; i <= 6 && failed == SQLITE_OK; ++i) {
        failed = db.try_run("INSERT INTO t VALUES(" + std::to_string(i) + ")");
        if (failed == SQLITE_OK) committed = i;
        if (i == 3 && failed == SQLITE_OK) failed = db.try_run("PRAGMA wal_checkpoint(TRUNCATE)");
      }
      EXPECT_EQ(faults.count, failed == SQLITE_OK ? 0 : 1) << n;
    }
    Vfs vfs(below, nullptr);
    Database db(vfs);
    if (committed > 0) {
      int found = std::stoi(db.value("SELECT count(*) FROM t"));
      EXPECT_TRUE(found == committed || found == committed + 1) << n;
    }
    EXPECT_EQ(db.value("PRAGMA integrity_check"), "ok");
    if (failed == SQLITE_OK && failing.operations() < n) break;
  }
}

// --- Power cuts ---

// Commits with the moments at which each was done, and a checkpoint now and then.
std::vector<std::uint64_t> commit_many(RecordingDisk& disk, const std::string& synchronous) {
  std::vector<std::uint64_t> moments;
  Vfs vfs(disk, nullptr);
  Database db(vfs);
  prepare(db, synchronous);
  for (int i = 1; i <= 40; ++i) {
    db.run("BEGIN; INSERT INTO t VALUES(" + std::to_string(i) + ", randomblob(" +
           std::to_string(i * 200) +
           ")); UPDATE t SET v = randomblob(900) WHERE id = " + std::to_string(i / 2) + "; COMMIT");
    moments.push_back(disk.moment());
    if (i % 7 == 0) db.run("PRAGMA wal_checkpoint(PASSIVE)");
    if (i % 19 == 0) db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  return moments;
}

void check_states(RecordingDisk& disk, const std::vector<std::uint64_t>& commits, bool durable) {
  for (std::uint64_t moment = commits.front(); moment <= disk.moment(); ++moment) {
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      SCOPED_TRACE("moment " + std::to_string(moment) + " seed " + std::to_string(seed));
      auto state = disk.after_power_cut(moment, seed);
      Vfs vfs(*state, nullptr);
      Database db(vfs);
      ASSERT_EQ(db.value("PRAGMA integrity_check"), "ok");
      auto done = std::upper_bound(commits.begin(), commits.end(), moment) - commits.begin();
      if (!durable && db.value("SELECT count(*) FROM sqlite_schema") == "0") continue;
      std::string range = db.value("SELECT count(*) || ' ' || coalesce(max(id), 0) FROM t");
      int found = std::stoi(range);
      EXPECT_EQ(range, std::to_string(found) + " " + std::to_string(found));  // a prefix
      EXPECT_LE(found, done + 1);
      if (durable) {
        EXPECT_GE(found, done);
      }
    }
  }
}

TEST_F(VfsTest, APowerCutKeepsWhatWasSynced) {
  auto commits = commit_many(disk_, "FULL");
  check_states(disk_, commits, true);
}

TEST_F(VfsTest, APowerCutLeavesAPrefixWithoutSyncs) {
  auto commits = commit_many(disk_, "NORMAL");
  check_states(disk_, commits, false);
}

// --- Threads ---

TEST_F(VfsTest, ReadersWriterCheckpointerAndWatchdogTogether) {
  std::string root = testing::TempDir() + "spar_vfs_XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  auto posix = storage::make_posix_disk();
  const std::string path = root + "/data.sqlite";
  {
    Vfs vfs(*posix, faults_.handler());
    Database writer(vfs, path);
    prepare(writer);
    insert(writer, 1, 300, 200);
    writer.run("UPDATE t SET v = 0");
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        Database reader(vfs, path);
        reader.run("PRAGMA cache_size=5");
        while (!done) EXPECT_EQ(reader.value("SELECT sum(v) FROM t"), "0");
      });
    }
    threads.emplace_back([&] {
      Database checkpointer(vfs, path);
      while (!done) checkpointer.run("PRAGMA wal_checkpoint(PASSIVE)");
      checkpointer.run("PRAGMA wal_checkpoint(TRUNCATE)");
    });
    threads.emplace_back([&] {
      while (!done) EXPECT_TRUE(vfs.inspect(20));
    });
    for (int i = 1; i <= 300; ++i) {
      writer.run("BEGIN IMMEDIATE; UPDATE t SET v = v + 1 WHERE id = " + std::to_string(i) +
                 "; UPDATE t SET v = v - 1 WHERE id = " + std::to_string(301 - i) + "; COMMIT");
    }
    done = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(writer.value("PRAGMA integrity_check"), "ok");
  }
  EXPECT_EQ(faults_.count, 0) << faults_.last.message;
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace spar::engines::sqlite
