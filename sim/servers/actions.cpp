// The model of server/postgres/: what actions do to servers, and which reports arrive.
#include "base/mutant.h"
#include "engines/postgres/timeline.h"
#include "sim/outcomes.h"
#include "sim/servers/world.h"

namespace spar::sim::servers {

using control::Action;
using control::ActionDone;
using engines::postgres::ForkNote;
using engines::postgres::Placement;
using engines::postgres::timeline_for;

namespace {

// The copy that an action touches; CopyId{} for the line of succession, kStore for the record.
constexpr CopyId kStore{~0u};
CopyId touched(const Action& action) {
  using namespace control;
  if (const auto* a = std::get_if<Promote>(&action.what)) return a->copy;
  if (const auto* a = std::get_if<Follow>(&action.what)) return a->copy;
  if (const auto* a = std::get_if<Probe>(&action.what)) return a->copy;
  if (const auto* a = std::get_if<Rejoin>(&action.what)) return a->copy;
  if (const auto* a = std::get_if<Quarantine>(&action.what)) return a->copy;
  if (std::holds_alternative<CasRecord>(action.what)) return kStore;
  if (std::holds_alternative<ReadRecord>(action.what)) return kStore;
  return CopyId{};
}

bool on_line(const Action& action) {
  return touched(action) == CopyId{} || std::holds_alternative<control::Promote>(action.what);
}

bool conflict(const Action& a, const Action& b) {
  return touched(a) == touched(b) || (on_line(a) && on_line(b));
}

ActionDone unknown(std::string text) {
  ActionDone done;
  done.result = ActionDone::Result::unknown;
  done.text = std::move(text);
  return done;
}

}  // namespace

// --- their order, and their reports ---

bool World::drops(const Wanted& wanted) {
  const control::ActionId id = wanted.action.id;
  if (on_line(wanted.action)) {
    if (id < node_.last_line) return true;
    node_.last_line = id;
  }
  const CopyId copy = touched(wanted.action);
  if (copy == CopyId{} || copy == kStore) return false;
  if (id < node_.last[copy]) return true;
  node_.last[copy] = id;
  return false;
}

void World::execute() {
  if (!node_.up || node_.actions.empty()) return;
  std::size_t index = random_.below(node_.actions.size());
  for (std::size_t i = 0; i < index; ++i) {
    if (conflict(node_.actions[i].action, node_.actions[index].action)) index = i;
  }
  Wanted wanted = std::move(node_.actions[index]);
  node_.actions.erase(node_.actions.begin() + static_cast<std::ptrdiff_t>(index));
  const Action& action = wanted.action;
  if (const auto* body = std::get_if<control::CasRecord>(&action.what)) return cas(action, *body);
  if (std::holds_alternative<control::ReadRecord>(action.what)) {
    if (faults_ && random_.chance(30)) return;
    const bool fails = faults_ && random_.chance(50);
    return tell(
        control::RecordRead{action.id, fails ? std::nullopt : stored_, fails ? "injected" : ""});
  }
  if (drops(wanted)) return;
  if (faults_ && random_.chance(30)) {
    return tell_done(wanted, random_.chance(500) ? failed("injected") : unknown("injected"));
  }
  Outcome outcome = std::visit(
      [&](const auto& body) -> Outcome {
        if constexpr (requires { apply(wanted, body); }) return apply(wanted, body);
        return {};
      },
      action.what);
  const bool superseded = std::ranges::any_of(node_.actions, [&](const Wanted& other) {
    return conflict(other.action, action) && other.action.id > action.id;
  });
  if (!outcome.finished && superseded) outcome = {true, failed("superseded")};
  if (!outcome.finished) return node_.actions.push_front(std::move(wanted));
  tell_done(wanted, std::move(outcome.done));
}

void World::tell_done(const Wanted& wanted, ActionDone done) {
  Node::Seen& seen = node_.seen[touched(wanted.action)];
  seen.busy = seen.told_lost = seen.near = false;  // and what is near is told again
  if (faults_ && random_.chance(20)) return say("   lost: report of " + to_string(wanted.action));
  if (faults_ && random_.chance(20)) done = unknown("injected");
  done.id = wanted.action.id;
  tell(std::move(done));
}

void World::store(const control::Record& record) {
  stored_ = record;
  primaries_stored_.insert({record.epoch, record.primary});
  auto text = control::encode(record);
  if (!text) violated("record", text.error().message);
}

void World::cas(const Action& action, const control::CasRecord& body) {
  if (faults_ && random_.chance(30)) ++stored_->version;  // someone else was faster
  if (faults_ && random_.chance(20)) {
    return tell(control::CasResult{action.id, control::Cas::unknown, "injected"});
  }
  const bool matches = stored_->version == body.expected_version;
  if (matches) store(body.record);
  if (faults_ && random_.chance(20)) return say("   lost: result of the compare-and-set");
  control::Cas result = matches ? control::Cas::ok : control::Cas::lost;
  if (faults_ && random_.chance(30)) result = control::Cas::unknown;
  tell(control::CasResult{action.id, result, ""});
}

// --- where servers stand ---

Placement World::place(const Server& server, const control::Record& record) const {
  return engines::postgres::place(
      server.line(), engines::postgres::server_history(record.history, record.fork_notes));
}

// A3: the timeline that it is on, and the record does not know, is one that Spar gave it.
bool World::is_own_promotion(const Server& server, const control::Record& record,
                             Epoch epoch) const {
  const TimelineId timeline = server.line().timeline;
  if (server.in_recovery || timeline > timeline_for(epoch)) return false;
  if (broken(Sabotage::refuse_own_promotion)) return timeline == timeline_for(epoch);
  const Epoch last = record.history.empty() ? Epoch{} : record.history.back().epoch;
  return timeline > timeline_for(last) && server.promoted_at.contains(timeline);
}

bool World::is_stray(const Server& server, const control::Record& record) const {
  if (broken(Sabotage::accept_any_line)) return !server.in_recovery;
  const Placement at = place(server, record);
  return !server.in_recovery || at.unrecorded || control::diverged(record, at.position);
}

// Starts what does not run (server_path.cpp, report_of).
control::Report World::look(Server& server, const control::Record& record) {
  control::Report report;
  report.text = "it does not answer";
  if (server.cut_off || (server.up && server.frozen)) return report;
  const bool elector =
      server.id == record.primary || control::contains(record.synchronous, server.id);
  if (!server.there || (!server.up && !start(server, elector))) {
    report.kind = control::Report::Kind::empty;
    report.text = "it was primary, or is not whole";
    return report;
  }
  report.kind = control::Report::Kind::identified;
  report.cluster_id = cluster_;
  report.incarnation = record.incarnation;
  report.position = place(server, record).position;
  report.epoch = report.position.epoch;
  return report;
}

World::Outcome World::apply(Wanted& wanted, const control::Probe& body) {
  Outcome outcome;
  outcome.done.report = look(*find(body.copy), wanted.record);
  return outcome;
}

// --- the line of succession ---

// Nothing of it is acknowledged any more from now on, whatever it does.
void World::fence(CopyId copy) {
  node_.place.reset();
  cut();
  node_.to_end.insert(copy);
}

World::Outcome World::apply(Wanted& wanted, const control::Promote& body) {
  Server& server = *find(body.copy);
  const control::Record& record = wanted.record;
  const Epoch epoch = wanted.action.epoch;
  if (!server.answers()) {
    return {true, server.up ? unknown("no answer in time") : failed("it refuses connections")};
  }
  do_late(server);
  const Placement before = place(server, record);
  const bool own = is_own_promotion(server, record, epoch);
  if (before.unrecorded && !own) return {true, failed("on a timeline of its own", true)};
  if (control::diverged(record, before.position) && !own) {
    return {true, failed("past the fork of its epoch", true)};
  }
  const TimelineId timeline = timeline_for(epoch);
  const bool was_standby = server.in_recovery;
  if (was_standby) {
    if (timeline <= server.line().timeline) return {true, failed("a later timeline is needed")};
    server.upstream.reset();
    if (faults_ && random_.chance(60)) return {true, failed("injected: half-way")};
    if (faults_ && random_.chance(60)) {
      server.frozen = true;
      server.late.push_back({.promote = timeline});
      return {true, unknown("frozen before it was promoted")};
    }
    become_primary(server, timeline);
  }
  server.backends.clear();
  const ServerLine line = server.line();
  Xid next = server.restarted_at.value_or(server.ended_xid());
  const auto noted = server.promoted_at.find(line.timeline);
  const bool first = noted != server.promoted_at.end() && own;
  if (first || was_standby) next = noted->second;
  if (broken(Sabotage::late_next_xid)) next = server.ended_xid();
  Position end = place(server, record).position;
  if (is_own_promotion(server, record, epoch) && !control::fork_known(record)) {
    end = {before.position.epoch, Sequence(line.switches.back().at.value)};
  }
  Outcome outcome{true, done_at(end)};
  outcome.done.note = to_string(ForkNote{line.timeline, next, 0});
  if (faults_ && random_.chance(60)) outcome.done = unknown("injected: after it took effect");
  return outcome;
}

// False: `outcome` says why not.
bool World::set_waiting(Server& server, Waiting waiting, Outcome& outcome) {
  if (server.up && server.frozen && !server.cut_off) {
    server.late.push_back({.waiting = std::move(waiting)});
    outcome.done = unknown("frozen");
    return false;
  }
  if (!server.answers()) {
    outcome.done = server.up ? unknown("no answer in time") : failed("it refuses connections");
    return false;
  }
  if (!broken(Sabotage::late_out_of_order)) do_late(server);
  server.waiting = std::move(waiting);
  if (faults_ && random_.chance(30)) outcome.done = unknown("injected: after it took effect");
  return outcome.done.result == ActionDone::Result::done;
}

World::Outcome World::apply(Wanted& wanted, const control::ResolveInDoubt& body) {
  Outcome outcome;
  const bool known =
      !wanted.record.history.empty() && wanted.record.history.back().epoch == wanted.action.epoch;
  if (!known && !mutant(Mutant::skip_fork_store)) return {true, failed("its fork is not stored")};
  set_waiting(*find(body.primary), {body.synchronous, body.hold_commits}, outcome);
  return outcome;
}

World::Outcome World::apply(Wanted& wanted, const control::Admit& body) {
  Outcome outcome;
  Server& server = *find(body.primary);
  if (!set_waiting(server, {body.synchronous, body.hold_commits}, outcome)) return outcome;
  server.read_only = false;
  server.restarted_at.reset();
  node_.drained = CopyId{};
  node_.place = node_.served = Node::Place{body.primary, wanted.action.epoch, server.starts};
  node_.cut = false;
  node_.seen[body.primary].told_lost = false;
  node_.to_end.erase(body.primary);
  check([&](Checker& checker) { checker.admitted(*this, body.primary, wanted.action.epoch); });
  return outcome;
}

World::Outcome World::apply(Wanted& wanted, const control::Drain& body) {
  const bool busy = std::ranges::any_of(operations_, [&](const Operation& each) {
    return connected(each) &&
           (each.state == Operation::State::running || each.state == Operation::State::asked);
  });
  Server& primary = *find(body.primary);
  const Server& target = *find(body.target);
  if (!primary.answers() || !target.answers()) return {true, failed("a server does not answer")};
  if (busy) return {false, {}};
  primary.read_only = true;
  primary.backends.clear();
  if (target.end() < primary.end()) return {false, {}};
  node_.drained = body.primary;
  return {true, done_at(place(primary, wanted.record).position)};
}

World::Outcome World::apply(Wanted& wanted, const control::SetSynchronous& body) {
  Outcome outcome;
  Server& primary = *find(wanted.record.primary);
  if (wanted.joined_at == Lsn{}) {
    if (!set_waiting(primary, {body.synchronous, body.hold_commits}, outcome)) return outcome;
    wanted.joined_at = primary.end();
  }
  if (!primary.answers()) return {true, unknown("no answer in time")};
  for (CopyId joining : body.joining) {
    const Server& mirror = *find(joining);
    if (!streams(primary, mirror) || mirror.end() < wanted.joined_at) {
      if (random_.chance(100)) return {true, failed("a new mirror has not received everything")};
      return {false, {}};
    }
  }
  return outcome;
}

// --- the other copies ---

World::Outcome World::apply(Wanted& wanted, const control::Follow& body) {
  return make_follow(*find(body.copy), *find(body.primary), wanted.record, false);
}

World::Outcome World::apply(Wanted& wanted, const control::Rejoin& body) {
  return make_follow(*find(body.copy), *find(body.primary), wanted.record, true);
}

World::Outcome World::make_follow(Server& copy, Server& primary, const control::Record& record,
                                  bool may_rebuild) {
  if (!primary.answers()) return {true, failed("the primary does not answer")};
  const bool reachable = copy.answers() && !copy.damaged;
  if (reachable) do_late(copy);
  const bool stray = reachable && is_stray(copy, record);
  const bool rewinds = may_rebuild || (stray && broken(Sabotage::follow_rewinds));
  if (reachable && !stray) {
    copy.upstream = primary.id;
    copy.log.resize(copy.durable);  // what was not flushed is asked for again
    if (streams(primary, copy)) return {true, done_at(place(copy, record).position)};
  }
  if (!rewinds) {
    return {true, stray ? failed("not on the line of its primary", true)
                        : failed("it did not come to follow")};
  }
  if (copy.cut_off) return {true, failed("its agent does not answer")};
  if (!copy.damaged && copy.there) {  // takes a while, in which anything may happen
    end_processes(copy);
    copy.damaged = true;
    node_.seen[copy.id].busy = true;
    return {false, {}};
  }
  if (faults_ && random_.chance(100)) return {true, failed("the rewind failed half-way")};
  if (!rewind(copy, primary)) return {true, failed("its primary cannot be reached")};
  return {true, done_at(place(copy, record).position)};
}

// Takes everything from the point where their timelines part, or all of it.
bool World::rewind(Server& copy, const Server& primary) {
  if (!primary.is_primary() || primary.frozen || !linked(copy.id, primary.id)) return false;
  copy.log.clear();
  for (std::size_t i = 0; i < primary.durable; ++i) append(copy, primary.log[i]);
  copy.durable = copy.log.size();
  copy.there = copy.standby = true;
  copy.damaged = copy.read_only = false;
  copy.waiting = primary.waiting;
  copy.promoted_at = primary.promoted_at;
  copy.upstream = primary.id;
  start_processes(copy);
  return true;
}

// The ledger; it may not be used until it is rewound.
World::Outcome World::apply(Wanted&, const control::Quarantine&) {
  return {};
}

}  // namespace spar::sim::servers
