// changelog/spare.h: the next segment's file, zeroed ahead so that a flush writes no metadata.
//
// Contract    step() writes one small piece of zeros, durably, so that no commit waits long for it.
//             take() finishes the file and gives up its name to the caller. The file is called
//             kSpareName until then; one left behind by an earlier run is overwritten.
// Errors      Code::io; the caller treats it as its own failed write.
// Threads     None of its own; the log serialises its calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "changelog/limits.h"
#include "storage/disk.h"

namespace spar::changelog {

inline constexpr std::string_view kSpareName = "spare.new";

class Spare {
 public:
  Spare(storage::Disk& disk, const std::string& directory, std::uint64_t size)
      : disk_(disk), path_(directory + "/" + std::string(kSpareName)), size_(size) {}

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  bool ready() const { return file_ != nullptr && zeroed_ >= size_; }
  Result<void> step();
  Result<std::unique_ptr<storage::File>> take();

 private:
  Result<void> start();

  storage::Disk& disk_;
  std::string path_;
  std::uint64_t size_;
  std::uint64_t zeroed_ = 0;
  std::unique_ptr<storage::File> file_;
};

// Overwrites [from, to) with zeros; the caller syncs.
Result<void> write_zeros(storage::File& file, std::uint64_t from, std::uint64_t to);

}  // namespace spar::changelog
