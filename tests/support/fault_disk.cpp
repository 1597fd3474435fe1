#include "tests/support/fault_disk.h"

namespace spar::test {

using storage::OpenMode;

class FaultFile : public storage::File {
 public:
  FaultFile(FaultDisk& disk, std::unique_ptr<storage::File> below)
      : disk_(disk), below_(std::move(below)) {}

  Result<std::size_t> read(std::uint64_t offset, std::span<char> out) override {
    SPAR_TRY(disk_.strike(path(), Calls::reads));
    return below_->read(offset, out);
  }
  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    SPAR_TRY(disk_.strike(path(), Calls::writes, FaultDisk::Need::space));
    return below_->write(offset, bytes);
  }
  Result<void> sync() override {
    SPAR_TRY(disk_.strike(path(), Calls::syncs));
    return below_->sync();
  }
  Result<void> truncate(std::uint64_t size) override {
    SPAR_TRY(disk_.strike(path(), Calls::writes, FaultDisk::Need::space));
    return below_->truncate(size);
  }
  Result<std::uint64_t> size() override {
    SPAR_TRY(disk_.strike(path(), Calls::reads));
    return below_->size();
  }
  bool still_there() override {
    disk_.wait_out_hang(path());
    return below_->still_there();
  }
  const std::string& path() const override { return below_->path(); }

 private:
  FaultDisk& disk_;
  std::unique_ptr<storage::File> below_;
};

void FaultDisk::fail_operation(std::uint64_t n, Fault fault, Calls calls) {
  std::lock_guard lock(mutex_);
  once_ = {fault, calls};
  until_once_ = n;
}

void FaultDisk::fail_under(const std::string& prefix, Fault fault, Calls calls) {
  std::lock_guard lock(mutex_);
  rules_[prefix] = {fault, calls};
}

void FaultDisk::heal() {
  std::lock_guard lock(mutex_);
  rules_.clear();
  until_once_ = 0;
  ++healed_;
  changed_.notify_all();
}

std::uint64_t FaultDisk::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

int FaultDisk::hanging() const {
  std::lock_guard lock(mutex_);
  return hanging_;
}

void FaultDisk::wait_until_hanging(int calls) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return hanging_ >= calls; });
}

Fault FaultDisk::choose(const std::string& path, Calls kind) {
  ++operations_;
  auto strikes = [&](const Rule& rule) { return rule.calls == Calls::all || rule.calls == kind; };
  if (until_once_ > 0 && strikes(once_) && --until_once_ == 0) return once_.fault;
  for (const auto& [prefix, rule] : rules_) {
    if (path.compare(0, prefix.size(), prefix) == 0 && strikes(rule)) return rule.fault;
  }
  return Fault::none;
}

Result<void> FaultDisk::strike(const std::string& path, Calls kind, Need need) {
  std::unique_lock lock(mutex_);
  Fault fault = choose(path, kind);
  if (fault == Fault::hang) {
    ++hanging_;
    changed_.notify_all();
    changed_.wait(lock, [this, seen = healed_] { return healed_ != seen; });
    --hanging_;
  }
  if (fault == Fault::io_error) {
    return failure(Code::io, "cannot use " + path + ": Input/output error", "58030");
  }
  if (fault == Fault::disk_full && need == Need::space) {
    return failure(Code::io, "cannot write " + path + ": No space left on device", "53100");
  }
  return {};
}

void FaultDisk::wait_out_hang(const std::string& path) {
  std::unique_lock lock(mutex_);
  for (const auto& [prefix, rule] : rules_) {
    if (rule.fault != Fault::hang || path.compare(0, prefix.size(), prefix) != 0) continue;
    ++hanging_;
    changed_.notify_all();
    changed_.wait(lock, [this, seen = healed_] { return healed_ != seen; });
    --hanging_;
    return;
  }
}

Result<std::unique_ptr<storage::File>> FaultDisk::open(const std::string& path, OpenMode mode) {
  bool creates = (mode == OpenMode::create || mode == OpenMode::create_new) && !below_.exists(path);
  SPAR_TRY(
      strike(path, creates ? Calls::writes : Calls::reads, creates ? Need::space : Need::nothing));
  SPAR_ASSIGN(std::unique_ptr<storage::File> file, below_.open(path, mode));
  return std::make_unique<FaultFile>(*this, std::move(file));
}

bool FaultDisk::exists(const std::string& path) {
  wait_out_hang(path);
  return below_.exists(path);
}

Result<void> FaultDisk::remove(const std::string& path) {
  SPAR_TRY(strike(path, Calls::writes));
  return below_.remove(path);
}

Result<void> FaultDisk::remove_all(const std::string& directory) {
  SPAR_TRY(strike(directory, Calls::writes));
  return below_.remove_all(directory);
}

Result<void> FaultDisk::rename(const std::string& from, const std::string& to) {
  SPAR_TRY(strike(from, Calls::writes, Need::space));
  return below_.rename(from, to);
}

Result<void> FaultDisk::make_directory(const std::string& path) {
  SPAR_TRY(strike(path, Calls::writes, Need::space));
  return below_.make_directory(path);
}

Result<void> FaultDisk::sync_directory(const std::string& path) {
  SPAR_TRY(strike(path, Calls::syncs));
  return below_.sync_directory(path);
}

Result<std::vector<std::string>> FaultDisk::list(const std::string& directory) {
  SPAR_TRY(strike(directory, Calls::reads));
  return below_.list(directory);
}

}  // namespace spar::test
