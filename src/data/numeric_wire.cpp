#include "data/numeric_wire.h"

#include <string>
#include <utility>

#include "base/bytes.h"

namespace spar::data {
namespace {

constexpr std::size_t kGroup = 4;  // decimal digits in one of the wire's
constexpr std::uint16_t kPositive = 0x0000;
constexpr std::uint16_t kNegative = 0x4000;
constexpr std::uint16_t kSpecial = 0xc000;  // NaN and the infinities have both bits

Failure malformed(std::string_view what) {
  return sql_error("22P03", "invalid " + std::string(what) + " in external \"numeric\" value");
}

// The decimal digits in whole groups around the point, and how many groups stand behind it.
std::string grouped(const Decimal& value, std::size_t& behind) {
  std::string digits = mpz_class(abs(value.digits())).get_str();
  const auto scale = static_cast<std::size_t>(value.scale());
  behind = (scale + kGroup - 1) / kGroup;
  digits.append(behind * kGroup - scale, '0');
  digits.insert(0, (kGroup - digits.size() % kGroup) % kGroup, '0');
  while (digits.size() < behind * kGroup) digits.insert(0, kGroup, '0');
  return digits;
}

std::int16_t group_at(std::string_view digits, std::size_t group) {
  int value = 0;
  for (const char c : digits.substr(group * kGroup, kGroup)) value = value * 10 + (c - '0');
  return static_cast<std::int16_t>(value);
}

}  // namespace

void write_numeric(const Decimal& value, std::string& out) {
  std::size_t behind = 0;
  const std::string digits = grouped(value, behind);
  std::size_t first = 0, end = digits.size() / kGroup;
  const auto weight = static_cast<int>(end - behind) - 1;
  while (first < end && group_at(digits, first) == 0) ++first;
  while (end > first && group_at(digits, end - 1) == 0) --end;
  ByteWriter writer(out);
  writer.be(static_cast<std::uint16_t>(end - first));
  writer.be(static_cast<std::int16_t>(end == first ? 0 : weight - static_cast<int>(first)));
  writer.be(value.sign() < 0 ? kNegative : kPositive);
  writer.be(static_cast<std::uint16_t>(value.scale()));
  for (std::size_t group = first; group < end; ++group) writer.be(group_at(digits, group));
}

Result<Decimal> read_numeric(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto count = reader.be<std::uint16_t>();
  const auto weight = reader.be<std::int16_t>();
  const auto sign = reader.be<std::uint16_t>();
  const auto scale = reader.be<std::uint16_t>();
  if (!reader.ok() || reader.remaining() != std::size_t{count} * 2) {
    return sql_error("22P03", "incorrect binary data format");
  }
  if ((sign & kSpecial) == kSpecial) return not_supported("NaN and infinity in type numeric");
  if (sign != kPositive && sign != kNegative) return malformed("sign");
  if (scale > kDecimalScaleMax) return malformed("scale");
  std::string digits = "0";
  for (int i = 0; i < count; ++i) {
    const auto group = reader.be<std::int16_t>();
    if (group < 0 || group > 9999) return malformed("digit");
    const std::string text = std::to_string(group);
    digits.append(kGroup - text.size(), '0').append(text);
  }
  mpz_class value(digits, 10);
  int behind = (count - weight - 1) * static_cast<int>(kGroup);
  if (behind < 0) value *= power_of_ten(-std::exchange(behind, 0));
  if (sign == kNegative) value = -value;
  return checked(truncate(Decimal(std::move(value), behind), scale));
}

}  // namespace spar::data
