#include "gateway/wire/decoder.h"

#include <algorithm>
#include <cstring>

namespace spar::gateway::wire {
namespace {

constexpr std::uint32_t kVersionMajor = 3;
constexpr std::uint32_t kCancelCode = 80877102;
constexpr std::uint32_t kGssCode = 80877104;
constexpr std::uint32_t kStartupBytesMax = 10'000;    // as PostgreSQL's MAX_STARTUP_PACKET_LENGTH
constexpr std::uint32_t kSmallBytesMax = 10'000;      // as PostgreSQL's PQ_SMALL_MESSAGE_LIMIT
constexpr std::uint64_t kSkippedBytesMax = 1u << 30;  // what PostgreSQL would not accept either
constexpr std::size_t kReadBytes = 16u << 10;
constexpr std::size_t kKeptBytesMax = 256u << 10;

std::uint32_t be32(std::string_view bytes) {
  return ByteReader(bytes).be<std::uint32_t>();
}

// A string up to its terminating zero.
bool cstring(ByteReader& in, std::string_view& out, std::string_view rest) {
  std::size_t size = rest.find('\0');
  if (size == std::string_view::npos) return false;
  out = in.raw(size);
  in.raw(1);
  return in.ok();
}

Failure protocol_error(std::string message) {
  return failure(Code::invalid, std::move(message), "08P01");
}

}  // namespace

std::span<char> Decoder::space() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    give_back_memory();
  }
  if (buffer_.size() - end_ < kReadBytes) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() - end_ < kReadBytes) {
      buffer_.resize(std::max(buffer_.size() * 2, end_ + kReadBytes));
    }
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void Decoder::give_back_memory() {
  if (buffer_.size() > kKeptBytesMax) std::string().swap(buffer_);
}

void Decoder::filled(std::size_t bytes) {
  end_ += bytes;
  skip();
}

void Decoder::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    std::span<char> room = space();
    std::size_t size = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), size);
    filled(size);
    bytes.remove_prefix(size);
  }
}

void Decoder::skip() {
  std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(skip_bytes_, buffered()));
  begin_ += size;
  skip_bytes_ -= size;
}

std::uint64_t Decoder::limit_of(char type) const {
  if (phase_ == Phase::login) return limits_.login_bytes_max;
  return std::string_view("QPBdFp").contains(type) ? limits_.message_bytes_max : kSmallBytesMax;
}

Result<std::optional<Message>> Decoder::next() {
  if (phase_ == Phase::startup) return next_startup();
  constexpr std::size_t kHeader = 5;
  std::string_view in = unread();
  if (in.empty()) return std::nullopt;
  char type = in[0];
  if (!std::string_view("QPBDECHSXdcfpF").contains(type)) {
    return protocol_error("invalid frontend message type " +
                          std::to_string(static_cast<unsigned char>(type)));
  }
  if (in.size() < kHeader) return std::nullopt;
  std::uint64_t length = be32(in.substr(1, 4));  // counts itself
  if (length < 4 || length > kSkippedBytesMax) return protocol_error("invalid message length");
  if (length - 4 > limit_of(type)) {
    if (limit_of(type) < limits_.message_bytes_max) return protocol_error("invalid message length");
    begin_ += kHeader;
    skip_bytes_ = length - 4;
    skip();
    return TooLarge{.type = type, .bytes = length};
  }
  if (in.size() < 1 + length) return std::nullopt;
  begin_ += 1 + length;
  Message message = decode({.type = type, .body = in.substr(kHeader, length - 4)});
  constexpr std::string_view kSync("S\0\0\0\4", 5);
  if (auto* execute = std::get_if<Execute>(&message)) {
    execute->sync_follows = unread().starts_with(kSync);
  }
  return message;
}

Result<std::optional<Message>> Decoder::next_startup() {
  std::string_view in = unread();
  if (in.size() < 4) return std::nullopt;
  std::uint32_t length = be32(in);
  if (length < 8 || length > kStartupBytesMax) {
    return protocol_error("invalid length of startup packet");
  }
  if (in.size() < length) return std::nullopt;
  begin_ += length;
  ByteReader body(in.substr(4, length - 4));
  auto code = body.be<std::uint32_t>();
  if (code == kSslRequestCode && length == 8) return SslRequest{};
  if (code == kGssCode && length == 8) return GssEncryptionRequest{};
  if (code == kCancelCode && length == 16) {
    auto process = body.be<std::uint32_t>();
    return CancelRequest{.process = process, .secret = body.be<std::uint32_t>()};
  }
  auto major = static_cast<std::uint16_t>(code >> 16), minor = static_cast<std::uint16_t>(code);
  if (major != kVersionMajor) return UnsupportedVersion{.major = major, .minor = minor};
  Message message = startup(in.substr(8, length - 8));
  if (auto* found = std::get_if<Startup>(&message)) found->minor_version = minor;
  if (auto* bad = std::get_if<Malformed>(&message)) return protocol_error(bad->reason);
  return message;
}

Message Decoder::startup(std::string_view body) {
  pairs_.clear();
  ByteReader in(body);
  auto rest = [&] { return body.substr(body.size() - in.remaining()); };
  for (;;) {
    std::string_view name, value;
    if (!cstring(in, name, rest())) break;
    if (name.empty()) {
      if (!in.at_end()) break;
      return Startup{.parameters = pairs_};
    }
    if (!cstring(in, value, rest())) break;
    pairs_.emplace_back(name, value);
  }
  return Malformed{.reason = "invalid startup packet layout: expected terminator as last byte"};
}

namespace {

Message malformed(char type, std::string reason) {
  return Malformed{.type = type, .reason = std::move(reason)};
}

Message bare(char type, const Message& message, std::string_view body) {
  return body.empty() ? message : malformed(type, "invalid message format");
}

// One string with its zero, and nothing behind it.
std::optional<std::string_view> only_string(std::string_view body) {
  if (body.empty() || body.find('\0') != body.size() - 1) return std::nullopt;
  return body.substr(0, body.size() - 1);
}

template <class T>
Message targeted(char type, std::string_view body) {
  std::optional<std::string_view> name;
  if (!body.empty()) name = only_string(body.substr(1));
  if (!name) return malformed(type, "invalid message format");
  if (body[0] != 'S' && body[0] != 'P') {
    return malformed(type, std::string("invalid ") + (type == 'D' ? "DESCRIBE" : "CLOSE") +
                               " message subtype " +
                               std::to_string(static_cast<unsigned char>(body[0])));
  }
  return T{.target = static_cast<Target>(body[0]), .name = *name};
}

Message execute(std::string_view body) {
  std::size_t zero = body.find('\0');
  if (zero == std::string_view::npos || body.size() != zero + 5) {
    return malformed('E', "invalid message format");
  }
  ByteReader count(body.substr(zero + 1));
  return Execute{.portal = body.substr(0, zero), .rows_max = count.be<std::int32_t>()};
}

}  // namespace

Message Decoder::decode(const Frame& frame) {
  ByteReader in(frame.body);
  switch (frame.type) {
    case 'Q':
      if (auto text = only_string(frame.body)) return Query{.text = *text};
      return malformed('Q', "invalid string in message");
    case 'P':
      return parse(in);
    case 'B':
      return bind(in);
    case 'D':
      return targeted<Describe>('D', frame.body);
    case 'C':
      return targeted<Close>('C', frame.body);
    case 'E':
      return execute(frame.body);
    case 'H':
      return bare('H', Flush{}, frame.body);
    case 'S':
      return bare('S', Sync{}, frame.body);
    case 'X':
      return Terminate{};
    case 'd':
      return CopyData{.bytes = frame.body};
    case 'c':
      return bare('c', CopyDone{}, frame.body);
    case 'f':
      if (auto text = only_string(frame.body)) return CopyFail{.reason = *text};
      return malformed('f', "invalid string in message");
    case 'p':
      return Authentication{.bytes = frame.body};
    default:
      return FunctionCall{};
  }
}

namespace {

// Reads strings off the front of a ByteReader, which knows only sizes.
bool take_string(ByteReader& in, std::string_view& out) {
  std::string_view rest = ByteReader(in).raw(in.remaining());
  return cstring(in, out, rest);
}

}  // namespace

Message Decoder::parse(ByteReader& in) {
  Parse message;
  if (!take_string(in, message.name) || !take_string(in, message.text)) {
    return malformed('P', "invalid string in message");
  }
  types_.resize(in.be<std::uint16_t>());
  for (std::uint32_t& oid : types_) oid = in.be<std::uint32_t>();
  if (!in.ok()) return malformed('P', "insufficient data left in message");
  if (!in.at_end()) return malformed('P', "invalid message format");
  message.parameter_types = types_;
  return message;
}

bool Decoder::formats(ByteReader& in, std::vector<std::int16_t>& out) {
  out.resize(in.be<std::uint16_t>());
  for (std::int16_t& format : out) format = in.be<std::int16_t>();
  return in.ok();
}

bool Decoder::bind_parameters(ByteReader& in) {
  values_.resize(in.be<std::uint16_t>());
  for (std::optional<std::string_view>& value : values_) {
    auto size = in.be<std::int32_t>();
    if (size < -1) return false;
    value.reset();
    if (size >= 0) value = in.raw(static_cast<std::size_t>(size));
  }
  return in.ok();
}

Message Decoder::bind(ByteReader& in) {
  Bind message;
  if (!take_string(in, message.portal) || !take_string(in, message.statement)) {
    return malformed('B', "invalid string in message");
  }
  if (!formats(in, parameter_formats_) || !bind_parameters(in) || !formats(in, result_formats_)) {
    return malformed('B', "insufficient data left in message");
  }
  if (!in.at_end()) return malformed('B', "invalid message format");
  message.parameter_formats = parameter_formats_;
  message.parameters = values_;
  message.result_formats = result_formats_;
  return message;
}

}  // namespace spar::gateway::wire
