#include "engines/sqlite/vfs_handle.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace spar::engines::sqlite {
namespace {

constexpr int kSectorBytes = 4096;
constexpr int kWalWriteLock = 0;  // SQLite's WAL_WRITE_LOCK

Handle& handle_of(sqlite3_file* file) {
  return *static_cast<Handle*>(file);
}
SharedFile& shared(sqlite3_file* file) {
  return *handle_of(file).file;
}

std::span<char> span_of(void* buffer, int amount) {
  return {static_cast<char*>(buffer), static_cast<std::size_t>(amount)};
}

std::string_view view_of(const void* buffer, int amount) {
  return {static_cast<const char*>(buffer), static_cast<std::size_t>(amount)};
}

// --- A file of the copy ---

int file_close(sqlite3_file* file) {
  Handle& handle = handle_of(file);
  int result = SQLITE_OK;
  if (handle.file) {
    result = handle.file->flush();
    handle.file->memory.leave(handle.memory);
    handle.file->locks.unlock(&handle, handle.lock_level, SQLITE_LOCK_NONE);
  }
  handle.~Handle();
  return result;
}

int file_read(sqlite3_file* file, void* buffer, int amount, sqlite3_int64 offset) {
  return shared(file).read(static_cast<std::uint64_t>(offset), span_of(buffer, amount));
}

int file_write(sqlite3_file* file, const void* buffer, int amount, sqlite3_int64 offset) {
  return shared(file).write(static_cast<std::uint64_t>(offset), view_of(buffer, amount));
}

int file_truncate(sqlite3_file* file, sqlite3_int64 size) {
  return shared(file).truncate(static_cast<std::uint64_t>(size));
}

int file_sync(sqlite3_file* file, int) {
  return shared(file).sync();
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(shared(file).size());
  return SQLITE_OK;
}

// A broken copy must not answer from SQLite's own cache either: whoever begins, here or with a lock
// on the shared memory, is stopped.
int file_lock(sqlite3_file* file, int level) {
  Handle& handle = handle_of(file);
  if (handle.file->broken()) return SQLITE_IOERR_LOCK;
  return handle.file->locks.lock(&handle, handle.lock_level, level);
}

int file_unlock(sqlite3_file* file, int level) {
  Handle& handle = handle_of(file);
  handle.file->locks.unlock(&handle, handle.lock_level, level);
  return SQLITE_OK;
}

int file_check_reserved(sqlite3_file* file, int* is_reserved) {
  *is_reserved = shared(file).locks.is_reserved() ? 1 : 0;
  return SQLITE_OK;
}

// Negative asks, otherwise sets.
int get_or_set(bool& value, void* argument) {
  int& asked = *static_cast<int*>(argument);
  if (asked < 0) {
    asked = value ? 1 : 0;
  } else {
    value = asked != 0;
  }
  return SQLITE_OK;
}

int file_control(sqlite3_file* file, int operation, void* argument) {
  Handle& handle = handle_of(file);
  switch (operation) {
    case SQLITE_FCNTL_PERSIST_WAL:
      return get_or_set(handle.keep_wal, argument);
    case SQLITE_FCNTL_POWERSAFE_OVERWRITE: {
      bool always = true;
      return get_or_set(always, argument);
    }
    case SQLITE_FCNTL_LOCKSTATE:
      *static_cast<int*>(argument) = handle.lock_level;
      return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED:
      *static_cast<int*>(argument) = handle.file && !handle.file->still_there() ? 1 : 0;
      return SQLITE_OK;
    case SQLITE_FCNTL_VFSNAME:
      *static_cast<char**>(argument) = sqlite3_mprintf("%s", handle.vfs_name);
      return SQLITE_OK;
    case SQLITE_FCNTL_SIZE_HINT:
    case SQLITE_FCNTL_CHUNK_SIZE:
      return SQLITE_OK;
    default:
      return SQLITE_NOTFOUND;
  }
}

int file_sector_size(sqlite3_file*) {
  return kSectorBytes;
}

int file_characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN | SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int file_shm_map(sqlite3_file* file, int region, int size, int extend, volatile void** out) {
  Handle& handle = handle_of(file);
  return handle.file->memory.map(handle.memory, region, size, extend != 0, out);
}

// When the writer leaves, nothing of its transaction may still be collected: a process that dies
// keeps what it has written, and repairing checksums ends with a header that no page follows.
int file_shm_lock(sqlite3_file* file, int first, int count, int flags) {
  Handle& handle = handle_of(file);
  const bool writer_leaves =
      first == kWalWriteLock && flags == (SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
  if ((flags & SQLITE_SHM_LOCK) != 0 && handle.file->broken()) return SQLITE_IOERR_SHMLOCK;
  if (writer_leaves) {
    if (auto wal = handle.file->wal()) (void)wal->flush();
  }
  return handle.file->memory.lock(handle.memory, first, count, flags);
}

void file_shm_barrier(sqlite3_file* file) {
  shared(file).memory.barrier();
}

int file_shm_unmap(sqlite3_file* file, int) {
  Handle& handle = handle_of(file);
  handle.file->memory.leave(handle.memory);
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kFileMethods = {2,
                                             file_close,
                                             file_read,
                                             file_write,
                                             file_truncate,
                                             file_sync,
                                             file_size,
                                             file_lock,
                                             file_unlock,
                                             file_check_reserved,
                                             file_control,
                                             file_sector_size,
                                             file_characteristics,
                                             file_shm_map,
                                             file_shm_lock,
                                             file_shm_barrier,
                                             file_shm_unmap,
                                             nullptr,
                                             nullptr};

// --- A temporary file, in memory ---

int memory_read(sqlite3_file* file, void* buffer, int amount, sqlite3_int64 offset) {
  const Bytes& bytes = handle_of(file).bytes;
  std::span<char> out = span_of(buffer, amount);
  const auto at = static_cast<std::size_t>(offset);
  std::size_t have = at >= bytes.size() ? 0 : std::min(out.size(), bytes.size() - at);
  if (have > 0) std::memcpy(out.data(), bytes.data() + at, have);
  if (have == out.size()) return SQLITE_OK;
  std::memset(out.data() + have, 0, out.size() - have);
  return SQLITE_IOERR_SHORT_READ;
}

int memory_write(sqlite3_file* file, const void* buffer, int amount, sqlite3_int64 offset) try {
  Bytes& bytes = handle_of(file).bytes;
  std::string_view in = view_of(buffer, amount);
  const auto at = static_cast<std::size_t>(offset);
  if (bytes.size() < at + in.size()) bytes.resize(at + in.size());
  std::memcpy(bytes.data() + at, in.data(), in.size());
  return SQLITE_OK;
} catch (const std::bad_alloc&) {
  return SQLITE_NOMEM;
}

int memory_truncate(sqlite3_file* file, sqlite3_int64 size) {
  handle_of(file).bytes.resize(static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int memory_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(handle_of(file).bytes.size());
  return SQLITE_OK;
}

int nothing_to_sync(sqlite3_file*, int) {
  return SQLITE_OK;
}
int nothing_to_lock(sqlite3_file*, int) {
  return SQLITE_OK;
}

int never_reserved(sqlite3_file*, int* is_reserved) {
  *is_reserved = 0;
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMemoryMethods = {1,
                                               file_close,
                                               memory_read,
                                               memory_write,
                                               memory_truncate,
                                               nothing_to_sync,
                                               memory_size,
                                               nothing_to_lock,
                                               nothing_to_lock,
                                               never_reserved,
                                               file_control,
                                               file_sector_size,
                                               file_characteristics,
                                               nullptr,
                                               nullptr,
                                               nullptr,
                                               nullptr,
                                               nullptr,
                                               nullptr};

}  // namespace

Handle* make_handle(sqlite3_file* place, std::shared_ptr<SharedFile> file, const char* vfs_name) {
  auto* handle = new (place) Handle{};
  handle->pMethods = file ? &kFileMethods : &kMemoryMethods;
  handle->file = std::move(file);
  handle->vfs_name = vfs_name;
  return handle;
}

}  // namespace spar::engines::sqlite
