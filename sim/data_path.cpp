// The model of the data path: what actions do to the copies, and which reports arrive.
#include "sim/outcomes.h"
#include "sim/world.h"

namespace spar::sim {

using control::Action;
using control::ActionDone;

CopyId touched(const Action& action) {
  using namespace control;
  if (const auto* a = std::get_if<Fence>(&action.what)) return a->copy;
  if (const auto* a = std::get_if<Promote>(&action.what)) return a->copy;
  if (const auto* a = std::get_if<Follow>(&action.what)) return a->copy;
  if (const auto* a = std::get_if<Probe>(&action.what)) return a->copy;
  if (const auto* a = std::get_if<Rejoin>(&action.what)) return a->copy;
  if (const auto* a = std::get_if<Quarantine>(&action.what)) return a->copy;
  if (std::holds_alternative<CasRecord>(action.what)) return kStore;
  if (std::holds_alternative<ReadRecord>(action.what)) return kStore;
  return CopyId{};
}

namespace {

bool conflict(const Action& a, const Action& b) {
  return touched(a) == touched(b);
}

bool about_writer(const Action& action) {
  return touched(action) == CopyId{};
}

}  // namespace

void World::execute_now(const Action& action) {
  if (std::holds_alternative<control::Hold>(action.what)) {
    node_.admitted = node_.draining = false;
  } else if (const auto* forget = std::get_if<control::Forget>(&action.what)) {
    if (Copy* copy = find(forget->copy)) copy->in_use = false;
    std::erase_if(copies_, [&](const Copy& copy) { return copy.id == forget->copy; });
  }
}

// Any action may be next, unless an earlier one touches the same copy.
void World::execute() {
  if (!node_.up || node_.actions.empty()) return;
  std::size_t index = random_.below(node_.actions.size());
  for (std::size_t i = 0; i < index; ++i) {
    if (conflict(node_.actions[i], node_.actions[index])) index = i;
  }
  Action action = std::move(node_.actions[index]);
  node_.actions.erase(node_.actions.begin() + static_cast<std::ptrdiff_t>(index));
  run_action(std::move(action));
}

bool World::drops(const Action& action) {
  if (about_writer(action)) return action.id < node_.last_writer_action;
  const Copy* copy = find(touched(action));
  return copy == nullptr || action.id < copy->last_action;
}

void World::run_action(Action action) {
  if (const auto* body = std::get_if<control::CasRecord>(&action.what)) return cas(action, *body);
  if (std::holds_alternative<control::ReadRecord>(action.what)) return read(action);
  if (drops(action)) return;
  const bool no_effect = faulty_ && random_.chance(30);
  if (no_effect) {
    ActionDone done = failed("injected");
    if (random_.chance(600)) done.result = ActionDone::Result::unknown;
    if (std::holds_alternative<control::Fence>(action.what)) {
      done.result = ActionDone::Result::unknown;
    }
    return report(action, {true, done});
  }
  if (about_writer(action)) {
    node_.last_writer_action = action.id;
  } else {
    find(touched(action))->last_action = action.id;
  }
  Outcome outcome = std::visit(
      [&](const auto& body) -> Outcome {
        if constexpr (requires { apply(action, body); }) return apply(action, body);
        return {};
      },
      action.what);
  const bool superseded = std::ranges::any_of(node_.actions, [&](const Action& other) {
    return conflict(other, action) && other.id > action.id;
  });
  if (!outcome.finished && superseded) outcome = {true, failed("superseded")};
  if (!outcome.finished) return node_.actions.push_front(std::move(action));
  report(action, std::move(outcome));
}

void World::report(const Action& action, Outcome outcome) {
  if (faulty_ && random_.chance(20)) return say("   lost: report of " + to_string(action));
  if (faulty_ && random_.chance(20)) {
    outcome.done = ActionDone{};
    outcome.done.result = ActionDone::Result::unknown;
  }
  outcome.done.id = action.id;
  const auto* probe = std::get_if<control::Probe>(&action.what);
  tell(outcome.done, probe == nullptr ? nullptr : find(probe->copy));
}

void World::store(const control::Record& record) {
  if (stored_) stored_before_.push_back(*stored_);
  stored_ = record;
  primaries_stored_.insert({record.epoch, record.primary});
  auto text = control::encode(record);
  if (!text) return violated("record", text.error().message);
  for (const control::Member& member : record.members) {
    if (!copies_.empty() && find(member.id) == nullptr) {
      copies_.push_back({});
      copies_.back().id = member.id;
    }
  }
}

void World::cas(const Action& action, const control::CasRecord& body) {
  if (faulty_ && random_.chance(30)) ++stored_->version;  // someone else was faster
  if (faulty_ && random_.chance(20)) {
    return tell(control::CasResult{action.id, control::Cas::unknown, "injected"});
  }
  const bool matches = stored_->version == body.expected_version;
  if (matches) store(body.record);
  if (faulty_ && random_.chance(20)) return say("   lost: result of the compare-and-set");
  control::Cas result = matches ? control::Cas::ok : control::Cas::lost;
  if (faulty_ && random_.chance(30)) result = control::Cas::unknown;
  tell(control::CasResult{action.id, result, ""});
}

void World::read(const Action& action) {
  if (faulty_ && random_.chance(30)) return;
  control::RecordRead answer{action.id, stored_, ""};
  if (faulty_ && random_.chance(50)) answer = {action.id, std::nullopt, "injected"};
  tell(answer);
}

void World::observe_failure(Copy& copy, const std::string& text) {
  if (!copy.in_use) return;
  copy.in_use = copy.told_caught_up = false;
  const Position held = copy.directory.durable_position();
  lose_tail(copy);
  tell(control::Observed{copy.id, control::Observed::Kind::failed, "sim", text, held, {}});
}

// The action was meant for another directory.
bool World::replaced(const Action& action, const Copy& copy) const {
  auto place = node_.meant.find(action.id);
  return place != node_.meant.end() && place->second != copy.generation;
}

bool World::fail_if_broken(const Action& action, Copy& copy, Outcome& outcome) {
  const bool changed = replaced(action, copy) || !copy.directory.there;
  if (!copy.disk_dead && !changed && copy.directory.whole) return false;
  observe_failure(copy, "action found it broken");
  outcome.done = failed(replaced(action, copy) ? "another directory" : look_at(copy).text);
  return true;
}

// Cuts what the history does not have; false when that was applied already.
bool World::cut_tail(Copy& copy) {
  Directory& directory = copy.directory;
  const auto keep = common_prefix(directory.position(), node_.control.record->history).value;
  if (keep >= directory.log.size() || sabotage_ == Sabotage::keep_tails) return true;
  if (directory.applied > keep) return false;
  directory.log.resize(keep);
  directory.durable = std::min(directory.durable, keep);
  return true;
}

World::Outcome World::apply(const Action& action, const control::Fence& body) {
  Copy& copy = *find(body.copy);
  copy.fenced = std::max(copy.fenced, action.epoch);
  if (node_.writer == body.copy && node_.epoch <= action.epoch) {
    node_.writer.reset();
    node_.admitted = node_.draining = false;
  }
  return {};
}

World::Outcome World::apply(const Action& action, const control::Promote& body) {
  Copy& copy = *find(body.copy);
  Outcome outcome;
  if (fail_if_broken(action, copy, outcome)) return outcome;
  if (copy.fenced >= action.epoch || copy.directory.told > action.epoch) {
    return {true, failed("it knows a newer epoch")};
  }
  check([&](Checker& checker) { checker.promoted(*this, copy.id, action.epoch); });
  if (!cut_tail(copy)) return {true, failed("diverged", true)};
  copy.directory.told = action.epoch;
  copy.directory.durable = copy.directory.log.size();
  copy.directory.applied = copy.directory.durable;
  copy.in_use = true;
  copy.following = action.epoch;
  ++takeovers_;
  return {true, done_at(copy.directory.position())};
}

World::Outcome World::apply(const Action& action, const control::ResolveInDoubt& body) {
  const Copy& copy = *find(body.primary);
  if (!copy.in_use) return {true, failed("the primary is gone")};
  node_.writer = body.primary;
  node_.epoch = action.epoch;
  node_.set = body.synchronous;
  node_.hold_commits = body.hold_commits;
  std::erase_if(node_.attempts, [&](const Attempt& attempt) {
    const bool blind = sabotage_ == Sabotage::abort_blindly;
    if (!blind && copy.directory.holds(attempt.id, attempt.sequence)) return false;
    check([&](Checker& checker) { checker.aborted(*this, attempt.id); });
    return true;
  });
  return {};
}

World::Outcome World::apply(const Action& action, const control::Admit& body) {
  Copy* copy = find(body.primary);
  if (!copy->in_use || node_.writer != body.primary || node_.epoch != action.epoch) {
    return {true, failed("it is not the writer")};
  }
  node_.set = body.synchronous;
  node_.hold_commits = body.hold_commits;
  node_.admitted = true;
  node_.draining = copy->rolled_back = false;
  check([&](Checker& checker) { checker.admitted(*this, body.primary, action.epoch); });
  std::erase_if(acknowledged_, [&](const Acknowledged& acked) {  // with the operator's consent
    return !copy->directory.holds(acked.id, acked.sequence);
  });
  acknowledge();
  return {};
}

World::Outcome World::apply(const Action&, const control::Drain& body) {
  const Copy* writer = find(body.primary);
  const Copy* target = find(body.target);
  if (target == nullptr || !writer->in_use || !target->in_use || node_.writer != body.primary) {
    return {true, failed("a copy failed")};
  }
  node_.draining = true;
  acknowledge();
  const Directory& from = writer->directory;
  const Directory& to = target->directory;
  const bool all_there = node_.attempts.empty() && from.durable == from.log.size() &&
                         to.durable == to.log.size() && to.log.size() == from.log.size();
  if (!all_there) return {false, {}};
  node_.draining = false;
  return {true, done_at(from.position())};
}

World::Outcome World::apply(const Action& action, const control::Follow& body) {
  Copy& copy = *find(body.copy);
  Outcome outcome;
  if (fail_if_broken(action, copy, outcome)) return outcome;
  if (copy.directory.told > action.epoch) return {true, failed("it knows a newer epoch")};
  if (!cut_tail(copy)) return {true, failed("diverged", true)};
  copy.directory.told = action.epoch;
  copy.directory.durable = copy.directory.log.size();
  copy.in_use = true;
  copy.told_caught_up = false;
  copy.following = action.epoch;
  return {true, done_at(copy.directory.position())};
}

World::Outcome World::apply(const Action&, const control::SetSynchronous& body) {
  node_.hold_commits = body.hold_commits;
  node_.set = body.synchronous;
  for (CopyId id : body.joining) {
    const Copy* copy = find(id);
    if (copy == nullptr || !copy->in_use) return {true, failed("a copy failed")};
    const bool holds_all = std::ranges::all_of(acknowledged_, [&](const Acknowledged& acked) {
      return acked.sequence.value <= copy->directory.durable;
    });
    if (!holds_all) return {false, {}};
  }
  return {};
}

World::Outcome World::apply(const Action&, const control::Probe& body) {
  Copy& copy = *find(body.copy);
  if (!copy.disk_dead) copy.directory.durable = copy.directory.log.size();
  ActionDone done;
  done.report = look_at(copy);
  return {true, done};
}

void World::snapshot_into(Copy& copy) {
  const Directory& source = find(*node_.writer)->directory;
  const std::size_t shown =
      std::min(source.log.size(), acknowledged_.empty() ? 0 : acknowledged_.back().sequence.value);
  copy.directory.whole = true;
  copy.directory.cluster = cluster_;
  copy.directory.incarnation = node_.control.record->incarnation;
  copy.directory.log.assign(source.log.begin(),
                            source.log.begin() + static_cast<std::ptrdiff_t>(shown));
  copy.directory.applied = copy.directory.durable = shown;
}

World::Outcome World::apply(const Action& action, const control::Rejoin& body) {
  Copy& copy = *find(body.copy);
  if (copy.disk_dead || !copy.directory.there || replaced(action, copy)) {
    return {true, failed("not there")};
  }
  if (!node_.writer || node_.writer != body.primary || !find(body.primary)->in_use) {
    return {true, failed("no primary")};
  }
  const bool tail_fits = copy.directory.whole && !random_.chance(300);
  if (copy.directory.whole && !cut_tail(copy)) return {true, failed("diverged", true)};
  if (!tail_fits && copy.directory.whole) {  // the snapshot starts
    copy.directory = Directory{};
    return {false, {}};
  }
  if (!copy.directory.whole) snapshot_into(copy);
  copy.directory.told = action.epoch;
  copy.in_use = true;
  copy.rolled_back = copy.told_caught_up = false;
  copy.following = action.epoch;
  return {true, done_at(copy.directory.position())};
}

World::Outcome World::apply(const Action& action, const control::Quarantine& body) {
  Copy& copy = *find(body.copy);
  if (copy.disk_dead || !copy.directory.there || replaced(action, copy)) {
    return {true, failed("not there")};
  }
  copy.in_use = false;
  copy.directory = Directory{};
  copy.rolled_back = false;
  return {};
}

}  // namespace spar::sim
