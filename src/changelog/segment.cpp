#include "changelog/segment.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <limits>

namespace spar::changelog {
namespace {

constexpr std::string_view kMagic = "SPARLOG\n";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kHeaderUsed = 48;
constexpr std::size_t kPrefix = 12;  // checksum and length
constexpr std::size_t kFixed = kRecordOverhead - kPrefix;
constexpr std::size_t kChunk = 256 << 10;

std::uint64_t checksum(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Failure bad_header(const std::string& path, const char* what) {
  return failure(Code::corrupt, path + " is not a change log segment: " + what, "XX001");
}

struct Prefix {
  std::uint64_t checksum;
  std::uint64_t size;  // of the whole record
};

std::optional<Prefix> read_prefix(std::string_view bytes) {
  ByteReader in(bytes);
  Prefix prefix{};
  prefix.checksum = in.le<std::uint64_t>();
  auto length = in.le<std::uint32_t>();
  if (!in.ok() || length < kFixed) return std::nullopt;
  prefix.size = kPrefix + std::uint64_t{length};
  return prefix;
}

StoredRecord read_body(std::string_view body) {
  ByteReader in(body);
  StoredRecord record;
  record.position.epoch = Epoch{in.le<std::uint64_t>()};
  record.position.sequence = Sequence{in.le<std::uint64_t>()};
  record.transaction = TransactionId{in.le<std::uint64_t>()};
  record.commit_time = Timestamp{in.le<std::int64_t>()};
  record.changes = in.raw(in.remaining());
  return record;
}

bool follows(const Position& next, const Position& last) {
  return next.sequence.value == last.sequence.value + 1 && next.epoch >= last.epoch;
}

}  // namespace

Bytes encode_header(const SegmentHeader& header) {
  Bytes bytes(kMagic);
  ByteWriter out(bytes);
  out.le(kFormat);
  out.le(static_cast<std::uint32_t>(kHeaderBytes));
  out.le(header.base.epoch.value);
  out.le(header.base.sequence.value);
  out.le(header.seed);
  out.le(checksum(bytes, 0));
  bytes.resize(kHeaderBytes);
  return bytes;
}

Result<SegmentHeader> decode_header(std::string_view block, const std::string& path) {
  if (block.size() < kHeaderBytes) return bad_header(path, "it is too short");
  ByteReader in(block);
  if (in.raw(kMagic.size()) != kMagic) return bad_header(path, "it begins with other bytes");
  if (in.le<std::uint32_t>() != kFormat) return bad_header(path, "it has an unknown format");
  if (in.le<std::uint32_t>() != kHeaderBytes) return bad_header(path, "it has an unknown header");
  SegmentHeader header;
  header.base.epoch = Epoch{in.le<std::uint64_t>()};
  header.base.sequence = Sequence{in.le<std::uint64_t>()};
  header.seed = in.le<std::uint64_t>();
  if (in.le<std::uint64_t>() != checksum(block.substr(0, kHeaderUsed - 8), 0)) {
    return bad_header(path, "its header is damaged");
  }
  return header;
}

std::string segment_name(Sequence first) {
  char name[32];
  std::snprintf(name, sizeof name, "%020llu.log", static_cast<unsigned long long>(first.value));
  return name;
}

std::optional<Sequence> parse_segment_name(std::string_view name) {
  if (name.size() != 24 || name.substr(20) != ".log") return std::nullopt;
  std::uint64_t value = 0;
  for (char c : name.substr(0, 20)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return Sequence{value};
}

std::uint64_t encode_record(const Record& record, std::uint64_t chain, Bytes& out) {
  const std::size_t start = out.size();
  ByteWriter writer(out);
  writer.le(std::uint64_t{0});  // the checksum's place
  writer.le(static_cast<std::uint32_t>(kFixed + record.changes.size()));
  writer.le(record.position.epoch.value);
  writer.le(record.position.sequence.value);
  writer.le(record.transaction.value);
  writer.le(record.commit_time.count());
  writer.raw(record.changes);
  std::uint64_t sum = checksum(std::string_view(out).substr(start + 8), chain);
  std::memcpy(out.data() + start, &sum, sizeof sum);
  return sum;
}

Result<bool> SegmentReader::fill(std::size_t size) {
  if (window().size() >= size) return true;
  if (place_.offset + size > limit_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t have = buffer_.size();
  const std::uint64_t from = place_.offset + have;
  const std::uint64_t want = std::min<std::uint64_t>(limit_ - from, std::max(size - have, kChunk));
  buffer_.resize(have + want);
  SPAR_ASSIGN(std::size_t got, file_.read(from, std::span(buffer_).subspan(have)));
  buffer_.resize(have + got);
  return buffer_.size() >= size;
}

Result<std::optional<StoredRecord>> SegmentReader::next() {
  SPAR_ASSIGN(bool has_prefix, fill(kPrefix));
  if (!has_prefix) return std::nullopt;
  std::optional<Prefix> prefix = read_prefix(window());
  if (!prefix) return std::nullopt;
  SPAR_ASSIGN(bool whole, fill(prefix->size));
  if (!whole) return std::nullopt;
  std::string_view bytes = window().substr(0, prefix->size);
  if (checksum(bytes.substr(8), place_.chain) != prefix->checksum) return std::nullopt;
  StoredRecord record = read_body(bytes.substr(kPrefix));
  if (!follows(record.position, place_.after)) return std::nullopt;
  place_ = {record.position, place_.offset + prefix->size, prefix->checksum};
  begin_ += prefix->size;
  return record;
}

}  // namespace spar::changelog
