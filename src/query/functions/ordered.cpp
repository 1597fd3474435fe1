// Aggregates over rows in an order, and those that are defined by one: spar_ordered(aggregate,
// how, n, n arguments, keys) hands an aggregate its arguments sorted by the keys.
#include <algorithm>
#include <cmath>

#include "query/functions/accumulate.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

// `how` is "d" for DISTINCT or "-", then two letters a key: a or d, and where nulls go, f or l.
class Ordered : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    if (rows_.empty()) {
      inner_ = std::ranges::find(aggregates(), text_at(arguments, 0), &AggregateEntry::name);
      SPAR_ASSERT(inner_ != aggregates().end());
      how_ = std::string(text_at(arguments, 1));
    }
    const auto count = static_cast<std::size_t>(integer_at(arguments, 2));
    const Arguments values = arguments.subspan(3, count), keys = arguments.subspan(3 + count);
    rows_.push_back({{values.begin(), values.end()}, {keys.begin(), keys.end()}});
    return {};
  }
  Result<Datum> finish() override {
    if (rows_.empty()) return Datum{};
    std::ranges::stable_sort(rows_, [&](const Row& a, const Row& b) { return before(a, b); });
    const std::unique_ptr<Accumulator> sum = inner_->make();
    const Row* last = nullptr;
    for (const Row& row : rows_) {
      const bool again = how_[0] == 'd' && last != nullptr && last->keys == row.keys;
      last = &row;
      const bool skipped = !inner_->sees_nulls && std::ranges::any_of(row.values, data::is_null);
      if (again || skipped) continue;
      SPAR_TRY(sum->step(row.values));
    }
    return sum->finish();
  }

 private:
  struct Row {
    std::vector<Datum> values, keys;
  };
  bool before(const Row& a, const Row& b) const {
    for (std::size_t i = 0; i < a.keys.size(); ++i) {
      const Datum &x = a.keys[i], &y = b.keys[i];
      if (x == y) continue;
      const bool descends = how_[1 + 2 * i] == 'd', nulls_first = how_[2 + 2 * i] == 'f';
      if (data::is_null(x)) return nulls_first;
      if (data::is_null(y)) return !nulls_first;
      return descends ? y < x : x < y;
    }
    return false;
  }

  std::span<const AggregateEntry>::iterator inner_;
  std::string how_;
  std::vector<Row> rows_;
};

// (value, fraction), sorted.
class PercentileDisc : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    fraction_ = real_at(arguments, 1);
    values_.push_back(arguments[0]);
    return {};
  }
  Result<Datum> finish() override {
    if (values_.empty()) return Datum{};
    const double place = std::ceil(fraction_ * static_cast<double>(values_.size()));
    return values_[place < 1 ? 0 : static_cast<std::size_t>(place) - 1];
  }

 private:
  double fraction_ = 0;
  std::vector<Datum> values_;
};

class PercentileCont : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    fraction_ = real_at(arguments, 1);
    values_.push_back(real_at(arguments, 0));
    return {};
  }
  Result<Datum> finish() override {
    if (values_.empty()) return Datum{};
    const double place = fraction_ * static_cast<double>(values_.size() - 1);
    const double below = std::floor(place), above = std::ceil(place);
    const double low = values_[static_cast<std::size_t>(below)];
    if (below == above) return low;
    const double high = values_[static_cast<std::size_t>(above)];
    return low + (place - below) * (high - low);
  }

 private:
  double fraction_ = 0;
  std::vector<double> values_;
};

// (value, key), sorted: the first of those that are most often there.
class Mode : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    if (run_ == 0 || key_ != arguments[1]) {
      run_ = 0;
      key_ = arguments[1];
      value_ = arguments[0];
    }
    if (++run_ > most_) {
      most_ = run_;
      mode_ = value_;
    }
    return {};
  }
  Result<Datum> finish() override { return mode_; }

 private:
  Datum key_, value_, mode_;
  std::int64_t run_ = 0, most_ = 0;
};

constexpr AggregateEntry kEntries[] = {
    {"spar_ordered", -1, make<Ordered>, true},
    {"spar_percentile_disc", 2, make<PercentileDisc>},
    {"spar_percentile_cont", 2, make<PercentileCont>},
    {"spar_mode", 2, make<Mode>},
};

}  // namespace

std::span<const AggregateEntry> ordered_aggregates() {
  return kEntries;
}

}  // namespace spar::query::functions
