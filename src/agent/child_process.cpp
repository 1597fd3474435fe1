#include "agent/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "agent/descriptor.h"
#include "agent/limits.h"

namespace spar::agent {
namespace {

using std::chrono::milliseconds;

Failure system_failure(const std::string& what, int error) {
  return failure(Code::io, what + ": " + std::generic_category().message(error), "58030");
}

Result<void> make_pipe(Descriptor& read_end, Descriptor& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_failure("cannot make a pipe", errno);
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return {};
}

// What the child needs, made before fork(): between fork() and execve() only system calls are
// allowed, for another thread may have held a lock of malloc or the resolver.
struct Prepared {
  explicit Prepared(const Command& command) : user(command.user) {
    for (const std::string& text : command.arguments) arguments.push_back(pointer(text));
    for (const char* text : {"LC_ALL=C", "PATH=/usr/bin:/bin"}) {
      environment.push_back(const_cast<char*>(text));
    }
    for (const std::string& text : command.environment) environment.push_back(pointer(text));
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
  }
  static char* pointer(const std::string& text) { return const_cast<char*>(text.c_str()); }

  const std::optional<SystemUser>& user;
  std::vector<char*> arguments, environment;
};

bool become(const std::optional<SystemUser>& user) {
  if (!user) return true;
  return ::setgroups(user->groups.size(), user->groups.data()) == 0 && ::setgid(user->group) == 0 &&
         ::setuid(user->user) == 0;
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

constexpr unsigned kSetCloseOnExec = 4;  // CLOSE_RANGE_CLOEXEC

[[noreturn]] void fail_child(int report) {
  int error = errno;
  if (::write(report, &error, sizeof error) < 0) ::_exit(126);
  ::_exit(127);
}

// Never returns: the program runs, or errno goes to `report`, which a successful execve() closes.
[[noreturn]] void execute(const Prepared& what, int output, int report) {
  int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, kSetCloseOnExec);
  ::execve(what.arguments[0], what.arguments.data(), what.environment.data());
  fail_child(report);
}

pid_t fork_program(const Prepared& what, int output, int report) {
  pid_t parent = ::getpid();
  pid_t child = ::fork();
  if (child != 0) return child;
  ::setpgid(0, 0);
  reset_signals();
  if (!become(what.user)) fail_child(report);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after setuid(), which clears it
  if (::getppid() != parent) ::_exit(126);
  execute(what, output, report);
}

// 0, or why execve() did not happen.
int read_report(int fd) {
  int error = 0;
  ssize_t got;
  do {
    got = ::read(fd, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof error) ? error : 0;
}

// At least 1 ms while time is left, so that a wait never spins.
int wait_ms(Monotonic deadline) {
  auto now = std::chrono::steady_clock::now();
  if (now >= deadline) return 0;
  auto left = std::chrono::ceil<milliseconds>(deadline - now);
  return static_cast<int>(std::min(left, milliseconds(60'000)).count());
}

void keep_end(std::string& output, std::string_view more) {
  output.append(more);
  if (output.size() > 2 * kOutputKeptMax) output.erase(0, output.size() - kOutputKeptMax);
}

// False at the end of the stream.
bool read_some(int fd, std::string& output) {
  char buffer[16384];
  ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got > 0) keep_end(output, {buffer, static_cast<std::size_t>(got)});
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

enum class Followed { ended, late, given_up };

// Until the program has ended, or shall. A grandchild that keeps the pipe open is not waited for.
Followed follow_program(int process, int output_fd, const std::function<bool()>& goes_on,
                        Monotonic deadline, std::string& output) {
  ::fcntl(output_fd, F_SETFL, O_NONBLOCK);
  pollfd fds[2] = {{process, POLLIN, 0}, {output_fd, POLLIN, 0}};
  while (true) {
    int wait = wait_ms(deadline);
    if (wait == 0) return Followed::late;
    if (goes_on && !goes_on()) return Followed::given_up;
    if (goes_on) wait = std::min(wait, static_cast<int>(kAskEvery.count()));
    int ready = ::poll(fds, 2, wait);
    if (ready < 0 && errno != EINTR) return Followed::late;
    if (ready <= 0) continue;
    if (fds[1].revents != 0 && !read_some(output_fd, output)) fds[1].fd = -1;
    if (fds[0].revents != 0) break;
  }
  while (fds[1].fd >= 0) {
    pollfd rest{output_fd, POLLIN, 0};
    if (::poll(&rest, 1, 0) <= 0 || !read_some(output_fd, output)) break;
  }
  return Followed::ended;
}

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// The name alone: arguments may be long.
std::string name_of(const Command& command) {
  const std::string& path = command.arguments[0];
  return path.substr(path.find_last_of('/') + 1);
}

}  // namespace

Result<Ended> run_program(const Command& command, Monotonic deadline) {
  Descriptor output, output_write, report, report_write;
  SPAR_TRY(make_pipe(output, output_write));
  SPAR_TRY(make_pipe(report, report_write));
  Prepared prepared(command);
  pid_t pid = fork_program(prepared, output_write.get(), report_write.get());
  if (pid < 0) return system_failure("cannot start a process", errno);
  output_write.reset();
  report_write.reset();
  if (int error = read_report(report.get()); error != 0) {
    reap(pid);
    return system_failure("cannot run " + command.arguments[0], error);
  }
  Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  Ended ended;
  const Followed how =
      follow_program(process.get(), output.get(), command.goes_on, deadline, ended.output);
  if (how != Followed::ended) ::kill(-pid, SIGKILL);
  int status = reap(pid);
  if (how == Followed::late) {
    return failure(Code::deadline, name_of(command) + " took too long and was ended", "57014");
  }
  if (how == Followed::given_up) {
    return failure(Code::cancelled, name_of(command) + " was given up", "57014");
  }
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  return ended;
}

Result<std::string> run_well(const Command& command, Monotonic deadline) {
  SPAR_ASSIGN(Ended ended, run_program(command, deadline));
  if (ended.exit_code == 0) return std::move(ended.output);
  std::string how = ended.signal != 0 ? "was ended by signal " + std::to_string(ended.signal)
                                      : "failed with " + std::to_string(ended.exit_code);
  auto failed = failure(Code::unavailable, name_of(command) + " " + how);
  std::size_t from = ended.output.size() > kLogTailMax ? ended.output.size() - kLogTailMax : 0;
  failed.error().detail = ended.output.substr(from);
  return failed;
}

namespace {

// In the first child: a session of its own, then the daemon, whose pid goes to `report`.
[[noreturn]] void fork_daemon(const Prepared& what, const char* log, int report) {
  ::setsid();
  reset_signals();
  if (!become(what.user)) fail_child(report);
  int output = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0) fail_child(report);
  int gate[2];  // the daemon runs only after its pid has been told
  if (::pipe2(gate, O_CLOEXEC) != 0) fail_child(report);
  pid_t daemon = ::fork();
  if (daemon < 0) fail_child(report);
  if (daemon == 0) {
    char go;
    ::close(gate[1]);
    if (::read(gate[0], &go, 1) != 1) ::_exit(126);
    execute(what, output, report);
  }
  int pid = -daemon;  // negative: no errno
  bool told = ::write(report, &pid, sizeof pid) == sizeof pid && ::write(gate[1], "g", 1) == 1;
  ::_exit(told ? 0 : 126);
}

}  // namespace

Result<pid_t> start_daemon(const Command& command, const std::string& log) {
  Descriptor report, report_write;
  SPAR_TRY(make_pipe(report, report_write));
  Prepared prepared(command);
  pid_t child = ::fork();
  if (child == 0) fork_daemon(prepared, log.c_str(), report_write.get());
  if (child < 0) return system_failure("cannot start a process", errno);
  report_write.reset();
  int pid = read_report(report.get());
  int error = pid < 0 ? read_report(report.get()) : pid;
  reap(child);
  if (pid == 0) return failure(Code::io, "cannot start " + command.arguments[0], "58030");
  if (error != 0) return system_failure("cannot run " + command.arguments[0], error);
  return -pid;
}

}  // namespace spar::agent
