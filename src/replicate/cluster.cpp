#include "replicate/cluster.h"

#include <algorithm>

#include "base/log.h"
#include "base/mutant.h"
#include "replicate/limits.h"

namespace spar::replicate {
namespace {

constexpr std::uint64_t kMaintenanceSession = 1;  // sessions of clients are numbered from 2

}  // namespace

WriteLease::~WriteLease() {
  give_back();
}

void WriteLease::give_back() {
  session_.reset();
  if (std::exchange(has_gate_, false)) gate_->release(session_id_);
}

Result<void> WriteLease::open(Epoch epoch) {
  SPAR_ASSIGN(session_, member_->copy().open_write(epoch));
  return {};
}

Result<std::optional<Position>> WriteLease::commit(TransactionId transaction, Timestamp now) {
  if (!session_->wrote()) {
    give_back();
    return std::nullopt;
  }
  Position position = pipeline_.next();
  SPAR_ASSIGN(changelog::SharedRecord record,
              session_->prepare_commit({position, transaction, now}));
  if (!pipeline_.publish(std::move(record))) {
    return failure(Code::copy_lost, "the primary changed before the commit", "57P01");
  }
  // From here on the log decides: what the copy says of its own commit only tells us to leave it.
  Result<void> committed = session_->commit();
  if (committed) {
    pipeline_.shown(position);
  } else {
    member_->fail(committed.error());
  }
  give_back();
  return position;
}

Cluster::~Cluster() {
  shut_down();
}

void Cluster::shut_down() {
  hold();
  std::map<CopyId, std::shared_ptr<Member>> members;
  {
    std::lock_guard lock(mutex_);
    members.swap(members_);
  }
  members.clear();
  graveyard_.clear();
}

std::shared_ptr<const data::Catalogue> Cluster::catalogue() const {
  auto routing = routing_.load();
  if (routing) return routing->primary->copy().catalogue();
  std::lock_guard lock(mutex_);
  auto found = members_.find(primary_);
  if (found != members_.end()) return found->second->copy().catalogue();
  return std::make_shared<const data::Catalogue>();
}

std::shared_ptr<const Cluster::Routing> Cluster::wait_admitted(Monotonic deadline) {
  if (auto routing = routing_.load()) return routing;
  std::unique_lock lock(mutex_);
  Monotonic limit = std::chrono::steady_clock::now() + patience_;
  admitted_.wait_until(lock, std::min(limit, deadline), [&] { return !held_; });
  return routing_.load();
}

// After a restart acknowledged() begins at nothing until every acknowledger is back, and how old a
// record from before is, is not known: hence begun_at.
bool Cluster::fresh_enough(const Member& member, const ReadNeed& need,
                           const Routing& routing) const {
  Position applied = member.applied();
  switch (need.kind) {
    case ReadNeed::Kind::strict:
      return applied.sequence >= std::max(pipeline_.acknowledged().sequence, routing.begun_at);
    case ReadNeed::Kind::after:
      return applied.sequence >= need.after.sequence;
    case ReadNeed::Kind::bounded:
      return applied.sequence >= routing.begun_at &&
             pipeline_.lag(applied.sequence, std::chrono::steady_clock::now()) <=
                 need.max_staleness;
  }
  return false;
}

namespace {

Failure no_copy() {
  Error error;
  error.code = Code::unavailable;
  error.sqlstate = "57P03";
  error.message = "no copy of the cluster can serve this now";
  error.hint = "Run \"spar status\" to see which copies are down and why.";
  return Failure(error);
}

}  // namespace

Result<std::unique_ptr<ReadLease>> Cluster::begin_read(const ReadNeed& need, Monotonic deadline) {
  while (true) {
    auto routing = wait_admitted(deadline);
    if (!routing) return no_copy();
    std::size_t count = routing->followers.size();
    std::shared_ptr<Member> chosen = routing->primary;
    if (!need.primary_only && count > 0) {
      std::size_t turn = round_robin_.fetch_add(1, std::memory_order_relaxed) % (count + 1);
      if (turn < count) {
        const auto& follower = routing->followers[turn];
        if (!follower->failed() && fresh_enough(*follower, need, *routing)) chosen = follower;
      }
    }
    Result<std::unique_ptr<engines::ReadSession>> session = chosen->copy().open_read();
    if (session) return std::make_unique<ReadLease>(chosen, std::move(*session));
    report(*chosen, session.error());
    if (std::chrono::steady_clock::now() > deadline) return no_copy();
    std::this_thread::sleep_for(kRetryPause);
  }
}

Result<std::unique_ptr<WriteLease>> Cluster::begin_write(const WriteRequest& request,
                                                         Monotonic deadline) {
  while (true) {
    auto routing = wait_admitted(deadline);
    if (!routing) return no_copy();
    Result<void> turn = routing->gate->acquire(request);
    if (turn) {
      auto lease =
          std::make_unique<WriteLease>(routing->primary, routing->gate, pipeline_, request.session);
      Result<void> opened = lease->open(routing->epoch);
      if (opened) return lease;
      report(*routing->primary, opened.error());
    } else if (turn.error().code != Code::copy_lost) {
      return Failure(turn.error());
    }
    if (std::chrono::steady_clock::now() > deadline) return no_copy();
    std::this_thread::sleep_for(kRetryPause);
  }
}

namespace {

class OnceErrand : public Errand {
 public:
  struct Place {
    std::shared_ptr<Member> member;
    Epoch epoch;
    std::uint64_t session;
  };
  OnceErrand(Place place, Pipeline& pipeline, std::chrono::milliseconds patience,
             const WriteWork& work)
      : place_(std::move(place)), pipeline_(pipeline), patience_(patience), work_(work) {}

  bool run(Wakeup& turn) override {
    position_ = write();
    if (!position_ || !*position_) {
      state_ = State::known;
      return true;
    }
    waiter_.position = **position_;
    waiter_.done = &turn;
    state_ = State::enlisted;
    if (pipeline_.enlist(waiter_)) return false;  // and this may be gone
    state_ = State::known;
    return true;
  }

  bool settled() const override {
    return state_ == State::known || pipeline_.settled(waiter_.position);
  }

  void await(Wakeup& turn) override {
    Monotonic limit = std::chrono::steady_clock::now() + patience_;
    while (!turn.wait_until(limit)) {
      if (state_ == State::enlisted && pipeline_.delist(waiter_)) return;
      limit = std::chrono::steady_clock::now() + kCancelLook;  // it runs, or is being told
    }
  }

  Result<Written> ended() const {
    if (!position_) return Failure(position_.error());
    return Written{*position_, *position_ ? waiter_.outcome : Outcome::committed};
  }
  Member& member() { return *place_.member; }

 private:
  enum class State { running, known, enlisted };

  Result<std::optional<Position>> write() {
    WriteLease lease(place_.member, nullptr, pipeline_, place_.session);
    SPAR_TRY(lease.open(place_.epoch));
    return work_(lease);
  }

  Place place_;
  Pipeline& pipeline_;
  std::chrono::milliseconds patience_;
  const WriteWork& work_;
  Result<std::optional<Position>> position_;
  Pipeline::Waiter waiter_;
  std::atomic<State> state_{State::running};
};

}  // namespace

Result<Written> Cluster::write_once(const WriteRequest& request, Monotonic deadline,
                                    std::chrono::milliseconds patience, const WriteWork& work) {
  while (true) {
    auto routing = wait_admitted(deadline);
    if (!routing) return no_copy();
    OnceErrand errand({routing->primary, routing->epoch, request.session}, pipeline_, patience,
                      work);
    Result<void> turn = routing->gate->perform(request, errand);
    if (turn) {
      Result<Written> written = errand.ended();
      if (written) return written;
      report(errand.member(), written.error());
      // The caller asks again at once: until the next routing is there, not too often.
      if (written.error().code == Code::copy_lost) std::this_thread::sleep_for(kRetryPause);
      return written;
    }
    if (turn.error().code != Code::copy_lost) return Failure(turn.error());
    if (std::chrono::steady_clock::now() > deadline) return no_copy();
    std::this_thread::sleep_for(kRetryPause);
  }
}

void Cluster::report(Member& member, const Error& error) {
  if (error.code == Code::copy_lost || error.code == Code::corrupt || error.code == Code::io) {
    if (error.sqlstate != "57P01") member.fail(error);
  }
}

Result<std::vector<changelog::SharedRecord>> Cluster::read_history(Sequence after,
                                                                   std::size_t bytes) {
  std::shared_ptr<Member> primary = member(CopyId(primary_));
  if (!primary) return failure(Code::unavailable, "no primary to read the change log from");
  return primary->log().read(after, bytes);
}

std::shared_ptr<Member> Cluster::add(Member::Parts parts) {
  CopyId id = parts.identity.id;
  auto fresh = std::make_shared<Member>(
      std::move(parts), pipeline_,
      [this](Sequence after, std::size_t bytes) { return read_history(after, bytes); }, on_fault_);
  pipeline_.durable(id, fresh->received().sequence);
  std::lock_guard lock(mutex_);
  fresh->set_synchronous(acknowledgers_.contains(id));
  fresh->start();
  if (auto old = members_.find(id); old != members_.end()) graveyard_.push_back(old->second);
  members_[id] = fresh;
  publish_routing();
  return fresh;
}

void Cluster::remove(CopyId id) {
  std::shared_ptr<Member> gone;
  {
    std::lock_guard lock(mutex_);
    auto found = members_.find(id);
    if (found == members_.end()) return;
    gone = found->second;
    members_.erase(found);
    graveyard_.push_back(gone);
    publish_routing();
  }
  Error error;
  error.code = Code::cancelled;
  error.message = "taken out of the cluster";
  gone->fail(error);
}

std::shared_ptr<Member> Cluster::member(CopyId id) const {
  std::lock_guard lock(mutex_);
  auto found = members_.find(id);
  return found == members_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Member>> Cluster::members() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Member>> all;
  for (const auto& [id, member] : members_) all.push_back(member);
  return all;
}

// REQUIRES: mutex_.
void Cluster::publish_routing() {
  auto primary = members_.find(primary_);
  if (held_ || primary == members_.end()) {
    routing_.store(nullptr);
    return;
  }
  auto routing = std::make_shared<Routing>();
  routing->epoch = epoch_;
  routing->begun_at = begun_at_;
  routing->primary = primary->second;
  routing->gate = gate_;
  for (const auto& [id, member] : members_) {
    if (id != primary_ && !member->failed()) routing->followers.push_back(member);
  }
  routing_.store(std::move(routing));
}

void Cluster::hold() {
  std::lock_guard lock(mutex_);
  held_ = true;
  routing_.store(nullptr);
  pipeline_.hold_acknowledgements();
}

void Cluster::fence(CopyId id) {
  pipeline_.seal();
  std::lock_guard lock(mutex_);
  if (id == primary_ && gate_) gate_->close();
}

namespace {

// What was published may still be on its way into the log.
void await_published(Member& member, const Pipeline& pipeline) {
  Monotonic deadline = std::chrono::steady_clock::now() + kPromoteDrain;
  while (!member.failed() && member.received().sequence < pipeline.published().sequence &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace

Result<Position> Cluster::promote(CopyId id, Epoch epoch) {
  std::shared_ptr<Member> chosen = member(id);
  if (!chosen || chosen->failed()) {
    return failure(Code::copy_lost, "the copy to promote is not in service");
  }
  pipeline_.seal();
  chosen->set_synchronous(true);
  await_published(*chosen, pipeline_);
  Result<Position> end = chosen->promote(epoch);
  if (!end) {
    chosen->fail(end.error());
    return end;
  }
  std::lock_guard lock(mutex_);
  primary_ = id;
  return end;
}

Result<Position> Cluster::drain(CopyId target, Monotonic deadline) {
  std::shared_ptr<WriterGate> gate;
  {
    std::lock_guard lock(mutex_);
    gate = gate_;
  }
  std::shared_ptr<Member> follower = member(target);
  if (!gate || !follower) return failure(Code::unavailable, "there is nothing to drain");
  SPAR_TRY(gate->acquire({kMaintenanceSession, deadline}));
  pipeline_.seal();
  gate->release(kMaintenanceSession);
  Position end = pipeline_.published();
  while (follower->received().sequence < end.sequence) {
    if (follower->failed()) return failure(Code::copy_lost, follower->failure_text());
    if (std::chrono::steady_clock::now() > deadline) {
      return failure(Code::deadline, "the copy did not receive everything in time");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return end;
}

void Cluster::begin_epoch(const History& history, Epoch epoch, Sequence end) {
  pipeline_.begin_epoch(history, epoch, end);
  std::lock_guard lock(mutex_);
  epoch_ = epoch;
  begun_at_ = end;
}

void Cluster::set_synchronous(CopyId primary, const std::vector<CopyId>& set, bool enough) {
  std::set<CopyId> acknowledgers(set.begin(), set.end());
  acknowledgers.insert(primary);
  {
    std::lock_guard lock(mutex_);
    acknowledgers_ = acknowledgers;
  }
  for (const auto& member : members()) {
    member->set_synchronous(acknowledgers.contains(member->id()));
  }
  pipeline_.set_acknowledgers(acknowledgers, enough);
}

Result<void> Cluster::admit(CopyId primary, Epoch epoch) {
  {
    std::lock_guard lock(mutex_);
    if (!members_.contains(primary)) return failure(Code::copy_lost, "the primary is gone");
    primary_ = primary;
    epoch_ = epoch;
    std::shared_ptr<WriterGate> previous = gate_;
    if (previous) previous->close();
    gate_ = WriterGate::successor(previous);
    pipeline_.reopen(epoch);
    held_ = false;
    publish_routing();
  }
  admitted_.notify_all();
  return {};
}

void Cluster::checkpoint_primary() {
  auto routing = routing_.load();
  if (!routing || routing->primary->failed()) return;
  Member& primary = *routing->primary;
  std::uint64_t waiting = primary.records_since_checkpoint();
  if (waiting < kCheckpointRecords) return;
  primary.checkpoint();  // most of the work, while sessions go on writing
  WriteRequest request{kMaintenanceSession,
                       std::chrono::steady_clock::now() + std::chrono::seconds(1)};
  if (!routing->gate->acquire(request)) return;
  primary.checkpoint();
  routing->gate->release(kMaintenanceSession);
}

void Cluster::trim_logs(bool whole) {
  std::uint64_t published = pipeline_.published().sequence.value;
  std::uint64_t keep = whole ? kLogTailRecords : kLogKeepRecords;
  std::uint64_t needed = published > keep ? published - keep : 0;
  auto all = members();
  for (const auto& each : all) needed = std::min(needed, each->received().sequence.value);
  for (const auto& each : all) each->trim_log(Sequence(needed));
}

void Cluster::maintain(bool whole) {
  checkpoint_primary();
  trim_logs(whole);
  sweep();
}

bool Cluster::at_rest(CopyId id) const {
  std::lock_guard lock(mutex_);
  return std::none_of(graveyard_.begin(), graveyard_.end(),
                      [&](const auto& gone) { return gone->id() == id && !gone->at_rest(); });
}

void Cluster::sweep() {
  std::vector<std::shared_ptr<Member>> gone;
  std::lock_guard lock(mutex_);
  for (auto it = graveyard_.begin(); it != graveyard_.end();) {
    bool free = (*it)->at_rest() && it->use_count() == 1;
    if (free) gone.push_back(std::move(*it));
    it = free ? graveyard_.erase(it) : it + 1;
  }
}

}  // namespace spar::replicate
