// The log on every kind of state that a power cut may leave: what was synced is there, what is
// there is a prefix of what was appended, and a second cut after going on does not bring old bytes
// back.
#include <gtest/gtest.h>

#include <random>

#include "changelog/log.h"
#include "tests/support/recording_disk.h"

namespace spar::changelog {
namespace {

using test::RecordingDisk;

constexpr LogOptions kSmall{.segment_bytes = 8192};
const std::string kDirectory = "copy/log";

using Random = std::mt19937_64;

// What the log must hold when nothing is lost.
struct Model {
  Position base;
  Sequence durable;
  std::vector<SharedRecord> records;  // after base

  Sequence end() const {
    return records.empty() ? base.sequence : records.back()->position.sequence;
  }
};

struct Step {
  std::uint64_t from = 0, to = 0;  // moments before and after the call
  Model before, after;
  bool restart = false;
};

SharedRecord make_record(Sequence sequence, Epoch epoch, Random& random) {
  std::size_t size = random() % 8 == 0 ? random() % 20000 : random() % 1500;
  Bytes changes(size, '\0');
  for (char& c : changes) c = static_cast<char>(random());
  return std::make_shared<const Record>(Record{.position = {epoch, sequence},
                                               .transaction = TransactionId{random()},
                                               .commit_time = Timestamp{1},
                                               .changes = std::move(changes)});
}

class Workload {
 public:
  Workload(RecordingDisk& disk, std::uint64_t seed) : disk_(disk), random_(seed) {
    step([&](Model&) { log_ = Log::open(disk_, kDirectory, kSmall).value(); });
  }

  void run(int calls) {
    for (int i = 0; i < calls; ++i) {
      unsigned choice = random_() % 20;
      if (choice < 8) append();
      if (choice >= 8 && choice < 16) sync();
      if (choice == 16 || choice == 17) cut();
      if (choice == 18) trim();
      if (choice == 19 && random_() % 4 == 0) restart();
    }
  }

  std::vector<Step> steps;

 private:
  template <class Call>
  void step(Call call) {
    Step step{.from = disk_.moment(), .before = model_};
    call(model_);
    step.to = disk_.moment();
    step.after = model_;
    steps.push_back(std::move(step));
  }
  void append() {
    step([&](Model& model) {
      std::vector<SharedRecord> batch;
      for (std::uint64_t i = random_() % 4 + 1; i > 0; --i) {
        Sequence next{model.end().value + 1};
        batch.push_back(make_record(next, epoch_, random_));
        model.records.push_back(batch.back());
      }
      ASSERT_TRUE(log_->append(batch));
    });
  }
  void sync() {
    step([&](Model& model) {
      ASSERT_TRUE(log_->sync());
      model.durable = model.end();
    });
  }
  void cut() {
    step([&](Model& model) {
      std::uint64_t held = model.records.size();
      Sequence last{model.base.sequence.value + (held == 0 ? 0 : held - random_() % held)};
      ASSERT_TRUE(log_->cut_after(last));
      while (model.end() > last) model.records.pop_back();
      model.durable = model.end();
      epoch_ = Epoch{epoch_.value + 1};
    });
  }
  void trim() {
    step([&](Model& model) {
      Sequence last{model.base.sequence.value + random_() % (model.records.size() + 1)};
      ASSERT_TRUE(log_->trim_through(last));
      Position base = log_->base();
      ASSERT_LE(base.sequence, last);
      std::erase_if(model.records, [&](const SharedRecord& record) {
        return record->position.sequence <= base.sequence;
      });
      model.base = base;
    });
  }
  void restart() {
    step([&](Model& model) {
      model.base = {epoch_, Sequence{random_() % 1000}};
      model.records.clear();
      model.durable = model.base.sequence;
      ASSERT_TRUE(log_->restart_at(model.base));
    });
    steps.back().restart = true;
  }

  RecordingDisk& disk_;
  Random random_;
  std::unique_ptr<Log> log_;
  Model model_;
  Epoch epoch_{1};
};

const SharedRecord* find(const Model& model, Sequence sequence) {
  for (const SharedRecord& record : model.records) {
    if (record->position.sequence == sequence) return &record;
  }
  return nullptr;
}

void check_contents(const Step& step, Log& log, bool whole) {
  auto records = log.read(log.base().sequence, std::size_t{1} << 30);
  ASSERT_TRUE(records) << records.error().message;
  for (const SharedRecord& record : *records) {
    Sequence sequence = record->position.sequence;
    const SharedRecord* want = find(step.after, sequence);
    if (want == nullptr && !whole) want = find(step.before, sequence);
    ASSERT_NE(want, nullptr) << "sequence " << sequence.value << " was never there";
    ASSERT_EQ(*record, **want) << "sequence " << sequence.value;
  }
}

void check(const Step& step, std::uint64_t moment, Log& log) {
  const bool whole = moment == step.to;  // the call had returned
  if (step.restart && !whole) return;    // any prefix of the old, or empty
  check_contents(step, log, whole);
  if (whole) {
    EXPECT_EQ(log.base(), step.after.base);
    EXPECT_GE(log.end().sequence, step.after.durable);
    EXPECT_LE(log.end().sequence, step.after.end());
    return;
  }
  EXPECT_GE(log.base().sequence, step.before.base.sequence);
  EXPECT_LE(log.base().sequence, step.after.base.sequence);
  EXPECT_GE(log.end().sequence, std::min(step.before.durable, step.after.durable));
  EXPECT_LE(log.end().sequence, std::max(step.before.end(), step.after.end()));
}

// Goes on from a state after a cut, loses power once more, and must find exactly what it then knew.
void go_on_and_cut_again(RecordingDisk& disk, std::uint64_t seed) {
  Random random(seed);
  std::vector<SharedRecord> known;
  Sequence base, durable;
  {
    auto log = Log::open(disk, kDirectory, kSmall).value();
    base = log->base().sequence;
    known = log->read(base, std::size_t{1} << 30).value();
    Epoch epoch{log->end().epoch.value + 1};
    for (int i = 0; i < 3; ++i) {
      known.push_back(make_record(Sequence{log->end().sequence.value + 1}, epoch, random));
      ASSERT_TRUE(log->append({&known.back(), 1}));
      if (i == 1) {
        ASSERT_TRUE(log->sync());
        durable = log->durable().sequence;
      }
    }
  }
  auto state = disk.after_power_cut(seed);
  auto log = Log::open(*state, kDirectory, kSmall);
  ASSERT_TRUE(log) << log.error().message;
  auto found = (*log)->read(base, std::size_t{1} << 30).value();
  ASSERT_GE((*log)->end().sequence, durable);
  ASSERT_LE(found.size(), known.size());
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(*found[i], *known[i]);
}

void run_seed(std::uint64_t seed) {
  RecordingDisk disk;
  Workload workload(disk, seed);
  workload.run(40);
  Random random(seed);
  for (const Step& step : workload.steps) {
    for (int i = 0; i < 4; ++i) {
      std::uint64_t moment = i == 0 ? step.to : step.from + random() % (step.to - step.from + 1);
      std::uint64_t choice = random();
      SCOPED_TRACE("seed " + std::to_string(seed) + " moment " + std::to_string(moment) +
                   " choice " + std::to_string(choice));
      auto state = disk.after_power_cut(moment, choice);
      {
        auto log = Log::open(*state, kDirectory, kSmall);
        ASSERT_TRUE(log) << log.error().message;
        check(step, moment, **log);
      }
      go_on_and_cut_again(*state, choice);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(LogPowerCut, EverySyncedRecordAndNothingElse) {
  const char* given = std::getenv("SPAR_SEED");
  std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  for (std::uint64_t seed = first; seed < first + 25 && !HasFailure(); ++seed) run_seed(seed);
}

}  // namespace
}  // namespace spar::changelog
