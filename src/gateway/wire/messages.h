// gateway/wire/messages.h: what a client of PostgreSQL's protocol 3.0 can say, as plain values.
//
// Contract    Views and spans point into the decoder that made the message: valid until its next()
//             or space() is called. Strings carry no terminating zero.
// Source      https://www.postgresql.org/docs/15/protocol-message-formats.html
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace spar::gateway::wire {

enum class Format : std::int16_t { text = 0, binary = 1 };

// Start-up packets, before the first ordinary message.
struct Startup {
  std::uint16_t minor_version = 0;
  std::span<const std::pair<std::string_view, std::string_view>> parameters;
};
inline constexpr std::uint32_t kSslRequestCode = 80877103;  // in the place of a version
struct SslRequest {};
struct GssEncryptionRequest {};
struct CancelRequest {
  std::uint32_t process = 0;
  std::uint32_t secret = 0;
};
struct UnsupportedVersion {
  std::uint16_t major = 0;
  std::uint16_t minor = 0;
};

struct Query {
  std::string_view text;
};
struct Parse {
  std::string_view name;
  std::string_view text;
  std::span<const std::uint32_t> parameter_types;  // oids, 0: to be inferred
};
struct Bind {
  std::string_view portal;
  std::string_view statement;
  std::span<const std::int16_t> parameter_formats;  // none, one for all, or one each
  std::span<const std::optional<std::string_view>> parameters;
  std::span<const std::int16_t> result_formats;
};
enum class Target : char { statement = 'S', portal = 'P' };
struct Describe {
  Target target = Target::statement;
  std::string_view name;
};
struct Close {
  Target target = Target::statement;
  std::string_view name;
};
struct Execute {
  std::string_view portal;
  std::int32_t rows_max = 0;  // 0 or less: all
  bool sync_follows = false;  // as far as has been received
};
struct Flush {};
struct Sync {};
struct Terminate {};
struct CopyData {
  std::string_view bytes;
};
struct CopyDone {};
struct CopyFail {
  std::string_view reason;
};
// SASLInitialResponse, SASLResponse or PasswordMessage: which one, the login knows.
struct Authentication {
  std::string_view bytes;
};
struct FunctionCall {};

// A message whose frame is sound and whose content is not: 08P01, and the session goes on.
struct Malformed {
  char type = 0;
  std::string reason;
};
// A message longer than the limit; its body is skipped as it comes in.
struct TooLarge {
  char type = 0;
  std::uint64_t bytes = 0;
};

using Message =
    std::variant<Startup, SslRequest, GssEncryptionRequest, CancelRequest, UnsupportedVersion,
                 Query, Parse, Bind, Describe, Close, Execute, Flush, Sync, Terminate, CopyData,
                 CopyDone, CopyFail, Authentication, FunctionCall, Malformed, TooLarge>;

}  // namespace spar::gateway::wire
