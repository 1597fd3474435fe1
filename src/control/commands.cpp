// What the administrator asked for: one command at a time, answered when it is done or refused.
#include <algorithm>

#include "control/election.h"
#include "control/turn.h"

namespace spar::control {
namespace {

// What is wrong with a command now; empty text: nothing.
struct Refusal {
  std::string text;
  std::string hint;
};

Refusal check_target(const State& state, CopyId to) {
  const Record& record = *state.record;
  const Member* member = find_member(record, to);
  if (member == nullptr) return {"there is no such copy", "`spar status` lists the copies"};
  if (active_primary(state) == to) return {member->name + " is the primary already", ""};
  if (!member->may_be_primary) {
    return {member->name + " may not be primary", "its role in the configuration is replica"};
  }
  const CopyView* copy = find_copy(state, to);
  if (!usable(*copy)) {
    return {member->name + " cannot be used: " + copy->text, "it is brought up by itself"};
  }
  return {};
}

std::string possible_loss(const State& state, CopyId to) {
  Sequence newest{0};
  for (const CopyView& copy : state.copies) newest = std::max(newest, copy.received.sequence);
  const Sequence kept = shared_sequence(state, *find_copy(state, to));
  if (newest <= kept) return "no loss is known";
  return "up to " + std::to_string(newest.value - kept.value) +
         " transactions are lost: it ends at " + std::to_string(kept.value) +
         ", the newest seen is " + std::to_string(newest.value);
}

// Each prepare() completes its command (which copy), or says why it cannot be.
Refusal prepare(Turn& turn, Switchover& command) {
  const State& state = turn.state;
  if (state.stage != Stage::settled) {
    return {"there is no primary to switch from", "wait for the failover, or order one"};
  }
  if (command.to == CopyId{}) command.to = best_successor(state, false).value_or(CopyId{});
  if (command.to == CopyId{}) command.to = best_successor(state, true).value_or(CopyId{});
  if (command.to == CopyId{}) return {"no other copy can be primary", ""};
  if (Refusal refusal = check_target(state, command.to); !refusal.text.empty()) return refusal;
  if (find_copy(state, command.to)->health != Health::serving) {
    return {turn.name(command.to) + " does not follow the primary yet", "try again"};
  }
  if (!find_copy(state, command.to)->caught_up) {  // all would wait for it
    return {turn.name(command.to) + " is far behind the primary",
            "try again when it has caught up"};
  }
  return {};
}

Refusal prepare(Turn& turn, Failover& command) {
  const State& state = turn.state;
  if (state.stage != Stage::settled && state.stage != Stage::waiting) {
    return {"a change of primary is under way", "try again"};
  }
  if (command.to == CopyId{}) command.to = best_successor(state, false).value_or(CopyId{});
  if (command.to == CopyId{} && command.accept_data_loss) {
    command.to = best_successor(state, true).value_or(CopyId{});
  }
  if (command.to == CopyId{}) {
    return {"no mirror can be primary", "--accept-data-loss takes the best copy there is"};
  }
  if (Refusal refusal = check_target(state, command.to); !refusal.text.empty()) return refusal;
  const bool safe =
      command.to == turn.record().primary || contains(turn.record().synchronous, command.to);
  if (!safe && !command.accept_data_loss) {
    return {turn.name(command.to) + " is no mirror: " + possible_loss(state, command.to),
            "--accept-data-loss promotes it all the same"};
  }
  return {};
}

Refusal prepare(Turn&, Pause&) {
  return {};
}
Refusal prepare(Turn&, Resume&) {
  return {};
}

Refusal prepare(Turn& turn, Configure& command) {
  if (command.mirrors < turn.record().members.size()) return {};
  return {"more mirrors than other copies", ""};
}

Refusal prepare(Turn& turn, Add& command) {
  Record wanted = turn.record();
  command.member.id = wanted.next_copy;
  ++wanted.next_copy.value;
  wanted.members.push_back(command.member);
  auto encoded = encode(wanted);
  return encoded ? Refusal{} : Refusal{encoded.error().message, encoded.error().hint};
}

Refusal prepare(Turn& turn, Remove& command) {
  if (find_member(turn.record(), command.copy) == nullptr) return {"there is no such copy", ""};
  if (command.copy == turn.record().primary || command.copy == turn.state.takeover.target) {
    return {turn.name(command.copy) + " is the primary", "switch over first"};
  }
  return {};
}

// What the record is when the command is done; nothing when it is so already.
std::optional<Record> changed(const Record& record, const Pause&) {
  Record wanted = record;
  wanted.paused = true;
  return record.paused ? std::nullopt : std::optional(wanted);
}

std::optional<Record> changed(const Record& record, const Resume&) {
  Record wanted = record;
  wanted.paused = false;
  return record.paused ? std::optional(wanted) : std::nullopt;
}

std::optional<Record> changed(const Record& record, const Configure& command) {
  if (record.mirrors == command.mirrors && record.durability == command.durability) return {};
  Record wanted = record;
  wanted.mirrors = command.mirrors;
  wanted.durability = command.durability;
  return wanted;
}

std::optional<Record> changed(const Record& record, const Add& command) {
  if (find_member(record, command.member.name) != nullptr) return {};
  Record wanted = record;
  wanted.members.push_back(command.member);
  wanted.members.back().id = wanted.next_copy;
  ++wanted.next_copy.value;
  return wanted;
}

std::optional<Record> changed(const Record& record, const Remove& command) {
  if (find_member(record, command.copy) == nullptr) return {};
  Record wanted = record;
  std::erase_if(wanted.members, [&](const Member& member) { return member.id == command.copy; });
  wanted.synchronous = without(std::move(wanted.synchronous), command.copy);
  return wanted;
}

std::string told(const Pause&) {
  return "paused: nothing fails over or is rebuilt until `spar resume`";
}
std::string told(const Resume&) {
  return "resumed: failover and rebuilding go on by themselves";
}
std::string told(const Configure& command) {
  return "from now on: " + std::string(to_string(command.durability)) + ", " +
         std::to_string(command.mirrors) + (command.mirrors == 1 ? " mirror" : " mirrors");
}
std::string told(const Add& command) {
  return command.member.name + " is a copy now; it is brought up in the background: spar status";
}
std::string told(const Remove&) {
  return "the copy is no longer part of the cluster; its files were left where they are";
}

// Each drive() does what is missing for the command, or answers it.
template <class Command>
void drive(Turn& turn, Command& command) {
  auto wanted = changed(turn.record(), command);
  if (!wanted) return answer(turn, true, told(command));
  // Copies fail and the record changes while a command waits.
  Refusal refusal = prepare(turn, command);
  if (!refusal.text.empty()) return answer(turn, false, refusal.text, refusal.hint);
  start_cas(turn, std::move(*wanted), CasRecord::Purpose::command);
}

void drive(Turn& turn, Switchover& command) {
  Refusal refusal = prepare(turn, command);
  if (!refusal.text.empty()) return answer(turn, false, refusal.text, refusal.hint);
  turn.state.request->command = command;  // with the copy chosen
  turn.note("switchover to " + turn.name(command.to), "ordered by the operator", command.to);
  begin_drain(turn);
  drive_line(turn);
}

void drive(Turn& turn, Failover& command) {
  Refusal refusal = prepare(turn, command);
  if (!refusal.text.empty()) return answer(turn, false, refusal.text, refusal.hint);
  const std::string loss = possible_loss(turn.state, command.to);
  const std::string reason = "failover to " + turn.name(command.to) + " by the operator; " + loss;
  if (turn.state.stage == Stage::settled) hold_and_fence(turn, reason);
  turn.state.request->begun = true;
  begin_takeover(turn, command.to, reason);
}

bool ready(const State& state, const Request& request) {
  const bool drains = std::holds_alternative<Switchover>(request.command);
  return record_certain(state) && !record_is_old(state) &&
         (state.stage == Stage::settled || (state.stage == Stage::waiting && !drains));
}

}  // namespace

void answer(Turn& turn, bool done, std::string text, std::string hint) {
  if (!turn.state.request) return;
  Answer body{turn.state.request->id, done, std::move(text), std::move(hint)};
  turn.state.request.reset();
  turn.act(turn.record().epoch, std::move(body));
}

void drive_request(Turn& turn) {
  State& state = turn.state;
  if (!state.request || state.request->begun || state.stage == Stage::draining) return;
  if (turn.now >= state.request->asked + kDrainDeadline) {
    return answer(turn, false, "the record could not be changed in time",
                  "it may still happen; look at the status");
  }
  if (!ready(state, *state.request)) return;
  Command command = state.request->command;
  std::visit([&](auto& body) { drive(turn, body); }, command);
}

void on_command(Turn& turn, const OperatorAsked& asked) {
  State& state = turn.state;
  auto refused = [&](std::string text, std::string hint) {
    turn.act(Epoch{}, Answer{asked.request, false, std::move(text), std::move(hint)});
  };
  if (!state.record || state.stage == Stage::starting)
    return refused("still starting", "try again");
  if (record_is_old(state)) return refused(election_obstacle(state), "");
  if (state.request) return refused("another command is under way", "try again");
  Request request{asked.request, asked.command, turn.now, false};
  Refusal refusal = std::visit([&](auto& body) { return prepare(turn, body); }, request.command);
  if (!refusal.text.empty()) return refused(refusal.text, refusal.hint);
  state.request = std::move(request);
}

}  // namespace spar::control
