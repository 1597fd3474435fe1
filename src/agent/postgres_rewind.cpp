// How a server's data becomes that of a standby: a base backup, or a rewind.
#include <algorithm>
#include <charconv>

#include "agent/limits.h"
#include "agent/postgres_server.h"

namespace spar::agent {
namespace {

constexpr const char* kLooking = "looking\n";  // nothing was changed yet
constexpr const char* kCopying = "copying\n";  // the data is half of one server, half of another

constexpr std::string_view kNothingToDo = "no rewind required";

// Lines that pg_controldata prints, and states that it names.
constexpr std::string_view kState = "Database cluster state";
constexpr std::string_view kTimeline = "Latest checkpoint's TimeLineID";
constexpr std::string_view kStandbyShutDown = "shut down in recovery";
constexpr std::string_view kStandbyThatCrashed = "in archive recovery";

bool shut_down(const std::string& control) {
  std::string state = control_value(control, kState);
  return state == "shut down" || state == kStandbyShutDown;
}

Failure not_rewound(Error error) {
  error.message = "cannot rewind: " + error.message;
  return Failure(std::move(error));
}

}  // namespace

// The password goes in the environment: arguments are for everyone to read.
Command PostgresServer::client(const std::string& program, std::vector<std::string> arguments,
                               const Upstream& source) const {
  Command all = command(program, std::move(arguments));
  if (!source.password.empty()) all.environment.push_back("PGPASSWORD=" + source.password);
  return all;
}

Result<std::string> PostgresServer::set_aside() {
  SPAR_TRY(must_be_stopped("is set aside"));
  if (!exists(place_.data())) return "";
  ActAs server(user_);
  for (int n = 1; n <= kSetAsideMax; ++n) {
    std::string to = place_.directory + "/set-aside-" + std::to_string(n);
    if (disk_->exists(to)) continue;
    SPAR_TRY(disk_->rename(place_.data(), to));
    SPAR_TRY(disk_->sync_directory(place_.directory));
    SPAR_TRY(disk_->remove(rewind_note()));  // it spoke of the data that is gone from here
    SPAR_TRY(disk_->sync_directory(place_.directory));
    return to;
  }
  return failure(Code::unavailable, "too much was set aside in " + place_.directory);
}

Result<void> PostgresServer::base_backup(const Upstream& source, Monotonic deadline) {
  SPAR_ASSIGN(std::string fresh, begin_filling("a base backup"));
  std::vector<std::string> arguments = {"-D",   fresh, "-X",        "stream", "-c",
                                        "fast", "-w",  "--no-sync", "-d",     source.conninfo};
  if (!source.slot.empty()) arguments.insert(arguments.end(), {"-S", source.slot});
  SPAR_TRY(run_well(client("pg_basebackup", std::move(arguments), source), deadline));
  SPAR_TRY(follow_in(fresh, source));
  return end_filling();
}

Result<void> PostgresServer::rewind(const Upstream& source, Monotonic deadline) {
  SPAR_TRY(must_be_stopped("is rewound"));
  if (auto note = exists(rewind_note()) ? read(rewind_note()) : ""; !note || *note == kCopying) {
    auto broken = failure(Code::corrupt, "an earlier rewind ended half way");
    broken.error().hint = "set the data aside and make a base backup";
    return broken;
  }
  SPAR_TRY(write(rewind_note(), kLooking));
  SPAR_TRY(remove_stale_locks());
  Result<void> done = rewind_to(source, deadline);
  // Whatever happened: this server has been told to follow, and must never come up writable.
  SPAR_TRY(follow_in(place_.data(), source));
  if (!done) return not_rewound(std::move(done.error()));
  return remove(rewind_note());
}

// First everything that changes nothing, so that most failures can be tried again.
Result<void> PostgresServer::rewind_to(const Upstream& source, Monotonic deadline) {
  SPAR_ASSIGN(std::string timeline, prepare_source(source, deadline));
  SPAR_ASSIGN(std::string control, read_control(deadline));
  if (control_value(control, kState) == kStandbyThatCrashed) return {};
  if (!shut_down(control)) {
    SPAR_TRY(recover(deadline));
    SPAR_ASSIGN(control, read_control(deadline));
  }
  if (control_value(control, kTimeline) == timeline) return on_one_timeline(control);
  SPAR_ASSIGN(std::string looked, run_rewind(source, true, deadline));
  if (looked.find(kNothingToDo) != std::string::npos) return {};
  SPAR_TRY(write(rewind_note(), kCopying));
  SPAR_TRY(run_rewind(source, false, deadline));
  SPAR_TRY(holds_log_to_begin_with());
  return sync_all(place_.data());
}

// It replays from the last checkpoint before the fork on. The rewind has copied every log file that
// the source has: one that is missing now is gone, and the server would wait for it for ever.
Result<void> PostgresServer::holds_log_to_begin_with() {
  SPAR_ASSIGN(std::string label, read(place_.data() + "/backup_label"));
  const std::string file = log_file_in(label);
  if (file.empty()) return {};
  ActAs server(user_);
  SPAR_ASSIGN(auto names, disk_->list(place_.data() + "/pg_wal"));
  const auto is_it = [&](const std::string& name) {
    return name.size() == file.size() && name.substr(8) == file.substr(8);  // on any timeline
  };
  if (std::ranges::any_of(names, is_it)) return {};
  return failure(Code::corrupt, "the log from " + file + " on, before the fork, is gone");
}

// pg_rewind reads the source's timeline from its last checkpoint. Before the first one after its
// promotion, it would find "no rewind required" and leave a server that keeps what it must lose.
// Gives that timeline.
Result<std::string> PostgresServer::prepare_source(const Upstream& source, Monotonic deadline) {
  std::vector<std::string> arguments = {"-X",
                                        "-A",
                                        "-t",
                                        "-q",
                                        "-w",
                                        "-v",
                                        "ON_ERROR_STOP=1",
                                        "-d",
                                        source.conninfo + " dbname=postgres",
                                        "-c",
                                        "select pg_is_in_recovery()",
                                        "-c",
                                        "checkpoint",
                                        "-c",
                                        "select timeline_id from pg_control_checkpoint()"};
  SPAR_ASSIGN(std::string output, run_well(client("psql", std::move(arguments), source), deadline));
  if (!output.starts_with("f\n")) {
    return failure(Code::unavailable, "the server to follow is not a primary");
  }
  return output.substr(2, output.find('\n', 2) - 2);
}

Result<std::string> PostgresServer::read_control(Monotonic deadline) {
  return run_well(command("pg_controldata", {"-D", place_.data()}), deadline);
}

Result<std::uint32_t> PostgresServer::timeline(Monotonic deadline) {
  SPAR_ASSIGN(std::string control, read_control(deadline));
  std::string text = control_value(control, kTimeline);
  std::uint32_t timeline = 0;
  std::from_chars(text.data(), text.data() + text.size(), timeline);
  ActAs server(user_);
  SPAR_ASSIGN(auto log_files, disk_->list(place_.data() + "/pg_wal"));
  timeline = std::max(timeline, newest_timeline(log_files));
  if (timeline > 0) return timeline;
  return failure(Code::corrupt, "pg_controldata does not say the timeline of " + place_.data());
}

// The program ends with an error where the log does, which is where everything ended.
Result<std::string> PostgresServer::transactions_from(std::uint32_t timeline,
                                                      const std::string& lsn, Monotonic deadline) {
  SPAR_ASSIGN(Ended ended,
              run_program(command("pg_waldump",
                                  {"-p", place_.data() + "/pg_wal", "-t", std::to_string(timeline),
                                   "-s", lsn, "-r", "Transaction", "-r", "LogicalMessage"}),
                          deadline));
  return without_probes(ended.output);
}

// A server that crashed must have replayed its log before it can be rewound. A single-user server
// does that; it knows no standby mode, and nobody can connect to it.
Result<void> PostgresServer::recover(Monotonic deadline) {
  const std::string signal = place_.data() + "/standby.signal";
  if (exists(signal)) SPAR_TRY(remove(signal));
  SPAR_TRY(run_well(command("postgres", {"--single", "-D", place_.data(), "template1"}), deadline));
  return {};
}

// A standby of the source has nothing to lose. A primary with the same timeline is another matter:
// both have written it, and nothing tells what each wrote.
Result<void> PostgresServer::on_one_timeline(const std::string& control) {
  if (control_value(control, kState) == kStandbyShutDown) return {};
  auto unknown = failure(
      Code::corrupt, "both servers were primary on timeline " + control_value(control, kTimeline));
  unknown.error().hint = "set the data aside and make a base backup";
  return unknown;
}

Result<std::string> PostgresServer::run_rewind(const Upstream& source, bool dry_run,
                                               Monotonic deadline) {
  std::vector<std::string> arguments = {"-D", place_.data(), "--no-ensure-shutdown", "--no-sync",
                                        "--source-server=" + source.conninfo + " dbname=postgres"};
  if (dry_run) arguments.push_back("--dry-run");
  return run_well(client("pg_rewind", std::move(arguments), source), deadline);
}

}  // namespace spar::agent
