#include "server/result_digest.h"

namespace spar::server {

void ResultDigest::add(const data::Row& row) {
  Bytes bytes;
  data::encode_row(row, bytes);
  // The row's place seeds its hash where the order is part of the answer.
  ObjectId seed(ordered_ ? static_cast<std::uint32_t>(bag_.rows) : 0);
  bag_.add(seed, bytes);
}

}  // namespace spar::server
