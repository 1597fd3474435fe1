// Bytes of a hostile client against the decoder, the login and a whole session on the fake backend.
// Byte 0 picks the phase and the size of the pieces; what a decoder says must not depend on the
// latter.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/login.h"
#include "gateway/wire/decoder.h"
#include "tests/unit/gateway/talking_session.h"

namespace spar::gateway {
namespace {

constexpr std::uint64_t kMessageBytesMax = 1u << 16;

// The kinds of the messages, and whether the stream broke.
std::string kinds(std::string_view bytes, wire::Decoder::Phase phase, std::size_t piece) {
  wire::Decoder decoder({.message_bytes_max = kMessageBytesMax, .login_bytes_max = 1'000});
  decoder.enter(phase);
  std::string out;
  while (!bytes.empty()) {
    decoder.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      auto message = decoder.next();
      if (!message) return out + "!";
      if (!*message) break;
      out += static_cast<char>('a' + (*message)->index());
    }
  }
  return out;
}

void check_decoder(std::string_view bytes, wire::Decoder::Phase phase, std::size_t piece) {
  if (kinds(bytes, phase, piece) != kinds(bytes, phase, bytes.size() + 1)) std::abort();
}

void log_in(std::string_view bytes) {
  Credentials credentials;
  credentials.secrets["app"] = auth::mock_secret("app", "known");
  credentials.mock_key = "key";
  Login login(credentials, {.random = [](std::size_t size) { return Bytes(size, 'r'); }});
  wire::Decoder decoder({});
  decoder.feed(bytes);
  for (;;) {
    auto message = decoder.next();
    if (!message || !*message) return;
    Bytes out;
    Login::Next next = login.handle(**message, out);
    if (login.expects_password()) decoder.enter(wire::Decoder::Phase::login);
    if (next == Login::Next::authenticated) std::abort();  // nobody knows that password
    if (next != Login::Next::read) return;
  }
}

void converse(std::string_view bytes, std::size_t piece) {
  if (bytes.find("slow") != std::string_view::npos) return;  // runs until it is cancelled
  Limits limits;
  limits.held_output_bytes_max = 1u << 20;
  test::TalkingSession talk(limits);
  while (!bytes.empty() && !talk.closed) {
    talk.say(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  const auto record = talk.record;
  talk.close();
  if (record->violations != 0 || record->open_rows != 0) std::abort();
}

}  // namespace
}  // namespace spar::gateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spar::gateway;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = 1 + data[0] / 4;
  switch (data[0] % 4) {
    case 0:
      check_decoder(bytes, wire::Decoder::Phase::startup, piece);
      break;
    case 1:
      check_decoder(bytes, wire::Decoder::Phase::session, piece);
      break;
    case 2:
      log_in(bytes);
      break;
    default:
      converse(bytes, piece);
  }
  return 0;
}
