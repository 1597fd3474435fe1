// engines/sqlite/vfs_page_table.h: the hash of every page of a file, 8 bytes each.
//
// Contract    get() gives 0 for a page that is not known. A page past kPagesMax is never known.
// Threads     Any thread; get and set_if_unknown take no lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace spar::engines::sqlite {

class PageTable {
 public:
  static constexpr std::uint64_t kChunkPages = 8192;
  static constexpr std::uint64_t kChunksMax = 16384;
  static constexpr std::uint64_t kPagesMax = kChunkPages * kChunksMax;  // 512 GiB of 4 KiB pages

  PageTable() : chunks_(kChunksMax) {}
  ~PageTable();
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;

  static std::uint64_t hash(std::string_view page);  // never 0

  std::uint64_t get(std::uint64_t page) const;
  void set(std::uint64_t page, std::uint64_t hash);
  // Gives the hash that the page has now.
  std::uint64_t set_if_unknown(std::uint64_t page, std::uint64_t hash);
  void forget_from(std::uint64_t page);

 private:
  using Chunk = std::array<std::atomic<std::uint64_t>, kChunkPages>;

  std::atomic<std::uint64_t>* slot(std::uint64_t page);

  std::vector<std::atomic<Chunk*>> chunks_;
};

}  // namespace spar::engines::sqlite
