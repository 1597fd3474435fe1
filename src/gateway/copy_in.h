// gateway/copy_in.h: one COPY FROM STDIN under way: the client's data, in batches of rows, to the
// backend.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/backend.h"
#include "gateway/copy_reader.h"
#include "gateway/limits.h"

namespace spar::gateway {

class CopyIn {
 public:
  // `executable`'s statement is a query::CopyIn, and stays in here.
  CopyIn(Backend& backend, Executable executable, const data::TextContext& text,
         const Limits& limits);

  std::size_t columns() const { return copy().types.size(); }
  Result<void> feed(std::string_view bytes);
  Result<std::uint64_t> finish();  // how many rows

 private:
  const query::CopyIn& copy() const { return std::get<query::CopyIn>(executable_.statement->body); }
  CopyReader::Options reader_options(const data::TextContext& text, const Limits& limits) const;
  Result<void> write();

  Backend& backend_;
  Executable executable_;
  std::size_t batch_rows_;
  std::size_t batch_bytes_;
  CopyReader reader_;
  std::vector<data::Row> rows_;
  std::size_t bytes_ = 0;  // of the data behind rows_
  std::uint64_t count_ = 0;
};

}  // namespace spar::gateway
