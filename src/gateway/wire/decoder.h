// gateway/wire/decoder.h: bytes from a client, in any pieces, to messages.
//
// Contract    Put bytes into space() and tell filled(), or give them to feed(); then call next()
//             until it needs more. A message that is longer than the limit is reported at once as
//             TooLarge and never buffered. An error of next() is fatal (08P01): the stream has lost
//             its frames and the connection must be closed.
// Memory      The buffer grows with the bytes that have come in, never with a length that a client
//             merely announces; it holds at most one message of `limits` and one read.
// Threads     Value type; no synchronisation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/wire/messages.h"

namespace spar::gateway::wire {

struct DecoderLimits {
  std::uint64_t message_bytes_max = 64u << 20;  // Query, Parse, Bind, CopyData
  std::uint32_t login_bytes_max = 8u << 10;     // an authentication message
};

class Decoder {
 public:
  enum class Phase { startup, login, session };

  explicit Decoder(const DecoderLimits& limits) : limits_(limits) {}

  // Start-up packets have no type byte; the owner moves on when it has seen a Startup. Before the
  // login is done every message is small.
  void enter(Phase phase) { phase_ = phase; }

  // Room for at least one read; invalidates the last message.
  std::span<char> space();
  void filled(std::size_t bytes);
  void feed(std::string_view bytes);

  // Nothing: more bytes are needed.
  Result<std::optional<Message>> next();

  std::size_t buffered() const { return end_ - begin_; }

 private:
  struct Frame {
    char type = 0;
    std::string_view body;
  };
  std::string_view unread() const { return {buffer_.data() + begin_, buffered()}; }
  std::uint64_t limit_of(char type) const;
  void skip();
  void give_back_memory();
  Result<std::optional<Message>> next_startup();
  Message startup(std::string_view body);
  Message decode(const Frame& frame);
  Message parse(ByteReader& in);
  Message bind(ByteReader& in);
  bool bind_parameters(ByteReader& in);
  bool formats(ByteReader& in, std::vector<std::int16_t>& out);

  DecoderLimits limits_;
  Phase phase_ = Phase::startup;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t skip_bytes_ = 0;
  // What the spans of the last message point to; kept to spare allocations.
  std::vector<std::pair<std::string_view, std::string_view>> pairs_;
  std::vector<std::uint32_t> types_;
  std::vector<std::int16_t> parameter_formats_;
  std::vector<std::int16_t> result_formats_;
  std::vector<std::optional<std::string_view>> values_;
};

}  // namespace spar::gateway::wire
