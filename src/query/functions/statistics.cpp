// Variances and standard deviations, of numerics exactly and of floats by Youngs and Cramer.
#include <cmath>

#include "query/functions/accumulate.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/real.h"

namespace spar::query::functions {
namespace {

using data::Decimal;

enum class Over { population, sample };
enum class Give { variance, deviation };

template <Over over, Give give>
class NumericSpread : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    SPAR_ASSIGN(const Decimal value, numeric_at(arguments, 0));
    SPAR_ASSIGN(const Decimal square, data::multiply(value, value));
    SPAR_ASSIGN(sum_, data::add(sum_, value));
    SPAR_ASSIGN(squares_, data::add(squares_, square));
    ++count_;
    return {};
  }
  Result<Datum> finish() override {
    const std::int64_t others = over == Over::sample ? count_ - 1 : count_;
    if (others <= 0) return Datum{};
    const Decimal count(count_);
    SPAR_ASSIGN(const Decimal square_of_sum, data::multiply(sum_, sum_));
    SPAR_ASSIGN(const Decimal scaled_squares, data::multiply(squares_, count));
    SPAR_ASSIGN(const Decimal above, data::subtract(scaled_squares, square_of_sum));
    if (above.sign() <= 0) return numeric_datum(Decimal());
    SPAR_ASSIGN(const Decimal below, data::multiply(count, Decimal(others)));
    SPAR_ASSIGN(const Decimal variance, data::divide(above, below));
    if (give == Give::variance) return numeric_datum(variance);
    return numeric_datum(data::square_root_to_scale(variance, variance.scale()));
  }

 private:
  Decimal sum_, squares_;
  std::int64_t count_ = 0;
};

template <Over over, Give give>
class RealSpread : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    const double value = real_at(arguments, 0);
    count_ += 1;
    sum_ += value;
    if (count_ > 1) {
      const double distance = value * count_ - sum_;
      squares_ += distance * distance / (count_ * (count_ - 1));
    }
    if (std::isinf(squares_) || std::isinf(sum_)) {
      return real_overflow();
    }
    return {};
  }
  Result<Datum> finish() override {
    const double others = over == Over::sample ? count_ - 1 : count_;
    if (others <= 0) return Datum{};
    const double variance = squares_ / others;
    return give == Give::variance ? variance : std::sqrt(variance);
  }

 private:
  double count_ = 0, sum_ = 0, squares_ = 0;
};

constexpr AggregateEntry kEntries[] = {
    {"spar_stddev_samp_numeric", 1, make<NumericSpread<Over::sample, Give::deviation>>},
    {"spar_stddev_pop_numeric", 1, make<NumericSpread<Over::population, Give::deviation>>},
    {"spar_var_samp_numeric", 1, make<NumericSpread<Over::sample, Give::variance>>},
    {"spar_var_pop_numeric", 1, make<NumericSpread<Over::population, Give::variance>>},
    {"spar_stddev_samp_float8", 1, make<RealSpread<Over::sample, Give::deviation>>},
    {"spar_stddev_pop_float8", 1, make<RealSpread<Over::population, Give::deviation>>},
    {"spar_var_samp_float8", 1, make<RealSpread<Over::sample, Give::variance>>},
    {"spar_var_pop_float8", 1, make<RealSpread<Over::population, Give::variance>>},
};

}  // namespace

std::span<const AggregateEntry> spread_aggregates() {
  return kEntries;
}

}  // namespace spar::query::functions
