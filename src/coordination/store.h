// coordination/store.h: where the cluster record is kept.
//
// Contract    One record a store. compare_and_set() stores `record` (its version set to expected +
//             1) when the stored version is `expected_version` (0: nothing is stored yet), durably
//             before it answers. `lost`: nothing was stored. `unknown`: it may or may not be
//             stored; read() tells. What read() gives is durable: whoever acts on it will find it,
//             or a later record, after any power cut.
// Errors      read(): nothing when no record was ever stored; Code::corrupt, Code::io otherwise.
// Threads     Any.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "control/event.h"
#include "control/record.h"

namespace spar::coordination {

using control::Cas;

class RecordStore {
 public:
  virtual ~RecordStore() = default;
  virtual Result<std::optional<control::Record>> read() = 0;
  virtual Cas compare_and_set(std::uint64_t expected_version, const control::Record& record) = 0;
};

}  // namespace spar::coordination
