// gateway/relay/chunks.h: bytes on their way to one socket, borrowed where that spares a copy.
//
// Contract    Pieces keep their order. Borrowed bytes must stay where they are until clear(); small
//             ones are copied, so that few pieces remain. Reused: clear() keeps the memory, up to
//             a bound.
// Threads     Value type; no synchronisation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace spar::gateway::relay {

class Chunks {
 public:
  static constexpr std::size_t kCopiedMax = 512;  // below, copying is cheaper than one more piece

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t pieces() const { return pieces_.size(); }

  void borrow(std::string_view bytes) {
    if (bytes.empty()) return;
    size_ += bytes.size();
    if (!pieces_.empty() && continues(pieces_.back(), bytes)) {
      pieces_.back().size += bytes.size();
    } else if (bytes.size() <= kCopiedMax && !pieces_.empty() && pieces_.back().data == nullptr) {
      append(bytes);
    } else {
      pieces_.push_back({.data = bytes.data(), .size = bytes.size()});
    }
  }

  void copy(std::string_view bytes) {
    if (bytes.empty()) return;
    size_ += bytes.size();
    if (pieces_.empty() || pieces_.back().data != nullptr) {
      pieces_.push_back({.at = own_.size()});
    }
    append(bytes);
  }

  // Valid until the next copy() or clear().
  std::string_view piece(std::size_t i) const {
    const Piece& piece = pieces_[i];
    return {piece.data != nullptr ? piece.data : own_.data() + piece.at, piece.size};
  }

  void append_to(Bytes& out, std::size_t from = 0) const {
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      std::string_view bytes = piece(i);
      const std::size_t skipped = from < bytes.size() ? from : bytes.size();
      from -= skipped;
      out += bytes.substr(skipped);
    }
  }

  void clear() {
    constexpr std::size_t kKeptBytesMax = 256u << 10;
    pieces_.clear();
    size_ = 0;
    own_.clear();
    if (own_.capacity() > kKeptBytesMax) Bytes().swap(own_);
  }

 private:
  struct Piece {
    const char* data = nullptr;  // borrowed; else own_ from `at`
    std::size_t at = 0;
    std::size_t size = 0;
  };
  static bool continues(const Piece& piece, std::string_view bytes) {
    return piece.data != nullptr && piece.data + piece.size == bytes.data();
  }
  void append(std::string_view bytes) {
    own_ += bytes;
    pieces_.back().size += bytes.size();
  }

  std::vector<Piece> pieces_;
  Bytes own_;
  std::size_t size_ = 0;
};

}  // namespace spar::gateway::relay
