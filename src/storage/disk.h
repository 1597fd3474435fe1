// storage/disk.h: the only door to the disk. The SQLite VFS, the change log and the cluster record
// do all their file I/O through these two interfaces, so that a test can record every write and
// sync, fail any of them, and rebuild every state that a power cut may legally leave.
//
// Contract    A failed call returns Code::io with the path, the errno text and SQLSTATE 58030, or
//             53100 when the disk is full. Nothing is durable before sync() (file contents) and
//             sync_directory() (names) have returned.
// Threads     Any thread, files too. Reads that overlap a write see a mixture of old and new bytes.
// Lifetime    A File must not outlive its Disk.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace spar::storage {

class File {
 public:
  virtual ~File() = default;

  // Reads up to out.size() bytes at `offset`; fewer only at the end of the file.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> out) = 0;
  virtual Result<void> write(std::uint64_t offset, std::string_view bytes) = 0;
  virtual Result<void> sync() = 0;  // contents and size (fdatasync)
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
  // False when the path no longer names this open file: it was deleted, moved or replaced.
  virtual bool still_there() = 0;
  virtual const std::string& path() const = 0;
};

enum class OpenMode {
  read,        // must exist
  read_write,  // must exist
  create,      // made when absent
  create_new,  // must not exist
};

class Disk {
 public:
  virtual ~Disk() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual Result<void> remove(const std::string& path) = 0;  // a file; absent is no error
  virtual Result<void> remove_all(const std::string& directory) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> make_directory(const std::string& path) = 0;  // with parents; durable
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;  // sorted names
};

// The operating system's files. Directories are made with mode 0700, files with 0600.
std::unique_ptr<Disk> make_posix_disk();

std::string parent_directory(std::string_view path);  // "." when the path has no slash

// Whole small files. write_file_atomically goes through `path`.new, sync, rename, sync_directory.
Result<std::string> read_file(Disk& disk, const std::string& path, std::size_t size_max);
Result<void> write_file_atomically(Disk& disk, const std::string& path, std::string_view bytes);

}  // namespace spar::storage
