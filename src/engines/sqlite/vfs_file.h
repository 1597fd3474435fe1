// engines/sqlite/vfs_file.h: one file that the connections of a copy share: its bytes, verified;
// its size, as this process made it; and what the connections hold locked.
//
// Contract    Calls give SQLite result codes; what fails is reported to the latch. Reads beyond the
//             size give zeros and SQLITE_IOERR_SHORT_READ, as SQLite expects.
//             Writes to a WAL are collected until the commit frame is complete, so that a commit is
//             one write on the disk; reads, size() and sync() know what is still collected.
// Threads     Any thread. Reads take no lock unless they touch what is being collected, or do not
// fit.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "engines/sqlite/vfs_fault.h"
#include "engines/sqlite/vfs_locks.h"
#include "engines/sqlite/vfs_page_table.h"
#include "storage/disk.h"

namespace spar::engines::sqlite {

enum class FileKind { database, wal, other };

class SharedFile {
 public:
  // Makes the file when it is absent; its name becomes durable with the first sync().
  static Result<std::shared_ptr<SharedFile>> open(storage::Disk& disk, FaultLatch& faults,
                                                  const std::string& path, FileKind kind);

  int read(std::uint64_t offset, std::span<char> out);
  int write(std::uint64_t offset, std::string_view bytes);
  int sync();
  int truncate(std::uint64_t size);
  std::uint64_t size() const { return size_.load(std::memory_order_acquire); }
  int flush();  // writes what is collected
  bool broken() const { return faults_.broken(); }
  bool still_there() { return file_->still_there(); }

  // See Vfs::inspect. What is wrong is given back, not reported.
  Result<void> inspect(std::size_t pages);
  // The file is about to be deleted by SQLite itself: its absence is no fault.
  void retire() { retired_.store(true); }

  DatabaseLocks locks;
  SharedMemory memory;
  // Of a database: its WAL while it is open.
  void set_wal(const std::shared_ptr<SharedFile>& wal);
  std::shared_ptr<SharedFile> wal();

 private:
  struct Layout {  // where pages stand in the file
    std::uint64_t page_size = 0, first = 0, stride = 0;
    std::uint64_t offset(std::uint64_t page) const { return first + page * stride; }
  };
  static constexpr std::uint64_t kNothingCollected = std::numeric_limits<std::uint64_t>::max();

  SharedFile(storage::Disk& disk, FaultLatch& faults, FileKind kind,
             std::unique_ptr<storage::File> file, std::uint64_t size, bool is_new);

  Layout layout() const;
  void learn_page_size(std::uint64_t offset, std::string_view bytes);
  // The page whose content these bytes are, if they are one whole page.
  std::optional<std::uint64_t> page_at(std::uint64_t offset, std::size_t size) const;
  void remember(std::uint64_t offset, std::string_view bytes);
  bool agrees(std::uint64_t offset, std::string_view bytes);

  // The caller holds io_.
  Result<std::size_t> read_through(std::uint64_t offset, std::span<char> out);
  Result<void> collect(std::uint64_t offset, std::string_view bytes);
  Result<void> write_collected();
  void update_collected_from();
  std::uint64_t size_on_disk() const;

  int read_carefully(std::uint64_t offset, std::span<char> out);
  Result<void> inspect_size();
  Result<bool> inspect_page(const Layout& where, std::uint64_t page);
  Failure damaged(std::uint64_t offset) const;
  int fault(const Error& error, int code);

  storage::Disk& disk_;
  FaultLatch& faults_;
  const FileKind kind_;
  std::unique_ptr<storage::File> file_;
  std::atomic<std::uint64_t> size_;
  std::atomic<std::uint64_t> page_size_{0};
  std::atomic<std::uint64_t> collected_from_{kNothingCollected};
  std::atomic<bool> retired_{false};
  PageTable pages_;

  std::mutex io_;  // writes, and reads that must not meet one
  bool name_unsynced_;
  Bytes collected_;
  std::uint64_t collected_at_ = 0;
  bool commit_frame_ = false;  // the last frame header collected ends a transaction
  std::uint64_t next_inspected_ = 0;

  std::mutex wal_mutex_;
  std::weak_ptr<SharedFile> wal_;
};

}  // namespace spar::engines::sqlite
