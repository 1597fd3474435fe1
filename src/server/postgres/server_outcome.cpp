// What became of a transaction whose server was lost, and what a lost server held beyond the fork.
#include "base/log.h"
#include "server/postgres/limits.h"
#include "server/postgres/server_path.h"

namespace spar::server::postgres {

using engines::postgres::Outcome;
using engines::postgres::ServerHistory;
using engines::postgres::XactStatus;
using engines::postgres::Xid;

namespace {

// Of the first promotion after `epoch`: from there on numbers are given again. A fork without a
// promotion goes on with the same server, and so does its numbering.
std::optional<Xid> next_xid_after(const ServerHistory& history, Epoch epoch) {
  const engines::postgres::ServerFork* before = nullptr;
  for (const auto& fork : history) {
    if (fork.fork.epoch <= epoch) {
      before = &fork;
      continue;
    }
    if (before == nullptr || fork.timeline != before->timeline) return fork.next_xid;
  }
  return std::nullopt;
}

}  // namespace

// A session whose connection broke may still be about to commit: it is ended first. The write at the
// end waits for the set like any other, and everything before it has reached the set with it.
Result<Outcome> ServerPath::outcome(Epoch epoch, Xid xid) {
  const Monotonic deadline = in(kActionTime);
  control::Record record;
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [&] { return stop_ || place_; }) || stop_) {
      return failure(Code::unavailable, "there is no primary");
    }
    record = record_;
  }
  SPAR_ASSIGN(ServerCopy * primary, known(record.primary));
  SPAR_ASSIGN(ServerControl control, primary->control(deadline));
  const ServerHistory history =
      engines::postgres::server_history(record.history, record.fork_notes);
  auto next = next_xid_after(history, epoch);
  XactStatus status = XactStatus::in_progress;
  while (true) {
    SPAR_ASSIGN(status, control.xact_status(xid, deadline));
    if (status != XactStatus::in_progress || next) break;
    SPAR_TRY(
        control.link().run("select pg_terminate_backend(pid) from pg_stat_activity where "
                           "backend_xid = ($1::text::xid8)::xid",
                           {std::to_string(xid.value)}, deadline));
    if (!wait(milliseconds(5))) return failure(Code::cancelled, "the node stops");
  }
  Outcome found = engines::postgres::outcome_of(xid, next.value_or(Xid(~0ull)), status);
  if (found == Outcome::committed) {
    SPAR_TRY(
        control.link().run("select pg_logical_emit_message(true, 'spar', 'settled')", deadline));
  }
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
void ServerPath::write_ledger(ServerCopy& copy, const control::Record& record) {
  auto lines = copy.lost_transactions(
      engines::postgres::server_history(record.history, record.fork_notes), in(kActionTime));
  if (!lines) {
    log_warning("server", "no ledger of " + copy.name() + ": " + lines.error().message);
    return;
  }
  std::size_t commits = 0;
  for (std::size_t at = lines->find("desc: COMMIT"); at != std::string::npos;
       at = lines->find("desc: COMMIT", at + 1)) {
    ++commits;
  }
  if (commits == 0) return;
  std::string path =
      ledger_directory_ + "/" + copy.name() + "-" + std::to_string(record.epoch.value) + ".ledger";
  Result<void> made = disk_.make_directory(ledger_directory_);
  if (made) made = storage::write_file_atomically(disk_, path, *lines);
  if (!made) {
    log_warning("server", "no ledger of " + copy.name() + ": " + made.error().message);
    return;
  }
  ears_.noted("divergence ledger of " + copy.name(), copy.name(),
              std::to_string(commits) + " transactions in " + path);
}

}  // namespace spar::server::postgres
