// base/bytes.h: reading and writing byte strings with bounds that cannot be passed.
//
// Contract    ByteReader never reads past its end: after the first short read `ok()` is false and
//             every later read gives zero or an empty view. Integers are little-endian (disk) with
//             the le_ calls and big-endian (wire) with the be_ calls.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace spar {

using Bytes = std::string;  // bytes, not text

class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  template <std::integral T>
  void le(T value) {
    append(value);
  }
  template <std::integral T>
  void be(T value) {
    append(byteswapped(value));
  }
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  void raw(std::string_view bytes) { out_.append(bytes); }
  void sized(std::string_view bytes) {  // varint length, then the bytes
    varint(bytes.size());
    raw(bytes);
  }

  template <std::integral T>
  static T byteswapped(T value) {
    using U = std::make_unsigned_t<T>;
    U in = static_cast<U>(value), out = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      out = static_cast<U>(static_cast<U>(out << (sizeof(T) > 1 ? 8 : 0)) | (in & 0xff));
      in = static_cast<U>(sizeof(T) > 1 ? in >> 8 : 0);
    }
    return static_cast<T>(out);
  }

 private:
  template <std::integral T>
  void append(T value) {
    static_assert(std::endian::native == std::endian::little);
    char buffer[sizeof(T)];
    std::memcpy(buffer, &value, sizeof(T));
    out_.append(buffer, sizeof(T));
  }
  Bytes& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  bool ok() const { return ok_; }
  bool at_end() const { return in_.empty(); }
  std::size_t remaining() const { return in_.size(); }

  template <std::integral T>
  T le() {
    T value{};
    std::string_view bytes = raw(sizeof(T));
    if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  template <std::integral T>
  T be() {
    return ByteWriter::byteswapped(le<T>());
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      std::string_view byte = raw(1);
      if (byte.empty()) return 0;
      auto b = static_cast<std::uint8_t>(byte[0]);
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  std::string_view raw(std::size_t size) {
    if (!ok_ || size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    std::string_view bytes = in_.substr(0, size);
    in_.remove_prefix(size);
    return bytes;
  }
  std::string_view sized() {
    std::uint64_t size = varint();
    if (size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    return raw(static_cast<std::size_t>(size));
  }

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace spar
