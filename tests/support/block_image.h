// tests/support/block_image.h: the bytes of one file in memory, shared block by block between
// copies.
//
// Contract    Copying is cheap; a block is copied when one of its sharers writes to it. Holes and
//             blocks of zeros take no memory. read() beyond the end gives fewer bytes.
// Threads     A BlockImage belongs to one thread; images that share blocks may be on different
// ones.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace spar::test {

class BlockImage {
 public:
  std::uint64_t size() const { return size_; }
  std::size_t read(std::uint64_t offset, std::span<char> out) const;
  void write(std::uint64_t offset, std::string_view bytes);
  void truncate(std::uint64_t size);  // longer: with zeros

 private:
  static constexpr std::size_t kBlock = 4096;
  using Block = std::array<char, kBlock>;

  void write_block(std::size_t index, std::size_t begin, std::string_view bytes);

  std::uint64_t size_ = 0;
  std::vector<std::shared_ptr<Block>> blocks_;  // null: zeros
};

}  // namespace spar::test
