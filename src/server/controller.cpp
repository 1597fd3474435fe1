#include "server/controller.h"

#include <sys/random.h>
#include <algorithm>

#include "base/log.h"
#include "control/limits.h"
#include "server/limits.h"
#include "server/session_backend.h"

namespace spar::server {
namespace {

using control::ActionDone;

Monotonic now() {
  return std::chrono::steady_clock::now();
}

ActionDone succeeded(Position position = {}) {
  ActionDone done;
  done.result = ActionDone::Result::done;
  done.position = position;
  return done;
}

ActionDone did_not(const Error& error) {
  ActionDone done;
  done.result = ActionDone::Result::failed;
  done.text = error.message;
  return done;
}

ActionDone did_not_receive(CopyId copy) {
  Error error;
  error.message = "copy " + std::to_string(copy.value) + " has not received what was acknowledged";
  return did_not(error);
}

ClusterId random_cluster_id() {
  ClusterId id;
  if (getrandom(id.bytes.data(), id.bytes.size(), 0) < 0) log_error("server", "no random bytes");
  return id;
}

}  // namespace

Controller::Controller(storage::Disk& disk, coordination::RecordStore& store, EventLog& events,
                       ClusterSpec spec)
    : disk_(disk),
      store_(store),
      spec_(std::move(spec)),
      cluster_([this](CopyId copy, const Error& error) { on_fault(copy, error); }),
      events_(events),
      line_(std::make_unique<Lane>()) {}

Controller::~Controller() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (control_.joinable()) control_.join();
  if (monitor_.joinable()) monitor_.join();
  if (maintenance_.joinable()) maintenance_.join();
  line_.reset();
  copy_lanes_.clear();
  cluster_.shut_down();
}

control::State Controller::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

// --- start ---

// The first start of a new cluster: makes every copy, then the record that names them.
Result<control::Record> Controller::first_record() {
  control::Record record =
      control::initial_record(random_cluster_id(), spec_.members, spec_.mirrors, spec_.durability);
  for (const control::Member& member : record.members) {
    auto identity = identity_of(record, member.id);
    replicate::Finding found = replicate::look(disk_, member.location, identity);
    bool used = found.end.sequence.value > 0 || found.told.value > 0;
    if (!used && found.kind == replicate::Finding::Kind::foreign) {
      SPAR_TRY(
          replicate::set_aside(disk_, member.location));  // of a first start that was cut short
    } else if (found.kind != replicate::Finding::Kind::absent &&
               found.kind != replicate::Finding::Kind::empty) {
      return failure(Code::invalid, member.location +
                                        " already holds a copy, but this node has no "
                                        "record of cluster \"" +
                                        spec_.name + "\"");
    }
    SPAR_TRY(disk_.make_directory(member.location));
    SPAR_TRY(
        replicate::open_parts(disk_, place_of(record, member.id), identity, [](const Error&) {}));
  }
  coordination::Cas stored = store_.compare_and_set(0, record);
  if (stored != coordination::Cas::ok) {
    return failure(Code::io, "the record of cluster \"" + spec_.name + "\" cannot be stored");
  }
  SPAR_ASSIGN(std::optional<control::Record> read, store_.read());
  if (!read) return failure(Code::corrupt, "the cluster record just stored is not there");
  return *read;
}

Result<void> Controller::start(Monotonic deadline) {
  SPAR_ASSIGN(std::optional<control::Record> record, store_.read());
  if (!record) {
    SPAR_ASSIGN(record, first_record());
  }
  control::Started started{record, {}};
  for (const control::Member& member : record->members) {
    auto identity = identity_of(*record, member.id);
    started.members.push_back(
        {member.id, report_of(replicate::look(disk_, member.location, identity), identity)});
  }
  control_ = std::thread([this] { control_loop(); });
  monitor_ = std::thread([this] { monitor_loop(); });
  maintenance_ = std::thread([this] { maintenance_loop(); });
  post(std::move(started));
  std::unique_lock lock(mutex_);
  bool settled =
      changed_.wait_until(lock, deadline, [&] { return state_.stage == control::Stage::settled; });
  if (settled) return {};
  return failure(Code::unavailable,
                 "cluster \"" + spec_.name + "\" has no primary: " + state_.condition);
}

Result<std::string> Controller::ask(control::Command command, Monotonic deadline) {
  std::uint64_t request = 0;
  {
    std::lock_guard lock(mutex_);
    request = next_request_++;
  }
  post(control::OperatorAsked{request, std::move(command)});
  std::unique_lock lock(mutex_);
  if (!changed_.wait_until(lock, deadline, [&] { return answers_.contains(request); })) {
    return failure(Code::deadline, "the command has not ended yet");
  }
  control::Answer answer = answers_.extract(request).mapped();
  if (answer.done) return answer.text;
  Error error;
  error.code = Code::invalid;
  error.message = answer.text;
  error.hint = answer.hint;
  return Failure(std::move(error));
}

// --- the loop ---

void Controller::post(What what) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({now(), std::move(what)});
  }
  changed_.notify_all();
}

void Controller::control_loop() {
  constexpr std::chrono::milliseconds kTick{50};
  std::unique_lock lock(mutex_);
  while (!stop_) {
    changed_.wait_for(lock, kTick, [&] { return stop_ || !queue_.empty(); });
    control::Event event{now(), control::Tick{}};
    if (!queue_.empty()) {
      event = std::move(queue_.front());
      queue_.pop_front();
    }
    lock.unlock();
    handle(event);
    lock.lock();
  }
}

void Controller::handle(const control::Event& event) {
  control::Step step = control::step(state_, event);  // only this thread writes state_
  {
    std::lock_guard lock(mutex_);
    state_ = std::move(step.state);
  }
  for (const control::Action& action : step.actions) {
    log_debug("control", control::to_string(action));
    perform(action);
  }
  changed_.notify_all();
}

void Controller::done(control::ActionId id, ActionDone done) {
  done.id = id;
  post(std::move(done));
}

void Controller::on_line(const control::Action& action, std::function<ActionDone()> work) {
  line_->post([this, id = action.id, work = std::move(work)] { done(id, work()); });
}

// One action on a copy at a time, and none that is older than one already begun (control/action.h).
ActionDone Controller::in_turn(CopyId copy, control::ActionId id,
                               const std::function<ActionDone()>& work) {
  Turn* turn = nullptr;
  {
    std::lock_guard lock(turns_mutex_);
    turn = &turns_[copy];
  }
  std::lock_guard lock(turn->mutex);
  if (id < turn->begun) {
    Error error;
    error.message = "a newer action on the copy has begun";
    return did_not(error);
  }
  turn->begun = id;
  return work();
}

void Controller::on_copy(CopyId copy, const control::Action& action,
                         std::function<ActionDone()> work) {
  auto& lane = copy_lanes_[copy];
  if (!lane) lane = std::make_unique<Lane>();
  lane->post([this, copy, id = action.id, work = std::move(work)] {
    done(id, in_turn(copy, id, work));
    std::lock_guard lock(seen_mutex_);
    seen_.erase(copy);  // the machine wants to hear again that it has caught up
  });
}

// REQUIRES: the control thread, so state_ stands still.
void Controller::perform(const control::Action& action) {
  using namespace control;
  Epoch epoch = action.epoch;
  const Record record = state_.record.value_or(Record{});
  if (std::get_if<Hold>(&action.what)) return cluster_.hold();
  if (auto* what = std::get_if<Fence>(&action.what)) {
    cluster_.fence(what->copy);
    return done(action.id, succeeded());
  }
  if (std::get_if<ReadRecord>(&action.what)) return read_record(action);
  if (std::get_if<CasRecord>(&action.what)) return cas(action);
  if (auto* what = std::get_if<Promote>(&action.what)) {
    return on_line(action, [=, this, id = action.id, copy = what->copy] {
      return in_turn(copy, id, [&] { return promote(copy, epoch, record); });
    });
  }
  if (auto* what = std::get_if<ResolveInDoubt>(&action.what)) {
    return on_line(action, [=, this, what = *what] { return resolve(what, epoch, record); });
  }
  if (auto* what = std::get_if<Admit>(&action.what)) {
    return on_line(action, [=, this, what = *what] { return admit(what, epoch); });
  }
  if (auto* what = std::get_if<Drain>(&action.what)) {
    return on_line(action, [=, this, what = *what] { return drain(what); });
  }
  if (auto* what = std::get_if<SetSynchronous>(&action.what)) {
    return on_line(action,
                   [=, this, what = *what] { return set_synchronous(what, record.primary); });
  }
  if (auto* what = std::get_if<Follow>(&action.what)) {
    return on_copy(what->copy, action,
                   [=, this, what = *what] { return follow(what, epoch, record); });
  }
  if (auto* what = std::get_if<Probe>(&action.what)) {
    return on_copy(what->copy, action,
                   [=, this, copy = what->copy] { return probe(copy, record); });
  }
  if (auto* what = std::get_if<Rejoin>(&action.what)) {
    return on_copy(what->copy, action,
                   [=, this, what = *what] { return rejoin(what, epoch, record); });
  }
  if (auto* what = std::get_if<Quarantine>(&action.what)) {
    return on_copy(what->copy, action,
                   [=, this, copy = what->copy] { return quarantine(copy, record); });
  }
  if (auto* what = std::get_if<Forget>(&action.what)) return cluster_.remove(what->copy);
  perform_for_people(action);
}

void Controller::perform_for_people(const control::Action& action) {
  if (auto* answer = std::get_if<control::Answer>(&action.what)) {
    std::lock_guard lock(mutex_);
    answers_[answer->request] = *answer;
  } else if (auto* alert = std::get_if<control::Alert>(&action.what)) {
    log_warning("control", spec_.name + ": " + alert->text);
    log_event("alert", "", alert->text);
  } else if (auto* note = std::get_if<control::Note>(&action.what)) {
    log_info("control", spec_.name + ": " + note->what +
                            (note->evidence.empty() ? "" : " (" + note->evidence + ")"));
    const auto record = state().record;
    const std::string about =
        record && note->copy != CopyId{} ? control::name_of(*record, note->copy) : "";
    log_event(note->what, about, note->evidence, static_cast<double>(note->took.count()) / 1000.0);
  }
}

void Controller::log_event(std::string what, std::string copy, std::string evidence,
                           double took_ms) {
  events_.add({0, wall_clock_now(), spec_.name, std::move(what), std::move(copy),
               std::move(evidence), took_ms});
}

void Controller::cas(const control::Action& action) {
  const auto& what = std::get<control::CasRecord>(action.what);
  coordination::Cas result = store_.compare_and_set(what.expected_version, what.record);
  control::CasResult event;
  event.id = action.id;
  event.result = result == coordination::Cas::ok     ? control::Cas::ok
                 : result == coordination::Cas::lost ? control::Cas::lost
                                                     : control::Cas::unknown;
  post(std::move(event));
}

void Controller::read_record(const control::Action& action) {
  control::RecordRead event;
  event.id = action.id;
  auto record = store_.read();
  if (record) {
    event.record = *record;
  } else {
    event.error = record.error().message;
  }
  post(std::move(event));
}

// --- the line of succession ---

ActionDone Controller::promote(CopyId copy, Epoch epoch, const control::Record& record) {
  auto member = ensure_open(copy, record);
  if (!member) return did_not(member.error());
  if (control::diverged(record, (*member)->received())) {
    ActionDone done = did_not(Error{});
    done.diverged = true;
    done.text = "holds " + to_string((*member)->received()) + ", past the fork of its epoch";
    return done;
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

ActionDone Controller::resolve(const control::ResolveInDoubt& what, Epoch epoch,
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

ActionDone Controller::admit(const control::Admit& what, Epoch epoch) {
  cluster_.set_synchronous(what.primary, what.synchronous, !what.hold_commits);
  if (auto admitted = cluster_.admit(what.primary, epoch); !admitted) {
    return did_not(admitted.error());
  }
  return succeeded();
}

ActionDone Controller::drain(const control::Drain& what) {
  auto end = cluster_.drain(what.target, now() + control::kDrainDeadline);
  if (!end) return did_not(end.error());
  return succeeded(*end);
}

ActionDone Controller::set_synchronous(const control::SetSynchronous& what, CopyId primary) {
  cluster_.set_synchronous(primary, what.synchronous, !what.hold_commits);
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

replicate::CopyIdentity Controller::identity_of(const control::Record& record, CopyId copy) const {
  return {record.cluster_id, record.incarnation.value, copy};
}

replicate::MemberIdentity Controller::place_of(const control::Record& record, CopyId copy) const {
  const control::Member* member = control::find_member(record, copy);
  if (member == nullptr) return {copy, "", ""};
  return {copy, member->name, member->location};
}

control::Report Controller::report_of(const replicate::Finding& finding,
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

replicate::OnCopyFault Controller::fault_handler(CopyId copy) {
  return [this, copy](const Error& error) {
    if (auto member = cluster_.member(copy)) member->fail(error);
  };
}

void Controller::on_fault(CopyId copy, const Error& error) {
  if (error.code == Code::cancelled) return;  // we took it out ourselves
  control::Observed seen;
  for (const auto& member : cluster_.members()) {
    if (member->failed()) continue;
    post(control::Observed{
        member->id(), control::Observed::Kind::progress, "log", "", member->received(), {}});
  }
  seen.copy = copy;
  if (auto failed = cluster_.member(copy)) seen.position = failed->received();
  seen.kind = control::Observed::Kind::failed;
  seen.witness = error.code == Code::corrupt ? "verification" : "input/output";
  seen.text = error.message;
  post(std::move(seen));
}

Result<std::shared_ptr<replicate::Member>> Controller::ensure_open(CopyId copy,
                                                                   const control::Record& record) {
  auto member = cluster_.member(copy);
  if (member && !member->failed()) return member;
  SPAR_ASSIGN(auto parts, replicate::open_parts(disk_, place_of(record, copy),
                                                identity_of(record, copy), fault_handler(copy)));
  return cluster_.add(std::move(parts));
}

ActionDone Controller::follow(const control::Follow& what, Epoch epoch,
                              const control::Record& record) {
  auto member = ensure_open(what.copy, record);
  if (!member) return did_not(member.error());
  if (control::diverged(record, (*member)->received())) {
    ActionDone done = did_not(Error{});
    done.diverged = true;
    done.text = "holds " + to_string((*member)->received()) + ", past the fork of its epoch";
    return done;
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

ActionDone Controller::probe(CopyId copy, const control::Record& record) {
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
Result<std::shared_ptr<replicate::Member>> Controller::bring_up(const control::Rejoin& what,
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
  log_event("rebuilding " + place.name, place.name,
            "from a snapshot of the primary, then the change log");
  SPAR_ASSIGN(auto parts, replicate::rebuild(disk_, place, identity, *primary, cluster_.pipeline(),
                                             fault_handler(what.copy)));
  return cluster_.add(std::move(parts));
}

ActionDone Controller::rejoin(const control::Rejoin& what, Epoch epoch,
                              const control::Record& record) {
  auto member = bring_up(what, record);
  if (!member) return did_not(member.error());
  auto told = replicate::store_told(disk_, (*member)->identity().directory,
                                    identity_of(record, what.copy), epoch);
  if (!told) return did_not(told.error());
  if (auto followed = (*member)->follow(epoch); !followed) return did_not(followed.error());
  return succeeded((*member)->received());
}

ActionDone Controller::quarantine(CopyId copy, const control::Record& record) {
  auto place = place_of(record, copy);
  cluster_.remove(copy);
  replicate::Finding found = replicate::look(disk_, place.directory, identity_of(record, copy));
  if (found.kind == replicate::Finding::Kind::present) {
    Sequence last = common_prefix(found.end, record.history);
    std::string path = spec_.ledger_directory + "/" + place.name + "-" +
                       std::to_string(found.end.epoch.value) + "-" +
                       std::to_string(found.end.sequence.value) + ".ledger";
    auto made = disk_.make_directory(spec_.ledger_directory);
    auto count = replicate::write_ledger(disk_, place.directory, last, path);
    if (made && count) {
      log_event("divergence ledger of " + place.name, place.name,
                std::to_string(*count) + " transactions in " + path);
    }
  }
  auto aside = replicate::set_aside(disk_, place.directory);
  if (!aside) return did_not(aside.error());
  return succeeded();
}

// --- the monitor ---

void Controller::look_at(replicate::Member& member) {
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
    post(control::Observed{member.id(), kind, "log", "", received, {}});
  }
  last = {near, received};
}

void Controller::maintenance_loop() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, replicate::kMaintainEvery, [&] { return stop_; })) {
    bool whole = state_.record && state_.record->members.size() == cluster_.members().size();
    lock.unlock();
    cluster_.maintain(whole);
    lock.lock();
  }
}

void Controller::monitor_loop() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, replicate::kInspectEvery, [&] { return stop_; })) {
    lock.unlock();
    for (const auto& member : cluster_.members()) look_at(*member);
    lock.lock();
  }
}

}  // namespace spar::server
