// Point 4 of the main job: four writers and two readers while the primary's copy is damaged in each
// way a disk can fail, and then the next primary's; nothing is lost, doubled or torn, no client
// sees an error, and after a restart all copies hold the same.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "spar/demo/workload.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_node.h"

namespace spar::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience{30};
constexpr int kWriters = 4, kReaders = 2, kDefaultRuns = 20;
constexpr std::int64_t kPaymentsBetween = 150;

// Does harm to the copy in a directory.
using Damage = std::function<void(const std::string& path)>;

// Until nothing is left: the server may be writing there.
void remove_directory(const std::string& path) {
  auto deadline = std::chrono::steady_clock::now() + seconds(5);
  std::error_code status;
  do {
    fs::remove_all(path, status);
  } while (fs::exists(path) && std::chrono::steady_clock::now() < deadline);
}

void overwrite_file(const std::string& file) {
  std::error_code missing;
  auto size = fs::file_size(file, missing);
  if (missing) return;
  std::mt19937 random(7);
  std::string noise(size, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << noise;
}

void overwrite(const std::string& path) {
  overwrite_file(path + "/data.sqlite");
  overwrite_file(path + "/data.sqlite-wal");
}

void truncate(const std::string& path) {
  for (const char* name : {"/data.sqlite", "/data.sqlite-wal"}) {
    std::error_code missing;
    fs::resize_file(path + name, 0, missing);
  }
}

// One cluster's life: load, damage, load, damage, restart.
class Life {
 public:
  explicit Life(TestNode& node) : node_(node) {}

  void open_shop() {
    auto ready = wait_until(node_, "protection", kPatience, is_protected);
    ASSERT_TRUE(ready) << ready.error().message;
    app::SqlClient client(node_.address("shop"));
    ASSERT_TRUE(client.connect());
    auto made = app::make_shop(client);
    ASSERT_TRUE(made) << made.error().message;
    workload_ = std::make_unique<app::Workload>(node_.address("shop"), kWriters, kReaders);
    wait_for_payments();
  }

  // Another primary in a new epoch, and every client served by it.
  void damage_primary(const Damage& damage) {
    auto before = wait_until(node_, "a primary", kPatience,
                             [](const json& now) { return !primary_of(now).empty(); });
    ASSERT_TRUE(before) << before.error().message;
    std::string old = primary_of(*before);
    workload_->take_longest_wait();
    damage(path_of(*before, old));
    auto after = wait_until(node_, "a new primary", kPatience, [&](const json& now) {
      return !primary_of(now).empty() && primary_of(now) != old;
    });
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_GT((*after)["epoch"].get<int>(), (*before)["epoch"].get<int>());
    ASSERT_TRUE(workload_->all_served_within(kPatience)) << "a client waits for ever";
    pauses_.push_back(workload_->take_longest_wait());
    wait_for_payments();
  }

  void wait_for_protection() {
    auto safe = wait_until(node_, "protection", kPatience, is_protected);
    ASSERT_TRUE(safe) << safe.error().message;
    ASSERT_TRUE(workload_->all_served_within(kPatience));
  }

  void close_and_check(const std::function<void()>& repair) {
    workload_->stop();
    app::Counts counts = workload_->counts();
    EXPECT_EQ(counts.errors, 0) << workload_->first_error();
    EXPECT_EQ(counts.stale, 0);
    repair();
    auto again = node_.restart();
    ASSERT_TRUE(again) << again.error().message;
    auto same = wait_until(node_, "equal copies", kPatience, all_equal);
    EXPECT_TRUE(same) << same.error().message;
    check_data(counts.acknowledged);
  }

  const std::vector<milliseconds>& pauses() const { return pauses_; }

 private:
  void check_data(std::int64_t acknowledged) {
    app::SqlClient client(node_.address("shop"));
    auto connected = client.connect();
    ASSERT_TRUE(connected) << connected.error().message;
    auto audit = app::audit_shop(client, workload_->acknowledged());
    ASSERT_TRUE(audit) << audit.error().message;
    EXPECT_EQ(audit->lost, 0);
    EXPECT_EQ(audit->doubled, 0);
    EXPECT_EQ(audit->torn, 0);
    EXPECT_GE(audit->payments, acknowledged);
  }

  void wait_for_payments() {
    std::int64_t wanted = workload_->counts().acknowledged + kPaymentsBetween;
    auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (workload_->counts().acknowledged < wanted) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << workload_->first_error();
      ASSERT_TRUE(workload_->all_served_within(kPatience)) << workload_->first_error();
    }
  }

  TestNode& node_;
  std::unique_ptr<app::Workload> workload_;
  std::vector<milliseconds> pauses_;
};

struct Harm {
  Damage first, second;
  std::function<void()> repair;
};

void live(TestNode& node, const Harm& harm, std::vector<milliseconds>& pauses) {
  Life life(node);
  ASSERT_NO_FATAL_FAILURE(life.open_shop());
  ASSERT_NO_FATAL_FAILURE(life.damage_primary(harm.first));
  ASSERT_NO_FATAL_FAILURE(life.wait_for_protection());
  ASSERT_NO_FATAL_FAILURE(life.damage_primary(harm.second));
  pauses.insert(pauses.end(), life.pauses().begin(), life.pauses().end());
  ASSERT_NO_FATAL_FAILURE(life.close_and_check(harm.repair));
}

void report(std::vector<milliseconds> pauses) {
  if (pauses.empty()) return;
  std::sort(pauses.begin(), pauses.end());
  auto longest = pauses.back().count(), median = pauses[pauses.size() / 2].count();
  std::cout << "pauses of " << pauses.size() << " failovers: longest " << longest << " ms, median "
            << median << " ms\n";
  ::testing::Test::RecordProperty("longest_pause_ms", static_cast<int>(longest));
}

void live_as_process(const Damage& damage) {
  std::vector<milliseconds> pauses;
  for (int run = 0; run < runs(kDefaultRuns) && !testing::Test::HasFailure(); ++run) {
    SCOPED_TRACE("run " + std::to_string(run));
    TempDirectory directory;
    auto node = start_process_node(directory.path());
    ASSERT_TRUE(node) << node.error().message;
    auto repair = [&] {
      for (const char* copy : {"a", "b", "c"}) {
        fs::create_directories(directory.path() + "/copies/" + copy);
      }
    };
    live(**node, {damage, damage, repair}, pauses);
  }
  report(std::move(pauses));
}

TEST(FailoverTest, SurvivesADirectoryThatIsRemoved) {
  live_as_process(remove_directory);
}

TEST(FailoverTest, SurvivesAFileFullOfNoise) {
  live_as_process(overwrite);
}

TEST(FailoverTest, SurvivesAFileThatIsTruncated) {
  live_as_process(truncate);
}

// A file system of its own for one copy.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    fs::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=24m,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  const std::string& path() const { return path_; }

  void fill() const {
    std::string block(4096, 'x');
    int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT, 0600);
    while (::write(fd, block.data(), block.size()) > 0) {
    }
    ::close(fd);
  }
  void relieve() const { fs::remove(filler()); }

 private:
  std::string filler() const { return path_ + "/filler"; }
  std::string path_;
  bool mounted_ = false;
};

TEST(FailoverTest, SurvivesAFullDisk) {
  std::vector<milliseconds> pauses;
  for (int run = 0; run < runs(kDefaultRuns) && !HasFailure(); ++run) {
    SCOPED_TRACE("run " + std::to_string(run));
    TempDirectory directory;
    SmallDisk disk(directory.path() + "/copies/a");
    if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small tmpfs (needs root)";
    auto node = start_process_node(directory.path());
    ASSERT_TRUE(node) << node.error().message;
    auto repair = [&] {
      disk.relieve();
      fs::create_directories(directory.path() + "/copies/b");
      fs::create_directories(directory.path() + "/copies/c");
    };
    live(**node, {[&](const std::string&) { disk.fill(); }, remove_directory, repair}, pauses);
  }
  report(std::move(pauses));
}

TEST(FailoverTest, SurvivesInputOutputErrors) {
  std::vector<milliseconds> pauses;
  for (int run = 0; run < runs(kDefaultRuns) && !HasFailure(); ++run) {
    SCOPED_TRACE("run " + std::to_string(run));
    TempDirectory directory;
    auto posix = storage::make_posix_disk();
    FaultDisk disk(*posix);
    auto node = start_inner_node(directory.path(), disk);
    ASSERT_TRUE(node) << node.error().message;
    auto fail = [&](const std::string& path) { disk.fail_under(path, Fault::io_error); };
    live(**node, {fail, fail, [&] { disk.heal(); }}, pauses);
  }
  report(std::move(pauses));
}

}  // namespace
}  // namespace spar::test
