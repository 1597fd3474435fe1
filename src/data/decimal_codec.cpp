// Decimals as text and as blobs: docs/formats/decimal.md.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"
#include "data/characters.h"
#include "data/decimal.h"

namespace spar::data {
namespace {

constexpr std::size_t kSmallDigits = 18;  // always fit in 64 bits

mpz_class to_integer(const std::string& digits) {
  if (digits.empty()) return 0;
  if (digits.size() <= kSmallDigits) {
    long value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }
  return mpz_class(digits, 10);
}

std::string to_digits(const mpz_class& magnitude) {
  if (mpz_fits_ulong_p(magnitude.get_mpz_t()) == 0) return magnitude.get_str();
  std::array<char, 24> buffer;
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude.get_ui()).ptr;
  return std::string(buffer.data(), end);
}

// ---- text

struct Literal {
  bool negative = false;
  std::string digits;  // without the point
  long scale = 0;      // may be negative after an exponent
};

enum class Scan { good, bad_syntax, too_large };

Scan scan_exponent(std::string_view& rest, long& exponent) {
  if (rest.empty() || (rest[0] != 'e' && rest[0] != 'E')) return Scan::good;
  rest.remove_prefix(1);
  const bool negative = !rest.empty() && rest[0] == '-';
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  if (rest.empty() || !is_digit(rest[0])) return Scan::bad_syntax;
  for (; !rest.empty() && is_digit(rest[0]); rest.remove_prefix(1)) {
    if (exponent < 1'000'000'000) exponent = exponent * 10 + (rest[0] - '0');
  }
  if (exponent >= 1'000'000'000) return Scan::too_large;
  if (negative) exponent = -exponent;
  return Scan::good;
}

Scan scan(std::string_view rest, Literal& out) {
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    out.negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  bool any = false, point = false;
  for (; !rest.empty(); rest.remove_prefix(1)) {
    if (rest[0] == '.' && !point) {
      point = true;
    } else if (is_digit(rest[0])) {
      any = true;
      if (point) ++out.scale;
      if (!out.digits.empty() || rest[0] != '0') out.digits.push_back(rest[0]);
    } else {
      break;
    }
  }
  if (!any) return Scan::bad_syntax;
  long exponent = 0;
  const Scan scanned = scan_exponent(rest, exponent);
  out.scale -= exponent;
  if (scanned == Scan::good && !rest.empty()) return Scan::bad_syntax;
  return scanned;
}

bool is_special(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return equals_ignoring_case(text, "nan") || equals_ignoring_case(text, "infinity") ||
         equals_ignoring_case(text, "inf");
}

// ---- blob

constexpr unsigned char kZero = 0x80;
constexpr unsigned char kExponentNone = 0xc0;  // head of a number in [0.01, 1)
constexpr int kShortExponent = 30;             // -30..30 stand in the head itself
constexpr unsigned char kLargeExponent = kExponentNone + kShortExponent + 1;
constexpr unsigned char kSmallExponent = kExponentNone - kShortExponent - 1;
constexpr int kExponentBias = 0x800000;

void put_exponent(int exponent, std::string& out) {
  if (exponent >= -kShortExponent && exponent <= kShortExponent) {
    out.push_back(static_cast<char>(kExponentNone + exponent));
    return;
  }
  out.push_back(static_cast<char>(exponent > 0 ? kLargeExponent : kSmallExponent));
  const int biased = exponent + kExponentBias;
  for (int shift : {16, 8, 0}) out.push_back(static_cast<char>(biased >> shift));
}

// Each pair of decimal digits a byte, 2 * pair + 1, and the last 2 * pair.
void put_pairs(std::string_view digits, std::string& out) {
  std::size_t end = digits.size();
  while (end >= 2 && digits[end - 1] == '0' && digits[end - 2] == '0') end -= 2;
  for (std::size_t i = 0; i < end; i += 2) {
    const int pair = (digits[i] - '0') * 10 + (digits[i + 1] - '0');
    out.push_back(static_cast<char>(2 * pair + 1));
  }
  out.back() = static_cast<char>(out.back() - 1);
}

void complement(std::string& bytes) {
  for (char& byte : bytes) byte = static_cast<char>(~byte);
}

struct Unpacked {
  std::string digits;  // two for each pair
  int exponent = 0;    // the number is 0.digits * 100^exponent
};

Failure damaged() {
  return failure(Code::corrupt, "a numeric is not in its canonical encoding");
}

Result<Unpacked> unpack(std::string_view body, unsigned char mask) {
  Unpacked out;
  auto next = [&]() -> int {
    if (body.empty()) return -1;
    const int byte = static_cast<unsigned char>(body[0]) ^ mask;
    body.remove_prefix(1);
    return byte;
  };
  const int head = next();
  if (head < kSmallExponent || head > kLargeExponent) return damaged();
  out.exponent = head - kExponentNone;
  if (head == kSmallExponent || head == kLargeExponent) {
    const int high = next(), middle = next(), low = next();
    if (low < 0) return damaged();
    out.exponent = (high << 16 | middle << 8 | low) - kExponentBias;
    if (std::abs(out.exponent) <= kShortExponent || std::abs(out.exponent) > 65536) {
      return damaged();
    }
  }
  bool last = false;
  while (!body.empty() && !last) {
    const int byte = next();
    last = byte % 2 == 0;
    if (byte >= 200) return damaged();
    out.digits.push_back(static_cast<char>('0' + byte / 2 / 10));
    out.digits.push_back(static_cast<char>('0' + byte / 2 % 10));
  }
  if (!last || !body.empty()) return damaged();
  return out;
}

}  // namespace

Result<Decimal> Decimal::parse(std::string_view text) {
  const std::string_view trimmed = trim_blanks(text);
  Literal literal;
  const Scan scanned = scan(trimmed, literal);
  if (scanned == Scan::bad_syntax) {
    if (is_special(trimmed)) return not_supported("NaN and infinity in type numeric");
    return sql_error("22P02",
                     "invalid input syntax for type numeric: \"" + std::string(text) + "\"");
  }
  const long integer_digits = static_cast<long>(literal.digits.size()) - literal.scale;
  const bool large = !literal.digits.empty() && integer_digits > kDecimalIntegerDigitsMax;
  if (scanned == Scan::too_large || large || literal.scale > kDecimalScaleMax) {
    return sql_error("22003", "value overflows numeric format");
  }
  if (literal.scale < 0) {
    if (!literal.digits.empty())
      literal.digits.append(static_cast<std::size_t>(-literal.scale), '0');
    literal.scale = 0;
  }
  mpz_class digits = data::to_integer(literal.digits);
  if (literal.negative) digits = -digits;
  return Decimal(std::move(digits), static_cast<int>(literal.scale));
}

void Decimal::append_to(std::string& out) const {
  std::string digits = to_digits(abs(digits_));
  const auto behind = static_cast<std::size_t>(scale_);
  if (digits.size() <= behind) digits.insert(0, behind + 1 - digits.size(), '0');
  if (sign() < 0) out.push_back('-');
  out.append(digits, 0, digits.size() - behind);
  if (behind == 0) return;
  out.push_back('.');
  out.append(digits, digits.size() - behind, behind);
}

std::string Decimal::to_string() const {
  std::string out;
  append_to(out);
  return out;
}

std::string Decimal::to_blob() const {
  std::string out;
  if (sign() == 0) {
    out.push_back(static_cast<char>(kZero));
  } else {
    std::string digits = to_digits(abs(digits_));
    if (scale_ % 2 != 0) digits.push_back('0');
    if (digits.size() % 2 != 0) digits.insert(digits.begin(), '0');
    put_exponent(static_cast<int>(digits.size() / 2) - (scale_ + 1) / 2, out);
    put_pairs(digits, out);
    if (sign() < 0) complement(out);
  }
  ByteWriter(out).be(static_cast<std::uint16_t>(scale_));
  return out;
}

Result<Decimal> Decimal::from_blob(std::string_view blob) {
  if (blob.size() < 3) return damaged();
  const int scale = ByteReader(blob.substr(blob.size() - 2)).be<std::uint16_t>();
  if (scale > kDecimalScaleMax) return damaged();
  const auto head = static_cast<unsigned char>(blob[0]);
  if (head == kZero) {
    if (blob.size() != 3) return damaged();
    return Decimal(mpz_class(), scale);
  }
  const bool negative = head < kZero;
  SPAR_ASSIGN(Unpacked unpacked, unpack(numeric_key(blob), negative ? 0xff : 0));
  std::string& digits = unpacked.digits;
  if (digits.starts_with("00") || digits.ends_with("00")) return damaged();
  const long zeros = scale + 2L * unpacked.exponent - static_cast<long>(digits.size());
  if (zeros == -1 && digits.back() == '0') {
    digits.pop_back();
  } else if (zeros >= 0 && zeros <= kDecimalScaleMax + kDecimalIntegerDigitsMax) {
    digits.append(static_cast<std::size_t>(zeros), '0');
  } else {
    return damaged();
  }
  mpz_class value = data::to_integer(digits);
  if (negative) value = -value;
  return Decimal(std::move(value), scale);
}

std::string_view numeric_key(std::string_view blob) {
  return blob.size() < 3 ? blob : blob.substr(0, blob.size() - 2);
}

}  // namespace spar::data
