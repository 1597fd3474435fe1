#include "agent/postgres_server.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include "agent/limits.h"
#include "agent/process_table.h"

namespace spar::agent {
namespace {

using std::chrono::steady_clock;

constexpr const char* kProgram = "postgres";
constexpr const char* kSettingsFile = "/spar.conf";

}  // namespace

Result<PostgresServer> PostgresServer::at(storage::Disk& disk, PostgresTools tools,
                                          ServerPlace place) {
  if (!place.directory.starts_with('/')) {
    return failure(Code::invalid, "the place of a server must be an absolute path");
  }
  std::string socket = place.socket() + "/.s.PGSQL." + std::to_string(place.port);
  if (socket.size() > kSocketPathMax) {
    return failure(Code::invalid, "the path of a server's socket would be too long: " + socket);
  }
  SPAR_ASSIGN(std::optional<SystemUser> user, server_user());
  return PostgresServer(disk, std::move(tools), std::move(place), std::move(user));
}

PostgresServer::PostgresServer(storage::Disk& disk, PostgresTools tools, ServerPlace place,
                               std::optional<SystemUser> user)
    : disk_(&disk), tools_(std::move(tools)), place_(std::move(place)), user_(std::move(user)) {}

// ---- files ------------------------------------------------------------------------------------

// As root where only root may make it, then given to the server's user.
Result<void> PostgresServer::make_directory(const std::string& path) {
  if (!disk_->exists(path)) {
    SPAR_TRY(disk_->make_directory(path));
    if (user_ && ::lchown(path.c_str(), user_->user, user_->group) != 0) {
      return failure(Code::io,
                     "cannot give " + path + " away: " + std::generic_category().message(errno));
    }
  }
  if (exists(path)) return {};
  auto unreachable = failure(Code::io, "the server's user cannot reach " + path, "58030");
  unreachable.error().hint = "let the user \"postgres\" through the directories above it";
  return unreachable;
}

Result<void> PostgresServer::make_place() {
  return make_directory(place_.directory);
}

Result<std::string> PostgresServer::read(const std::string& path) {
  ActAs server(user_);
  return storage::read_file(*disk_, path, kSmallFileMax);
}

Result<void> PostgresServer::write(const std::string& path, std::string_view text) {
  ActAs server(user_);
  return storage::write_file_atomically(*disk_, path, text);
}

Result<void> PostgresServer::remove(const std::string& path) {
  ActAs server(user_);
  SPAR_TRY(disk_->remove(path));
  return disk_->sync_directory(storage::parent_directory(path));
}

bool PostgresServer::exists(const std::string& path) {
  ActAs server(user_);
  return disk_->exists(path);
}

Result<void> PostgresServer::sync_all(const std::string& directory) {
  ActAs server(user_);
  int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool synced = fd >= 0 && ::syncfs(fd) == 0;
  int error = errno;
  if (fd >= 0) ::close(fd);
  if (synced) return {};
  return failure(Code::io,
                 "cannot sync " + directory + ": " + std::generic_category().message(error),
                 "58030");
}

Command PostgresServer::command(const std::string& program,
                                std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), tools_.program(program));
  return {.arguments = std::move(arguments),
          .environment = {},
          .user = user_,
          .goes_on = [given_up = given_up_] { return !*given_up; }};
}

// ---- init and settings ------------------------------------------------------------------------

// A place is filled in data.new, which becomes data/ only when it is whole.
Result<std::string> PostgresServer::begin_filling(std::string_view how) {
  if (exists(place_.data())) {
    return failure(Code::invalid, place_.data() + " must be set aside before " + std::string(how));
  }
  SPAR_TRY(make_directory(place_.directory));
  SPAR_TRY(make_directory(place_.socket()));
  ActAs server(user_);
  SPAR_TRY(disk_->remove_all(place_.data() + ".new"));
  return place_.data() + ".new";
}

Result<void> PostgresServer::end_filling() {
  SPAR_TRY(sync_all(place_.data() + ".new"));
  ActAs server(user_);
  SPAR_TRY(disk_->rename(place_.data() + ".new", place_.data()));
  return disk_->sync_directory(place_.directory);
}

Result<void> PostgresServer::init(const InitOptions& options, Monotonic deadline) {
  if (options.login == Login::scram && options.password.empty()) {
    return failure(Code::invalid, "a server that asks for passwords needs one for its first user");
  }
  SPAR_ASSIGN(std::string settings, render(options.settings));
  SPAR_ASSIGN(std::string fresh, begin_filling("a new server is made"));
  SPAR_TRY(initialize(fresh, options, deadline));
  SPAR_TRY(write(fresh + kSettingsFile, settings));
  return end_filling();
}

Result<void> PostgresServer::initialize(const std::string& data, const InitOptions& options,
                                        Monotonic deadline) {
  const std::string password_file = place_.directory + "/first-password";
  bool trust = options.login == Login::trust;
  std::vector<std::string> arguments = {"-D",         data,
                                        "--locale=C", "--encoding=UTF8",
                                        "-U",         options.superuser,
                                        "-A",         trust ? "trust" : "scram-sha-256",
                                        "-k",         "--no-instructions",
                                        "--no-sync"};
  if (!trust) {
    SPAR_TRY(write(password_file, options.password + "\n"));
    arguments.push_back("--pwfile=" + password_file);
  }
  auto made = run_well(command("initdb", std::move(arguments)), deadline);
  if (!trust) SPAR_TRY(remove(password_file));
  SPAR_TRY(std::move(made));
  SPAR_ASSIGN(std::string main, read(data + "/postgresql.conf"));
  return write(data + "/postgresql.conf", main + "\ninclude_if_exists = 'spar.conf'\n");
}

Result<void> PostgresServer::write_settings(const Settings& settings) {
  SPAR_ASSIGN(std::string text, render(settings));
  return write(place_.data() + kSettingsFile, text);
}

// standby.signal last: without it the upstream means nothing.
Result<void> PostgresServer::follow_in(const std::string& data, const Upstream& upstream) {
  if (!upstream.password.empty()) {
    SPAR_ASSIGN(std::string line, password_line(upstream.password));
    SPAR_TRY(write(place_.passwords(), line));
  }
  const std::string file = data + "/postgresql.auto.conf";
  SPAR_ASSIGN(std::string before, exists(file) ? read(file) : "");
  Settings follow = {{"primary_conninfo", upstream.conninfo}, {"primary_slot_name", upstream.slot}};
  SPAR_ASSIGN(std::string text, with_settings(before, follow));
  SPAR_TRY(write(file, text));
  return write(data + "/standby.signal", "");
}

Result<void> PostgresServer::set_upstream(const Upstream& upstream) {
  SPAR_TRY(must_be_stopped("is told whom to follow"));
  return follow_in(place_.data(), upstream);
}

// ---- state, start, stop -----------------------------------------------------------------------

ServerStatus PostgresServer::status() {
  ActAs server(user_);  // /proc/PID/cwd shows itself to the same user
  ServerStatus status;
  auto text = storage::read_file(*disk_, place_.data() + "/postmaster.pid", kSmallFileMax);
  std::optional<LockFile> lock = text ? parse_lock_file(*text) : std::nullopt;
  if (lock) {
    ProcessState state = state_of(lock->pid);
    status.pid = lock->pid;
    status.zombie = state == ProcessState::zombie;
    if (state == ProcessState::alive && works_in(lock->pid, place_.data())) {
      status.state = ServerState::running;
      status.ready = lock->ready;
      return status;
    }
  }
  if (!working_in(place_.data(), kProgram).empty()) status.state = ServerState::ending;
  return status;
}

bool PostgresServer::has_data() {
  return exists(place_.data() + "/PG_VERSION");
}

bool PostgresServer::is_standby() {
  return exists(place_.data() + "/standby.signal");
}

bool PostgresServer::must_be_rewound() {
  return exists(rewind_note());
}

Result<void> PostgresServer::must_be_stopped(std::string_view what) {
  if (status().state == ServerState::stopped) return {};
  return failure(Code::invalid, "the server in " + place_.directory +
                                    " must be stopped before it " + std::string(what));
}

Result<void> PostgresServer::remove_stale_locks() {
  SPAR_TRY(must_be_stopped("starts anew"));
  std::string socket = place_.socket() + "/.s.PGSQL." + std::to_string(place_.port);
  for (const std::string& path : {place_.data() + "/postmaster.pid", socket + ".lock", socket}) {
    if (exists(path)) SPAR_TRY(remove(path));
  }
  return {};
}

Result<void> PostgresServer::may_start(StartAs as) {
  if (must_be_rewound()) {
    auto refused = failure(Code::invalid, "the server in " + place_.directory +
                                              " holds what its cluster does not, and was not "
                                              "rewound");
    refused.error().hint = "rewind it, or set it aside and fill it by a base backup";
    return refused;
  }
  const std::string signal = place_.data() + "/standby.signal";
  if (as == StartAs::standby) return exists(signal) ? Result<void>() : write(signal, "");
  if (!exists(signal)) return {};
  return failure(Code::invalid, "the server in " + place_.directory +
                                    " follows another one and must not start as primary");
}

Result<void> PostgresServer::start(StartAs as, Monotonic deadline) {
  if (status().state == ServerState::running) return wait_until_ready(status().pid, deadline);
  SPAR_TRY(may_start(as));
  SPAR_TRY(remove_stale_locks());
  SPAR_TRY(make_directory(place_.socket()));
  Command server = command(kProgram, {"-D", place_.data(), "-p", std::to_string(place_.port), "-c",
                                      "listen_addresses=" + place_.listen, "-c",
                                      "unix_socket_directories=" + place_.socket()});
  server.environment.push_back("PGPASSFILE=" + place_.passwords());
  SPAR_ASSIGN(pid_t pid, start_daemon(server, place_.log()));
  return wait_until_ready(pid, deadline);
}

Result<void> PostgresServer::wait_until_ready(pid_t pid, Monotonic deadline) {
  while (true) {
    ServerStatus now = status();
    if (now.state == ServerState::running && now.ready) return {};
    if (state_of(pid) != ProcessState::alive) return did_not_start();
    if (given_up()) return failure(Code::cancelled, "the start is not waited for any more");
    if (steady_clock::now() >= deadline) {
      return failure(Code::deadline,
                     "the server in " + place_.directory + " takes no connections yet", "57014");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

Failure PostgresServer::did_not_start() {
  auto failed = failure(Code::unavailable, "the server in " + place_.directory + " did not start");
  failed.error().hint = "its log is " + place_.log();
  ActAs server(user_);
  auto file = disk_->open(place_.log(), storage::OpenMode::read);
  auto size = file ? (*file)->size() : Result<std::uint64_t>(0);
  if (!file || !size) return failed;
  std::uint64_t from = *size > kLogTailMax ? *size - kLogTailMax : 0;
  std::string tail(kLogTailMax, '\0');
  tail.resize((*file)->read(from, tail).value_or(0));
  failed.error().detail = std::move(tail);
  return failed;
}

Result<void> PostgresServer::signal(int number, pid_t pid) {
  if (::kill(pid, number) == 0 || errno == ESRCH) return {};
  return failure(Code::io, "cannot end process " + std::to_string(pid) + ": " +
                               std::generic_category().message(errno));
}

Result<void> PostgresServer::stop(Stop how, Monotonic deadline) {
  ServerStatus now = status();
  if (now.state == ServerState::running) {
    int number = how == Stop::fast ? SIGINT : how == Stop::immediate ? SIGQUIT : SIGKILL;
    SPAR_TRY(signal(number, now.pid));
  }
  return wait_until_stopped(deadline, how == Stop::kill);
}

Result<void> PostgresServer::kill_all() {
  ActAs server(user_);
  for (pid_t pid : working_in(place_.data(), kProgram)) SPAR_TRY(signal(SIGKILL, pid));
  return {};
}

// Killed is also what is frozen and does not notice that its parent went, and what only now shows
// itself: a server is not seen before it has gone to its directory.
Result<void> PostgresServer::wait_until_stopped(Monotonic deadline, bool killing) {
  while (true) {
    if (killing) SPAR_TRY(kill_all());
    if (status().state == ServerState::stopped) return {};
    if (steady_clock::now() >= deadline) {
      return failure(Code::deadline, "the server in " + place_.directory + " has not stopped yet",
                     "57014");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

}  // namespace spar::agent
