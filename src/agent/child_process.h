// agent/child_process.h: runs other programs, without a shell.
//
// Contract    run_program() returns when the program has ended; at the deadline it is killed with
//             its process group (Code::deadline), and so it is when `goes_on`, asked every
//             kAskEvery, says no (Code::cancelled). It also ends with the calling thread. The end of
//             what it printed (stdout and stderr together, kOutputKeptMax bytes) is kept.
//             start_daemon() starts a program in a session of its own that outlives this process
//             and is not its child; what it prints is appended to `log`.
//             Code::io: the program could not be started, with the reason.
//             The environment is that of `command` alone, with LC_ALL=C and a plain PATH.
// Threads     Any thread.
// Not here    Secrets in arguments: everyone on the machine can read those. They go into the
//             environment, which only the same user can.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/system_user.h"
#include "base/result.h"
#include "base/time.h"

namespace spar::agent {

struct Command {
  std::vector<std::string> arguments;    // the first is the program's absolute path
  std::vector<std::string> environment;  // NAME=VALUE
  std::optional<SystemUser> user;        // who runs it; nothing: we
  std::function<bool()> goes_on = {};    // nothing: yes
};

struct Ended {
  int exit_code = -1;  // -1: by a signal
  int signal = 0;
  std::string output;
};

Result<Ended> run_program(const Command& command, Monotonic deadline);
// Code::unavailable with the end of its output when it does not exit with 0.
Result<std::string> run_well(const Command& command, Monotonic deadline);
Result<pid_t> start_daemon(const Command& command, const std::string& log);

}  // namespace spar::agent
