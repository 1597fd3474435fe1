#include "engines/sqlite/vfs_page_table.h"

#include <xxhash.h>

namespace spar::engines::sqlite {

PageTable::~PageTable() {
  for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
}

std::uint64_t PageTable::hash(std::string_view page) {
  std::uint64_t value = XXH3_64bits(page.data(), page.size());
  return value == 0 ? 1 : value;
}

std::uint64_t PageTable::get(std::uint64_t page) const {
  if (page >= kPagesMax) return 0;
  const Chunk* chunk = chunks_[page / kChunkPages].load(std::memory_order_acquire);
  return chunk == nullptr ? 0 : (*chunk)[page % kChunkPages].load(std::memory_order_acquire);
}

std::atomic<std::uint64_t>* PageTable::slot(std::uint64_t page) {
  if (page >= kPagesMax) return nullptr;
  std::atomic<Chunk*>& place = chunks_[page / kChunkPages];
  Chunk* chunk = place.load(std::memory_order_acquire);
  if (chunk == nullptr) {
    auto fresh = std::make_unique<Chunk>();
    if (place.compare_exchange_strong(chunk, fresh.get(), std::memory_order_acq_rel)) {
      chunk = fresh.release();
    }
  }
  return &(*chunk)[page % kChunkPages];
}

void PageTable::set(std::uint64_t page, std::uint64_t hash) {
  if (auto* place = slot(page)) place->store(hash, std::memory_order_release);
}

std::uint64_t PageTable::set_if_unknown(std::uint64_t page, std::uint64_t hash) {
  auto* place = slot(page);
  if (place == nullptr) return hash;
  std::uint64_t known = 0;
  if (place->compare_exchange_strong(known, hash, std::memory_order_acq_rel)) return hash;
  return known;
}

void PageTable::forget_from(std::uint64_t page) {
  for (std::uint64_t i = page / kChunkPages; i < kChunksMax; ++i) {
    Chunk* chunk = chunks_[i].load(std::memory_order_acquire);
    if (chunk == nullptr) continue;
    std::uint64_t first = i == page / kChunkPages ? page % kChunkPages : 0;
    for (; first < kChunkPages; ++first) (*chunk)[first].store(0, std::memory_order_release);
  }
}

}  // namespace spar::engines::sqlite
