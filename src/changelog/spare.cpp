#include "changelog/spare.h"

#include <algorithm>

namespace spar::changelog {
namespace {

const std::string& zeros() {
  static const std::string bytes(kSpareStepBytes, '\0');
  return bytes;
}

}  // namespace

Result<void> write_zeros(storage::File& file, std::uint64_t from, std::uint64_t to) {
  while (from < to) {
    std::uint64_t size = std::min<std::uint64_t>(to - from, zeros().size());
    SPAR_TRY(file.write(from, std::string_view(zeros()).substr(0, size)));
    from += size;
  }
  return {};
}

Result<void> Spare::start() {
  SPAR_ASSIGN(file_, disk_.open(path_, storage::OpenMode::create));
  zeroed_ = 0;
  return file_->truncate(0);
}

Result<void> Spare::step() {
  if (ready()) return {};
  if (file_ == nullptr) SPAR_TRY(start());
  std::uint64_t end = std::min<std::uint64_t>(zeroed_ + kSpareStepBytes, size_);
  SPAR_TRY(write_zeros(*file_, zeroed_, end));
  SPAR_TRY(file_->sync());
  zeroed_ = end;
  return {};
}

Result<std::unique_ptr<storage::File>> Spare::take() {
  if (file_ == nullptr) SPAR_TRY(start());
  if (!ready()) {
    SPAR_TRY(write_zeros(*file_, zeroed_, size_));
    SPAR_TRY(file_->sync());
  }
  zeroed_ = 0;
  return std::move(file_);
}

}  // namespace spar::changelog
