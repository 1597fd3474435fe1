// engines/sqlite/vfs_files.h: which files of a copy are open, so that all connections share them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engines/sqlite/vfs_fault.h"
#include "engines/sqlite/vfs_file.h"
#include "storage/disk.h"

namespace spar::engines::sqlite {

// Any thread.
class OpenFiles {
 public:
  OpenFiles(storage::Disk& disk, FaultLatch& faults) : disk_(disk), faults_(faults) {}

  storage::Disk& disk() { return disk_; }
  FaultLatch& faults() { return faults_; }

  Result<std::shared_ptr<SharedFile>> open(const std::string& path, FileKind kind);
  // Deletes the file; who opens the path again gets a new one.
  Result<void> remove(const std::string& path, bool sync_directory);
  bool is_open(const std::string& path);
  std::vector<std::shared_ptr<SharedFile>> all();

 private:
  std::shared_ptr<SharedFile> find(const std::string& path);  // the caller holds mutex_

  storage::Disk& disk_;
  FaultLatch& faults_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<SharedFile>> files_;
};

}  // namespace spar::engines::sqlite
