#include "query/functions/frame.h"

namespace spar::query::functions {

Result<void> FrameAccumulator::step(std::span<const data::Datum> arguments) {
  rows_.emplace_back(arguments.begin(), arguments.end());
  if (stale_) return {};
  return sum_->step(arguments);
}

void FrameAccumulator::inverse() {
  if (rows_.empty()) return;
  const std::vector<data::Datum> gone = std::move(rows_.front());
  rows_.pop_front();
  stale_ = stale_ || !sum_->inverse(gone);
}

Result<data::Datum> FrameAccumulator::value() {
  if (stale_) {
    sum_ = entry_->make();
    for (const std::vector<data::Datum>& row : rows_) {
      SPAR_TRY(sum_->step(row));
    }
    stale_ = false;
  }
  return sum_->finish();
}

}  // namespace spar::query::functions
