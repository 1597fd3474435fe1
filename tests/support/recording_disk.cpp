#include "tests/support/recording_disk.h"

#include <algorithm>

namespace spar::test {

using storage::OpenMode;
using storage::parent_directory;
using Kind = DiskOperation::Kind;

namespace {

constexpr std::uint64_t kSector = 512;

Failure no_such(const char* verb, const std::string& path) {
  return failure(Code::io,
                 std::string("cannot ") + verb + " " + path + ": No such file or directory",
                 "58030");
}

bool is_below(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.compare(0, directory.size(), directory) == 0 &&
         path[directory.size()] == '/';
}

bool is_root(const std::string& directory) {
  return directory == "." || directory == "/";
}

bool coin(std::mt19937_64& random, unsigned percent) {
  return random() % 100 < percent;
}

// Writes the sectors of `bytes` that survived; the file may be longer in any case.
void write_torn(BlockImage& image, std::uint64_t offset, std::string_view bytes,
                std::mt19937_64& random) {
  const std::uint64_t end = offset + bytes.size();
  for (std::uint64_t at = offset; at < end;) {
    std::uint64_t next = std::min(end, (at / kSector + 1) * kSector);
    if (coin(random, 50)) image.write(at, bytes.substr(at - offset, next - at));
    at = next;
  }
  if (image.size() < end && coin(random, 50)) image.truncate(end);
}

// How likely an operation survives: all, none, and two mixtures, so that states of every kind
// occur.
unsigned percent_kept(std::mt19937_64& random) {
  static constexpr unsigned kChoices[] = {100, 0, 50, 85};
  return kChoices[random() % std::size(kChoices)];
}

void apply_data(BlockImage& image, const DiskOperation& operation) {
  if (operation.kind == Kind::write) image.write(operation.offset, operation.bytes);
  if (operation.kind == Kind::truncate) image.truncate(operation.offset);
}

bool is_name_operation(Kind kind) {
  return kind == Kind::create || kind == Kind::rename || kind == Kind::remove;
}

}  // namespace

class RecordedFile : public storage::File {
 public:
  RecordedFile(RecordingDisk& disk, std::uint64_t number, std::string path)
      : disk_(disk), number_(number), path_(std::move(path)) {}

  Result<std::size_t> read(std::uint64_t offset, std::span<char> out) override {
    std::lock_guard lock(disk_.mutex_);
    return disk_.files_.at(number_).read(offset, out);
  }
  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    {
      std::lock_guard lock(disk_.mutex_);
      disk_.files_.at(number_).write(offset, bytes);
      disk_.record(
          {.kind = Kind::write, .file = number_, .offset = offset, .bytes = std::string(bytes)});
    }
    disk_.notify();
    return {};
  }
  Result<void> sync() override {
    {
      std::lock_guard lock(disk_.mutex_);
      disk_.record({.kind = Kind::sync, .file = number_});
    }
    disk_.notify();
    return {};
  }
  Result<void> truncate(std::uint64_t size) override {
    {
      std::lock_guard lock(disk_.mutex_);
      disk_.files_.at(number_).truncate(size);
      disk_.record({.kind = Kind::truncate, .file = number_, .offset = size});
    }
    disk_.notify();
    return {};
  }
  Result<std::uint64_t> size() override {
    std::lock_guard lock(disk_.mutex_);
    return disk_.files_.at(number_).size();
  }
  bool still_there() override {
    std::lock_guard lock(disk_.mutex_);
    auto named = disk_.names_.find(path_);
    return named != disk_.names_.end() && named->second == number_;
  }
  const std::string& path() const override { return path_; }

 private:
  RecordingDisk& disk_;
  std::uint64_t number_;
  std::string path_;
};

bool RecordingDisk::is_directory(const std::string& path) const {
  return is_root(path) || directories_.contains(path);
}

Result<std::unique_ptr<storage::File>> RecordingDisk::open(const std::string& path, OpenMode mode) {
  bool created = false;
  FileNumber number = 0;
  {
    std::lock_guard lock(mutex_);
    auto named = names_.find(path);
    const bool may_create = mode == OpenMode::create || mode == OpenMode::create_new;
    if (named != names_.end()) {
      if (mode == OpenMode::create_new) {
        return failure(Code::io, "cannot open " + path + ": File exists", "58030");
      }
      number = named->second;
    } else {
      if (!may_create || !is_directory(parent_directory(path))) return no_such("open", path);
      number = next_file_++;
      created = true;
      files_[number];
      names_[path] = number;
      record({.kind = Kind::create, .file = number, .path = path});
    }
  }
  if (created) notify();
  return std::make_unique<RecordedFile>(*this, number, path);
}

bool RecordingDisk::exists(const std::string& path) {
  std::lock_guard lock(mutex_);
  return names_.contains(path) || is_directory(path);
}

Result<void> RecordingDisk::remove(const std::string& path) {
  {
    std::lock_guard lock(mutex_);
    auto named = names_.find(path);
    if (named == names_.end()) return {};
    FileNumber number = named->second;
    names_.erase(named);
    record({.kind = Kind::remove, .file = number, .path = path});
  }
  notify();
  return {};
}

Result<void> RecordingDisk::remove_all(const std::string& directory) {
  std::vector<std::string> below;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [path, number] : names_) {
      if (path == directory || is_below(path, directory)) below.push_back(path);
    }
    std::erase_if(directories_, [&](const std::string& path) {
      return path == directory || is_below(path, directory);
    });
    remember_directories();
  }
  for (const std::string& path : below) SPAR_TRY(remove(path));
  return {};
}

Result<void> RecordingDisk::rename(const std::string& from, const std::string& to) {
  {
    std::lock_guard lock(mutex_);
    auto named = names_.find(from);
    if (named == names_.end() && !directories_.contains(from)) return no_such("rename", from);
    if (!is_directory(parent_directory(to))) return no_such("rename", from);
    DiskOperation operation{.kind = Kind::rename, .path = from, .target = to};
    if (named != names_.end()) operation.file = named->second;
    apply_name(names_, operation);
    std::set<std::string> directories;
    for (const std::string& path : directories_) {
      bool moves = path == from || is_below(path, from);
      directories.insert(moves ? to + path.substr(from.size()) : path);
    }
    directories_ = std::move(directories);
    record(std::move(operation));
    remember_directories();
  }
  notify();
  return {};
}

Result<void> RecordingDisk::make_directory(const std::string& path) {
  std::lock_guard lock(mutex_);
  for (std::string at = path; !is_root(at); at = parent_directory(at)) {
    if (names_.contains(at)) {
      return failure(Code::io, "cannot make directory " + at + ": File exists", "58030");
    }
    directories_.insert(at);
  }
  remember_directories();
  return {};
}

Result<void> RecordingDisk::sync_directory(const std::string& path) {
  {
    std::lock_guard lock(mutex_);
    if (!is_directory(path)) return no_such("open", path);
    record({.kind = Kind::sync_directory, .path = path});
  }
  notify();
  return {};
}

Result<std::vector<std::string>> RecordingDisk::list(const std::string& directory) {
  std::lock_guard lock(mutex_);
  if (!is_directory(directory)) return no_such("list", directory);
  std::set<std::string> names;
  auto take = [&](const std::string& path) {
    if (parent_directory(path) == directory) names.insert(path.substr(path.find_last_of('/') + 1));
  };
  for (const auto& [path, number] : names_) take(path);
  for (const std::string& path : directories_) take(path);
  return std::vector<std::string>(names.begin(), names.end());
}

void RecordingDisk::remember_directories() {
  directories_at_[operations_.size()] = directories_;
}

std::uint64_t RecordingDisk::moment() const {
  std::lock_guard lock(mutex_);
  return operations_.size();
}

std::vector<DiskOperation> RecordingDisk::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

void RecordingDisk::notify() {
  if (observer_) observer_(moment());
}

void RecordingDisk::record(DiskOperation operation) {
  operations_.push_back(std::move(operation));
  account(now_survivors_, operations_.size() - 1);
  if (operations_.size() % kSnapshotEvery == 0) snapshots_[operations_.size()] = now_survivors_;
}

void RecordingDisk::account(Survivors& survivors, std::size_t index) const {
  const DiskOperation& operation = operations_[index];
  if (is_name_operation(operation.kind)) {
    survivors.name_operations.push_back(index);
  } else if (operation.kind == Kind::sync_directory) {
    settle_names(survivors, operation.path);
  } else {
    Survivors::Contents& contents = survivors.files[operation.file];
    if (operation.kind != Kind::sync) {
      contents.operations.push_back(index);
      return;
    }
    for (std::size_t pending : contents.operations) {
      apply_data(contents.durable, operations_[pending]);
    }
    contents.operations.clear();
  }
}

// Makes the pending names in `directory` durable, and those below a directory that is gone; forgets
// the files that no name can lead to any more.
void RecordingDisk::settle_names(Survivors& survivors, const std::string& directory) const {
  std::set<FileNumber> reachable;
  std::vector<std::size_t> pending;
  for (std::size_t index : survivors.name_operations) {
    const DiskOperation& operation = operations_[index];
    const std::string& path = operation.target.empty() ? operation.path : operation.target;
    std::string holder = parent_directory(path);
    if (holder == directory || (is_below(holder, directory) && !is_directory(holder))) {
      apply_name(survivors.names, operation);
    } else {
      pending.push_back(index);
      reachable.insert(operation.file);
    }
  }
  survivors.name_operations = std::move(pending);
  for (const auto& [path, number] : survivors.names) reachable.insert(number);
  std::erase_if(survivors.files, [&](const auto& file) { return !reachable.contains(file.first); });
}

void RecordingDisk::apply_name(Names& names, const DiskOperation& operation) const {
  if (operation.kind == Kind::create) names[operation.path] = operation.file;
  if (operation.kind == Kind::remove) names.erase(operation.path);
  if (operation.kind != Kind::rename) return;
  if (operation.file != 0) {
    names.erase(operation.path);
    names[operation.target] = operation.file;
    return;
  }
  Names moved;
  for (const auto& [path, number] : names) {
    bool moves = is_below(path, operation.path);
    moved[moves ? operation.target + path.substr(operation.path.size()) : path] = number;
  }
  names = std::move(moved);
}

RecordingDisk::Survivors RecordingDisk::survivors_at(std::uint64_t moment) const {
  auto snapshot = std::prev(snapshots_.upper_bound(static_cast<std::size_t>(moment)));
  Survivors survivors = snapshot->second;
  for (std::size_t i = snapshot->first; i < moment; ++i) account(survivors, i);
  return survivors;
}

BlockImage RecordingDisk::contents_after(const Survivors::Contents& contents,
                                         std::mt19937_64& random) const {
  BlockImage image = contents.durable;
  const unsigned percent = percent_kept(random);
  for (std::size_t index : contents.operations) {
    const DiskOperation& operation = operations_[index];
    if (coin(random, percent)) {
      apply_data(image, operation);
    } else if (operation.kind == Kind::write && percent > 0 && coin(random, 50)) {
      write_torn(image, operation.offset, operation.bytes, random);
    }
  }
  return image;
}

std::unique_ptr<RecordingDisk> RecordingDisk::after_power_cut(std::uint64_t moment,
                                                              std::uint64_t seed) const {
  std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15u + moment);
  Survivors survivors = survivors_at(moment);
  const unsigned percent = percent_kept(random);
  for (std::size_t index : survivors.name_operations) {
    if (coin(random, percent)) apply_name(survivors.names, operations_[index]);
  }
  auto state = std::make_unique<RecordingDisk>();
  state->next_file_ = next_file_;
  state->directories_ = std::prev(directories_at_.upper_bound(moment))->second;
  state->names_ = survivors.names;
  for (const auto& [path, number] : survivors.names) {
    state->files_[number] = contents_after(survivors.files[number], random);
    for (std::string at = parent_directory(path); !is_root(at); at = parent_directory(at)) {
      state->directories_.insert(at);
    }
  }
  state->begin();
  return state;
}

std::unique_ptr<RecordingDisk> RecordingDisk::clone() const {
  std::lock_guard lock(mutex_);
  auto copy = std::make_unique<RecordingDisk>();
  copy->next_file_ = next_file_;
  copy->directories_ = directories_;
  copy->names_ = names_;
  for (const auto& [path, number] : names_) copy->files_[number] = files_.at(number);
  copy->begin();
  return copy;
}

void RecordingDisk::begin() {
  now_survivors_.names = names_;
  for (const auto& [number, image] : files_) now_survivors_.files[number].durable = image;
  snapshots_[0] = now_survivors_;
  directories_at_ = {{0, directories_}};
}

}  // namespace spar::test
