#include "engines/sqlite/vfs_file.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace spar::engines::sqlite {
namespace {

constexpr std::uint64_t kWalHeader = 32;
constexpr std::uint64_t kFrameHeader = 24;
constexpr std::size_t kCollectedMax = 1 << 20;
constexpr std::uint64_t kPageSizeMin = 512, kPageSizeMax = 65536;

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  ByteReader in(bytes.substr(at));
  return in.be<std::uint32_t>();
}

bool is_page_size(std::uint64_t size) {
  return std::has_single_bit(size) && size >= kPageSizeMin && size <= kPageSizeMax;
}

// Recovery and checksum repair read a WAL's frames with their headers: only the page counts.
std::string_view without_frame_header(std::uint64_t& offset, std::string_view bytes, FileKind kind,
                                      std::uint64_t page_size) {
  if (kind != FileKind::wal || bytes.size() != page_size + kFrameHeader) return bytes;
  offset += kFrameHeader;
  return bytes.substr(kFrameHeader);
}

}  // namespace

Result<std::shared_ptr<SharedFile>> SharedFile::open(storage::Disk& disk, FaultLatch& faults,
                                                     const std::string& path, FileKind kind) {
  const bool is_new = !disk.exists(path);
  SPAR_ASSIGN(std::unique_ptr<storage::File> file, disk.open(path, storage::OpenMode::create));
  SPAR_ASSIGN(std::uint64_t size, file->size());
  return std::shared_ptr<SharedFile>(
      new SharedFile(disk, faults, kind, std::move(file), size, is_new));
}

SharedFile::SharedFile(storage::Disk& disk, FaultLatch& faults, FileKind kind,
                       std::unique_ptr<storage::File> file, std::uint64_t size, bool is_new)
    : disk_(disk),
      faults_(faults),
      kind_(kind),
      file_(std::move(file)),
      size_(size),
      name_unsynced_(is_new) {}

int SharedFile::fault(const Error& error, int code) {
  faults_.report(error);
  return error.sqlstate == "53100" ? SQLITE_FULL : code;
}

Failure SharedFile::damaged(std::uint64_t offset) const {
  Failure result = failure(
      Code::corrupt,
      file_->path() + " does not hold what was written at byte " + std::to_string(offset), "XX001");
  result.error().hint = "something other than this server wrote to the file, or the disk failed";
  return result;
}

// --- Pages ---

SharedFile::Layout SharedFile::layout() const {
  const std::uint64_t size = page_size_.load(std::memory_order_acquire);
  if (kind_ == FileKind::wal) return {size, kWalHeader + kFrameHeader, size + kFrameHeader};
  return {size, 0, size};
}

// A WAL names its page size in its header; of the main file the first page that is read or written
// whole shows it.
void SharedFile::learn_page_size(std::uint64_t offset, std::string_view bytes) {
  std::uint64_t size = 0;
  if (kind_ == FileKind::database) size = bytes.size();
  if (kind_ == FileKind::wal && bytes.size() == kWalHeader) size = big_endian(bytes, 8);
  if (offset != 0 || !is_page_size(size) || size == page_size_.load()) return;
  pages_.forget_from(0);
  page_size_.store(size, std::memory_order_release);
}

std::optional<std::uint64_t> SharedFile::page_at(std::uint64_t offset, std::size_t size) const {
  const Layout where = layout();
  if (where.page_size == 0 || size != where.page_size || offset < where.first) return std::nullopt;
  if ((offset - where.first) % where.stride != 0) return std::nullopt;
  return (offset - where.first) / where.stride;
}

void SharedFile::remember(std::uint64_t offset, std::string_view bytes) {
  if (kind_ == FileKind::other) return;
  learn_page_size(offset, bytes);
  const Layout where = layout();
  if (where.page_size == 0) return;
  bytes = without_frame_header(offset, bytes, kind_, where.page_size);
  if (auto page = page_at(offset, bytes.size())) {
    pages_.set(*page, PageTable::hash(bytes));
    return;
  }
  const std::uint64_t end = offset + bytes.size();
  std::uint64_t page = offset < where.first ? 0 : (offset - where.first) / where.stride;
  for (; where.offset(page) < end; ++page) {
    bool touched = offset < where.offset(page) + where.page_size;
    if (touched) pages_.set(page, 0);
  }
}

bool SharedFile::agrees(std::uint64_t offset, std::string_view bytes) {
  if (kind_ == FileKind::other) return true;
  if (page_size_.load(std::memory_order_acquire) == 0) learn_page_size(offset, bytes);
  bytes = without_frame_header(offset, bytes, kind_, page_size_.load(std::memory_order_acquire));
  auto page = page_at(offset, bytes.size());
  if (!page) return true;
  std::uint64_t hash = PageTable::hash(bytes);
  return pages_.set_if_unknown(*page, hash) == hash;
}

// --- Reading ---

int SharedFile::read(std::uint64_t offset, std::span<char> out) {
  if (faults_.broken()) return SQLITE_IOERR_READ;
  const std::uint64_t end = offset + out.size();
  if (end > size() || end > collected_from_.load(std::memory_order_acquire)) {
    return read_carefully(offset, out);
  }
  Result<std::size_t> got = file_->read(offset, out);
  if (!got) return fault(got.error(), SQLITE_IOERR_READ);
  if (*got == out.size() && agrees(offset, {out.data(), out.size()})) return SQLITE_OK;
  return read_carefully(offset, out);
}

Result<std::size_t> SharedFile::read_through(std::uint64_t offset, std::span<char> out) {
  SPAR_ASSIGN(std::size_t got, file_->read(offset, out));
  const std::uint64_t end = collected_at_ + collected_.size();
  const std::uint64_t from = std::max(offset, collected_at_);
  const std::uint64_t to = std::min(offset + out.size(), end);
  if (collected_.empty() || from >= to) return got;
  std::memcpy(out.data() + (from - offset), collected_.data() + (from - collected_at_), to - from);
  return std::max<std::size_t>(got, to - offset);
}

// Nothing is written meanwhile, so what does not fit now is a fault.
int SharedFile::read_carefully(std::uint64_t offset, std::span<char> out) {
  std::unique_lock lock(io_);
  const std::uint64_t known = size();
  const std::size_t want = offset >= known ? 0 : std::min<std::size_t>(out.size(), known - offset);
  Result<std::size_t> got = want == 0 ? 0 : read_through(offset, out.first(want));
  const bool agreed = got && *got == want && agrees(offset, {out.data(), want});
  lock.unlock();
  if (!got) return fault(got.error(), SQLITE_IOERR_READ);
  if (!agreed) return fault(damaged(offset).error(), SQLITE_IOERR_CORRUPTFS);
  if (want == out.size()) return SQLITE_OK;
  std::memset(out.data() + want, 0, out.size() - want);
  return SQLITE_IOERR_SHORT_READ;
}

// --- Writing ---

void SharedFile::update_collected_from() {
  collected_from_.store(collected_.empty() ? kNothingCollected : collected_at_,
                        std::memory_order_release);
}

Result<void> SharedFile::write_collected() {
  if (collected_.empty()) return {};
  SPAR_TRY(file_->write(collected_at_, collected_));
  collected_.clear();
  update_collected_from();
  return {};
}

// A frame is a header of 24 bytes, then the page; the header of the frame that commits says how
// many pages the database has.
Result<void> SharedFile::collect(std::uint64_t offset, std::string_view bytes) {
  const std::uint64_t end = collected_at_ + collected_.size();
  const bool inside = !collected_.empty() && offset >= collected_at_ && offset <= end;
  if (!inside) {
    SPAR_TRY(write_collected());
    collected_at_ = offset;
  }
  const std::size_t at = static_cast<std::size_t>(offset - collected_at_);
  if (collected_.size() < at + bytes.size()) collected_.resize(at + bytes.size());
  std::memcpy(collected_.data() + at, bytes.data(), bytes.size());
  update_collected_from();
  if (bytes.size() == kFrameHeader) {
    commit_frame_ = big_endian(bytes, 4) != 0;
    return {};
  }
  const bool committed = std::exchange(commit_frame_, false);
  if (committed || collected_.size() >= kCollectedMax) return write_collected();
  return {};
}

int SharedFile::write(std::uint64_t offset, std::string_view bytes) {
  if (faults_.broken()) return SQLITE_IOERR_WRITE;
  std::unique_lock lock(io_);
  remember(offset, bytes);
  Result<void> done = kind_ == FileKind::wal ? collect(offset, bytes) : file_->write(offset, bytes);
  if (done) size_.store(std::max(size(), offset + bytes.size()), std::memory_order_release);
  lock.unlock();
  return done ? SQLITE_OK : fault(done.error(), SQLITE_IOERR_WRITE);
}

int SharedFile::flush() {
  if (kind_ != FileKind::wal || faults_.broken()) return SQLITE_OK;
  std::unique_lock lock(io_);
  Result<void> done = write_collected();
  lock.unlock();
  return done ? SQLITE_OK : fault(done.error(), SQLITE_IOERR_WRITE);
}

// The flush itself runs without the lock, so that commits go on while a checkpoint waits for it.
int SharedFile::sync() {
  if (faults_.broken()) return SQLITE_IOERR_FSYNC;
  std::unique_lock lock(io_);
  Result<void> done = write_collected();
  const bool name_unsynced = name_unsynced_;
  lock.unlock();
  if (done) done = file_->sync();
  if (done && name_unsynced) {
    done = disk_.sync_directory(storage::parent_directory(file_->path()));
    lock.lock();
    name_unsynced_ = !done;
    lock.unlock();
  }
  return done ? SQLITE_OK : fault(done.error(), SQLITE_IOERR_FSYNC);
}

int SharedFile::truncate(std::uint64_t size) {
  if (faults_.broken()) return SQLITE_IOERR_TRUNCATE;
  std::unique_lock lock(io_);
  Result<void> done = write_collected();
  if (done) done = file_->truncate(size);
  if (done) {
    const Layout where = layout();
    if (where.page_size != 0) {
      pages_.forget_from(size < where.first ? 0 : (size - where.first) / where.stride);
    }
    size_.store(size, std::memory_order_release);
  }
  lock.unlock();
  return done ? SQLITE_OK : fault(done.error(), SQLITE_IOERR_TRUNCATE);
}

// --- Watching ---

std::uint64_t SharedFile::size_on_disk() const {
  return std::min(size(), collected_from_.load(std::memory_order_acquire));
}

Result<void> SharedFile::inspect_size() {
  std::lock_guard lock(io_);
  SPAR_ASSIGN(std::uint64_t real, file_->size());
  if (real >= size_on_disk()) return {};
  return failure(Code::corrupt,
                 file_->path() + " was cut from " + std::to_string(size()) + " to " +
                     std::to_string(real) + " bytes",
                 "XX001");
}

// False when the page is not on the disk (yet).
Result<bool> SharedFile::inspect_page(const Layout& where, std::uint64_t page) {
  std::lock_guard lock(io_);
  const std::uint64_t offset = where.offset(page);
  if (offset + where.page_size > size_on_disk()) return false;
  Bytes bytes(static_cast<std::size_t>(where.page_size), '\0');
  SPAR_ASSIGN(std::size_t got, file_->read(offset, bytes));
  if (got != bytes.size() || !agrees(offset, bytes)) return damaged(offset);
  return true;
}

Result<void> SharedFile::inspect(std::size_t pages) {
  const bool there = file_->still_there();
  if (retired_.load()) return {};
  if (!there) {
    return failure(Code::io, file_->path() + " was deleted, moved or replaced", "58030");
  }
  SPAR_TRY(inspect_size());
  const Layout where = layout();
  if (where.page_size == 0) return {};
  SPAR_ASSIGN(bool has_first, inspect_page(where, 0));
  std::uint64_t page;
  {
    std::lock_guard lock(io_);
    page = next_inspected_;
  }
  for (std::size_t i = 0; has_first && i < pages; ++i) {
    SPAR_ASSIGN(bool is_there, inspect_page(where, ++page));
    if (!is_there) page = 0;
  }
  std::lock_guard lock(io_);
  next_inspected_ = page;
  return {};
}

void SharedFile::set_wal(const std::shared_ptr<SharedFile>& wal) {
  std::lock_guard lock(wal_mutex_);
  wal_ = wal;
}

std::shared_ptr<SharedFile> SharedFile::wal() {
  std::lock_guard lock(wal_mutex_);
  return wal_.lock();
}

}  // namespace spar::engines::sqlite
