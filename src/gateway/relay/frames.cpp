#include "gateway/relay/frames.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace spar::gateway::relay {
namespace {

constexpr std::uint32_t kSizeMax = 1u << 30;  // what PostgreSQL would not accept either

enum class Need : std::uint8_t { unknown, stream, small, text, names };

using Table = std::array<Need, 128>;

constexpr void set(Table& table, std::string_view types, Need need) {
  for (char type : types) table[static_cast<std::size_t>(type)] = need;
}

constexpr Table client_table() {
  Table table{};
  set(table, "dfF", Need::stream);
  set(table, "DCEHSXc", Need::small);
  set(table, "QP", Need::text);
  set(table, "B", Need::names);
  return table;
}

constexpr Table server_table() {
  Table table{};
  set(table, "123ACDEGHIKNRSTVWZcdnst", Need::small);
  return table;
}

constexpr Table kClient = client_table();
constexpr Table kServer = server_table();

Need need_of(const Table& table, char type) {
  const auto index = static_cast<unsigned char>(type);
  return index < table.size() ? table[index] : Need::unknown;
}

std::uint32_t length_of(std::string_view in) {
  return ByteReader(in.substr(1)).be<std::uint32_t>();
}

Failure lost_frames(std::string message) {
  return failure(Code::invalid, std::move(message), "08P01");
}

Failure too_long() {
  return failure(Code::invalid, "a message is longer than the limit", "54000");
}

// Both names at the front of a Bind, with their zeros; 0: not there yet.
std::size_t names_end(std::string_view in) {
  std::size_t first = in.find('\0', kFrameHeader);
  if (first == std::string_view::npos) return 0;
  std::size_t second = in.find('\0', first + 1);
  return second == std::string_view::npos ? 0 : second + 1;
}

}  // namespace

Result<std::optional<Frame>> Framer::next(std::string_view& in) {
  if (in.empty()) return std::nullopt;
  if (left_ > 0) return part(in);
  const char type = in[0];
  if (need_of(side_ == Side::client ? kClient : kServer, type) == Need::unknown) {
    return lost_frames("invalid message type " + std::to_string(static_cast<unsigned char>(type)));
  }
  if (in.size() < kFrameHeader) return std::nullopt;
  const std::uint32_t length = length_of(in);  // counts itself, not the type
  if (length < 4 || length > kSizeMax) return lost_frames("invalid message length");
  SPAR_ASSIGN(const std::size_t needed_bytes, needed(type, length + 1, in));
  if (in.size() < needed_bytes) return std::nullopt;
  type_ = type;
  size_ = left_ = length + 1;
  Frame frame = part(in);
  frame.begins = true;
  return frame;
}

Frame Framer::part(std::string_view& in) {
  const std::size_t size = std::min<std::size_t>(left_, in.size());
  Frame frame{.type = type_,
              .begins = false,
              .ends = size == left_,
              .size = size_,
              .bytes = in.substr(0, size)};
  in.remove_prefix(size);
  left_ -= static_cast<std::uint32_t>(size);
  return frame;
}

Result<std::size_t> Framer::needed(char type, std::uint32_t size, std::string_view in) const {
  if (side_ == Side::server) return needed_of_server(type, size);
  return needed_of_client(type, size, in);
}

Result<std::size_t> Framer::needed_of_client(char type, std::uint32_t size,
                                             std::string_view in) const {
  switch (need_of(kClient, type)) {
    case Need::text:
      if (size > limits_.whole_bytes_max) return too_long();
      return size;
    case Need::names: {
      if (size <= std::min(in.size(), std::size_t{limits_.small_bytes_max})) return size;
      const std::size_t end = names_end(in.substr(0, std::min<std::size_t>(in.size(), size)));
      if (end > 0) return end;
      if (in.size() >= size) return lost_frames("invalid string in message");
      if (in.size() > limits_.small_bytes_max) return too_long();
      return in.size() + 1;
    }
    case Need::small:
      if (size > limits_.small_bytes_max) return lost_frames("invalid message length");
      return size;
    default:
      return kFrameHeader;
  }
}

// What is longer is passed on in parts: its type says what the relay must know.
std::size_t Framer::needed_of_server(char type, std::uint32_t size) const {
  const bool whole = need_of(kServer, type) == Need::small && size <= limits_.small_bytes_max;
  return whole ? size : kFrameHeader;
}

}  // namespace spar::gateway::relay
