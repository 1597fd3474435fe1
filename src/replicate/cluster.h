// replicate/cluster.h: the data path of one cluster: who answers reads, who takes writes, and what
// the controller can do to that.
//
// Contract    Sessions take leases. A lease keeps its member alive but does not keep it in service:
//             when the member fails, calls on the lease give Code::copy_lost and the session takes
//             another. begin_read and begin_write wait while the cluster is held (a failover is
//             under way). The controller alone calls the second half; it performs control's actions
//             one by one.
// Threads     Sessions: any. Controller calls: one thread.
// Invariants  K1 a read lease of a follower holds everything acknowledged when it was asked for
//             (strict), and all of the history with which its epoch began: what was in doubt then
//             is settled.
//             K2 no write lease is given in an epoch that was not admitted.
// Not here    Decisions (control/), the record (coordination/), transactions and replay (server/).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "engines/contract.h"
#include "replicate/limits.h"
#include "replicate/member.h"
#include "replicate/pipeline.h"
#include "replicate/writer_gate.h"

namespace spar::replicate {

// How fresh a read must be: everything acknowledged by now, everything up to `after`, or at most
// `max_staleness` old. `primary_only` for a snapshot that may turn into a write.
struct ReadNeed {
  enum class Kind { strict, after, bounded } kind = Kind::strict;
  Position after;
  std::chrono::milliseconds max_staleness{0};
  bool primary_only = false;
};

class ReadLease {
 public:
  ReadLease(std::shared_ptr<Member> member, std::unique_ptr<engines::ReadSession> session)
      : member_(std::move(member)), session_(std::move(session)) {}
  ~ReadLease() { session_.reset(); }

  engines::ReadSession& session() { return *session_; }
  Member& member() { return *member_; }

 private:
  std::shared_ptr<Member> member_;
  std::unique_ptr<engines::ReadSession> session_;
};

class WriteLease {
 public:
  // REQUIRES: `session` holds `gate`; without one, the right to write stays with the caller.
  WriteLease(std::shared_ptr<Member> member, std::shared_ptr<WriterGate> gate, Pipeline& pipeline,
             std::uint64_t session)
      : member_(std::move(member)),
        gate_(std::move(gate)),
        pipeline_(pipeline),
        session_id_(session),
        has_gate_(gate_ != nullptr) {}
  ~WriteLease();
  WriteLease(const WriteLease&) = delete;
  WriteLease& operator=(const WriteLease&) = delete;

  Result<void> open(Epoch epoch);
  engines::WriteSession& session() { return *session_; }
  Member& member() { return *member_; }

  // Publishes, commits and gives the right to write on; the caller then waits for the position.
  // Nothing when the transaction wrote nothing. Code::copy_lost: not published, repeat it (and keep
  // this lease until the next one is there: it is the claim to go first).
  Result<std::optional<Position>> commit(TransactionId transaction, Timestamp now);

 private:
  void give_back();

  std::shared_ptr<Member> member_;
  std::shared_ptr<WriterGate> gate_;
  Pipeline& pipeline_;
  std::uint64_t session_id_;
  std::unique_ptr<engines::WriteSession> session_;
  bool has_gate_;
};

// A transaction of one statement: all of it, commit() included, on any thread.
using WriteWork = std::function<Result<std::optional<Position>>(WriteLease&)>;

// How it ended. Without a position it wrote nothing.
struct Written {
  std::optional<Position> position;
  Outcome outcome = Outcome::committed;
};

class Cluster {
 public:
  explicit Cluster(Member::OnFault on_fault) : on_fault_(std::move(on_fault)) {}
  ~Cluster();
  void shut_down();  // stops every member; no lease may be left

  // --- sessions ---
  Result<std::unique_ptr<ReadLease>> begin_read(const ReadNeed& need, Monotonic deadline);
  // `request.deadline` bounds the wait for other writers, `deadline` that for a primary.
  Result<std::unique_ptr<WriteLease>> begin_write(const WriteRequest& request, Monotonic deadline);
  // Has `work` write on its turn, on this thread or on that of a session before, and waits until
  // what it committed is acknowledged (Outcome::deadline: it was not within `patience`).
  Result<Written> write_once(const WriteRequest& request, Monotonic deadline,
                             std::chrono::milliseconds patience, const WriteWork& work);
  // Of the primary, as of its newest commit; empty before the first admission.
  std::shared_ptr<const data::Catalogue> catalogue() const;
  Pipeline& pipeline() { return pipeline_; }
  // How long sessions wait for a primary.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }
  std::chrono::milliseconds patience() const { return patience_; }
  // A session saw the copy fail: its member is taken out, whoever noticed first.
  void report(Member& member, const Error& error);

  // --- controller ---
  std::shared_ptr<Member> add(Member::Parts parts);  // starts following
  void remove(CopyId id);                            // fences; its threads end by themselves
  std::shared_ptr<Member> member(CopyId id) const;
  std::vector<std::shared_ptr<Member>> members() const;
  void hold();
  void fence(CopyId id);  // no more writes there; a failed member is fenced already
  // Lets `id` flush and apply all that was published; gives the end of its history.
  Result<Position> promote(CopyId id, Epoch epoch);
  // After hold(): waits for the writer and until `target` has everything. Nothing is written after
  // it.
  Result<Position> drain(CopyId target, Monotonic deadline);
  void begin_epoch(const History& history, Epoch epoch, Sequence end);
  void set_synchronous(CopyId primary, const std::vector<CopyId>& set, bool enough);
  Result<void> admit(CopyId primary, Epoch epoch);
  // Checkpoints the primary, lets logs forget what no one needs. `whole`: every member is here.
  void maintain(bool whole);
  void sweep();                   // destroys failed members that have come to rest
  bool at_rest(CopyId id) const;  // no failed member of that copy still hangs on its disk

 private:
  void checkpoint_primary();
  void trim_logs(bool whole);

  // What sessions look at; replaced as a whole.
  struct Routing {
    Epoch epoch;
    Sequence begun_at;  // the end of the history when the epoch began or went on
    std::shared_ptr<Member> primary;
    std::shared_ptr<WriterGate> gate;
    std::vector<std::shared_ptr<Member>> followers;
  };

  std::shared_ptr<const Routing> wait_admitted(Monotonic deadline);
  bool fresh_enough(const Member& member, const ReadNeed& need, const Routing& routing) const;
  void publish_routing();
  Result<std::vector<changelog::SharedRecord>> read_history(Sequence after, std::size_t bytes);

  Member::OnFault on_fault_;
  std::chrono::milliseconds patience_ = kAdmitWait;
  Pipeline pipeline_;
  mutable std::mutex mutex_;
  std::condition_variable admitted_;
  std::map<CopyId, std::shared_ptr<Member>> members_;
  std::vector<std::shared_ptr<Member>> graveyard_;
  bool held_ = true;
  std::set<CopyId> acknowledgers_;  // of members that are not here yet, too
  CopyId primary_;
  Epoch epoch_;
  Sequence begun_at_;
  std::shared_ptr<WriterGate> gate_;
  std::atomic<std::shared_ptr<const Routing>> routing_;  // null while held
  std::atomic<std::uint32_t> round_robin_{0};
};

}  // namespace spar::replicate
