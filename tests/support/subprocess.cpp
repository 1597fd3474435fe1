#include "tests/support/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/support/free_port.h"

namespace spar::test {
namespace {

using std::chrono::steady_clock;

constexpr const char* kPostgres = "/usr/lib/postgresql/15/bin/";

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

// PostgreSQL refuses to run as root.
void become_postgres() {
  const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  if (user == nullptr) return;
  if (::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0) ::_exit(126);
}

struct Spawn {
  std::vector<std::string> command, environment;
  int output = -1;
  bool as_postgres = false;
};

pid_t spawn(const Spawn& what) {
  std::vector<char*> arguments = pointers(what.command);
  pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);
  int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(what.output, STDOUT_FILENO);
  ::dup2(what.output, STDERR_FILENO);
  if (what.as_postgres) become_postgres();
  for (const std::string& entry : what.environment) ::putenv(const_cast<char*>(entry.c_str()));
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

// Everything that is written to `fd` until its writers are gone; false when that takes too long.
bool read_all(int fd, steady_clock::time_point deadline, std::string& out) {
  char buffer[16384];
  while (true) {
    auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd ready{fd, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return false;
    ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count <= 0) return true;
    out.append(buffer, static_cast<std::size_t>(count));
  }
}

Ran run(Spawn what, std::chrono::seconds patience) {
  int ends[2];
  Ran ran;
  if (::pipe2(ends, O_CLOEXEC) != 0) return ran;
  what.output = ends[1];
  pid_t pid = spawn(what);
  ::close(ends[1]);
  if (!read_all(ends[0], steady_clock::now() + patience, ran.output)) {
    ran.output += "\n(killed: it took too long)";
    ::kill(-pid, SIGKILL);
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  return ran;
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.starts_with('/')) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (!rest.empty()) {
    std::string file = rest.substr(0, rest.find(':')) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    rest = rest.find(':') == std::string::npos ? "" : rest.substr(rest.find(':') + 1);
  }
  return "";
}

Ran run_program(const std::vector<std::string>& command,
                const std::vector<std::string>& environment, std::chrono::seconds patience) {
  return run({.command = command, .environment = environment}, patience);
}

Result<std::unique_ptr<PostgresServer>> PostgresServer::start() {
  if (find_program(kPostgres + std::string("initdb")).empty()) {
    return failure(Code::unavailable, "PostgreSQL 15 is not installed");
  }
  std::unique_ptr<PostgresServer> server(new PostgresServer);
  SPAR_TRY(server->init());
  SPAR_TRY(server->serve());
  return server;
}

Result<void> PostgresServer::init() {
  if (const passwd* user = ::getpwnam("postgres"); ::geteuid() == 0 && user != nullptr) {
    if (::chown(directory_.path().c_str(), user->pw_uid, user->pw_gid) != 0) {
      return failure(Code::unavailable, "cannot give a directory to user postgres");
    }
  }
  Ran ran = run({.command = {kPostgres + std::string("initdb"), "-D", directory_.path() + "/data",
                             "--locale=C", "-E", "UTF8", "-U", "demo", "-A", "trust", "-N"},
                 .as_postgres = true},
                std::chrono::seconds(60));
  if (ran.exit_code != 0) return failure(Code::unavailable, "initdb failed: " + ran.output);
  return {};
}

Result<void> PostgresServer::serve() {
  port_ = std::to_string(free_port());
  int log = ::open((directory_.path() + "/log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  pid_ = spawn({.command = {kPostgres + std::string("postgres"), "-D", directory_.path() + "/data",
                            "-p", port_, "-h", "127.0.0.1", "-k", "", "-F"},
                .output = log,
                .as_postgres = true});
  ::close(log);
  auto deadline = steady_clock::now() + std::chrono::seconds(30);
  while (steady_clock::now() < deadline && ::waitpid(pid_, nullptr, WNOHANG) == 0) {
    app::SqlClient client(address("postgres"));
    if (client.connect()) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return failure(Code::unavailable, "PostgreSQL did not start");
}

PostgresServer::~PostgresServer() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGQUIT);  // its immediate shutdown
  ::waitpid(pid_, nullptr, 0);
}

app::SqlAddress PostgresServer::address(const std::string& database) const {
  return {"127.0.0.1", port_, database};
}

}  // namespace spar::test
