#include "engines/sqlite/cut_back.h"

#include <array>
#include <cstdint>
#include <vector>

namespace spar::engines::sqlite {
namespace {

constexpr std::uint64_t kHeaderBytes = 32;
constexpr std::uint64_t kFrameHeaderBytes = 24;

std::uint32_t big_endian(const char* bytes) {
  auto* b = reinterpret_cast<const unsigned char*>(bytes);
  return static_cast<std::uint32_t>(b[0]) << 24 | static_cast<std::uint32_t>(b[1]) << 16 |
         static_cast<std::uint32_t>(b[2]) << 8 | b[3];
}

std::uint32_t little_endian(const char* bytes) {
  return __builtin_bswap32(big_endian(bytes));
}

struct Checksum {
  std::uint32_t first = 0, second = 0;
  void add(const char* bytes, std::size_t size, bool big) {
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
      first += (big ? big_endian(bytes + i) : little_endian(bytes + i)) + second;
      second += (big ? big_endian(bytes + i + 4) : little_endian(bytes + i + 4)) + first;
    }
  }
};

struct Header {
  bool big = false;
  std::uint32_t page_bytes = 0;
  std::array<char, 8> salt{};
  Checksum checksum;
};

bool parse_header(const std::array<char, kHeaderBytes>& bytes, Header& header) {
  std::uint32_t magic = big_endian(bytes.data());
  if ((magic & 0xfffffffe) != 0x377f0682) return false;
  header.big = (magic & 1) != 0;
  header.page_bytes = big_endian(bytes.data() + 8);
  if (header.page_bytes < 512 || header.page_bytes > 65536) return false;
  std::copy(bytes.begin() + 16, bytes.begin() + 24, header.salt.begin());
  header.checksum.add(bytes.data(), 24, header.big);
  return header.checksum.first == big_endian(bytes.data() + 24) &&
         header.checksum.second == big_endian(bytes.data() + 28);
}

// Whether this frame belongs to the log; carries the running checksum over it.
bool parse_frame(const std::vector<char>& frame, Header& header, bool& commit) {
  if (!std::equal(header.salt.begin(), header.salt.end(), frame.begin() + 8)) return false;
  header.checksum.add(frame.data(), 8, header.big);
  header.checksum.add(frame.data() + kFrameHeaderBytes, header.page_bytes, header.big);
  commit = big_endian(frame.data() + 4) != 0;
  return big_endian(frame.data()) != 0 && header.checksum.first == big_endian(frame.data() + 16) &&
         header.checksum.second == big_endian(frame.data() + 20);
}

}  // namespace

Result<std::vector<std::uint64_t>> commit_ends(storage::Disk& disk, const std::string& wal_path) {
  std::vector<std::uint64_t> ends{0};
  if (!disk.exists(wal_path)) return ends;
  SPAR_ASSIGN(auto file, disk.open(wal_path, storage::OpenMode::read));
  std::array<char, kHeaderBytes> head{};
  SPAR_ASSIGN(std::size_t got, file->read(0, head));
  Header header;
  if (got != kHeaderBytes || !parse_header(head, header)) return ends;
  std::vector<char> frame(kFrameHeaderBytes + header.page_bytes);
  for (std::uint64_t offset = kHeaderBytes;; offset += frame.size()) {
    SPAR_ASSIGN(got, file->read(offset, frame));
    bool commit = false;
    if (got != frame.size() || !parse_frame(frame, header, commit)) return ends;
    if (commit) ends.push_back(offset + frame.size());
  }
}

Result<void> shorten(storage::Disk& disk, const std::string& wal_path, std::uint64_t size) {
  if (size == 0) return disk.remove(wal_path);
  SPAR_ASSIGN(auto file, disk.open(wal_path, storage::OpenMode::read_write));
  SPAR_TRY(file->truncate(size));
  return file->sync();
}

}  // namespace spar::engines::sqlite
