// Every value of the room as text, for logs, events and a failing simulation.
#include "control/action.h"
#include "control/event.h"
#include "control/state.h"

namespace spar::control {
namespace {

std::string number(CopyId copy) {
  return "copy " + std::to_string(copy.value);
}

std::string numbers(const CopySet& set) {
  std::string text = "{";
  for (CopyId copy : set) text += (text.size() > 1 ? " " : "") + std::to_string(copy.value);
  return text + "}";
}

std::string set_text(const CopySet& set, bool hold) {
  return numbers(set) + (hold ? " holding commits" : "");
}

std::string_view text(Cas cas) {
  return cas == Cas::ok ? "ok" : cas == Cas::lost ? "lost" : "unknown";
}

std::string_view text(ActionDone::Result result) {
  return result == ActionDone::Result::done     ? "done"
         : result == ActionDone::Result::failed ? "failed"
                                                : "unknown";
}

std::string_view text(Observed::Kind kind) {
  static constexpr std::string_view kNames[] = {"failed", "reachable", "progress", "caught up",
                                                "lagging"};
  return kNames[static_cast<int>(kind)];
}

std::string text(const Tick&) {
  return "Tick";
}

std::string text(const Started& started) {
  std::string line = "Started: " + (started.record ? to_string(*started.record) : "no record");
  for (const MemberReport& member : started.members) {
    line += "; " + number(member.copy) + ": " + to_string(member.report);
  }
  return line;
}

std::string text(const Observed& seen) {
  std::string line = "Observed " + number(seen.copy) + " " + std::string(text(seen.kind));
  if (seen.kind == Observed::Kind::reachable) return line + ": " + to_string(seen.report);
  return line + " at " + spar::to_string(seen.position) +
         (seen.text.empty() ? "" : " (" + seen.witness + ": " + seen.text + ")");
}

std::string text(const RecordRead& read) {
  return "RecordRead #" + std::to_string(read.id.value) + " " +
         (read.record ? to_string(*read.record) : "nothing: " + read.error);
}

std::string text(const CasResult& result) {
  return "CasResult #" + std::to_string(result.id.value) + " " + std::string(text(result.result));
}

std::string text(const ActionDone& done) {
  return "ActionDone #" + std::to_string(done.id.value) + " " + std::string(text(done.result)) +
         " at " + spar::to_string(done.position) + (done.diverged ? " diverged" : "") +
         (done.text.empty() ? "" : " (" + done.text + ")") +
         (done.report.kind == Report::Kind::unusable ? "" : ", " + to_string(done.report));
}

std::string text(const OperatorAsked& asked) {
  return "OperatorAsked " + std::string(name_of(asked.command));
}

std::string text(const Hold&) {
  return "Hold";
}
std::string text(const Fence& a) {
  return "Fence " + number(a.copy);
}
std::string text(const ReadRecord&) {
  return "ReadRecord";
}
std::string text(const CasRecord& a) {
  return "CasRecord " + std::to_string(a.expected_version) + " -> " + to_string(a.record);
}
std::string text(const Promote& a) {
  return "Promote " + number(a.copy);
}
std::string text(const ResolveInDoubt& a) {
  return "ResolveInDoubt " + number(a.primary) + " with " + set_text(a.synchronous, a.hold_commits);
}
std::string text(const Admit& a) {
  return "Admit " + number(a.primary) + " with " + set_text(a.synchronous, a.hold_commits);
}
std::string text(const Drain& a) {
  return "Drain " + number(a.primary) + " to " + number(a.target);
}
std::string text(const Follow& a) {
  return "Follow " + number(a.copy) + " behind " + number(a.primary);
}
std::string text(const SetSynchronous& a) {
  return "SetSynchronous " + set_text(a.synchronous, a.hold_commits);
}
std::string text(const Probe& a) {
  return "Probe " + number(a.copy);
}
std::string text(const Rejoin& a) {
  return "Rejoin " + number(a.copy) + " behind " + number(a.primary);
}
std::string text(const Quarantine& a) {
  return "Quarantine " + number(a.copy) + ": " + a.reason;
}
std::string text(const Forget& a) {
  return "Forget " + number(a.copy);
}
std::string text(const Answer& a) {
  return std::string("Answer ") + (a.done ? "done: " : "refused: ") + a.text;
}
std::string text(const Alert& a) {
  return "Alert " + a.text;
}
std::string text(const Note& a) {
  return "Note " + a.what + " (" + a.evidence + ")";
}

std::string text(const State& state, const CopyView& copy) {
  return "  " + name_of(*state.record, copy.id) + ": " + std::string(role_of(state, copy)) + ", " +
         std::string(to_string(copy.health)) + " at " + spar::to_string(copy.received) +
         (copy.caught_up ? ", caught up" : "") + (copy.lost_data ? ", lost data" : "") +
         (copy.diverged ? ", diverged" : "") + (copy.text.empty() ? "" : " (" + copy.text + ")") +
         "\n";
}

}  // namespace

std::string to_string(const Report& report) {
  if (report.kind == Report::Kind::unusable) return "unusable: " + report.text;
  if (report.kind == Report::Kind::empty) return "empty";
  return "cluster " + spar::to_string(report.cluster_id).substr(0, 8) + "/" +
         std::to_string(report.incarnation.value) + " at " + spar::to_string(report.position);
}

std::string to_string(const Event& event) {
  return std::visit([](const auto& what) { return text(what); }, event.what);
}

std::string_view name_of(const Command& command) {
  static constexpr std::string_view kNames[] = {"switchover", "failover", "pause",    "resume",
                                                "add",        "remove",   "configure"};
  return kNames[command.index()];
}

bool reports_back(const Action& action) {
  const auto& what = action.what;
  return !std::holds_alternative<Hold>(what) && !std::holds_alternative<Forget>(what) &&
         !std::holds_alternative<Answer>(what) && !std::holds_alternative<Alert>(what) &&
         !std::holds_alternative<Note>(what);
}

std::string to_string(const Action& action) {
  return "#" + std::to_string(action.id.value) + " epoch " + std::to_string(action.epoch.value) +
         " " + std::visit([](const auto& what) { return text(what); }, action.what);
}

std::string_view to_string(Stage stage) {
  static constexpr std::string_view kNames[] = {"starting",  "waiting", "storing",
                                                "promoting", "forking", "resolving",
                                                "admitting", "settled", "draining"};
  return kNames[static_cast<int>(stage)];
}

std::string_view to_string(Health health) {
  static constexpr std::string_view kNames[] = {"absent",  "present",      "joining",
                                                "serving", "quarantining", "refused"};
  return kNames[static_cast<int>(health)];
}

std::string to_string(const State& state) {
  std::string text_of_state = std::string(to_string(state.stage));
  if (!state.record) return text_of_state + ", no record\n";
  text_of_state += ", " + to_string(*state.record) + (state.exposed_since ? ", exposed" : "") +
                   (state.condition.empty() ? "" : ": " + state.condition) + "\n";
  for (const CopyView& copy : state.copies) text_of_state += text(state, copy);
  return text_of_state;
}

}  // namespace spar::control
