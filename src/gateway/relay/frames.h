// gateway/relay/frames.h: where messages begin and end, without looking into or copying them.
//
// Contract    next() takes one message, or a part of one, off the front of `in`. Messages that the
//             relay must understand come whole; those it only passes on (rows, COPY data) come in
//             the parts in which they arrive, header first. Nothing: what is left of `in` is too
//             short; present it again with more bytes behind it.
// Errors      08P01: the frames are lost, the connection must be closed. 54000: a message that must
//             be whole is longer than the limit.
// Memory      None of its own. What a caller must keep between calls is less than one message that
//             must be whole: `whole_bytes_max`, or `small_bytes_max` for all but Query and Parse.
// Threads     Value type; no synchronisation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace spar::gateway::relay {

enum class Side : std::uint8_t { client, server };  // who speaks

struct FrameLimits {
  std::uint32_t whole_bytes_max = 64u << 20;  // a Query or Parse
  std::uint32_t small_bytes_max = 64u << 10;  // everything else that must be whole
};

inline constexpr std::size_t kFrameHeader = 5;  // type and length

struct Frame {
  char type = 0;
  bool begins = true;      // `bytes` starts with the header
  bool ends = true;        // `bytes` ends the message
  std::uint32_t size = 0;  // of the whole message with its header
  std::string_view bytes;

  bool whole() const { return begins && ends; }
  // REQUIRES: begins
  std::string_view body() const { return bytes.substr(kFrameHeader); }
};

class Framer {
 public:
  explicit Framer(Side side, const FrameLimits& limits = {}) : limits_(limits), side_(side) {}

  Result<std::optional<Frame>> next(std::string_view& in);

  // No message has been given in part.
  bool between() const { return left_ == 0; }

 private:
  // How much of a message must be there before it is given.
  Result<std::size_t> needed(char type, std::uint32_t size, std::string_view in) const;
  Result<std::size_t> needed_of_client(char type, std::uint32_t size, std::string_view in) const;
  std::size_t needed_of_server(char type, std::uint32_t size) const;
  Frame part(std::string_view& in);

  FrameLimits limits_;
  Side side_;
  char type_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t left_ = 0;  // bytes of the message under way
};

}  // namespace spar::gateway::relay
