// agent/postgres_server.h: one local PostgreSQL server and its files.
//
// A place is a directory: data/ (PostgreSQL's own), socket/, log, passwords, and rewind (a word,
// see below). All but data/ stand beside the data, not in it: pg_rewind copies every file name that
// it finds in its source and removes what the source has not.
//
// Contract    Calls block until done or until their deadline. What fails leaves a server that is
//             not started. Port and addresses are given at every start, because a base backup and a
//             rewind bring the settings files of another server.
//             start() returns once the server takes connections. As primary only where nothing says
//             that it must follow; as standby it makes sure of standby.signal first.
//             stop() ends the process that postmaster.pid names, if it works in this directory, and
//             returns when all of its processes have ended.
//             set_aside() moves data/ to set-aside-N; base_backup() fills an empty place.
//             rewind() makes a stopped server that was primary a standby of its successor.
//             The password for the upstream goes into a file that the server is told of at its
//             start: a server writes every changed setting into its log, primary_conninfo too.
// Invariants  I1 A server that was to be rewound is never started as a primary: standby.signal is
//                there whatever happened, and while a rewind has not succeeded (the file `rewind`)
//                start() refuses.
//             I2 Passwords are never in arguments, settings, errors or logs.
//             I3 Lock files are removed only when no process of the server lives.
// Threads     One call at a time.
// Not here    Who may be primary (control/); what can be done through SQL (engines/postgres/).
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/child_process.h"
#include "agent/postgres_files.h"
#include "agent/postgres_tools.h"
#include "base/result.h"
#include "base/time.h"
#include "storage/disk.h"

namespace spar::agent {

struct ServerPlace {
  std::string directory;  // absolute; its parents must let the server's user through
  std::uint16_t port = 0;
  std::string listen = "127.0.0.1";

  std::string data() const { return directory + "/data"; }
  std::string socket() const { return directory + "/socket"; }
  std::string log() const { return directory + "/log"; }
  std::string passwords() const { return directory + "/passwords"; }
};

enum class Login { trust, scram };

struct InitOptions {
  std::string superuser = "postgres";
  Login login = Login::scram;
  std::string password;  // needed for scram
  Settings settings = copy_settings();
};

// Whom a standby follows. `conninfo` names host, port, user and application_name, no password.
struct Upstream {
  std::string conninfo;
  std::string password;  // "" for none
  std::string slot;      // must be there; "" for none
};

enum class ServerState {
  stopped,  // no process lives; there may be a zombie
  ending,   // its first process has ended, others have not yet
  running,
};

struct ServerStatus {
  ServerState state = ServerState::stopped;
  pid_t pid = 0;        // as postmaster.pid says, 0 for none
  bool zombie = false;  // that process has ended, and its parent has not looked yet
  bool ready = false;   // takes connections
};

enum class StartAs { primary, standby };
enum class Stop { fast, immediate, kill };

class PostgresServer {
 public:
  // Code::unavailable when we are root and there is no user for the server.
  static Result<PostgresServer> at(storage::Disk& disk, PostgresTools tools, ServerPlace place);

  Result<void> init(const InitOptions& options, Monotonic deadline);
  // Instead of those written before; they hold from the next start, or from a reload where they
  // can.
  Result<void> write_settings(const Settings& settings);

  ServerStatus status();
  bool has_data();
  bool is_standby();          // it has been told to follow
  bool must_be_rewound();     // it was to be rewound, and that has not succeeded yet
  Result<void> make_place();  // its directory, for what stands beside data/
  Result<void> start(StartAs as, Monotonic deadline);
  // fast: in order, ends sessions. immediate: as a crash. kill: SIGKILL, a frozen server's too.
  Result<void> stop(Stop how, Monotonic deadline);
  Result<void> wait_until_stopped(Monotonic deadline, bool killing = false);

  // For good, from any thread: a program that runs for it is ended, and so is a wait for its start.
  // What was half done the next one begins anew.
  void give_up() { *given_up_ = true; }
  bool given_up() const { return *given_up_; }

  Result<void> base_backup(const Upstream& source, Monotonic deadline);
  // REQUIRES: the server is stopped. A primary may have crashed. A standby that crashed is left as
  // it is, and so is one that was just rewound: when it does not come to follow, stop it in order
  // and rewind it again. Code::corrupt: only a base backup helps.
  Result<void> rewind(const Upstream& source, Monotonic deadline);
  // Whom a stopped server will follow, and that it will.
  Result<void> set_upstream(const Upstream& upstream);
  Result<std::string> set_aside();  // the new path, "" when there was nothing

  // The newest that it has written or received. Its last checkpoint may be of an older one: a
  // primary that dies soon after its promotion has made none since.
  Result<std::uint32_t> timeline(Monotonic deadline);
  // Ends of transactions in its log from `lsn` on, one a line as pg_waldump shows them; the last
  // ones when they are too many.
  Result<std::string> transactions_from(std::uint32_t timeline, const std::string& lsn,
                                        Monotonic deadline);

  const ServerPlace& place() const { return place_; }
  const std::optional<SystemUser>& user() const { return user_; }  // who owns the files

 private:
  PostgresServer(storage::Disk& disk, PostgresTools tools, ServerPlace place,
                 std::optional<SystemUser> user);

  Command command(const std::string& program, std::vector<std::string> arguments) const;
  Command client(const std::string& program, std::vector<std::string> arguments,
                 const Upstream& source) const;
  Result<void> make_directory(const std::string& path);
  Result<std::string> read(const std::string& path);
  Result<void> write(const std::string& path, std::string_view text);
  Result<void> remove(const std::string& path);
  bool exists(const std::string& path);
  // Everything below `directory` is durable: PostgreSQL's programs are told not to sync, for they
  // sync file by file.
  Result<void> sync_all(const std::string& directory);

  Result<std::string> begin_filling(std::string_view how);  // gives an empty data.new
  Result<void> end_filling();                               // which becomes data
  Result<void> initialize(const std::string& data, const InitOptions& options, Monotonic deadline);
  Result<void> may_start(StartAs as);
  Result<void> wait_until_ready(pid_t pid, Monotonic deadline);
  Failure did_not_start();
  Result<void> remove_stale_locks();
  Result<void> kill_all();
  Result<void> signal(int number, pid_t pid);
  Result<void> follow_in(const std::string& data, const Upstream& upstream);

  Result<void> must_be_stopped(std::string_view what);
  Result<void> rewind_to(const Upstream& source, Monotonic deadline);
  Result<std::string> prepare_source(const Upstream& source, Monotonic deadline);
  Result<std::string> read_control(Monotonic deadline);
  Result<void> on_one_timeline(const std::string& control);
  Result<void> recover(Monotonic deadline);
  Result<std::string> run_rewind(const Upstream& source, bool dry_run, Monotonic deadline);
  Result<void> holds_log_to_begin_with();
  std::string rewind_note() const { return place_.directory + "/rewind"; }

  storage::Disk* disk_;
  PostgresTools tools_;
  ServerPlace place_;
  std::optional<SystemUser> user_;
  std::shared_ptr<std::atomic<bool>> given_up_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace spar::agent
