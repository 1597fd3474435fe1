#include "storage/disk.h"

namespace spar::storage {

std::string parent_directory(std::string_view path) {
  std::size_t slash = path.find_last_of('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

Result<std::string> read_file(Disk& disk, const std::string& path, std::size_t size_max) {
  SPAR_ASSIGN(std::unique_ptr<File> file, disk.open(path, OpenMode::read));
  SPAR_ASSIGN(std::uint64_t size, file->size());
  if (size > size_max) {
    return failure(Code::invalid,
                   path + " has " + std::to_string(size) + " bytes, more than the " +
                       std::to_string(size_max) + " allowed",
                   "54000");
  }
  std::string bytes(size, '\0');
  SPAR_ASSIGN(std::size_t got, file->read(0, bytes));
  bytes.resize(got);
  return bytes;
}

Result<void> write_file_atomically(Disk& disk, const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  {
    SPAR_ASSIGN(std::unique_ptr<File> file, disk.open(fresh, OpenMode::create));
    SPAR_TRY(file->truncate(0));
    SPAR_TRY(file->write(0, bytes));
    SPAR_TRY(file->sync());
  }
  SPAR_TRY(disk.rename(fresh, path));
  return disk.sync_directory(parent_directory(path));
}

}  // namespace spar::storage
