#include "gateway/copy_in.h"

#include <utility>

namespace spar::gateway {

CopyIn::CopyIn(Backend& backend, Executable executable, const data::TextContext& text,
               const Limits& limits)
    : backend_(backend),
      executable_(std::move(executable)),
      batch_rows_(limits.copy_batch_rows),
      batch_bytes_(limits.copy_batch_bytes),
      reader_(copy(), reader_options(text, limits)) {}

CopyReader::Options CopyIn::reader_options(const data::TextContext& text,
                                           const Limits& limits) const {
  CopyReader::Options options{
      .table_name = {}, .text = text, .line_bytes_max = limits.message_bytes_max};
  const std::shared_ptr<const data::Catalogue> catalogue = backend_.catalogue();
  if (const data::Table* table = catalogue->table(copy().table)) options.table_name = table->name;
  return options;
}

Result<void> CopyIn::feed(std::string_view bytes) {
  // In pieces, so that one large message does not become one large batch of rows.
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, batch_bytes_);
    bytes.remove_prefix(piece.size());
    SPAR_TRY(reader_.feed(piece, rows_));
    bytes_ += piece.size();
    if (rows_.size() >= batch_rows_ || bytes_ >= batch_bytes_) SPAR_TRY(write());
  }
  return {};
}

Result<std::uint64_t> CopyIn::finish() {
  SPAR_TRY(reader_.finish(rows_));
  SPAR_TRY(write());
  return count_;
}

Result<void> CopyIn::write() {
  bytes_ = 0;
  if (rows_.empty()) return {};
  count_ += rows_.size();
  return backend_.insert_rows(executable_, std::exchange(rows_, {}));
}

}  // namespace spar::gateway
