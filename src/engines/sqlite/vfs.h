// engines/sqlite/vfs.h: SQLite's files behind storage::Disk, and a watch over what they hold.
//
// Contract    A Vfs is registered with SQLite under name() for as long as it lives. Connections
//             opened with that name do all their file I/O through the Disk; locks and the WAL's
//             shared memory are in this process, so only this process may have the files open.
//             Temporary files live in memory. There is no memory mapping. What is read is verified:
//             the hash of every page of the main file and of every frame of the WAL is remembered
//             when it is written (or first read); a page that reads differently later, or a file
//             that is shorter than it was made, is a fault.
// Faults      The first failed call or verification is given to the handler, once, on the thread
//             that met it; from then on every call on these files fails (SQLITE_IOERR, SQLITE_FULL
//             for the disk that was full). The handler must not call SQLite or this Vfs.
// Threads     Any thread; a connection is used by one thread at a time. inspect() from any thread.
// Lifetime    Connections are closed before the Vfs is destroyed; the Disk outlives it.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <functional>
#include <string>

#include "base/result.h"
#include "engines/sqlite/vfs_fault.h"
#include "engines/sqlite/vfs_files.h"
#include "storage/disk.h"

namespace spar::engines::sqlite {

class Vfs {
 public:
  Vfs(storage::Disk& disk, FaultHandler on_fault);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  const std::string& name() const { return name_; }

  // For a watchdog: whether the open files are still what their paths name, as long as they were
  // made, and hold what was written on their first page and on `pages` further pages, taken in
  // turn. What is wrong is a fault too.
  Result<void> inspect(std::size_t pages);

 private:
  std::string name_;
  FaultLatch faults_;
  OpenFiles files_;
  sqlite3_vfs vfs_{};
};

}  // namespace spar::engines::sqlite
