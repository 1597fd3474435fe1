// query/functions/rows.h: how a function gives many rows to an executor that can only call scalars.
//
// Contract    The rows go out as one JSON array that the executor takes apart: integers and texts
//             as they are, reals and blobs as texts that spar_unpack turns back; a row of several
//             columns is an array of them. 54000 past kResultBytesMax.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "data/datum.h"

namespace spar::query::functions {

class RowList {
 public:
  void add(const data::Datum& value);  // a row of one column
  void add_row(std::span<const data::Datum> values);
  bool full() const;
  Result<data::Datum> finish();

 private:
  void separate();
  void put(const data::Datum& value);
  std::string text_ = "[";
};

}  // namespace spar::query::functions
