// What stands at the places of the copies: at the first start, at every start, and when one is probed.
#include <algorithm>
#include <future>

#include "server/postgres/server_path_parts.h"

namespace spar::server::postgres {

using control::ActionDone;
using control::Record;
using control::Report;
using engines::postgres::ForkNote;
using engines::postgres::Placement;
using engines::postgres::ServerLine;
using engines::postgres::TimelineId;
using engines::postgres::Xid;

namespace {

// A PostgreSQL cluster's number begins with its servers' system identifier, which all of them have
// from the same initdb.
ClusterId cluster_id_of(std::uint64_t system, const ClusterId& random) {
  ClusterId id = random;
  for (std::size_t i = 0; i < sizeof system; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(system >> (8 * (sizeof system - 1 - i)));
  }
  return id;
}

std::string old_record(const ServerCopy& copy, const agent::AgentReport& seen,
                       const Record& record) {
  return "the record of this node is an old one: it says epoch " +
         std::to_string(record.epoch.value) + ", and " + copy.name() + " has obeyed epoch " +
         std::to_string(seen.epoch.value) + " (docs/operations/it-does-not-start.md)";
}

agent::StartAs as_it_was(const agent::AgentReport& seen) {
  return seen.standby ? agent::StartAs::standby : agent::StartAs::primary;
}

}  // namespace

// Nothing: its place is empty.
Result<std::optional<ServerPath::Identity>> ServerPath::first_look(ServerCopy& copy,
                                                                   const Record& record) {
  if (copy.managed()) {
    SPAR_ASSIGN(agent::AgentReport seen, copy.look(in(kAgentTime)));
    if (!seen.has_data) return std::optional<Identity>();
    SPAR_TRY(copy.start(record.epoch, as_it_was(seen), in(kStartTime)));
  }
  SPAR_ASSIGN(ServerControl control, copy.control(in(kAnswerWithin * 3)));
  SPAR_ASSIGN(Identity identity, control.identify(in(kActionTime)));
  return std::optional(std::move(identity));
}

// One server is made where there is none; those that are there must be one primary and standbys of
// it. The others are filled when they join.
Result<Record> ServerPath::make(Record record) {
  adopt(record);
  ServerCopy* primary = nullptr;
  std::uint64_t system = 0;
  for (const control::Member& member : record.members) {
    SPAR_ASSIGN(ServerCopy * copy, known(member.id));
    Result<std::optional<Identity>> found = first_look(*copy, record);
    if (!found) {
      found.error().message = "copy " + member.name + ": " + found.error().message;
      if (found.error().hint.empty()) found.error().hint = "`spar doctor` says more";
      return std::unexpected(found.error());
    }
    if (!*found) continue;
    const Identity& identity = **found;
    if (system != 0 && identity.system != system) {
      return failure(Code::invalid, "copy " + member.name + " is a server of another cluster: " +
                                        std::to_string(identity.system) + ", not " +
                                        std::to_string(system));
    }
    system = identity.system;
    if (identity.in_recovery) continue;
    if (primary != nullptr) {
      return failure(Code::invalid, "both " + primary->name() + " and " + member.name +
                                        " are primaries; a cluster begins with one");
    }
    primary = copy;
  }
  if (primary == nullptr && system != 0) {
    return failure(Code::invalid, "none of the servers of the configuration is a primary");
  }
  if (primary == nullptr) {
    SPAR_ASSIGN(primary, known(record.primary));
    if (!primary->managed()) {
      return failure(Code::invalid, "copy " + primary->name() + " has no server and no path");
    }
    ears_.noted("making the first server", primary->name(), "");
    SPAR_TRY(primary->create(record.epoch, in(kRebuildTime)));
  }
  SPAR_ASSIGN(ServerControl control, primary->control(in(kActionTime)));
  SPAR_ASSIGN(Identity identity, control.identify(in(kActionTime)));
  record.primary = primary->id();
  record.cluster_id = cluster_id_of(identity.system, record.cluster_id);
  // The first fork is no promotion: what is there belongs to epoch 1.
  const TimelineId timeline = identity.line.timeline;
  ForkNote note{timeline, Xid{}, timeline.value - 1};
  record.history = {};
  control::add_fork(record, Sequence{0}, engines::postgres::to_string(note));
  return record;
}

Placement ServerPath::placement_of(const ServerLine& line, const Record& record) const {
  return engines::postgres::place(
      line, engines::postgres::server_history(record.history, record.fork_notes));
}

Report ServerPath::report_of(const Identity& identity, const Record& record) const {
  Report report;
  report.kind = Report::Kind::identified;
  report.cluster_id = cluster_id_of(identity.system, record.cluster_id);
  report.incarnation = record.incarnation;
  Placement place = placement_of(identity.line, record);
  report.position = place.position;
  report.epoch = place.position.epoch;
  return report;
}

// A standby that has just started knows less than it holds, until it has read its own log.
Result<void> ServerPath::wait_settled(ServerControl& control, Monotonic deadline) {
  while (true) {
    SPAR_ASSIGN(const bool settled, control.settled(deadline));
    if (settled) return {};
    if (in(milliseconds(20)) >= deadline) {
      return failure(Code::deadline, "it is still reading its own log", "57014");
    }
    if (!wait(milliseconds(10))) return failure(Code::cancelled, "the node stops");
  }
}

Result<Report> ServerPath::report_of(ServerCopy& copy, const Record& record) {
  // Without its agent's word it is judged by what it says itself.
  auto seen = copy.managed() ? copy.look(in(kAgentTime))
                             : Result<agent::AgentReport>(failure(Code::unavailable, ""));
  if (seen && !seen->has_data) {
    Report empty;
    empty.kind = Report::Kind::empty;
    return empty;
  }
  if (seen && seen->epoch > record.epoch) {
    // Else every later look, which only finds nobody there, hides why.
    const std::string why = old_record(copy, *seen, record);
    std::lock_guard lock(mutex_);
    copies_[copy.id()].seen.advice = why;
    return failure(Code::invalid, why);
  }
  if (seen && seen->running_pid() == 0) {
    const bool elector =
        copy.id() == record.primary || control::contains(record.synchronous, copy.id());
    if (seen->must_be_rewound || (!seen->standby && !elector)) {
      Report demoted;  // what it holds is judged and written down before it is rewound
      demoted.kind = Report::Kind::empty;
      demoted.text = copy.name() + " was primary and has to be rewound before it starts";
      return demoted;
    }
    SPAR_TRY(copy.start(record.epoch, as_it_was(*seen), in(kActionTime)));
  }
  const Monotonic deadline = in(kSettleTime);
  auto connected = copy.control(deadline);
  if (!connected && copy.managed() && !seen) {
    connected.error().message += "; " + seen.error().message;
  }
  SPAR_ASSIGN(ServerControl control, std::move(connected));
  SPAR_TRY(wait_settled(control, deadline));
  SPAR_ASSIGN(Identity identity, control.identify(deadline));
  (void)read_roles(control);  // whoever logs in before the first admission is known by them
  return report_of(identity, record);
}

Report ServerPath::look_at(ServerCopy& copy, const Record& record) {
  Busy busy(*this, copy.id());
  auto report = report_of(copy, record);
  if (report) return *report;
  Report unusable;
  unusable.text = report.error().message;
  if (!copy.managed()) unusable.text += "; start it (it has no agent that could)";
  return unusable;
}

std::vector<control::MemberReport> ServerPath::look(const Record& record) {
  std::vector<std::future<control::MemberReport>> looks;
  for (const control::Member& member : record.members) {
    looks.push_back(std::async(std::launch::async, [this, &record, id = member.id] {
      ServerCopy* copy = find(id);
      Report report;
      report.text = "the configuration has no server of this name";
      return control::MemberReport{id, copy == nullptr ? report : look_at(*copy, record)};
    }));
  }
  std::vector<control::MemberReport> found;
  for (auto& look : looks) found.push_back(look.get());
  return found;
}

ActionDone ServerPath::probe(CopyId copy, const Record& record) {
  auto server = known(copy);
  if (!server) return did_not(server.error());
  ActionDone done = succeeded();
  done.report = look_at(**server, record);
  return done;
}

}  // namespace spar::server::postgres
