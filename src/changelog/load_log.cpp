#include <algorithm>

#include "changelog/file_log.h"

namespace spar::changelog {
namespace {

bool all_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

Result<SegmentHeader> read_header(storage::File& file, Sequence first) {
  Bytes block(kHeaderBytes, '\0');
  SPAR_ASSIGN(std::size_t got, file.read(0, block));
  SPAR_ASSIGN(SegmentHeader header,
              decode_header(std::string_view(block).substr(0, got), file.path()));
  if (header.base.sequence.value + 1 != first.value) {
    return failure(Code::corrupt, file.path() + " has the name of another segment", "XX001");
  }
  return header;
}

// Walks the records of `segment` and leaves its end behind the last that chains.
Result<void> scan(storage::File& file, Segment& segment) {
  SegmentReader reader(file, segment.start(), segment.capacity);
  while (true) {
    SPAR_ASSIGN(std::optional<StoredRecord> record, reader.next());
    if (!record) return {};
    segment.advance(reader.place());
  }
}

bool continues(const SegmentHeader& next, const Place& end) {
  return next.base == end.after && next.seed == end.chain;
}

}  // namespace

Result<std::unique_ptr<Log>> Log::open(storage::Disk& disk, const std::string& directory,
                                       const LogOptions& options, Position base) {
  auto log = std::make_unique<FileLog>(disk, directory, options);
  SPAR_TRY(log->load(base));
  return log;
}

Result<std::vector<Sequence>> FileLog::find_segments() {
  SPAR_ASSIGN(std::vector<std::string> names, disk_.list(directory_));
  std::vector<Sequence> found;
  for (const std::string& name : names) {
    if (auto first = parse_segment_name(name)) found.push_back(*first);
  }
  return found;  // sorted, as the names are
}

Result<void> FileLog::load(Position base) {
  SPAR_TRY(disk_.make_directory(directory_));
  SPAR_ASSIGN(std::vector<Sequence> found, find_segments());
  if (found.empty()) {
    SPAR_TRY(create_segment({base, 0}));
    SPAR_TRY(disk_.sync_directory(directory_));
    name_unsynced_ = false;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    SPAR_TRY(load_segment(found[i], i + 1 == found.size()));
  }
  durable_ = segments_.back()->end.after;
  return {};
}

Result<void> FileLog::load_segment(Sequence first, bool is_last) {
  auto segment = std::make_unique<Segment>();
  segment->path = directory_ + "/" + segment_name(first);
  SPAR_ASSIGN(std::shared_ptr<storage::File> file,
              disk_.open(segment->path, storage::OpenMode::read_write));
  SPAR_ASSIGN(segment->header, read_header(*file, first));
  SPAR_ASSIGN(segment->capacity, file->size());
  segment->advance(segment->start());
  SPAR_TRY(scan(*file, *segment));
  if (!segments_.empty() && !continues(segment->header, segments_.back()->end)) {
    return failure(Code::corrupt,
                   segments_.back()->path + " is damaged behind sequence " +
                       std::to_string(segments_.back()->end.after.sequence.value),
                   "XX001");
  }
  if (is_last) {
    segment->file = file;
    SPAR_TRY(clear_tail(*segment));
  }
  segments_.push_back(std::move(segment));
  return {};
}

// L3: what a power cut left behind the end could otherwise follow a later record by chance, and the
// records found must be durable before anyone builds on them.
Result<void> FileLog::clear_tail(Segment& segment) {
  Bytes chunk(kSpareStepBytes, '\0');
  for (std::uint64_t at = segment.end.offset; at < segment.capacity; at += chunk.size()) {
    SPAR_ASSIGN(std::size_t got, segment.file->read(at, chunk));
    if (all_zero(std::string_view(chunk).substr(0, got))) continue;
    SPAR_TRY(write_zeros(*segment.file, at, at + got));
  }
  SPAR_TRY(segment.file->sync());
  return disk_.sync_directory(directory_);
}

}  // namespace spar::changelog
