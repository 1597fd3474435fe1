#include "query/functions/md5.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace spar::query::functions {
namespace {

constexpr std::size_t kBlock = 64;
using State = std::array<std::uint32_t, 4>;

// RFC 1321, 3.4: the integer parts of 2^32 * |sin(i)|.
std::array<std::uint32_t, 64> make_sines() {
  std::array<std::uint32_t, 64> sines{};
  for (std::size_t i = 0; i < sines.size(); ++i) {
    sines[i] =
        static_cast<std::uint32_t>(std::fabs(std::sin(static_cast<double>(i + 1))) * 4294967296.0);
  }
  return sines;
}

constexpr int kRotations[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

std::uint32_t mix(std::size_t round, std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  switch (round) {
    case 0:
      return (x & y) | (~x & z);
    case 1:
      return (x & z) | (y & ~z);
    case 2:
      return x ^ y ^ z;
    default:
      return y ^ (x | ~z);
  }
}

// Which word of the block a step takes: i, 5i + 1, 3i + 5, 7i, modulo 16.
std::size_t word_of(std::size_t round, std::size_t step) {
  constexpr std::size_t kFactor[] = {1, 5, 3, 7}, kOffset[] = {0, 1, 5, 0};
  return (step * kFactor[round] + kOffset[round]) % 16;
}

void add_block(const char* block, State& state) {
  static const std::array<std::uint32_t, 64> kSines = make_sines();
  std::uint32_t words[16];
  std::memcpy(words, block, kBlock);
  auto [a, b, c, d] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t round = i / 16;
    const std::uint32_t sum = a + mix(round, b, c, d) + words[word_of(round, i)] + kSines[i];
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kRotations[round][i % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::string md5_hex(std::string_view bytes) {
  State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
  while (bytes.size() >= kBlock) {
    add_block(bytes.data(), state);
    bytes.remove_prefix(kBlock);
  }
  std::string tail(bytes);
  tail.push_back(static_cast<char>(0x80));
  const std::size_t whole = tail.size() + sizeof(bits) <= kBlock ? kBlock : 2 * kBlock;
  tail.resize(whole, '\0');
  std::memcpy(tail.data() + whole - sizeof(bits), &bits, sizeof(bits));
  for (std::size_t at = 0; at < whole; at += kBlock) add_block(tail.data() + at, state);
  std::string hex;
  for (const std::uint32_t word : state) {
    for (int shift = 0; shift < 32; shift += 8) {
      char digits[3];
      std::snprintf(digits, sizeof(digits), "%02x", (word >> shift) & 0xff);
      hex += digits;
    }
  }
  return hex;
}

}  // namespace spar::query::functions
