// Regression over pairs (y, x) by Youngs and Cramer, and the bits that integers have in common.
#include <cmath>

#include "query/functions/accumulate.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/real.h"

namespace spar::query::functions {
namespace {

struct Sums {
  double n = 0, x = 0, xx = 0, y = 0, yy = 0, xy = 0;
};

template <Datum (*give)(const Sums&)>
class Regression : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    const double y = real_at(arguments, 0), x = real_at(arguments, 1), before = sums_.n;
    sums_.n += 1;
    sums_.x += x;
    sums_.y += y;
    if (before > 0) {
      const double dx = x * sums_.n - sums_.x, dy = y * sums_.n - sums_.y;
      const double scale = 1.0 / (sums_.n * before);
      sums_.xx += dx * dx * scale;
      sums_.yy += dy * dy * scale;
      sums_.xy += dx * dy * scale;
    }
    for (const double sum : {sums_.x, sums_.xx, sums_.y, sums_.yy, sums_.xy}) {
      if (std::isinf(sum)) return real_overflow();
    }
    return {};
  }
  Result<Datum> finish() override { return give(sums_); }

 private:
  Sums sums_;
};

Datum count(const Sums& s) {
  return static_cast<std::int64_t>(s.n);
}
Datum sxx(const Sums& s) {
  return s.n < 1 ? Datum{} : Datum{s.xx};
}
Datum syy(const Sums& s) {
  return s.n < 1 ? Datum{} : Datum{s.yy};
}
Datum sxy(const Sums& s) {
  return s.n < 1 ? Datum{} : Datum{s.xy};
}
Datum average_x(const Sums& s) {
  return s.n < 1 ? Datum{} : Datum{s.x / s.n};
}
Datum average_y(const Sums& s) {
  return s.n < 1 ? Datum{} : Datum{s.y / s.n};
}
Datum covariance(const Sums& s) {
  return s.n < 1 ? Datum{} : Datum{s.xy / s.n};
}
Datum sample_covariance(const Sums& s) {
  return s.n < 2 ? Datum{} : Datum{s.xy / (s.n - 1)};
}
Datum correlation(const Sums& s) {
  if (s.n < 1 || s.xx == 0 || s.yy == 0) return {};
  return s.xy / std::sqrt(s.xx * s.yy);
}
Datum determination(const Sums& s) {
  if (s.n < 1 || s.xx == 0) return {};
  if (s.yy == 0) return 1.0;
  return (s.xy * s.xy) / (s.xx * s.yy);
}
Datum slope(const Sums& s) {
  return s.n < 1 || s.xx == 0 ? Datum{} : Datum{s.xy / s.xx};
}
Datum intercept(const Sums& s) {
  return s.n < 1 || s.xx == 0 ? Datum{} : Datum{(s.y - s.x * s.xy / s.xx) / s.n};
}

enum class Bits { and_, or_, xor_ };

template <Bits bits>
class BitTotal : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    const std::int64_t value = integer_at(arguments, 0);
    if (!any_) {
      total_ = value;
    } else if constexpr (bits == Bits::and_) {
      total_ &= value;
    } else if constexpr (bits == Bits::or_) {
      total_ |= value;
    } else {
      total_ ^= value;
    }
    any_ = true;
    return {};
  }
  Result<Datum> finish() override { return any_ ? Datum{total_} : Datum{}; }

 private:
  std::int64_t total_ = 0;
  bool any_ = false;
};

constexpr AggregateEntry kEntries[] = {
    {"spar_regr_count", 2, make<Regression<count>>},
    {"spar_regr_sxx", 2, make<Regression<sxx>>},
    {"spar_regr_syy", 2, make<Regression<syy>>},
    {"spar_regr_sxy", 2, make<Regression<sxy>>},
    {"spar_regr_avgx", 2, make<Regression<average_x>>},
    {"spar_regr_avgy", 2, make<Regression<average_y>>},
    {"spar_covar_pop", 2, make<Regression<covariance>>},
    {"spar_covar_samp", 2, make<Regression<sample_covariance>>},
    {"spar_corr", 2, make<Regression<correlation>>},
    {"spar_regr_r2", 2, make<Regression<determination>>},
    {"spar_regr_slope", 2, make<Regression<slope>>},
    {"spar_regr_intercept", 2, make<Regression<intercept>>},
    {"spar_all_bits_and", 1, make<BitTotal<Bits::and_>>},
    {"spar_all_bits_or", 1, make<BitTotal<Bits::or_>>},
    {"spar_all_bits_xor", 1, make<BitTotal<Bits::xor_>>},
};

}  // namespace

std::span<const AggregateEntry> regression_aggregates() {
  return kEntries;
}

}  // namespace spar::query::functions
