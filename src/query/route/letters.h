// query/route/letters.h: bytes of words, many at a time.
//
// Contract    word_mask(p) reads kMaskBytes bytes and gives a bit for each, the first lowest: may
//             it continue a word (a letter, digit, _, $ or beyond ASCII)?
//             fold_lane(out, p) copies kLane bytes with A-Z in lower case.
//             Both ways, SSE2 and plain, give the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace spar::query::route::lex {

inline constexpr std::size_t kMaskBytes = 64;

#ifdef __SSE2__

inline constexpr std::size_t kLane = 16;

// Signed, so that bytes beyond ASCII, which are negative, lie in no range of letters.
inline __m128i within(__m128i x, char low, char high) {
  return _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8(static_cast<char>(low - 1))),
                       _mm_cmplt_epi8(x, _mm_set1_epi8(static_cast<char>(high + 1))));
}
inline __m128i load_lane(const char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
inline std::uint64_t lane_mask(const char* p) {
  const __m128i x = load_lane(p);
  const __m128i lower = _mm_or_si128(x, _mm_set1_epi8(0x20));
  const __m128i marks =
      _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('_')), _mm_cmpeq_epi8(x, _mm_set1_epi8('$')));
  const __m128i ascii =
      _mm_or_si128(_mm_or_si128(within(lower, 'a', 'z'), within(x, '0', '9')), marks);
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(ascii, x)));
}
inline std::uint64_t word_mask(const char* p) {
  return lane_mask(p) | lane_mask(p + 16) << 16 | lane_mask(p + 32) << 32 | lane_mask(p + 48) << 48;
}
// A bit for each of kLane bytes that is `c` or zero.
inline unsigned end_mask(const char* p, char c) {
  const __m128i x = load_lane(p);
  return static_cast<unsigned>(_mm_movemask_epi8(
      _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(c)), _mm_cmpeq_epi8(x, _mm_setzero_si128()))));
}
inline void fold_lane(char* out, const char* p) {
  const __m128i x = load_lane(p);
  const __m128i upper = _mm_and_si128(within(x, 'A', 'Z'), _mm_set1_epi8(0x20));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_or_si128(x, upper));
}

#else

inline constexpr std::size_t kLane = 8;
inline constexpr std::uint64_t kOnes = 0x0101010101010101;
inline constexpr std::uint64_t kHighs = 0x8080808080808080;

// The high bit of each byte of x (all below 0x80) that lies in low..high.
inline std::uint64_t within(std::uint64_t x, unsigned low, unsigned high) {
  return (x + kOnes * (0x80 - low)) & ~(x + kOnes * (0x7f - high)) & kHighs;
}
inline std::uint64_t word_mask(const char* p) {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < kMaskBytes; ++i) {
    const auto c = static_cast<unsigned char>(p[i]);
    const unsigned lower = c | 0x20U;
    const bool inside = c >= 0x80 || (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
                        c == '_' || c == '$';
    mask |= static_cast<std::uint64_t>(inside) << i;
  }
  return mask;
}
inline unsigned end_mask(const char* p, char c) {
  unsigned mask = 0;
  for (std::size_t i = 0; i < kLane; ++i) {
    mask |= static_cast<unsigned>(p[i] == c || p[i] == '\0') << i;
  }
  return mask;
}
inline void fold_lane(char* out, const char* p) {
  std::uint64_t x = 0;
  std::memcpy(&x, p, kLane);
  x |= (within(x & ~kHighs, 'A', 'Z') & ~x) >> 2;
  std::memcpy(out, &x, kLane);
}

#endif

// The first byte of p..end that is `c` or zero, or end.
inline const char* find_end(const char* p, const char* end, char c) {
  for (; static_cast<std::size_t>(end - p) >= kLane; p += kLane) {
    const unsigned mask = end_mask(p, c);
    if (mask != 0) return p + __builtin_ctz(mask);
  }
  while (p < end && *p != c && *p != '\0') ++p;
  return p;
}

}  // namespace spar::query::route::lex
