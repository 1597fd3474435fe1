// server/supervisor.h: the small parent of the server: it keeps the door open while the server is
// being started again.
//
// Contract    supervise() opens the listening sockets, starts `command` with them as inherited
//             descriptors and starts it again whenever it dies without having been asked to, so
//             that a crash is a pause: clients wait in the socket's queue instead of being refused.
//             SIGTERM, SIGINT and SIGHUP are passed on. Returns the child's exit code.
//               ends with   exit code 0 at any time, any code before the server was ever ready, any
//                           end after it was asked to stop
//               again on    a signal, or any other code after it had been ready: waits 100 ms,
//                           doubling to 10 s, from the beginning again after 60 s of life
//             The child is killed when the parent dies. NodeLock is held by both, so that a new
//             server never meets an old one on the same data.
// Threads     Call from the main thread of a process without other threads.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace spar::server {

class BackOff {
 public:
  // How long to wait before the next start, given how long the last child lived.
  std::chrono::milliseconds after_life_of(std::chrono::milliseconds life);

 private:
  std::chrono::milliseconds next_{100};
};

// What to do about a child that ended (wait_status as waitpid gives it).
struct Ending {
  bool restart = false;
  int exit_code = 0;
};
Ending judge_end(int wait_status, bool was_ready, bool asked_to_stop);

struct SupervisedCommand {
  std::string program;                 // path for execv
  std::vector<std::string> arguments;  // argv[0] included; never a secret
  std::vector<int> inherited;          // descriptors that the child keeps under their numbers
  int ready_fd = -1;                   // read end; the child writes a byte when it serves
};
int supervise(const SupervisedCommand& command);

}  // namespace spar::server
