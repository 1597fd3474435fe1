#include "changelog/file_log.h"

#include <xxhash.h>

#include <algorithm>

#include "base/mutant.h"
#include "changelog/limits.h"

namespace spar::changelog {
namespace {

std::uint64_t hash_of(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

// The last indexed place at or before the record behind `after`.
const Place& place_before(const Segment& segment, Sequence after) {
  auto next = std::upper_bound(
      segment.index.begin(), segment.index.end(), after,
      [](Sequence sequence, const Place& place) { return sequence < place.after.sequence; });
  return next == segment.index.begin() ? segment.index.front() : *(next - 1);
}

bool holds(storage::File& file, std::uint64_t offset, std::size_t size, std::uint64_t hash) {
  Bytes bytes(size, '\0');
  auto got = file.read(offset, bytes);
  return got && *got == size && hash_of(bytes) == hash;
}

}  // namespace

void Segment::advance(const Place& place) {
  end = place;
  if (index.empty() || place.offset >= index.back().offset + kIndexStepBytes) {
    index.push_back(place);
  }
}

void Segment::cut(const Place& place) {
  end = place;
  while (index.size() > 1 && index.back().offset > place.offset) index.pop_back();
}

FileLog::FileLog(storage::Disk& disk, const std::string& directory, const LogOptions& options)
    : disk_(disk),
      directory_(directory),
      segment_bytes_(std::max(options.segment_bytes, kSegmentBytesMin)),
      spare_(disk, directory, segment_bytes_) {}

Position FileLog::base() const {
  std::lock_guard lock(state_);
  return segments_.front()->header.base;
}

Position FileLog::end() const {
  std::lock_guard lock(state_);
  return segments_.back()->end.after;
}

Position FileLog::durable() const {
  std::lock_guard lock(state_);
  return durable_;
}

Failure FileLog::die(Error error) {
  std::lock_guard lock(state_);
  if (!dead_) dead_ = std::move(error);
  return Failure(*dead_);
}

Result<void> FileLog::check_alive() const {
  std::lock_guard lock(state_);
  if (dead_) return Failure(*dead_);
  return {};
}

template <class T>
Result<void> FileLog::fatal(Result<T> result) {
  if (!result) return die(std::move(result.error()));
  return {};
}

Result<void> FileLog::check_follows(std::span<const SharedRecord> records) const {
  Position last = end();
  for (const SharedRecord& record : records) {
    const Position& next = record->position;
    if (next.sequence.value != last.sequence.value + 1 || next.epoch < last.epoch) {
      return failure(Code::invalid, "record " + to_string(next) + " does not follow " +
                                        to_string(last) + " in " + directory_);
    }
    if (record->changes.size() > kRecordBytesMax) {
      return failure(Code::invalid, "a transaction's changes are too large for the log", "54000");
    }
    last = next;
  }
  return {};
}

std::vector<Place> FileLog::encode(std::span<const SharedRecord> records) {
  std::vector<Place> places;  // offsets within the batch
  places.reserve(records.size());
  std::uint64_t chain = segments_.back()->end.chain;
  batch_.clear();
  for (const SharedRecord& record : records) {
    chain = encode_record(*record, chain, batch_);
    places.push_back({record->position, batch_.size(), chain});
  }
  return places;
}

Result<void> FileLog::append(std::span<const SharedRecord> records) {
  if (records.empty()) return {};
  std::lock_guard writing(writing_);
  SPAR_TRY(check_alive());
  SPAR_TRY(check_follows(records));
  std::vector<Place> places = encode(records);
  const Segment& last = *segments_.back();
  if (!last.empty() && last.end.offset + batch_.size() > last.capacity) {
    SPAR_TRY(fatal(roll()));
  }
  return fatal(write_batch(places));
}

// A batch is never split; one that is larger than an empty segment makes that segment longer.
Result<void> FileLog::write_batch(const std::vector<Place>& places) {
  Segment& segment = *segments_.back();
  SPAR_TRY(segment.file->write(segment.end.offset, batch_));
  publish(segment, places);
  return {};
}

void FileLog::publish(Segment& segment, const std::vector<Place>& places) {
  std::size_t size = std::min(batch_.size(), kLastBlockBytes);
  std::uint64_t hash = hash_of(std::string_view(batch_).substr(batch_.size() - size));
  std::lock_guard lock(state_);
  const std::uint64_t from = segment.end.offset;
  for (const Place& place : places) {
    segment.advance({place.after, from + place.offset, place.chain});
  }
  segment.capacity = std::max(segment.capacity, segment.end.offset);
  last_block_ = {segment.end.offset - size, size, hash};
}

Result<void> FileLog::roll() {
  std::lock_guard syncing(syncing_);
  SPAR_TRY(flush());  // L1
  const Place end = segments_.back()->end;
  return create_segment({end.after, end.chain});
}

Result<void> FileLog::create_segment(const SegmentHeader& header) {
  auto segment = std::make_unique<Segment>();
  Sequence first{header.base.sequence.value + 1};
  segment->path = directory_ + "/" + segment_name(first);
  segment->header = header;
  segment->capacity = spare_.size();
  segment->advance(segment->start());
  {
    SPAR_ASSIGN(std::unique_ptr<storage::File> spare, spare_.take());
    SPAR_TRY(spare->write(0, encode_header(header)));
    SPAR_TRY(spare->sync());  // L2
  }
  SPAR_TRY(disk_.rename(spare_.path(), segment->path));
  SPAR_ASSIGN(segment->file, disk_.open(segment->path, storage::OpenMode::read_write));
  std::lock_guard lock(state_);
  if (!segments_.empty()) segments_.back()->file.reset();
  segments_.push_back(std::move(segment));
  name_unsynced_ = true;
  last_block_ = {};
  return {};
}

Result<void> FileLog::sync() {
  std::lock_guard syncing(syncing_);
  SPAR_TRY(check_alive());
  SPAR_TRY(fatal(flush()));
  return fatal(prepare_next());
}

Result<void> FileLog::flush() {
  std::shared_ptr<storage::File> file;
  Position target;
  bool name_unsynced;
  {
    std::lock_guard lock(state_);
    file = segments_.back()->file;
    target = segments_.back()->end.after;
    name_unsynced = name_unsynced_;
  }
  Result<void> synced = file->sync();
  if (!synced && !mutant(Mutant::ignore_failed_flush)) return synced;
  if (name_unsynced) SPAR_TRY(disk_.sync_directory(directory_));
  std::lock_guard lock(state_);
  durable_ = target;
  name_unsynced_ = false;
  return {};
}

Result<void> FileLog::prepare_next() {
  {
    std::lock_guard lock(state_);
    const Segment& last = *segments_.back();
    if (last.end.offset < last.capacity / 2) return {};
  }
  return spare_.step();
}

Result<std::optional<FileLog::Stretch>> FileLog::stretch_after(Sequence after) {
  std::lock_guard lock(state_);
  if (dead_) return Failure(*dead_);
  if (after < segments_.front()->header.base.sequence) {
    return failure(Code::invalid, "the change log no longer holds the record after sequence " +
                                      std::to_string(after.value));
  }
  if (after >= segments_.back()->end.after.sequence) return std::nullopt;
  auto next = std::upper_bound(segments_.begin(), segments_.end(), after,
                               [](Sequence sequence, const std::unique_ptr<Segment>& segment) {
                                 return sequence < segment->header.base.sequence;
                               });
  const Segment& segment = **(next - 1);
  return Stretch{segment.path, segment.file, place_before(segment, after), segment.end.offset};
}

Result<bool> FileLog::read_stretch(const Stretch& stretch, Sequence after, std::size_t& budget,
                                   std::vector<SharedRecord>& out) {
  std::shared_ptr<storage::File> file = stretch.file;
  if (!file) {
    SPAR_ASSIGN(file, disk_.open(stretch.path, storage::OpenMode::read));
  }
  SegmentReader reader(*file, stretch.from, stretch.limit);
  while (reader.place().offset < stretch.limit) {
    SPAR_ASSIGN(std::optional<StoredRecord> found, reader.next());
    if (!found) {
      return failure(Code::corrupt,
                     stretch.path + " is damaged behind sequence " +
                         std::to_string(reader.place().after.sequence.value),
                     "XX001");
    }
    if (found->position.sequence <= after) continue;
    std::size_t size = found->changes.size() + kRecordOverhead;
    if (size > budget && !out.empty()) return false;
    budget -= std::min(budget, size);
    out.push_back(std::make_shared<const Record>(
        Record{found->position, found->transaction, found->commit_time, Bytes(found->changes)}));
  }
  return budget > 0;
}

Result<std::vector<SharedRecord>> FileLog::read(Sequence after, std::size_t bytes_max) {
  std::shared_lock reading(reading_);
  std::vector<SharedRecord> records;
  for (bool more = true; more;) {
    SPAR_ASSIGN(std::optional<Stretch> stretch, stretch_after(after));
    if (!stretch) break;
    SPAR_ASSIGN(more, read_stretch(*stretch, after, bytes_max, records));
    if (!records.empty()) after = records.back()->position.sequence;
  }
  return records;
}

Result<void> FileLog::remove_last_segment() {
  std::string path = segments_.back()->path;
  {
    std::lock_guard lock(state_);
    segments_.back()->file.reset();
  }
  SPAR_TRY(disk_.remove(path));
  return disk_.sync_directory(directory_);  // L4
}

Result<void> FileLog::cut_segment(Segment& segment, Sequence last) {
  if (!segment.file) {
    SPAR_ASSIGN(segment.file, disk_.open(segment.path, storage::OpenMode::read_write));
  }
  SegmentReader reader(*segment.file, place_before(segment, last), segment.end.offset);
  while (reader.place().after.sequence < last) {
    SPAR_ASSIGN(std::optional<StoredRecord> record, reader.next());
    if (!record) return failure(Code::corrupt, segment.path + " is damaged", "XX001");
  }
  SPAR_TRY(write_zeros(*segment.file, reader.place().offset, segment.end.offset));
  SPAR_TRY(segment.file->sync());
  std::lock_guard lock(state_);
  segment.cut(reader.place());
  durable_ = segment.end.after;
  last_block_ = {};
  return {};
}

Result<void> FileLog::cut_after(Sequence last) {
  std::lock_guard writing(writing_);
  std::lock_guard syncing(syncing_);
  std::unique_lock reading(reading_);
  SPAR_TRY(check_alive());
  if (last < base().sequence) {
    return failure(Code::invalid,
                   "the change log begins after sequence " + std::to_string(base().sequence.value));
  }
  SPAR_TRY(fatal(flush()));
  if (last >= end().sequence) return {};
  while (segments_.size() > 1 && segments_.back()->header.base.sequence >= last) {
    SPAR_TRY(fatal(remove_last_segment()));
    std::lock_guard lock(state_);
    segments_.pop_back();
  }
  return fatal(cut_segment(*segments_.back(), last));
}

Result<void> FileLog::trim_through(Sequence last) {
  std::lock_guard writing(writing_);
  std::unique_lock reading(reading_);
  SPAR_TRY(check_alive());
  while (segments_.size() > 1 && segments_[1]->header.base.sequence <= last) {
    SPAR_TRY(fatal(disk_.remove(segments_.front()->path)));
    SPAR_TRY(fatal(disk_.sync_directory(directory_)));  // L4
    std::lock_guard lock(state_);
    segments_.erase(segments_.begin());
  }
  return {};
}

// A power cut on the way leaves an empty directory, which open() begins at the base it is given.
Result<void> FileLog::restart_at(Position base) {
  std::lock_guard writing(writing_);
  std::lock_guard syncing(syncing_);
  std::unique_lock reading(reading_);
  SPAR_TRY(check_alive());
  while (segments_.size() > 1) {
    SPAR_TRY(fatal(remove_last_segment()));
    std::lock_guard lock(state_);
    segments_.pop_back();
  }
  SPAR_TRY(fatal(remove_last_segment()));
  SPAR_TRY(fatal(create_segment({base, 0})));
  SPAR_TRY(fatal(disk_.sync_directory(directory_)));
  std::lock_guard lock(state_);
  segments_.erase(segments_.begin());
  name_unsynced_ = false;
  durable_ = base;
  return {};
}

bool FileLog::intact() {
  std::shared_lock reading(reading_);
  std::shared_ptr<storage::File> file;
  SegmentHeader header;
  std::uint64_t capacity;
  LastBlock block;
  {
    std::lock_guard lock(state_);
    if (dead_) return false;
    const Segment& last = *segments_.back();
    file = last.file;
    header = last.header;
    capacity = last.capacity;
    block = last_block_;
  }
  if (!file->still_there()) return false;
  auto size = file->size();
  if (!size || *size < capacity) return false;
  Bytes written = encode_header(header);
  return holds(*file, 0, written.size(), hash_of(written)) &&
         (block.size == 0 || holds(*file, block.offset, block.size, block.hash));
}

}  // namespace spar::changelog
