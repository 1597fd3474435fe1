// replicate/member.h: one copy at work in its cluster: its change log, its data, and the two
// threads that keep them going.
//
// Contract    The flush thread writes records to the copy's log as the pipeline hands them out (at
//             once for the primary and mirrors, after acknowledgement for replicas) and reports
//             what is durable. The apply thread stores acknowledged records in the data; it rests
//             while the copy is primary. The first failure of either, of a session, or of inspect()
//             takes the member out for good: it is fenced and reported once; a later return is a
//             new Member.
// Threads     Any for the public calls, except start/stop_applier/promote (the controller's
// thread).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "changelog/log.h"
#include "engines/contract.h"
#include "replicate/pipeline.h"

namespace spar::replicate {

struct MemberIdentity {
  CopyId id;
  std::string name;
  std::string directory;
};

// Reads records that are no longer in memory, from the log of whoever is primary.
using HistoryReader =
    std::function<Result<std::vector<changelog::SharedRecord>>(Sequence after, std::size_t bytes)>;

class Member {
 public:
  struct Parts {
    MemberIdentity identity;
    std::unique_ptr<changelog::Log> log;
    std::unique_ptr<engines::Copy> copy;
  };
  using OnFault = std::function<void(CopyId, const Error&)>;

  Member(Parts parts, Pipeline& pipeline, HistoryReader history, OnFault on_fault);
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  const MemberIdentity& identity() const { return parts_.identity; }
  CopyId id() const { return parts_.identity.id; }
  engines::Copy& copy() { return *parts_.copy; }
  changelog::Log& log() { return *parts_.log; }
  bool failed() const { return failed_.load(); }
  std::string failure_text() const;

  Position received() const { return parts_.log->durable(); }
  Position applied() const { return parts_.copy->applied(); }

  void start();                            // as a follower
  void set_synchronous(bool synchronous);  // flush before acknowledgement, or after
  bool synchronous() const { return synchronous_.load(); }

  // Everything that the log holds is applied and writes of `epoch` are accepted.
  Result<Position> promote(Epoch epoch);
  Result<void> follow(Epoch epoch);  // after promote(): apply again

  void fail(const Error& error);  // idempotent; fences
  void inspect();                 // fails the member when it is not what was written
  void checkpoint();              // of the primary; followers do it by themselves
  std::uint64_t records_since_checkpoint() const;
  // Forgets log records that no one needs: not this copy after a power cut, not anyone behind
  // `needed`.
  void trim_log(Sequence needed);
  // After fail(): both threads have ended, so that destroying it does not wait for a stuck disk.
  bool at_rest() const { return flusher_done_.load() && applier_done_.load(); }

 private:
  void flush_loop();
  void flush_until_stopped();
  void apply_loop();
  void apply_until_stopped();
  Result<void> trim_as_asked();
  Result<std::vector<changelog::SharedRecord>> next_to_flush();
  Result<std::vector<changelog::SharedRecord>> next_to_apply();
  Result<void> flush(const std::vector<changelog::SharedRecord>& records);
  Result<void> apply_log_to_end();
  Result<void> checkpoint_now();
  void stop_applier();
  void start_applier();

  Parts parts_;
  Pipeline& pipeline_;
  HistoryReader history_;
  OnFault on_fault_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> stop_apply_{true};
  std::atomic<bool> failed_{false};
  std::atomic<bool> synchronous_{false};
  std::atomic<std::int64_t> flush_started_us_{0};  // 0: no flush under way
  std::atomic<std::uint64_t> checkpointed_{0};     // sequence that the main file holds durably
  std::atomic<std::uint64_t> trim_through_{0};
  std::uint64_t trimmed_ = 0;  // the flush thread's
  std::atomic<bool> flusher_done_{true};
  std::atomic<bool> applier_done_{true};
  mutable std::mutex failure_mutex_;
  std::string failure_text_;
  std::mutex checkpoint_mutex_;
  std::thread flusher_;
  std::thread applier_;
};

}  // namespace spar::replicate
