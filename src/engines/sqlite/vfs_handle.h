// engines/sqlite/vfs_handle.h: the sqlite3_file that one connection holds.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "engines/sqlite/vfs_file.h"
#include "engines/sqlite/vfs_locks.h"

namespace spar::engines::sqlite {

// Lives in memory that SQLite gives (sqlite3_vfs::szOsFile) from xOpen to xClose.
struct Handle : sqlite3_file {
  std::shared_ptr<SharedFile> file;  // null: a temporary file, in `bytes`
  Bytes bytes;
  const char* vfs_name = "";
  int lock_level = SQLITE_LOCK_NONE;
  SharedMemoryUse memory;
  bool keep_wal = false;
};

// Makes a Handle in `place` (its pMethods set) for the file, or a temporary one without it.
Handle* make_handle(sqlite3_file* place, std::shared_ptr<SharedFile> file, const char* vfs_name);

}  // namespace spar::engines::sqlite
