// engines/sqlite/vfs_locks.h: what connections of this process hold on one database file: SQLite's
// five lock levels, and the shared memory of the WAL with its eight locks.
//
// Threads     Any thread; the per-connection state passed in belongs to that connection.
#pragma once

#include <sqlite3.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace spar::engines::sqlite {

// SHARED by many; RESERVED, PENDING, EXCLUSIVE by one; nobody new gets SHARED from PENDING on.
class DatabaseLocks {
 public:
  // Raises `level` as far as it can towards `wanted`; SQLITE_BUSY when another is in the way.
  int lock(const void* who, int& level, int wanted);
  void unlock(const void* who, int& level, int wanted);
  bool is_reserved();

 private:
  std::mutex mutex_;
  int shared_ = 0;
  const void* reserved_ = nullptr;
  const void* pending_ = nullptr;  // or exclusive
};

// A connection's part in the shared memory.
struct SharedMemoryUse {
  bool attached = false;
  unsigned shared = 0;  // bit masks of the locks held
  unsigned exclusive = 0;
};

// Regions are zeroed when the first connection comes and freed when the last one has left.
class SharedMemory {
 public:
  int map(SharedMemoryUse& use, int region, int size, bool extend, volatile void** out);
  int lock(SharedMemoryUse& use, int first, int count, int flags);
  void leave(SharedMemoryUse& use);
  void barrier() { barrier_.fetch_add(1); }

 private:
  static constexpr int kExclusive = -1;

  bool take_shared(int slot);
  bool take_exclusive(int first, int count);
  void release(SharedMemoryUse& use, unsigned mask, bool exclusive);

  std::array<std::atomic<int>, SQLITE_SHM_NLOCK> slots_{};  // kExclusive or how many share it
  std::atomic<unsigned> barrier_{0};
  std::mutex mutex_;
  int users_ = 0;
  std::vector<std::unique_ptr<char[]>> regions_;
};

}  // namespace spar::engines::sqlite
