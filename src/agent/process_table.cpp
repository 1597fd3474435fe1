#include "agent/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <memory>

namespace spar::agent {
namespace {

std::string of_process(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

// Not through storage::Disk: these are no files on a disk.
std::string read_start(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  char buffer[1024];
  ssize_t got = ::read(fd, buffer, sizeof buffer);
  ::close(fd);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "";
}

bool same_place(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool works_at(pid_t pid, const struct stat& place) {
  struct stat own{};
  return ::stat(of_process(pid, "cwd").c_str(), &own) == 0 && same_place(own, place);
}

// "/usr/bin/postgres", with " (deleted)" behind it after an upgrade.
bool runs(pid_t pid, std::string_view program) {
  char buffer[4096];
  ssize_t size = ::readlink(of_process(pid, "exe").c_str(), buffer, sizeof buffer);
  std::string_view path(buffer, size > 0 ? static_cast<std::size_t>(size) : 0);
  std::string_view name = path.substr(path.find_last_of('/') + 1);
  return name.substr(0, name.find(' ')) == program;
}

std::optional<pid_t> process_id(std::string_view name) {
  pid_t pid = 0;
  auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) return std::nullopt;
  return pid;
}

}  // namespace

std::optional<char> state_letter(std::string_view stat) {
  std::size_t end_of_name = stat.rfind(')');
  if (end_of_name == std::string_view::npos || end_of_name + 2 >= stat.size()) return std::nullopt;
  return stat[end_of_name + 2];
}

ProcessState state_of(pid_t pid) {
  std::optional<char> letter = state_letter(read_start(of_process(pid, "stat")));
  if (!letter) return ProcessState::gone;
  return *letter == 'Z' || *letter == 'X' ? ProcessState::zombie : ProcessState::alive;
}

bool works_in(pid_t pid, const std::string& directory) {
  struct stat place{};
  return ::stat(directory.c_str(), &place) == 0 && works_at(pid, place);
}

std::vector<pid_t> working_in(const std::string& directory, std::string_view program) {
  std::vector<pid_t> found;
  struct stat place{};
  if (::stat(directory.c_str(), &place) != 0) return found;
  std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), ::closedir);
  while (dirent* entry = processes ? ::readdir(processes.get()) : nullptr) {
    std::optional<pid_t> pid = process_id(entry->d_name);
    if (pid && works_at(*pid, place) && runs(*pid, program)) found.push_back(*pid);
  }
  return found;
}

}  // namespace spar::agent
