// server/result_digest.h: what a statement answered, small enough to keep for a replay.
//
// Contract    Ordered results compare row by row in order; unordered ones as bags (a sum of row
//             hashes). Equal digests: the same count and, up to hash collisions (2^-128), the same
//             rows.
#pragma once

#include <cstdint>

#include "data/row_codec.h"

namespace spar::server {

class ResultDigest {
 public:
  explicit ResultDigest(bool ordered = false) : ordered_(ordered) {}
  void add(const data::Row& row);
  void set_affected(std::uint64_t affected) { affected_ = affected; }
  std::uint64_t rows() const { return static_cast<std::uint64_t>(bag_.rows); }
  friend bool operator==(const ResultDigest&, const ResultDigest&) = default;

 private:
  bool ordered_;
  data::ContentHash bag_;
  std::uint64_t affected_ = 0;
};

// About how much memory a row takes.
std::size_t weight_of(const data::Row& row);

}  // namespace spar::server
