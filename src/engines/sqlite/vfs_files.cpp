#include "engines/sqlite/vfs_files.h"

namespace spar::engines::sqlite {
namespace {

constexpr std::string_view kWalSuffix = "-wal";

}  // namespace

std::shared_ptr<SharedFile> OpenFiles::find(const std::string& path) {
  auto known = files_.find(path);
  return known == files_.end() ? nullptr : known->second.lock();
}

Result<std::shared_ptr<SharedFile>> OpenFiles::open(const std::string& path, FileKind kind) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<SharedFile> file = find(path);
  if (!file) {
    SPAR_ASSIGN(file, SharedFile::open(disk_, faults_, path, kind));
    files_[path] = file;
  }
  if (kind == FileKind::wal) {
    if (auto database = find(path.substr(0, path.size() - kWalSuffix.size()))) {
      database->set_wal(file);
    }
  }
  return file;
}

Result<void> OpenFiles::remove(const std::string& path, bool sync_directory) {
  {
    std::lock_guard lock(mutex_);
    if (auto file = find(path)) file->retire();
    files_.erase(path);
  }
  SPAR_TRY(disk_.remove(path));
  if (sync_directory) SPAR_TRY(disk_.sync_directory(storage::parent_directory(path)));
  return {};
}

bool OpenFiles::is_open(const std::string& path) {
  std::lock_guard lock(mutex_);
  return find(path) != nullptr;
}

std::vector<std::shared_ptr<SharedFile>> OpenFiles::all() {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<SharedFile>> result;
  for (const auto& [path, file] : files_) {
    if (auto open = file.lock()) result.push_back(std::move(open));
  }
  return result;
}

}  // namespace spar::engines::sqlite
