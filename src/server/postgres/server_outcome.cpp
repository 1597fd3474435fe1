// What became of a transaction whose server was lost, and what a lost server held beyond the fork.
#include "base/log.h"
#include "base/mutant.h"
#include "server/postgres/limits.h"
#include "server/postgres/server_path.h"

namespace spar::server::postgres {

using engines::postgres::Outcome;
using engines::postgres::ServerHistory;
using engines::postgres::XactStatus;
using engines::postgres::Xid;

namespace {

// What the forks after `epoch` say by themselves. After a promotion numbers from next_xid on are
// given again. A fork without one goes on with the same server; did that start anew meanwhile, it
// may have given numbers again that it had not written down: from its next_xid on nobody knows.
std::optional<Outcome> judged_by_forks(const ServerHistory& history, Epoch epoch, Xid xid) {
  const engines::postgres::ServerFork* before = nullptr;
  for (const auto& fork : history) {
    const bool later = fork.fork.epoch > epoch;
    const bool promotion = before == nullptr || fork.timeline != before->timeline;
    if (later && promotion && !mutant(Mutant::resolve_by_xid_alone)) {
      return xid >= fork.next_xid ? std::optional(Outcome::not_committed) : std::nullopt;
    }
    if (later && !promotion && xid >= fork.next_xid) return Outcome::unknown;
    before = &fork;
  }
  return std::nullopt;
}

}  // namespace

// A session whose connection broke may still be about to commit: it is ended first. The write at the
// end waits for the set like any other, and everything before it has reached the set with it.
Result<Outcome> ServerPath::outcome(Epoch epoch, Xid xid) {
  const Monotonic deadline = in(kActionTime);
  control::Record record;
  std::string admitted;
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [&] { return stop_ || place_; }) || stop_) {
      return failure(Code::unavailable, "there is no primary");
    }
    record = record_;
    admitted = admitted_;
  }
  SPAR_ASSIGN(ServerCopy * primary, known(record.primary));
  SPAR_ASSIGN(ServerControl control, primary->control(deadline));
  SPAR_ASSIGN(std::string incarnation, control.incarnation(deadline));
  if (incarnation != admitted) {
    return failure(Code::unavailable,
                   primary->name() + " has started anew and is not admitted yet");
  }
  auto judged = judged_by_forks(
      engines::postgres::server_history(record.history, record.fork_notes), epoch, xid);
  if (judged) return *judged;
  while (true) {
    SPAR_ASSIGN(XactStatus status, control.xact_status(xid, deadline));
    if (status != XactStatus::in_progress || record.epoch > epoch) {
      return settled_outcome(control, status, deadline);
    }
    SPAR_TRY(control.end_session_of(xid, deadline));
    if (!wait(milliseconds(5))) return failure(Code::cancelled, "the node stops");
  }
}

Result<Outcome> ServerPath::settled_outcome(ServerControl& control, XactStatus status,
                                            Monotonic deadline) {
  const Outcome found = engines::postgres::outcome_of(status);
  if (found == Outcome::committed) SPAR_TRY(control.write(deadline));
  return found;
}

void ServerPath::resolve_transaction(Epoch epoch, Xid xid, Resolved done) {
  resolver_.post([this, epoch, xid, done = std::move(done)] {
    const Monotonic limit = in(milliseconds(30'000));
    Result<Outcome> found = Outcome::unknown;
    do {
      found = outcome(epoch, xid);
    } while (!found && !stop_ && std::chrono::steady_clock::now() < limit &&
             wait(milliseconds(20)));
    if (!found) log_warning("server", "an outcome stays unknown: " + found.error().message);
    done(found ? *found : Outcome::unknown);
  });
}

// Also when it held nothing beyond the fork: then there is nothing to tell.
Result<void> ServerPath::write_ledger(ServerCopy& copy, const control::Record& record) {
  SPAR_ASSIGN(
      const std::string lines,
      copy.lost_transactions(engines::postgres::server_history(record.history, record.fork_notes),
                             in(kLedgerTime)));
  std::size_t commits = 0;
  for (std::size_t at = lines.find("desc: COMMIT"); at != std::string::npos;
       at = lines.find("desc: COMMIT", at + 1)) {
    ++commits;
  }
  if (commits == 0) return {};
  std::string path =
      ledger_directory_ + "/" + copy.name() + "-" + std::to_string(record.epoch.value) + ".ledger";
  SPAR_TRY(disk_.make_directory(ledger_directory_));
  SPAR_TRY(storage::write_file_atomically(disk_, path, lines));
  ears_.noted("divergence ledger of " + copy.name(), copy.name(),
              std::to_string(commits) + " transactions in " + path);
  return {};
}

}  // namespace spar::server::postgres
