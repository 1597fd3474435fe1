// tests/support/recording_disk.h: a disk in memory that records what was done to it and can build
// every state that a power cut may legally leave.
//
// Contract    after_power_cut(moment, seed) gives a new disk that holds one such state, as if the
//             power had gone when `moment` operations had been done. The same seed gives the same
//             state. moment() counts the operations that change something (write, truncate, sync,
//             create, rename, remove, sync_directory); reads do not count.
//
// The model   Files. What a file held at its last sync() is kept. Of what was done to it since,
//             each write is kept, dropped, or torn: of its 512-byte sectors (aligned in the file)
//             any subset is kept. A dropped or torn write may still have made the file longer; the
//             bytes it did not write read as zeros. Each truncate is kept or dropped. What is kept
//             is applied in the order in which it was done. Names. Creating a file, renaming and
//             removing are durable once the directory that holds the (new) name was synced after
//             them; until then each is kept or dropped on its own. A file whose name is dropped is
//             gone, whatever was synced. Making a directory is durable at once; remove_all()
//             removes files one by one. This is harsher than most file systems, which keep the
//             order of names and of writes to one block.
//
// Threads     Any thread; operations are recorded in the order in which they took the disk's lock.
//             Files must not outlive the disk; states are independent of the disk they came from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/disk.h"
#include "tests/support/block_image.h"

namespace spar::test {

struct DiskOperation {
  enum class Kind { write, truncate, sync, create, rename, remove, sync_directory };
  Kind kind = Kind::write;
  std::uint64_t file = 0;    // its number, as a path may name several files in turn
  std::uint64_t offset = 0;  // write; the new size for truncate
  std::string bytes;         // write
  std::string path;          // create, remove, sync_directory; from where for rename
  std::string target;        // rename
};

class RecordingDisk : public storage::Disk {
 public:
  RecordingDisk() = default;

  Result<std::unique_ptr<storage::File>> open(const std::string& path,
                                              storage::OpenMode mode) override;
  bool exists(const std::string& path) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_all(const std::string& directory) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;

  std::uint64_t moment() const;
  std::vector<DiskOperation> operations() const;
  // Called after every operation with its moment, with the lock not held; set it before threads
  // run.
  void on_operation(std::function<void(std::uint64_t moment)> observer) {
    observer_ = std::move(observer);
  }

  std::unique_ptr<RecordingDisk> after_power_cut(std::uint64_t moment, std::uint64_t seed) const;
  std::unique_ptr<RecordingDisk> after_power_cut(std::uint64_t seed) const {
    return after_power_cut(moment(), seed);
  }
  // The same contents as now, all of it durable.
  std::unique_ptr<RecordingDisk> clone() const;

 private:
  friend class RecordedFile;
  using FileNumber = std::uint64_t;
  using Names = std::map<std::string, FileNumber>;

  // What would survive for sure, and which operations might: indices into operations_.
  struct Survivors {
    Names names;
    std::vector<std::size_t> name_operations;
    struct Contents {
      BlockImage durable;
      std::vector<std::size_t> operations;
    };
    std::map<FileNumber, Contents> files;
  };
  static constexpr std::size_t kSnapshotEvery = 64;

  void begin();  // all that is here now is durable
  void record(DiskOperation operation);
  void notify();
  void account(Survivors& survivors, std::size_t index) const;
  void settle_names(Survivors& survivors, const std::string& directory) const;
  void apply_name(Names& names, const DiskOperation& operation) const;
  Survivors survivors_at(std::uint64_t moment) const;
  BlockImage contents_after(const Survivors::Contents& contents, std::mt19937_64& random) const;
  bool is_directory(const std::string& path) const;
  void remember_directories();

  mutable std::mutex mutex_;
  std::function<void(std::uint64_t)> observer_;
  std::vector<DiskOperation> operations_;
  std::map<std::size_t, Survivors> snapshots_{{0, {}}};  // by the number of operations before
  Survivors now_survivors_;

  FileNumber next_file_ = 1;
  Names names_;
  std::map<FileNumber, BlockImage> files_;
  std::set<std::string> directories_;
  std::map<std::size_t, std::set<std::string>> directories_at_{{0, {}}};  // as snapshots_
};

}  // namespace spar::test
