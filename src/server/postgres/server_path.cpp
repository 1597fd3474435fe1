#include "server/postgres/server_path.h"

#include <algorithm>
#include <future>

#include "base/log.h"
#include "control/limits.h"
#include "server/postgres/limits.h"

namespace spar::server::postgres {

using control::ActionDone;
using control::Record;
using control::Report;
using engines::postgres::ForkNote;
using engines::postgres::Lsn;
using engines::postgres::Placement;
using engines::postgres::ServerFork;
using engines::postgres::ServerLine;
using engines::postgres::TimelineId;
using engines::postgres::Xid;

namespace {

// No follower has this name: while it stands in the set, commits wait.
constexpr const char* kNobody = "spar held commits";

// A PostgreSQL cluster's number begins with its servers' system identifier, which all of them have
// from the same initdb.
ClusterId cluster_id_of(std::uint64_t system, const ClusterId& random) {
  ClusterId id = random;
  for (std::size_t i = 0; i < sizeof system; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(system >> (8 * (sizeof system - 1 - i)));
  }
  return id;
}

std::uint32_t before_first(const Record& record) {
  for (const auto& [epoch, text] : record.fork_notes) {
    if (auto note = engines::postgres::parse_fork_note(text)) return note->before_first;
  }
  return 0;
}

agent::StartAs as_it_was(const agent::AgentReport& seen) {
  return seen.standby ? agent::StartAs::standby : agent::StartAs::primary;
}

ActionDone did_diverge(std::string text) {
  ActionDone done;
  done.result = ActionDone::Result::failed;
  done.diverged = true;
  done.text = std::move(text);
  return done;
}

ActionDone unsure_or_failed(const Error& error) {
  ActionDone done = did_not(error);
  if (error.code == Code::deadline) done.result = ActionDone::Result::unknown;
  return done;
}

}  // namespace

// While it lives, what the server of this copy does not answer is no sign of anything.
class ServerPath::Busy {
 public:
  Busy(ServerPath& path, CopyId copy) : path_(path), copy_(copy) {
    std::lock_guard lock(path_.mutex_);
    ++path_.copies_[copy_].seen.busy;
  }
  ~Busy() {
    std::lock_guard lock(path_.mutex_);
    Seen& seen = path_.copies_[copy_].seen;
    --seen.busy;
    seen.told_lost = false;
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  ServerPath& path_;
  CopyId copy_;
};

Result<std::unique_ptr<ServerPath>> ServerPath::make_path(storage::Disk& disk,
                                                          std::vector<ServerSpec> servers,
                                                          std::string ledger_directory) {
  std::unique_ptr<ServerPath> path(new ServerPath(disk, std::move(ledger_directory)));
  for (ServerSpec& spec : servers) {
    std::string name = spec.name;
    path->specs_.emplace(std::move(name), std::move(spec));
  }
  return path;
}

ServerPath::~ServerPath() {
  stop();
}

void ServerPath::attach(Gateway gateway) {
  gateway_ = std::move(gateway);
}

std::optional<Place> ServerPath::place() const {
  std::lock_guard lock(mutex_);
  return place_;
}

std::optional<engines::postgres::Conninfo> ServerPath::primary_address() const {
  std::lock_guard lock(mutex_);
  auto primary = copies_.find(record_.primary);
  if (!place_ || primary == copies_.end() || !primary->second.server) return std::nullopt;
  return primary->second.server->address();
}

void ServerPath::stop() {
  stop_ = true;
  changed_.notify_all();
  for (auto& [id, copy] : copies_) {
    if (copy.watcher.joinable()) copy.watcher.join();
  }
}

void ServerPath::stop_servers() {
  const CopyId primary = record().primary;
  const Epoch epoch = record().epoch;
  if (ServerCopy* server = find(primary); server != nullptr && server->ends_with_node()) {
    (void)server->stop(epoch, agent::Stop::fast, in(kStopTime));
  }
  std::vector<std::future<void>> rest;
  for (ServerCopy* server : others(primary)) {
    if (!server->ends_with_node()) continue;
    rest.push_back(std::async(std::launch::async, [server, epoch] {
      (void)server->stop(epoch, agent::Stop::fast, in(kStopTime));
    }));
  }
}

// --- copies ---

Record ServerPath::record() const {
  std::lock_guard lock(mutex_);
  return record_;
}

ServerCopy* ServerPath::find(CopyId copy) const {
  std::lock_guard lock(mutex_);
  auto found = copies_.find(copy);
  return found == copies_.end() ? nullptr : found->second.server.get();
}

Result<ServerCopy*> ServerPath::known(CopyId copy) const {
  ServerCopy* server = find(copy);
  if (server != nullptr) return server;
  return failure(Code::unavailable,
                 "the configuration has no server for copy " + std::to_string(copy.value));
}

std::vector<ServerCopy*> ServerPath::others(CopyId copy) const {
  std::lock_guard lock(mutex_);
  std::vector<ServerCopy*> rest;
  for (const control::Member& member : record_.members) {
    auto found = copies_.find(member.id);
    if (member.id != copy && found != copies_.end() && found->second.server) {
      rest.push_back(found->second.server.get());
    }
  }
  return rest;
}

void ServerPath::adopt(const Record& record) {
  std::lock_guard lock(mutex_);
  record_ = record;
  for (const control::Member& member : record.members) {
    auto spec = specs_.find(member.name);
    if (copies_.contains(member.id) || spec == specs_.end()) continue;
    auto made = ServerCopy::make(disk_, member.id, spec->second);
    if (!made) {
      log_error("server", member.name + ": " + made.error().message);
      continue;
    }
    Copy& copy = copies_[member.id];
    copy.server = std::move(*made);
    if (watching_) copy.watcher = std::thread([this, id = member.id] { watch_copy(id); });
  }
}

// The machine has forgotten it; its watcher sees that it is no member.
void ServerPath::forget(CopyId) {}

void ServerPath::tell_again(CopyId copy) {
  std::lock_guard lock(mutex_);
  auto found = copies_.find(copy);
  if (found != copies_.end()) found->second.seen.near = false;
}

// --- the first start ---

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

// --- looking ---

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
    SPAR_ASSIGN(auto rows,
                control.link().run(
                    "select not pg_is_in_recovery() or exists (select from pg_stat_activity where "
                    "backend_type = 'startup' and wait_event in ('RecoveryWalStream', "
                    "'RecoveryRetrieveRetryInterval')) or exists (select from pg_stat_wal_receiver "
                    "where status = 'streaming')",
                    deadline));
    if (rows[0][0] == "t") return {};
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

// --- the way for clients ---

void ServerPath::hold() {
  {
    std::lock_guard lock(mutex_);
    if (!place_) return;
    place_.reset();
  }
  if (gateway_.changed) gateway_.changed(RouteChange::drain);
}

void ServerPath::fence(CopyId copy) {
  hold();
  if (gateway_.changed) gateway_.changed(RouteChange::cut);
  fencer_.post([this, copy] { end_old_primary(copy); });
}

// What SQL can do is done by its watcher as soon as it answers.
void ServerPath::end_old_primary(CopyId copy) {
  ServerCopy* server = find(copy);
  if (server == nullptr || !server->managed()) return;
  Epoch epoch;
  {
    std::lock_guard lock(mutex_);
    if (drained_ == copy || stop_) return;
    if (place_ && record_.primary == copy) return;  // it was elected again meanwhile
    epoch = record_.epoch;
  }
  Busy busy(*this, copy);
  if (auto ended = server->stop(epoch, agent::Stop::kill, in(kEndTime)); !ended) {
    log_warning("server", server->name() + " cannot be ended: " + ended.error().message);
  }
}

// --- the line of succession ---

Result<void> ServerPath::keep_slots(ServerControl& primary, CopyId copy, const Record& record,
                                    Monotonic deadline) {
  std::vector<std::string> slots;
  for (const control::Member& member : record.members) {
    if (member.id != copy) slots.push_back(engines::postgres::slot_name(member.id));
  }
  return primary.ensure_slots(slots, deadline);
}

Result<Position> ServerPath::promote_server(ServerCopy& copy, Epoch epoch, const Record& record,
                                            ActionDone& done) {
  const Monotonic deadline = in(kActionTime);
  SPAR_ASSIGN(ServerControl control, copy.control(deadline));
  SPAR_ASSIGN(Identity before, control.identify(deadline));
  const std::uint32_t first = before_first(record);
  const TimelineId timeline = engines::postgres::timeline_for(epoch, first);
  Placement place = placement_of(before.line, record);
  const bool promoted_already = !before.in_recovery && before.line.timeline == timeline;
  if (place.unrecorded && !promoted_already) {
    done =
        did_diverge(copy.name() + " is on timeline " + std::to_string(before.line.timeline.value) +
                    ", which the cluster's history does not have");
    return place.position;
  }
  if (control::diverged(record, place.position)) {
    done = did_diverge(copy.name() + " holds " + to_string(place.position) +
                       ", past the fork of its epoch");
    return place.position;
  }
  SPAR_ASSIGN(auto promoted, control.promote(timeline, deadline));
  SPAR_TRY(keep_slots(control, copy.id(), record, deadline));
  Position end = place.position;
  const bool now_on_its_own = promoted.timeline == timeline && promoted.switch_point != Lsn{};
  if (now_on_its_own && !control::fork_known(record)) {
    end.sequence = Sequence(promoted.switch_point.value);
  } else {
    SPAR_ASSIGN(Identity after, control.identify(deadline));
    end = placement_of(after.line, record).position;
  }
  done = succeeded(end);
  done.note = engines::postgres::to_string(ForkNote{promoted.timeline, promoted.next_xid, first});
  return end;
}

ActionDone ServerPath::promote(CopyId copy, Epoch epoch, const Record& record) {
  auto server = known(copy);
  if (!server) return did_not(server.error());
  Busy busy(*this, copy);
  ActionDone done;
  auto end = promote_server(**server, epoch, record, done);
  if (!end) return unsure_or_failed(end.error());
  return done;
}

// The connection on which it was told is good for what comes next.
Result<engines::postgres::ServerControl> ServerPath::tell_set(CopyId primary,
                                                              const control::CopySet& set,
                                                              bool hold_commits,
                                                              const Record& record,
                                                              Monotonic deadline) {
  SPAR_ASSIGN(ServerCopy * server, known(primary));
  SPAR_ASSIGN(ServerControl control, server->control(deadline));
  std::vector<std::string> names;
  for (CopyId copy : set) names.push_back(control::name_of(record, copy));
  if (hold_commits) names.push_back(kNobody);
  SPAR_TRY(control.set_synchronous(names, static_cast<int>(names.size()), deadline));
  return control;
}

ActionDone ServerPath::resolve(const control::ResolveInDoubt& what, Epoch epoch,
                               const Record& record) {
  if (record.history.empty() || record.history.back().epoch != epoch) {
    Error error;
    error.message = "the fork of epoch " + std::to_string(epoch.value) + " is not recorded";
    return did_not(error);
  }
  auto control =
      tell_set(what.primary, what.synchronous, what.hold_commits, record, in(kActionTime));
  return control ? succeeded() : unsure_or_failed(control.error());
}

ActionDone ServerPath::admit(const control::Admit& what, Epoch epoch, const Record& record) {
  const Monotonic deadline = in(kActionTime);
  auto server = known(what.primary);
  auto control = tell_set(what.primary, what.synchronous, what.hold_commits, record, deadline);
  if (!control) return unsure_or_failed(control.error());
  if (auto open = control->unfence(deadline); !open) return unsure_or_failed(open.error());
  if (auto roles = read_roles(*control); !roles) return unsure_or_failed(roles.error());
  {
    std::lock_guard lock(mutex_);
    drained_ = CopyId{};
    place_ = Place{(*server)->host(), (*server)->port(), epoch};
    copies_[what.primary].seen.told_lost = false;
  }
  changed_.notify_all();
  if (gateway_.changed) gateway_.changed(RouteChange::open);
  return succeeded();
}

Result<void> ServerPath::wait_received(ServerCopy& target, Lsn lsn, Monotonic deadline) {
  SPAR_ASSIGN(ServerControl control, target.control(deadline));
  while (true) {
    SPAR_ASSIGN(Identity identity, control.identify(deadline));
    if (identity.received >= lsn) return {};
    if (in(milliseconds(20)) >= deadline) {
      return failure(Code::deadline, target.name() + " did not receive all in time", "57014");
    }
    if (!wait(milliseconds(5))) return failure(Code::cancelled, "the node stops");
  }
}

// After the fence nobody writes; what the server itself adds to its log later is no transaction.
ActionDone ServerPath::drain(const control::Drain& what, const Record& record) {
  auto primary = known(what.primary), target = known(what.target);
  if (!primary) return did_not(primary.error());
  if (!target) return did_not(target.error());
  const Monotonic deadline = in(control::kDrainDeadline - std::chrono::seconds(1));
  while (gateway_.busy && gateway_.busy() > 0) {
    if (in(milliseconds(0)) >= deadline) {
      return did_not(failure(Code::deadline,
                             std::to_string(gateway_.busy()) + " transactions are still running")
                         .error());
    }
    if (!wait(milliseconds(2))) return did_not(Error{});
  }
  auto control = (*primary)->control(deadline);
  if (!control) return unsure_or_failed(control.error());
  if (auto fenced = control->fence(deadline); !fenced) return unsure_or_failed(fenced.error());
  auto identity = control->identify(deadline);
  if (!identity) return unsure_or_failed(identity.error());
  if (auto got = wait_received(**target, identity->received, deadline); !got) {
    return unsure_or_failed(got.error());
  }
  {
    std::lock_guard lock(mutex_);
    drained_ = what.primary;
  }
  return succeeded(placement_of(identity->line, record).position);
}

// Acknowledged without it is what the primary has flushed now, when commits wait for it already.
Result<void> ServerPath::wait_joined(ServerControl& control, const control::CopySet& joining,
                                     const Record& record, Monotonic deadline) {
  SPAR_ASSIGN(auto rows, control.link().run("select pg_current_wal_flush_lsn()", deadline));
  const Lsn end = engines::postgres::parse_lsn(rows[0][0].value_or("")).value_or(Lsn{});
  while (true) {
    SPAR_ASSIGN(auto followers, control.replication_state(deadline));
    auto has_all = [&](CopyId copy) {
      return std::ranges::any_of(followers, [&](const engines::postgres::Follower& each) {
        return each.application_name == control::name_of(record, copy) && each.flushed >= end;
      });
    };
    if (std::ranges::all_of(joining, has_all)) return {};
    if (in(milliseconds(0)) >= deadline) {
      return failure(Code::deadline, "a new mirror has not received what was acknowledged");
    }
    if (!wait(milliseconds(2))) return failure(Code::cancelled, "the node stops");
  }
}

ActionDone ServerPath::set_synchronous(const control::SetSynchronous& what, const Record& record) {
  auto control =
      tell_set(record.primary, what.synchronous, what.hold_commits, record, in(kActionTime));
  if (!control) return unsure_or_failed(control.error());
  if (what.joining.empty()) return succeeded();
  auto joined = wait_joined(*control, what.joining, record, in(kJoinPatience));
  return joined ? succeeded() : did_not(joined.error());
}

// --- the other copies ---

// A standby that does not come to follow has diverged, or lacks what its primary has thrown away.
Result<void> ServerPath::follow_by_sql(ServerCopy& copy, const ServerCopy& primary,
                                       Monotonic deadline) {
  SPAR_ASSIGN(ServerControl control, copy.control(deadline));
  SPAR_TRY(control.follow(primary.upstream_for(copy), engines::postgres::slot_name(copy.id()),
                          deadline));
  // Slots of the time when it was primary would hold its log back for ever.
  return control.ensure_slots({}, deadline);
}

Result<Position> ServerPath::make_follow(ServerCopy& copy, ServerCopy& primary, bool may_rebuild,
                                         Epoch epoch, const Record& record, Monotonic deadline) {
  {
    SPAR_ASSIGN(ServerControl source, primary.control(deadline));
    SPAR_TRY(keep_slots(source, primary.id(), record, deadline));
  }
  bool stray = false, reachable = false;
  if (auto control = copy.control(in(kAnswerWithin))) {
    SPAR_ASSIGN(Identity identity, control->identify(deadline));
    reachable = true;
    Placement place = placement_of(identity.line, record);
    stray = !identity.in_recovery || place.unrecorded || control::diverged(record, place.position);
  }
  Result<void> followed =
      reachable && !stray
          ? follow_by_sql(copy, primary, std::min(deadline, in(kActionTime)))
          : Result<void>(failure(Code::unavailable, copy.name() + " is no standby"));
  if (!followed) {
    if (!may_rebuild && !stray) return std::unexpected(followed.error());
    if (copy.managed()) {
      SPAR_ASSIGN(agent::AgentReport seen, copy.look(in(kAgentTime)));
      if (seen.has_data) write_ledger(copy, record);
    }
    SPAR_ASSIGN(std::string done, copy.bring_behind(epoch, primary, deadline));
    ears_.noted("copy " + copy.name() + " was made a standby", copy.name(), done);
    SPAR_TRY(follow_by_sql(copy, primary, deadline));
  }
  SPAR_ASSIGN(ServerControl control, copy.control(deadline));
  SPAR_ASSIGN(Identity identity, control.identify(deadline));
  return placement_of(identity.line, record).position;
}

ActionDone ServerPath::follow(const control::Follow& what, Epoch epoch, const Record& record) {
  auto copy = known(what.copy), primary = known(what.primary);
  if (!copy) return did_not(copy.error());
  if (!primary) return did_not(primary.error());
  Busy busy(*this, what.copy);
  auto position = make_follow(**copy, **primary, false, epoch, record, in(kRebuildTime));
  return position ? succeeded(*position) : unsure_or_failed(position.error());
}

ActionDone ServerPath::rejoin(const control::Rejoin& what, Epoch epoch, const Record& record) {
  auto copy = known(what.copy), primary = known(what.primary);
  if (!copy) return did_not(copy.error());
  if (!primary) return did_not(primary.error());
  Busy busy(*this, what.copy);
  auto position = make_follow(**copy, **primary, true, epoch, record, in(kRebuildTime));
  {
    std::lock_guard lock(mutex_);
    Seen& seen = copies_[what.copy].seen;
    seen.advice = position ? "" : position.error().message + ": " + position.error().hint;
  }
  return position ? succeeded(*position) : unsure_or_failed(position.error());
}

// What it holds is written down when it is rewound; until then it only may not be used.
ActionDone ServerPath::quarantine(CopyId copy, const Record& record) {
  auto server = known(copy);
  if (!server) return did_not(server.error());
  Busy busy(*this, copy);
  if ((*server)->managed() && (*server)->has_data(in(kAgentTime))) write_ledger(**server, record);
  return succeeded();
}

CopyStatus ServerPath::status(CopyId copy) {
  CopyStatus status;
  ServerCopy* server = find(copy);
  if (server == nullptr) return status;
  {
    std::lock_guard lock(mutex_);
    const Seen& seen = copies_[copy].seen;
    status.up = seen.up;
    status.received = seen.position;
    status.applied = {seen.position.epoch, Sequence(seen.applied.value)};
    status.lag = seen.lag;
    status.advice = seen.advice;
  }
  status.address = server->host() + ":" + std::to_string(server->port());
  status.pid = server->pid();
  return status;
}

std::string ServerPath::text_of(const Position& position) const {
  return std::to_string(position.epoch.value) + "/" + to_string(Lsn(position.sequence.value));
}

Position ServerPath::acknowledged() {
  std::lock_guard lock(mutex_);
  auto primary = copies_.find(record_.primary);
  return primary == copies_.end() ? Position{} : primary->second.seen.position;
}

}  // namespace spar::server::postgres
