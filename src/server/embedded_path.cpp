#include "server/embedded_path.h"

#include <algorithm>

#include "base/log.h"
#include "control/limits.h"
#include "data/row_codec.h"
#include "server/limits.h"

namespace spar::server {
namespace {

using control::ActionDone;

Monotonic now() {
  return std::chrono::steady_clock::now();
}

ActionDone did_not_receive(CopyId copy) {
  Error error;
  error.message = "copy " + std::to_string(copy.value) + " has not received what was acknowledged";
  return did_not(error);
}

std::string past_its_fork(const Position& position) {
  return "holds " + to_string(position) + ", past the fork of its epoch";
}

// All of a copy's tables in one value: equal for copies that hold the same.
std::string content_text(const engines::Contents& contents) {
  data::ContentHash all;
  for (const auto& [table, hash] : contents) all.combine(hash);
  return data::to_string(all);
}

}  // namespace

EmbeddedPath::EmbeddedPath(storage::Disk& disk, std::string ledger_directory)
    : disk_(disk),
      ledger_directory_(std::move(ledger_directory)),
      cluster_([this](CopyId copy, const Error& error) { on_fault(copy, error); }) {}

EmbeddedPath::~EmbeddedPath() {
  stop();
  cluster_.shut_down();
}

// What a first start that was cut short left is set aside.
Result<void> EmbeddedPath::make_copy(const control::Record& record, const control::Member& member) {
  auto identity = identity_of(record, member.id);
  replicate::Finding found = replicate::look(disk_, member.location, identity);
  bool used = found.end.sequence.value > 0 || found.told.value > 0;
  if (!used && found.kind == replicate::Finding::Kind::foreign) {
    SPAR_TRY(replicate::set_aside(disk_, member.location));
  } else if (found.kind != replicate::Finding::Kind::absent &&
             found.kind != replicate::Finding::Kind::empty) {
    return failure(Code::invalid, member.location +
                                      " already holds a copy, but this node has no record of its "
                                      "cluster");
  }
  SPAR_TRY(disk_.make_directory(member.location));
  SPAR_TRY(
      replicate::open_parts(disk_, place_of(record, member.id), identity, [](const Error&) {}));
  return {};
}

Result<control::Record> EmbeddedPath::make(control::Record record) {
  for (const control::Member& member : record.members) SPAR_TRY(make_copy(record, member));
  return record;
}

std::vector<control::MemberReport> EmbeddedPath::look(const control::Record& record) {
  std::vector<control::MemberReport> found;
  for (const control::Member& member : record.members) {
    auto identity = identity_of(record, member.id);
    found.push_back(
        {member.id, report_of(replicate::look(disk_, member.location, identity), identity)});
  }
  return found;
}

void EmbeddedPath::watch() {
  monitor_ = std::thread([this] { monitor_loop(); });
  maintenance_ = std::thread([this] { maintenance_loop(); });
}

void EmbeddedPath::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (monitor_.joinable()) monitor_.join();
  if (maintenance_.joinable()) maintenance_.join();
}

void EmbeddedPath::adopt(const control::Record& record) {
  std::lock_guard lock(mutex_);
  members_ = record.members.size();
}

void EmbeddedPath::tell_again(CopyId copy) {
  std::lock_guard lock(seen_mutex_);
  seen_.erase(copy);
}

CopyStatus EmbeddedPath::status(CopyId copy) {
  CopyStatus status;
  auto running = cluster_.member(copy);
  status.up = running && !running->failed();
  if (!status.up) return status;
  status.received = running->received();
  status.applied = running->applied();
  status.lag = std::chrono::duration_cast<std::chrono::milliseconds>(
      cluster_.pipeline().lag(running->applied().sequence, now()));
  status.content_hash = content_text(running->copy().contents());
  return status;
}

// --- the line of succession ---

ActionDone EmbeddedPath::promote(CopyId copy, Epoch epoch, const control::Record& record) {
  auto member = ensure_open(copy, record);
  if (!member) return did_not(member.error());
  if (control::diverged(record, (*member)->received())) {
    return did_diverge(past_its_fork((*member)->received()));
  }
  if (auto told = replicate::store_told(disk_, (*member)->identity().directory,
                                        identity_of(record, copy), epoch);
      !told) {
    return did_not(told.error());
  }
  auto end = cluster_.promote(copy, epoch);
  if (!end) return did_not(end.error());
  return succeeded(*end);
}

ActionDone EmbeddedPath::resolve(const control::ResolveInDoubt& what, Epoch epoch,
                                 const control::Record& record) {
  if (record.history.empty() || record.history.back().epoch != epoch) {
    Error error;
    error.message = "the fork of epoch " + std::to_string(epoch.value) + " is not recorded";
    return did_not(error);
  }
  cluster_.set_synchronous(what.primary, what.synchronous, !what.hold_commits);
  // An epoch that goes on after a restart ends past its fork: where its promoted primary ends.
  auto primary = cluster_.member(what.primary);
  if (!primary || primary->failed()) return did_not(Error{});
  Sequence end = std::max(record.history.back().after, primary->received().sequence);
  cluster_.begin_epoch(record.history, epoch, end);
  return succeeded();
}

ActionDone EmbeddedPath::admit(const control::Admit& what, Epoch epoch, const control::Record&) {
  cluster_.set_synchronous(what.primary, what.synchronous, !what.hold_commits);
  if (auto admitted = cluster_.admit(what.primary, epoch); !admitted) {
    return did_not(admitted.error());
  }
  return succeeded();
}

ActionDone EmbeddedPath::drain(const control::Drain& what, const control::Record&) {
  auto end = cluster_.drain(what.target, now() + control::kDrainDeadline);
  if (!end) return did_not(end.error());
  return succeeded(*end);
}

ActionDone EmbeddedPath::set_synchronous(const control::SetSynchronous& what,
                                         const control::Record& record) {
  cluster_.set_synchronous(record.primary, what.synchronous, !what.hold_commits);
  const Sequence acknowledged = cluster_.pipeline().acknowledged().sequence;  // without the joining
  const Monotonic limit = now() + kJoinPatience;
  for (CopyId copy : what.joining) {
    auto member = cluster_.member(copy);
    while (member && !member->failed() && now() < limit &&
           member->received().sequence < acknowledged) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    if (!member || member->failed() || member->received().sequence < acknowledged) {
      return did_not_receive(copy);
    }
  }
  return succeeded();
}

// --- copies ---

replicate::CopyIdentity EmbeddedPath::identity_of(const control::Record& record,
                                                  CopyId copy) const {
  return {record.cluster_id, record.incarnation.value, copy};
}

replicate::MemberIdentity EmbeddedPath::place_of(const control::Record& record, CopyId copy) const {
  const control::Member* member = control::find_member(record, copy);
  if (member == nullptr) return {copy, "", ""};
  return {copy, member->name, member->location};
}

control::Report EmbeddedPath::report_of(const replicate::Finding& finding,
                                        const replicate::CopyIdentity& identity) const {
  using Kind = replicate::Finding::Kind;
  control::Report report;
  report.text = finding.text;
  switch (finding.kind) {
    case Kind::absent:
      report.kind = control::Report::Kind::unusable;
      return report;
    case Kind::empty:
      report.kind = control::Report::Kind::empty;
      return report;
    case Kind::damaged:  // ours by its place: nothing in it can be used, so it is rebuilt
      report.kind = control::Report::Kind::empty;
      return report;
    case Kind::foreign:
    case Kind::present:
      break;
  }
  report.kind = control::Report::Kind::identified;
  bool foreign = finding.kind == Kind::foreign;
  report.cluster_id = foreign ? finding.found.cluster : identity.cluster;
  report.incarnation =
      control::Incarnation(foreign ? finding.found.incarnation : identity.incarnation);
  if (foreign && report.cluster_id == identity.cluster) report.cluster_id = ClusterId{};
  report.position = finding.end;
  report.epoch = std::max(finding.told, finding.end.epoch);
  return report;
}

replicate::OnCopyFault EmbeddedPath::fault_handler(CopyId copy) {
  return [this, copy](const Error& error) {
    if (auto member = cluster_.member(copy)) member->fail(error);
  };
}

void EmbeddedPath::on_fault(CopyId copy, const Error& error) {
  if (error.code == Code::cancelled) return;  // we took it out ourselves
  control::Observed seen;
  for (const auto& member : cluster_.members()) {
    if (member->failed()) continue;
    ears_.observed(control::Observed{
        member->id(), control::Observed::Kind::progress, "log", "", member->received(), {}});
  }
  seen.copy = copy;
  if (auto failed = cluster_.member(copy)) seen.position = failed->received();
  seen.kind = control::Observed::Kind::failed;
  seen.witness = error.code == Code::corrupt ? "verification" : "input/output";
  seen.text = error.message;
  ears_.observed(std::move(seen));
}

Result<std::shared_ptr<replicate::Member>> EmbeddedPath::ensure_open(
    CopyId copy, const control::Record& record) {
  auto member = cluster_.member(copy);
  if (member && !member->failed()) return member;
  SPAR_ASSIGN(auto parts, replicate::open_parts(disk_, place_of(record, copy),
                                                identity_of(record, copy), fault_handler(copy)));
  return cluster_.add(std::move(parts));
}

ActionDone EmbeddedPath::follow(const control::Follow& what, Epoch epoch,
                                const control::Record& record) {
  auto member = ensure_open(what.copy, record);
  if (!member) return did_not(member.error());
  if (control::diverged(record, (*member)->received())) {
    return did_diverge(past_its_fork((*member)->received()));
  }
  auto told = replicate::store_told(disk_, (*member)->identity().directory,
                                    identity_of(record, what.copy), epoch);
  if (!told) return did_not(told.error());
  if (auto followed = (*member)->follow(epoch); !followed) {
    (*member)->fail(followed.error());
    return did_not(followed.error());
  }
  return succeeded((*member)->received());
}

ActionDone EmbeddedPath::probe(CopyId copy, const control::Record& record) {
  ActionDone done = succeeded();
  cluster_.sweep();
  auto place = place_of(record, copy);
  if (!cluster_.at_rest(copy)) {
    done.report.text = "its disk has not answered yet";
    return done;
  }
  done.report = report_of(replicate::look(disk_, place.directory, identity_of(record, copy)),
                          identity_of(record, copy));
  return done;
}

// Tail or snapshot: whatever brings the copy to the primary's history.
Result<std::shared_ptr<replicate::Member>> EmbeddedPath::bring_up(const control::Rejoin& what,
                                                                  const control::Record& record) {
  auto place = place_of(record, what.copy);
  auto identity = identity_of(record, what.copy);
  auto primary = cluster_.member(what.primary);
  if (!primary) return failure(Code::unavailable, "there is no primary to follow");
  cluster_.remove(what.copy);
  replicate::Finding found = replicate::look(disk_, place.directory, identity);
  if (found.kind == replicate::Finding::Kind::absent) return failure(Code::io, found.text);
  if (found.kind == replicate::Finding::Kind::foreign) return failure(Code::invalid, found.text);
  bool usable = found.kind == replicate::Finding::Kind::present &&
                !control::diverged(record, found.end) &&
                found.end.sequence >= primary->log().base().sequence;
  if (usable) {
    auto parts = replicate::open_parts(disk_, place, identity, fault_handler(what.copy));
    if (parts) {
      auto verified = replicate::verify_content(*parts->copy);
      if (verified) return cluster_.add(std::move(*parts));
      log_warning("server", place.name + ": " + verified.error().message + "; rebuilding it");
    }
  }
  ears_.noted("rebuilding " + place.name, place.name,
              "from a snapshot of the primary, then the change log");
  SPAR_ASSIGN(auto parts, replicate::rebuild(disk_, place, identity, *primary, cluster_.pipeline(),
                                             fault_handler(what.copy)));
  return cluster_.add(std::move(parts));
}

ActionDone EmbeddedPath::rejoin(const control::Rejoin& what, Epoch epoch,
                                const control::Record& record) {
  auto member = bring_up(what, record);
  if (!member) return did_not(member.error());
  auto told = replicate::store_told(disk_, (*member)->identity().directory,
                                    identity_of(record, what.copy), epoch);
  if (!told) return did_not(told.error());
  if (auto followed = (*member)->follow(epoch); !followed) return did_not(followed.error());
  return succeeded((*member)->received());
}

ActionDone EmbeddedPath::quarantine(CopyId copy, const control::Record& record) {
  auto place = place_of(record, copy);
  cluster_.remove(copy);
  replicate::Finding found = replicate::look(disk_, place.directory, identity_of(record, copy));
  if (found.kind == replicate::Finding::Kind::present) {
    Sequence last = common_prefix(found.end, record.history);
    std::string path = ledger_directory_ + "/" + place.name + "-" +
                       std::to_string(found.end.epoch.value) + "-" +
                       std::to_string(found.end.sequence.value) + ".ledger";
    auto made = disk_.make_directory(ledger_directory_);
    auto count = replicate::write_ledger(disk_, place.directory, last, path);
    if (made && count) {
      ears_.noted("divergence ledger of " + place.name, place.name,
                  std::to_string(*count) + " transactions in " + path);
    }
  }
  auto aside = replicate::set_aside(disk_, place.directory);
  if (!aside) return did_not(aside.error());
  return succeeded();
}

// --- the monitor ---

void EmbeddedPath::look_at(replicate::Member& member) {
  member.inspect();
  if (member.failed()) return;
  Position received = member.received();
  bool near = cluster_.pipeline().acknowledged().sequence.value <=
              received.sequence.value + replicate::kCaughtUpRecords;
  std::lock_guard lock(seen_mutex_);
  Seen& last = seen_[member.id()];
  if (near != last.caught_up || !(received == last.received)) {
    auto kind = near == last.caught_up ? control::Observed::Kind::progress
                : near                 ? control::Observed::Kind::caught_up
                                       : control::Observed::Kind::lagging;
    ears_.observed(control::Observed{member.id(), kind, "log", "", received, {}});
  }
  last = {near, received};
}

void EmbeddedPath::maintenance_loop() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, replicate::kMaintainEvery, [&] { return stop_; })) {
    bool whole = members_ == cluster_.members().size();
    lock.unlock();
    cluster_.maintain(whole);
    lock.lock();
  }
}

void EmbeddedPath::monitor_loop() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, replicate::kInspectEvery, [&] { return stop_; })) {
    lock.unlock();
    for (const auto& member : cluster_.members()) look_at(*member);
    lock.lock();
  }
}

}  // namespace spar::server
