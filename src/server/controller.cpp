#include "server/controller.h"

#include <sys/random.h>

#include "base/log.h"
#include "server/wall_clock.h"

namespace spar::server {
namespace {

using control::ActionDone;

Monotonic now() {
  return std::chrono::steady_clock::now();
}

ClusterId random_cluster_id() {
  ClusterId id;
  if (getrandom(id.bytes.data(), id.bytes.size(), 0) < 0) log_error("server", "no random bytes");
  return id;
}

}  // namespace

Controller::Controller(DataPath& path, coordination::RecordStore& store, EventLog& events,
                       ClusterSpec spec)
    : path_(path),
      store_(store),
      spec_(std::move(spec)),
      events_(events),
      line_(std::make_unique<Lane>()) {
  path_.listen({[this](control::Observed seen) { post(std::move(seen)); },
                [this](std::string what, std::string copy, std::string evidence) {
                  log_event(std::move(what), std::move(copy), std::move(evidence));
                }});
}

Controller::~Controller() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (control_.joinable()) control_.join();
  path_.stop();
  line_.reset();
  copy_lanes_.clear();
}

control::State Controller::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

// --- start ---

// The first start of a new cluster.
Result<control::Record> Controller::first_record() {
  SPAR_ASSIGN(control::Record record,
              path_.make(control::initial_record(random_cluster_id(), spec_.members, spec_.mirrors,
                                                 spec_.durability)));
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
    Result<control::Record> first = first_record();
    if (!first && first.error().code == Code::unavailable) first.error().code = Code::io;
    SPAR_TRY(first);
    record = std::move(*first);
  }
  path_.adopt(*record);
  control::Started started{record, path_.look(*record)};
  control_ = std::thread([this] { control_loop(); });
  path_.watch();
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
  const auto version = state_.record ? state_.record->version : 0;
  control::Step step = control::step(state_, event);  // only this thread writes state_
  if (step.state.record && step.state.record->version != version) path_.adopt(*step.state.record);
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
    path_.tell_again(copy);
  });
}

// REQUIRES: the control thread, so state_ stands still.
void Controller::perform(const control::Action& action) {
  using namespace control;
  Epoch epoch = action.epoch;
  const Record record = state_.record.value_or(Record{});
  if (std::get_if<Hold>(&action.what)) return path_.hold();
  if (auto* what = std::get_if<Fence>(&action.what)) {
    path_.fence(what->copy, epoch);
    return done(action.id, succeeded());
  }
  if (std::get_if<ReadRecord>(&action.what)) return read_record(action);
  if (std::get_if<CasRecord>(&action.what)) return cas(action);
  if (auto* what = std::get_if<Promote>(&action.what)) {
    return on_line(action, [=, this, id = action.id, copy = what->copy] {
      return in_turn(copy, id, [&] { return path_.promote(copy, epoch, record); });
    });
  }
  if (auto* what = std::get_if<ResolveInDoubt>(&action.what)) {
    return on_line(action, [=, this, what = *what] { return path_.resolve(what, epoch, record); });
  }
  if (auto* what = std::get_if<Admit>(&action.what)) {
    return on_line(action, [=, this, what = *what] { return path_.admit(what, epoch, record); });
  }
  if (auto* what = std::get_if<Drain>(&action.what)) {
    return on_line(action, [=, this, what = *what] { return path_.drain(what, record); });
  }
  if (auto* what = std::get_if<SetSynchronous>(&action.what)) {
    return on_line(action, [=, this, what = *what] { return path_.set_synchronous(what, record); });
  }
  if (auto* what = std::get_if<Follow>(&action.what)) {
    return on_copy(what->copy, action,
                   [=, this, what = *what] { return path_.follow(what, epoch, record); });
  }
  if (auto* what = std::get_if<Probe>(&action.what)) {
    return on_copy(what->copy, action,
                   [=, this, copy = what->copy] { return path_.probe(copy, record); });
  }
  if (auto* what = std::get_if<Rejoin>(&action.what)) {
    return on_copy(what->copy, action,
                   [=, this, what = *what] { return path_.rejoin(what, epoch, record); });
  }
  if (auto* what = std::get_if<Quarantine>(&action.what)) {
    return on_copy(what->copy, action,
                   [=, this, copy = what->copy] { return path_.quarantine(copy, record); });
  }
  if (auto* what = std::get_if<Forget>(&action.what)) return path_.forget(what->copy);
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

}  // namespace spar::server
