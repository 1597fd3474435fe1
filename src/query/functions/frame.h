// query/functions/frame.h: an aggregate over the moving frame of a window.
//
// Contract    step() adds the row that comes next, inverse() takes back the oldest one, value() may
//             be asked after each. A sum of reals is added up anew when rows have left, as
//             PostgreSQL does: what was added cannot be subtracted without a trace.
// Naming      Functions of this kind are called as the aggregate with "_over" behind its name.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "query/functions/registry.h"

namespace spar::query::functions {

class FrameAccumulator {
 public:
  explicit FrameAccumulator(const AggregateEntry& entry) : entry_(&entry), sum_(entry.make()) {}

  Result<void> step(std::span<const data::Datum> arguments);
  void inverse();
  Result<data::Datum> value();

 private:
  const AggregateEntry* entry_;
  std::unique_ptr<Accumulator> sum_;
  std::deque<std::vector<data::Datum>> rows_;
  bool stale_ = false;  // rows have left that sum_ could not give back
};

inline std::string over_name(const AggregateEntry& entry) {
  return std::string(entry.name) + "_over";
}

}  // namespace spar::query::functions
