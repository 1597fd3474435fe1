#include "engines/postgres/timeline.h"

#include <algorithm>
#include <charconv>

#include "base/mutant.h"

namespace spar::engines::postgres {
namespace {

Failure no_history() {
  return failure(Code::corrupt, "a timeline history file has an unknown form", "XX001");
}

// "1<tab>0/3000148<tab>no recovery target specified"
Result<TimelineSwitch> parse_switch(std::string_view line) {
  TimelineSwitch change;
  auto parsed = std::from_chars(line.data(), line.data() + line.size(), change.timeline.value);
  if (parsed.ec != std::errc()) return no_history();
  line.remove_prefix(static_cast<std::size_t>(parsed.ptr - line.data()));
  if (!line.starts_with('\t')) return no_history();
  line.remove_prefix(1);
  std::optional<Lsn> at = parse_lsn(line.substr(0, line.find('\t')));
  if (!at) return no_history();
  change.at = *at;
  return change;
}

// Where `line` ended on `timeline`; nothing when it was never there.
std::optional<Lsn> end_on(const ServerLine& line, TimelineId timeline) {
  if (line.timeline == timeline) return line.end;
  auto left = std::ranges::find(line.switches, timeline, &TimelineSwitch::timeline);
  if (left == line.switches.end()) return std::nullopt;
  return left->at;
}

// Where `line` came into `timeline` from another one; nothing when it did not.
std::optional<Lsn> start_on(const ServerLine& line, TimelineId timeline) {
  for (std::size_t i = 0; i < line.switches.size(); ++i) {
    bool last = i + 1 == line.switches.size();
    TimelineId next = last ? line.timeline : line.switches[i + 1].timeline;
    if (next == timeline) return line.switches[i].at;
  }
  return std::nullopt;
}

// False also when an old primary was elected again after somebody else had been promoted: it goes on
// where it stood.
bool begins_timeline(const ServerHistory& history, const ServerFork& fork) {
  return std::ranges::find(history, fork.timeline, &ServerFork::timeline)->fork.epoch ==
         fork.fork.epoch;
}

// The last fork that `line` has gone past. A timeline of the record that the line does not touch
// belongs to a primary that nobody followed; one that it entered elsewhere is not the record's.
const ServerFork* last_passed(const ServerLine& line, const ServerHistory& history) {
  const ServerFork* passed = nullptr;
  for (const ServerFork& fork : history) {
    Lsn after(fork.fork.after.value);
    bool oldest = &fork == &history.front();
    bool promotion = !oldest && begins_timeline(history, fork);
    std::optional<Lsn> end = end_on(line, fork.timeline);
    if (!end) continue;
    if (promotion && start_on(line, fork.timeline) != after) break;
    if (oldest || promotion || *end > after) passed = &fork;
  }
  return passed;
}

}  // namespace

Result<std::vector<TimelineSwitch>> parse_timeline_history(std::string_view text) {
  std::vector<TimelineSwitch> switches;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || line.starts_with('#')) continue;
    SPAR_ASSIGN(TimelineSwitch change, parse_switch(line));
    bool ascends = switches.empty() ||
                   (switches.back().timeline < change.timeline && switches.back().at <= change.at);
    if (!ascends) return no_history();
    switches.push_back(change);
  }
  return switches;
}

History forks_of(const ServerHistory& history) {
  History forks;
  for (const ServerFork& each : history) forks.push_back(each.fork);
  return forks;
}

std::string to_string(const ForkNote& note) {
  return std::to_string(note.timeline.value) + " " + std::to_string(note.next_xid.value) + " " +
         std::to_string(note.before_first);
}

std::optional<ForkNote> parse_fork_note(std::string_view text) {
  ForkNote note;
  auto take = [&](auto& value) {
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (text.starts_with(' ')) text.remove_prefix(1);
    return true;
  };
  bool whole = take(note.timeline.value) && take(note.next_xid.value) && take(note.before_first);
  if (!whole || !text.empty()) return std::nullopt;
  return note;
}

ServerHistory server_history(const History& history, const std::map<Epoch, std::string>& notes) {
  ServerHistory forks;
  for (const Fork& fork : history) {
    auto text = notes.find(fork.epoch);
    auto note = text == notes.end() ? std::nullopt : parse_fork_note(text->second);
    if (note) forks.push_back({fork, note->timeline, note->next_xid});
  }
  return forks;
}

Placement place(const ServerLine& line, const ServerHistory& history) {
  Placement placement;
  placement.position.sequence = Sequence(line.end.value);
  const ServerFork* last = last_passed(line, history);
  if (last == nullptr) {
    std::uint64_t oldest = history.empty() ? 0 : history.front().fork.epoch.value;
    placement.position.epoch = Epoch(oldest == 0 ? 0 : oldest - 1);
    return placement;
  }
  placement.position.epoch = last->fork.epoch;
  if (line.timeline != last->timeline) placement.unrecorded = end_on(line, last->timeline);
  return placement;
}

TimelineId timeline_for(Epoch epoch, std::uint32_t before_first) {
  return TimelineId(static_cast<std::uint32_t>(epoch.value) + before_first);
}

Outcome outcome_of(Xid transaction, Xid next_xid, XactStatus status) {
  const bool given_again = transaction >= next_xid && !mutant(Mutant::resolve_by_xid_alone);
  return given_again ? Outcome::not_committed : outcome_of(status);
}

Outcome outcome_of(XactStatus status) {
  switch (status) {
    case XactStatus::committed:
      return Outcome::committed;
    case XactStatus::aborted:
    case XactStatus::unborn:
      return Outcome::not_committed;
    case XactStatus::in_progress:  // prepared, or its session has not ended yet
    case XactStatus::forgotten:
      return Outcome::unknown;
  }
  return Outcome::unknown;
}

}  // namespace spar::engines::postgres
