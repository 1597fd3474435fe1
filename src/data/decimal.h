// data/decimal.h: PostgreSQL's numeric, exact: an integer of any size and how many of its digits
// stand behind the point.
//
// Contract    Arithmetic gives the digits and the display scale that PostgreSQL 15 gives. At most
//             131072 digits before and 16383 behind the point (22003 above). No NaN, no Infinity
//             (0A000). The blob form (docs/formats/decimal.md) orders as the numbers do under
//             memcmp; it keeps the display scale, so 1.0 and 1.00 differ as blobs while their keys
//             (numeric_key) are equal.
// Threads     Value type; no synchronisation.
#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/type.h"

namespace spar::data {

inline constexpr int kDecimalIntegerDigitsMax = 131072;
inline constexpr int kDecimalScaleMax = 16383;

class Decimal {
 public:
  Decimal() = default;
  explicit Decimal(std::int64_t value) : digits_(static_cast<long>(value)) {}
  Decimal(mpz_class digits, int scale) : digits_(std::move(digits)), scale_(scale) {}

  // What numeric_in() takes: blanks around it, sign, digits, point, exponent.
  static Result<Decimal> parse(std::string_view text);
  // Code::corrupt for bytes that to_blob() does not give.
  static Result<Decimal> from_blob(std::string_view blob);
  // As PostgreSQL's cast: the shortest of `significant` digits (15 for float8, 6 for float4).
  static Result<Decimal> from_double(double value, int significant = 15);

  const mpz_class& digits() const { return digits_; }  // value * 10^scale
  int scale() const { return scale_; }
  int sign() const { return sgn(digits_); }

  void append_to(std::string& out) const;
  std::string to_string() const;
  std::string to_blob() const;
  double to_double() const;
  // Rounded to an integer; 22003 "<type_name> out of range" outside of [low, high].
  Result<std::int64_t> to_integer(std::int64_t low, std::int64_t high,
                                  std::string_view type_name) const;
  // Rounded to the column's scale, as value * 10^scale; 22003 numeric field overflow.
  Result<std::int64_t> to_scaled(const NumericShape& shape) const;
  Result<Decimal> with_shape(const NumericShape& shape) const;

 private:
  mpz_class digits_;
  int scale_ = 0;
};

// -1, 0, 1
int compare(const Decimal& a, const Decimal& b);

Result<Decimal> add(const Decimal& a, const Decimal& b);
Result<Decimal> subtract(const Decimal& a, const Decimal& b);
Result<Decimal> multiply(const Decimal& a, const Decimal& b);
Result<Decimal> divide(const Decimal& a, const Decimal& b);  // 22012; scale as select_div_scale()
Result<Decimal> remainder(const Decimal& a, const Decimal& b);  // 22012; sign of a
// With exactly `scale` digits behind the point, half away from zero.
Decimal divide_to_scale(const Decimal& a, const Decimal& b, int scale);
Decimal negate(const Decimal& a);
Decimal absolute(const Decimal& a);

// `digits` behind the point, or before it when negative.
Decimal round(const Decimal& a, int digits);  // half away from zero
Decimal truncate(const Decimal& a, int digits);
Decimal ceiling(const Decimal& a);
Decimal floor(const Decimal& a);

// As many digits as PostgreSQL gives: at least 16 significant ones.
Result<Decimal> square_root(const Decimal& a);                        // 2201F of a negative number
Decimal square_root_to_scale(const Decimal& a, int scale);            // REQUIRES: a >= 0
Result<Decimal> exponential(const Decimal& a);                        // 22003
Result<Decimal> natural_logarithm(const Decimal& a);                  // 2201E unless positive
Result<Decimal> logarithm(const Decimal& base, const Decimal& a);     // 2201E, 22012
Result<Decimal> power(const Decimal& base, const Decimal& exponent);  // 2201F, 22003

// 22003 where the number has more digits than PostgreSQL's format holds.
Result<Decimal> checked(Decimal a);

mpz_class power_of_ten(int exponent);

// The number's leading base-10000 digit and its place: what PostgreSQL derives scales from.
struct Leading {
  int weight = 0;  // exponent of 10000
  int digit = 0;   // 1..9999, 0 for zero
};
Leading leading(const Decimal& a);

// The part of a blob that is equal for equal numbers.
std::string_view numeric_key(std::string_view blob);

}  // namespace spar::data
