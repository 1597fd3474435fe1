// gateway/relay/server_login.h: logs in to a PostgreSQL server as a user, apart from the socket.
//
// Contract    begin() appends the StartupMessage; step() takes what the server says off the front
//             of `in` and appends the answers, until it is done (the server waits for a statement)
//             or has failed. Bytes behind ReadyForQuery stay in `in`.
// Secrets     By password: cleartext, MD5, SCRAM-SHA-256. By SCRAM keys: SCRAM-SHA-256 alone.
//             A password is sent in clear only when `may_send_clear` allows it.
// Errors      What the server said, with its SQLSTATE; 28000 for what it asks and we cannot answer;
//             08P01 for what is no login.
// Source      https://www.postgresql.org/docs/15/protocol-flow.html
// Threads     Value type; no synchronisation.
// Not here    TLS to the server; GSS and SSPI.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/auth/scram.h"
#include "gateway/relay/frames.h"

namespace spar::gateway::relay {

struct NoSecret {};
struct Password {
  std::string text;
};
using ServerSecret = std::variant<NoSecret, Password, auth::ScramKeys>;

struct ServerIdentity {
  std::string user;
  std::string database;
  std::vector<std::pair<std::string, std::string>> parameters;  // of the start-up packet
  ServerSecret secret;
  bool may_send_clear = false;
};

struct BackendKey {
  std::uint32_t process = 0;
  std::uint32_t secret = 0;
};

// An ErrorResponse or NoticeResponse as an Error.
Error read_server_error(std::string_view body);
// One field of either, "" when it is not there.
std::string_view error_field(std::string_view body, char field);

class ServerLogin {
 public:
  enum class Next { read, done };

  // `nonce`: random, printable, without a comma.
  ServerLogin(ServerIdentity identity, std::string nonce)
      : identity_(std::move(identity)), nonce_(std::move(nonce)) {}

  void begin(Bytes& out) const;
  Result<Next> step(std::string_view& in, Bytes& out);

  // What the server told: REQUIRES done.
  const std::map<std::string, std::string>& parameters() const { return parameters_; }
  BackendKey key() const { return key_; }

 private:
  Result<Next> take(const Frame& frame, Bytes& out);
  Result<void> authenticate(std::string_view body, Bytes& out);
  Result<void> send_clear(Bytes& out) const;
  Result<void> send_md5(std::string_view salt, Bytes& out) const;
  Result<void> choose_mechanism(std::string_view mechanisms, Bytes& out);
  Result<void> prove(std::string_view server_first, Bytes& out);
  Result<void> check_server(std::string_view server_final);
  Result<void> take_parameter(std::string_view body);

  ServerIdentity identity_;
  std::string nonce_;
  Framer framer_{Side::server};
  std::optional<auth::ScramClient> scram_;
  bool server_proved_ = false;
  bool authenticated_ = false;
  std::map<std::string, std::string> parameters_;
  BackendKey key_;
};

}  // namespace spar::gateway::relay
