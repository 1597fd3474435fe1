#include "replicate/member.h"

#include "base/log.h"
#include "base/mutant.h"
#include "replicate/limits.h"

namespace spar::replicate {
namespace {

std::int64_t monotonic_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Member::Member(Parts parts, Pipeline& pipeline, HistoryReader history, OnFault on_fault)
    : parts_(std::move(parts)),
      pipeline_(pipeline),
      history_(std::move(history)),
      on_fault_(std::move(on_fault)) {}

Member::~Member() {
  stop_ = true;
  stop_apply_ = true;
  pipeline_.wake();
  if (flusher_.joinable()) flusher_.join();
  if (applier_.joinable()) applier_.join();
}

std::string Member::failure_text() const {
  std::lock_guard lock(failure_mutex_);
  return failure_text_;
}

void Member::start() {
  flusher_done_ = false;
  flusher_ = std::thread([this] { flush_loop(); });
  start_applier();
}

void Member::start_applier() {
  stop_apply_ = false;
  applier_done_ = false;
  applier_ = std::thread([this] { apply_loop(); });
}

void Member::stop_applier() {
  stop_apply_ = true;
  pipeline_.wake();
  if (applier_.joinable()) applier_.join();
}

void Member::set_synchronous(bool synchronous) {
  synchronous_ = synchronous;
  pipeline_.wake();
}

void Member::fail(const Error& error) {
  {
    std::lock_guard lock(failure_mutex_);
    if (failed_.exchange(true)) return;
    failure_text_ = error.message;
  }
  parts_.copy->fence();
  stop_ = true;
  stop_apply_ = true;
  pipeline_.wake();
  on_fault_(id(), error);
}

Result<std::vector<changelog::SharedRecord>> Member::next_to_flush() {
  Feed feed;
  Sequence end = parts_.log->end().sequence;
  std::uint64_t wakes = pipeline_.wakes();  // before the flags that a wake announces
  if (stop_.load()) return std::vector<changelog::SharedRecord>();
  pipeline_.fetch({end, !synchronous_.load(), kFlushBytesMax, 0, wakes}, feed);
  if (!feed.behind_window) return std::move(feed.records);
  SPAR_ASSIGN(std::vector<changelog::SharedRecord> records, history_(end, kHistoryReadBytes));
  std::erase_if(records, [&](const changelog::SharedRecord& record) {
    return record->position.sequence > feed.limit;
  });
  return records;
}

Result<void> Member::flush(const std::vector<changelog::SharedRecord>& records) {
  flush_started_us_ = monotonic_us();
  SPAR_TRY(parts_.log->append(records));
  SPAR_TRY(parts_.log->sync());
  flush_started_us_ = 0;
  if (!parts_.log->intact() && !mutant(Mutant::ignore_failed_flush)) {
    return failure(
        Code::io,
        "the change log in " + parts_.identity.directory + " was removed, replaced or cut short",
        "58030");
  }
  return {};
}

void Member::flush_loop() {
  flush_until_stopped();
  flusher_done_ = true;
}

void Member::flush_until_stopped() {
  while (!stop_.load()) {
    auto records = next_to_flush();
    if (!records) return fail(records.error());
    if (records->empty() || stop_.load()) continue;
    if (Result<void> flushed = flush(*records); !flushed) return fail(flushed.error());
    pipeline_.durable(id(), records->back()->position.sequence);
    if (Result<void> trimmed = trim_as_asked(); !trimmed) return fail(trimmed.error());
  }
}

Result<std::vector<changelog::SharedRecord>> Member::next_to_apply() {
  Sequence applied = parts_.copy->applied().sequence;
  bool acknowledged_only = !mutant(Mutant::apply_before_acknowledged);
  Feed feed;
  std::uint64_t wakes = pipeline_.wakes();  // before the flag that a wake announces
  if (stop_apply_.load()) return std::vector<changelog::SharedRecord>();
  pipeline_.fetch({applied, acknowledged_only, kApplyBytesMax, kApplyRecordsMax, wakes}, feed);
  if (feed.behind_window) {
    Sequence durable = parts_.log->durable().sequence;
    if (durable <= applied) {  // the flusher is fetching what we want
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return std::vector<changelog::SharedRecord>();
    }
    SPAR_ASSIGN(feed.records, parts_.log->read(applied, kApplyBytesMax));
  }
  std::erase_if(feed.records, [&](const changelog::SharedRecord& record) {
    return record->position.sequence > feed.limit;
  });
  return std::move(feed.records);
}

void Member::apply_loop() {
  apply_until_stopped();
  applier_done_ = true;
}

void Member::apply_until_stopped() {
  while (!stop_apply_.load()) {
    auto records = next_to_apply();
    if (!records) return fail(records.error());
    if (records->empty() || stop_apply_.load()) continue;
    if (Result<void> applied = parts_.copy->apply(*records); !applied) {
      return fail(applied.error());
    }
    if (records_since_checkpoint() < kCheckpointRecords) continue;
    if (Result<void> done = checkpoint_now(); !done) return fail(done.error());
  }
}

Result<void> Member::apply_log_to_end() {
  while (parts_.copy->applied().sequence < parts_.log->end().sequence) {
    SPAR_ASSIGN(std::vector<changelog::SharedRecord> records,
                parts_.log->read(parts_.copy->applied().sequence, kApplyBytesMax));
    if (records.empty()) return failure(Code::corrupt, "the change log has a gap");
    SPAR_TRY(parts_.copy->apply(records));
  }
  return {};
}

Result<Position> Member::promote(Epoch epoch) {
  stop_applier();
  if (failed()) return failure(Code::copy_lost, failure_text());
  SPAR_TRY(apply_log_to_end());
  SPAR_TRY(parts_.copy->promote(epoch));
  return parts_.log->end();
}

Result<void> Member::follow(Epoch epoch) {
  stop_applier();
  SPAR_TRY(parts_.copy->follow(epoch));
  start_applier();
  return {};
}

void Member::inspect() {
  if (failed()) return;
  std::int64_t started = flush_started_us_.load();
  if (started != 0 && monotonic_us() - started > std::chrono::microseconds(kFlushStall).count()) {
    Error error;
    error.message = "a flush of the change log has not returned for " +
                    std::to_string(kFlushStall.count()) + " ms";
    return fail(error);
  }
  if (Result<void> same = parts_.copy->inspect(); !same) return fail(same.error());
  if (!parts_.log->intact() && !mutant(Mutant::ignore_failed_flush)) {
    Error error;
    error.message =
        "the change log in " + parts_.identity.directory + " was removed, replaced or cut short";
    fail(error);
  }
}

std::uint64_t Member::records_since_checkpoint() const {
  std::uint64_t applied = parts_.copy->applied().sequence.value;
  std::uint64_t done = checkpointed_.load();
  return applied > done ? applied - done : 0;
}

Result<void> Member::checkpoint_now() {
  std::lock_guard lock(checkpoint_mutex_);
  SPAR_ASSIGN(std::optional<Position> reached, parts_.copy->checkpoint([&](Position position) {
    while (parts_.log->durable().sequence < position.sequence) {
      if (stop_.load()) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return true;
  }));
  if (reached) checkpointed_ = reached->sequence.value;
  return {};
}

void Member::checkpoint() {
  if (failed()) return;
  Result<void> done = checkpoint_now();
  if (!done && !failed()) fail(done.error());
}

void Member::trim_log(Sequence needed) {
  Sequence last = std::min(needed, Sequence(checkpointed_.load()));
  if (mutant(Mutant::trim_log_early)) last = parts_.log->end().sequence;
  trim_through_ = last.value;
}

Result<void> Member::trim_as_asked() {
  std::uint64_t last = trim_through_.load();
  if (last <= trimmed_) return {};
  trimmed_ = last;
  return parts_.log->trim_through(Sequence(last));
}

}  // namespace spar::replicate
