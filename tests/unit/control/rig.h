// tests/unit/control/rig.h: a control machine and the answers a test gives it, step by step.
//
// Contract    tell() runs one step and keeps its actions. done<A>() reports the newest action of
//             type A, stored() the compare-and-set under way. Time stands still unless a test moves
//             it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "control/limits.h"
#include "control/step.h"

namespace spar::control {

inline constexpr CopyId kA{1}, kB{2}, kC{3}, kD{4};

inline ClusterId test_cluster() {
  ClusterId id;
  id.bytes[0] = 7;
  return id;
}

inline Position at(std::uint64_t epoch, std::uint64_t sequence) {
  return {Epoch{epoch}, Sequence{sequence}};
}

// Copies a, b, c, ...; a is primary of epoch 1.
inline Record record_of(int copies, CopySet mirrors = {kB}, std::uint32_t wanted = 1) {
  std::vector<Member> members;
  for (int i = 0; i < copies; ++i) {
    members.push_back({CopyId{}, std::string(1, static_cast<char>('a' + i)), "sqlite", "x", true});
  }
  Record record = initial_record(test_cluster(), members, wanted, Durability::mirrored);
  record.synchronous = std::move(mirrors);
  return record;
}

inline Report whole(const Position& position) {
  Report report;
  report.kind = Report::Kind::identified;
  report.cluster_id = test_cluster();
  report.incarnation = Incarnation{1};
  report.epoch = position.epoch;
  report.position = position;
  return report;
}

inline Report empty() {
  Report report;
  report.kind = Report::Kind::empty;
  return report;
}

inline Report unusable() {
  Report report;
  report.text = "no such directory";
  return report;
}

// An action that was given, or not; looking into one that was not fails the test.
template <class A>
struct Given {
  const A* body = nullptr;
  const A* operator->() const {
    static const A kNone{};
    if (body == nullptr) ADD_FAILURE() << "the action was not given";
    return body == nullptr ? &kNone : body;
  }
  friend bool operator==(const Given& given, std::nullptr_t) { return given.body == nullptr; }
};

class Rig {
 public:
  State state;
  std::vector<Action> actions;  // of the last step
  Monotonic now{};

  void tell(decltype(Event::what) what) {
    Step result = step(state, Event{now, std::move(what)});
    state = std::move(result.state);
    actions = std::move(result.actions);
    for (const Action& action : actions) all_.push_back(action);
  }
  void tick(std::chrono::milliseconds later) {
    now += later;
    tell(Tick{});
  }

  // The newest action of this type in the last step, and in all steps.
  template <class A>
  Given<A> given() const {
    return {newest<A>(actions).second};
  }
  template <class A>
  ActionId id() const {
    return newest<A>(all_).first;
  }
  template <class A>
  std::size_t count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        actions, [](const Action& action) { return std::holds_alternative<A>(action.what); }));
  }

  template <class A>
  void done(const Position& position = {}, const std::string& note = {}) {
    ActionDone body;
    body.id = id<A>();
    body.position = position;
    body.note = note;
    tell(body);
  }
  template <class A>
  void not_done(ActionDone::Result result, bool diverged = false) {
    ActionDone body;
    body.id = id<A>();
    body.result = result;
    body.text = "test";
    body.diverged = diverged;
    tell(body);
  }
  void probed(CopyId copy, Report report) {
    for (auto place = all_.rbegin(); place != all_.rend(); ++place) {
      const auto* probe = std::get_if<Probe>(&place->what);
      if (probe == nullptr || probe->copy != copy) continue;
      ActionDone body;
      body.id = place->id;
      body.report = std::move(report);
      return tell(body);
    }
    FAIL() << "no probe of copy " << copy.value;
  }
  void stored(Cas result = Cas::ok) { tell(CasResult{id<CasRecord>(), result, "test"}); }
  void read(std::optional<Record> record) { tell(RecordRead{id<ReadRecord>(), record, "test"}); }

  void fails(CopyId copy) {
    tell(Observed{copy, Observed::Kind::failed, "flush", "I/O error", {}, {}});
  }
  void seen(CopyId copy, Observed::Kind kind, const Position& position) {
    tell(Observed{copy, kind, "log", "", position, {}});
  }

  void start(const Record& record, std::vector<Report> reports) {
    Started started{record, {}};
    for (std::size_t i = 0; i < reports.size(); ++i) {
      started.members.push_back({record.members[i].id, std::move(reports[i])});
    }
    tell(started);
  }

  // Started, a primary, and all others follow and have caught up at `end`.
  void settle(const Record& record, const Position& end) {
    start(record, std::vector<Report>(record.members.size(), whole(end)));
    done<Promote>(end);
    done<ResolveInDoubt>();
    done<Admit>();
    ASSERT_EQ(state.stage, Stage::settled);
    for (const Member& member : record.members) {
      if (member.id != record.primary) follows(member.id, end);
    }
    ASSERT_EQ(state.record, record);
  }
  // Answers the Follow or Rejoin of `copy`, then reports that it caught up.
  void follows(CopyId copy, const Position& position) {
    const CopyView* view = find_copy(state, copy);
    ASSERT_TRUE(view->pending.in_flight());
    ActionDone body;
    body.id = view->pending.id;
    body.position = position;
    tell(body);
    seen(copy, Observed::Kind::caught_up, position);
  }

 private:
  template <class A>
  static std::pair<ActionId, const A*> newest(const std::vector<Action>& actions) {
    for (auto place = actions.rbegin(); place != actions.rend(); ++place) {
      if (const A* body = std::get_if<A>(&place->what)) return {place->id, body};
    }
    return {ActionId{}, nullptr};
  }
  std::vector<Action> all_;
};

}  // namespace spar::control
