#include "server/result_digest.h"

namespace spar::server {

void ResultDigest::add(const data::Row& row) {
  Bytes bytes;
  data::encode_row(row, bytes);
  // The row's place seeds its hash where the order is part of the answer.
  ObjectId seed(ordered_ ? static_cast<std::uint32_t>(bag_.rows) : 0);
  bag_.add(seed, bytes);
}

std::size_t weight_of(const data::Row& row) {
  std::size_t bytes = 32 * row.size();
  for (const data::Datum& datum : row) {
    if (auto* text = std::get_if<std::string>(&datum)) bytes += text->size();
    if (auto* blob = std::get_if<data::Blob>(&datum)) bytes += blob->bytes.size();
  }
  return bytes;
}

}  // namespace spar::server
