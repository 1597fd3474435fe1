// changelog/segment.h: the bytes of one segment file, as docs/formats/changelog.md defines them: a
// header block, then records of which each is chained to the one before.
//
// Contract    A record is believed when its checksum, seeded with its predecessor's, fits and its
//             position follows. SegmentReader stops at the first that is not: what that means (a
//             torn tail, or damage) is for the log to decide.
// Threads     Value types and free functions; a SegmentReader belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/position.h"
#include "base/result.h"
#include "changelog/record.h"
#include "storage/disk.h"

namespace spar::changelog {

inline constexpr std::uint64_t kHeaderBytes = 4096;  // a block of its own: never written again
inline constexpr std::size_t kRecordOverhead = 44;   // bytes of a record beside its changes

// A place between two records: the record behind `after` begins at `offset` and chains from
// `chain`.
struct Place {
  Position after;
  std::uint64_t offset = kHeaderBytes;
  std::uint64_t chain = 0;
};

struct SegmentHeader {
  Position base;           // the record before the first
  std::uint64_t seed = 0;  // and its checksum
};

Bytes encode_header(const SegmentHeader& header);  // kHeaderBytes
// Refuses what encode_header never wrote; `path` is for the message.
Result<SegmentHeader> decode_header(std::string_view block, const std::string& path);

std::string segment_name(Sequence first);
std::optional<Sequence> parse_segment_name(std::string_view name);

// Appends the record's bytes to `out` and returns its checksum, the next record's chain.
std::uint64_t encode_record(const Record& record, std::uint64_t chain, Bytes& out);

// A record in a reader's buffer; `changes` is valid until the next call.
struct StoredRecord {
  Position position;
  TransactionId transaction;
  Timestamp commit_time{};
  std::string_view changes;
};

class SegmentReader {
 public:
  // Reads from `start` up to the offset `limit`. REQUIRES: `file` outlives the reader.
  SegmentReader(storage::File& file, const Place& start, std::uint64_t limit)
      : file_(file), place_(start), limit_(limit) {}

  // Nothing where the chain ends or the limit is reached.
  Result<std::optional<StoredRecord>> next();
  const Place& place() const { return place_; }  // behind the last record returned

 private:
  Result<bool> fill(
      std::size_t size);  // makes `size` bytes at place_ readable, if there are as many
  std::string_view window() const { return std::string_view(buffer_).substr(begin_); }

  storage::File& file_;
  Place place_;
  std::uint64_t limit_;
  Bytes buffer_;
  std::size_t begin_ = 0;  // of place_ in buffer_
};

}  // namespace spar::changelog
