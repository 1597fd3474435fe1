#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "storage/disk.h"

namespace spar::storage {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

Failure io_failure(const char* verb, const std::string& path, int error) {
  bool full = error == ENOSPC || error == EDQUOT;
  std::string reason = std::generic_category().message(error);
  Failure result = failure(Code::io, std::string("cannot ") + verb + " " + path + ": " + reason,
                           full ? "53100" : "58030");
  if (full) result.error().hint = "free some space on that disk";
  return result;
}

// Repeats a system call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<std::size_t> read(std::uint64_t offset, std::span<char> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      ssize_t n = uninterrupted([&] {
        return ::pread(fd_.get(), out.data() + done, out.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (n < 0) return io_failure("read", path_, errno);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      ssize_t n = uninterrupted([&] {
        return ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                        static_cast<off_t>(offset + done));
      });
      if (n < 0) return io_failure("write", path_, errno);
      if (n == 0) return io_failure("write", path_, ENOSPC);
      done += static_cast<std::size_t>(n);
    }
    return {};
  }

  Result<void> sync() override {
    if (uninterrupted([&] { return ::fdatasync(fd_.get()); }) != 0) {
      return io_failure("sync", path_, errno);
    }
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
      return io_failure("truncate", path_, errno);
    }
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat info{};
    if (::fstat(fd_.get(), &info) != 0) return io_failure("examine", path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

  bool still_there() override {
    struct stat opened{}, named{};
    if (::fstat(fd_.get(), &opened) != 0 || opened.st_nlink == 0) return false;
    if (::stat(path_.c_str(), &named) != 0) return false;
    return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
  }

  const std::string& path() const override { return path_; }

 private:
  Descriptor fd_;
  std::string path_;
};

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY;
    case OpenMode::read_write:
      return O_RDWR;
    case OpenMode::create:
      return O_RDWR | O_CREAT;
    case OpenMode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

Result<void> sync_directory_at(const std::string& path) {
  int raw = uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  Descriptor fd(raw);
  if (raw < 0) return io_failure("open", path, errno);
  if (uninterrupted([&] { return ::fsync(raw); }) != 0) return io_failure("sync", path, errno);
  return {};
}

Result<void> make_one_directory(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) == 0) return sync_directory_at(parent_directory(path));
  int error = errno;
  struct stat info{};
  if (error == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
  return io_failure("make directory", path, error);
}

Result<void> remove_tree(const std::string& path);

Result<void> remove_entry(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return io_failure("examine", path, errno);
  }
  if (S_ISDIR(info.st_mode)) return remove_tree(path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_failure("remove", path, errno);
  return {};
}

Result<std::vector<std::string>> names_in(const std::string& directory) {
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) return io_failure("list", directory, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  int error = errno;
  ::closedir(stream);
  if (error != 0) return io_failure("list", directory, error);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> remove_tree(const std::string& path) {
  SPAR_ASSIGN(std::vector<std::string> names, names_in(path));
  for (const std::string& name : names) SPAR_TRY(remove_entry(path + "/" + name));
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT) return io_failure("remove", path, errno);
  return {};
}

class PosixDisk : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int fd = uninterrupted(
        [&] { return ::open(path.c_str(), open_flags(mode) | O_CLOEXEC, kFileMode); });
    if (fd < 0) return io_failure("open", path, errno);
    return std::make_unique<PosixFile>(fd, path);
  }

  bool exists(const std::string& path) override {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0;
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_failure("remove", path, errno);
    return {};
  }

  Result<void> remove_all(const std::string& directory) override { return remove_entry(directory); }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_failure("rename", from, errno);
    return {};
  }

  Result<void> make_directory(const std::string& path) override {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      SPAR_TRY(make_one_directory(path.substr(0, slash)));
    }
    return make_one_directory(path);
  }

  Result<void> sync_directory(const std::string& path) override { return sync_directory_at(path); }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    return names_in(directory);
  }
};

}  // namespace

std::unique_ptr<Disk> make_posix_disk() {
  return std::make_unique<PosixDisk>();
}

}  // namespace spar::storage
