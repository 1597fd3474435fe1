#include "tests/support/block_image.h"

#include <algorithm>
#include <cstring>

namespace spar::test {

std::size_t BlockImage::read(std::uint64_t offset, std::span<char> out) const {
  if (offset >= size_) return 0;
  const std::size_t total =
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
  for (std::size_t done = 0; done < total;) {
    std::size_t index = static_cast<std::size_t>((offset + done) / kBlock);
    std::size_t begin = static_cast<std::size_t>((offset + done) % kBlock);
    std::size_t size = std::min(kBlock - begin, total - done);
    const Block* block = index < blocks_.size() ? blocks_[index].get() : nullptr;
    if (block != nullptr) {
      std::memcpy(out.data() + done, block->data() + begin, size);
    } else {
      std::memset(out.data() + done, 0, size);
    }
    done += size;
  }
  return total;
}

void BlockImage::write_block(std::size_t index, std::size_t begin, std::string_view bytes) {
  std::shared_ptr<Block>& block = blocks_[index];
  if (block == nullptr) {
    if (std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; })) return;
    block = std::make_shared<Block>();
    block->fill(0);
  } else if (block.use_count() > 1) {
    block = std::make_shared<Block>(*block);
  }
  std::memcpy(block->data() + begin, bytes.data(), bytes.size());
}

void BlockImage::write(std::uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  size_ = std::max(size_, offset + bytes.size());
  blocks_.resize(static_cast<std::size_t>((size_ + kBlock - 1) / kBlock));
  for (std::size_t done = 0; done < bytes.size();) {
    std::size_t begin = static_cast<std::size_t>((offset + done) % kBlock);
    std::size_t size = std::min(kBlock - begin, bytes.size() - done);
    write_block(static_cast<std::size_t>((offset + done) / kBlock), begin,
                bytes.substr(done, size));
    done += size;
  }
}

void BlockImage::truncate(std::uint64_t size) {
  std::size_t tail = static_cast<std::size_t>(size % kBlock);
  if (size < size_ && tail != 0) {
    static const std::string zeros(kBlock, '\0');
    write_block(static_cast<std::size_t>(size / kBlock), tail,
                std::string_view(zeros).substr(0, kBlock - tail));
  }
  size_ = size;
  blocks_.resize(static_cast<std::size_t>((size + kBlock - 1) / kBlock));
}

}  // namespace spar::test
