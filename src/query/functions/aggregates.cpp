// Sums and averages, string_agg and the boolean aggregates. Variances: statistics.cpp.
#include <algorithm>
#include <cmath>

#include "query/functions/accumulate.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/real.h"

namespace spar::query::functions {
namespace {

using data::Decimal;

enum class Give { sum, average };

template <Give give>
Result<Datum> total(const Decimal& sum, std::int64_t count) {
  if (count == 0) return Datum{};
  if constexpr (give == Give::sum) return numeric_datum(sum);
  SPAR_ASSIGN(const Decimal average, data::divide(sum, Decimal(count)));
  return numeric_datum(average);
}

// Of integers, or of scaled integers when a second argument says the scale.
template <Give give>
class IntegerTotal : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    sum_.add(integer_at(arguments, 0));
    if (arguments.size() > 1) scale_ = static_cast<int>(integer_at(arguments, 1));
    ++count_;
    return {};
  }
  Result<Datum> finish() override { return total<give>(Decimal(sum_.value(), scale_), count_); }
  bool inverse(Arguments arguments) override {
    sum_.subtract(integer_at(arguments, 0));
    --count_;
    return true;
  }

 private:
  WideSum sum_;
  int scale_ = 0;
  std::int64_t count_ = 0;
};

template <Give give>
class NumericTotal : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    SPAR_ASSIGN(const Decimal value, numeric_at(arguments, 0));
    if (value.scale() > scale_) widest_ = 0;
    scale_ = std::max(scale_, value.scale());
    if (value.scale() == scale_) ++widest_;
    SPAR_ASSIGN(sum_, data::add(sum_, value));
    ++count_;
    return {};
  }
  Result<Datum> finish() override { return total<give>(sum_, count_); }
  // The sum shows as many digits as the widest of its values.
  bool inverse(Arguments arguments) override {
    const Result<Decimal> value = numeric_at(arguments, 0);
    if (!value || (value->scale() == scale_ && --widest_ == 0)) return false;
    Result<Decimal> rest = data::subtract(sum_, *value);
    if (!rest) return false;
    sum_ = std::move(*rest);
    --count_;
    return true;
  }

 private:
  Decimal sum_;
  int scale_ = 0;
  std::int64_t widest_ = 0;  // values of that scale
  std::int64_t count_ = 0;
};

template <class Real, Give give>
class RealTotal : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    const auto value = static_cast<Real>(real_at(arguments, 0));
    const bool was_infinite = std::isinf(sum_);
    sum_ += value;
    ++count_;
    if (std::isinf(sum_) && !was_infinite && !std::isinf(value)) {
      return real_overflow();
    }
    return {};
  }
  Result<Datum> finish() override {
    if (count_ == 0) return Datum{};
    if constexpr (give == Give::sum) return static_cast<double>(sum_);
    return static_cast<double>(sum_) / static_cast<double>(count_);
  }

 private:
  Real sum_ = 0;
  std::int64_t count_ = 0;
};

class StringAgg : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    if (any_) text_.append(text_at(arguments, 1));
    text_.append(text_at(arguments, 0));
    any_ = true;
    return {};
  }
  Result<Datum> finish() override {
    if (!any_) return Datum{};
    return text_;
  }

 private:
  std::string text_;
  bool any_ = false;
};

// `decisive` is the value that a single row is enough for: false for bool_and, true for bool_or.
template <bool decisive>
class BooleanTotal : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    count(arguments, 1);
    return {};
  }
  Result<Datum> finish() override {
    if (all_ == 0) return Datum{};
    return std::int64_t{(deciding_ > 0) == decisive};
  }
  bool inverse(Arguments arguments) override {
    count(arguments, -1);
    return true;
  }

 private:
  void count(Arguments arguments, std::int64_t by) {
    all_ += by;
    if ((integer_at(arguments, 0) != 0) == decisive) deciding_ += by;
  }

  std::int64_t all_ = 0, deciding_ = 0;
};

constexpr AggregateEntry kEntries[] = {
    {"spar_sum_int8", 1, make<IntegerTotal<Give::sum>>},
    {"spar_sum_scaled", 2, make<IntegerTotal<Give::sum>>},
    {"spar_sum_numeric", 1, make<NumericTotal<Give::sum>>},
    {"spar_sum_float4", 1, make<RealTotal<float, Give::sum>>},
    {"spar_sum_float8", 1, make<RealTotal<double, Give::sum>>},
    {"spar_avg_int", 1, make<IntegerTotal<Give::average>>},
    {"spar_avg_scaled", 2, make<IntegerTotal<Give::average>>},
    {"spar_avg_numeric", 1, make<NumericTotal<Give::average>>},
    {"spar_avg_float8", 1, make<RealTotal<double, Give::average>>},
    {"spar_string_agg", 2, make<StringAgg>},
    {"spar_bool_and", 1, make<BooleanTotal<false>>},
    {"spar_bool_or", 1, make<BooleanTotal<true>>},
};

}  // namespace

std::span<const AggregateEntry> total_aggregates() {
  return kEntries;
}

}  // namespace spar::query::functions
