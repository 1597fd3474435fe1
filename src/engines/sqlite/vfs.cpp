#include "engines/sqlite/vfs.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include "base/assert.h"
#include "engines/sqlite/vfs_handle.h"

namespace spar::engines::sqlite {
namespace {

constexpr int kPathMax = 4096;
constexpr std::int64_t kUnixEpochInJulianMs = 210866760000000;

OpenFiles& files_of(sqlite3_vfs* vfs) {
  return *static_cast<OpenFiles*>(vfs->pAppData);
}

FileKind kind_of(int flags) {
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) return FileKind::database;
  if ((flags & SQLITE_OPEN_WAL) != 0) return FileKind::wal;
  return FileKind::other;
}

bool is_temporary(const char* name, int flags) {
  constexpr int kTemporary = SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TEMP_JOURNAL |
                             SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_SUBJOURNAL |
                             SQLITE_OPEN_DELETEONCLOSE;
  return name == nullptr || (flags & kTemporary) != 0;
}

Failure gone(const std::string& path) {
  return failure(Code::io, path + " was deleted or moved", "58030");
}

// No exception may pass through SQLite's C frames.
template <class Call>
int guarded(Call call) noexcept {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (...) {
    return SQLITE_IOERR;
  }
}

int open_file(sqlite3_vfs* vfs, const std::string& path, sqlite3_file* place, int flags) {
  OpenFiles& files = files_of(vfs);
  if (files.faults().broken()) return SQLITE_CANTOPEN;
  if ((flags & SQLITE_OPEN_CREATE) == 0 && !files.disk().exists(path)) {
    if (files.is_open(path)) files.faults().report(gone(path).error());
    return SQLITE_CANTOPEN;
  }
  auto file = files.open(path, kind_of(flags));
  if (!file) {
    files.faults().report(file.error());
    return file.error().sqlstate == "53100" ? SQLITE_FULL : SQLITE_CANTOPEN;
  }
  make_handle(place, std::move(*file), vfs->zName);
  return SQLITE_OK;
}

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* place, int flags, int* flags_out) {
  place->pMethods = nullptr;
  if (flags_out != nullptr) *flags_out = flags;
  return guarded([&] {
    if (!is_temporary(name, flags)) return open_file(vfs, name, place, flags);
    make_handle(place, nullptr, vfs->zName);
    return SQLITE_OK;
  });
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  return guarded([&] {
    OpenFiles& files = files_of(vfs);
    if (files.faults().broken()) return SQLITE_IOERR_DELETE;
    if (!files.disk().exists(name)) return SQLITE_IOERR_DELETE_NOENT;
    Result<void> removed = files.remove(name, sync_directory != 0);
    if (removed) return SQLITE_OK;
    files.faults().report(removed.error());
    return SQLITE_IOERR_DELETE;
  });
}

int vfs_access(sqlite3_vfs* vfs, const char* name, int, int* result) {
  return guarded([&] {
    *result = files_of(vfs).disk().exists(name) ? 1 : 0;
    return SQLITE_OK;
  });
}

// Paths are the Disk's affair: they stay as the caller gave them.
int vfs_full_pathname(sqlite3_vfs*, const char* name, int size, char* out) {
  const std::size_t length = std::strlen(name);
  if (length >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, length + 1);
  return SQLITE_OK;
}

int vfs_randomness(sqlite3_vfs*, int size, char* out) {
  return guarded([&] {
    std::random_device random;
    for (int i = 0; i < size; ++i) out[i] = static_cast<char>(random());
    return size;
  });
}

int vfs_sleep(sqlite3_vfs*, int microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
  return microseconds;
}

int vfs_current_time_int64(sqlite3_vfs*, sqlite3_int64* now) {
  using namespace std::chrono;
  auto since = system_clock::now().time_since_epoch();
  *now = kUnixEpochInJulianMs + duration_cast<milliseconds>(since).count();
  return SQLITE_OK;
}

int vfs_current_time(sqlite3_vfs* vfs, double* now) {
  sqlite3_int64 milliseconds = 0;
  vfs_current_time_int64(vfs, &milliseconds);
  *now = static_cast<double>(milliseconds) / 86400000.0;
  return SQLITE_OK;
}

int vfs_last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

std::string next_name() {
  static std::atomic<unsigned> count{0};
  return "spar-" + std::to_string(++count);
}

}  // namespace

Vfs::Vfs(storage::Disk& disk, FaultHandler on_fault)
    : name_(next_name()), faults_(std::move(on_fault)), files_(disk, faults_) {
  vfs_.iVersion = 2;
  vfs_.szOsFile = sizeof(Handle);
  vfs_.mxPathname = kPathMax;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = &files_;
  vfs_.xOpen = vfs_open;
  vfs_.xDelete = vfs_delete;
  vfs_.xAccess = vfs_access;
  vfs_.xFullPathname = vfs_full_pathname;
  vfs_.xRandomness = vfs_randomness;
  vfs_.xSleep = vfs_sleep;
  vfs_.xCurrentTime = vfs_current_time;
  vfs_.xGetLastError = vfs_last_error;
  vfs_.xCurrentTimeInt64 = vfs_current_time_int64;
  SPAR_ASSERT(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
}

Vfs::~Vfs() {
  SPAR_ASSERT(files_.all().empty());
  sqlite3_vfs_unregister(&vfs_);
}

Result<void> Vfs::inspect(std::size_t pages) {
  SPAR_TRY(faults_.check());
  for (const std::shared_ptr<SharedFile>& file : files_.all()) {
    Result<void> fine = file->inspect(pages);
    if (fine) continue;
    faults_.report(fine.error());
    return fine;
  }
  return {};
}

}  // namespace spar::engines::sqlite
