// gateway/auth/scram.h: both sides of SCRAM-SHA-256 (RFC 5802, RFC 7677).
//
// Contract    A ScramExchange takes the client's two messages and says in the end whether it knew
//             the password. For an unknown user, hand it mock_secret(): the messages, the work and
//             the answer are then those of a wrong password. Names are not compared: the start-up
//             packet has named the user. After a right proof it hands out the keys with which a
//             ScramClient logs in elsewhere as the same user, wherever that user's secret has the
//             same salt and iterations: no password is needed, and none can be told from them.
// Errors      08P01 for a message that is not SCRAM; a wrong proof is an answer, not an error.
// Threads     Value types; no synchronisation.
// Not here    Random bytes (the caller brings nonce and salt). SASLprep beyond ASCII: a password
//             with other characters is taken byte by byte.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace spar::gateway::auth {

inline constexpr int kScramIterations = 4096;
inline constexpr std::size_t kScramSaltBytes = 16;
inline constexpr std::string_view kScramMechanism = "SCRAM-SHA-256";
inline constexpr std::string_view kScramPlusMechanism = "SCRAM-SHA-256-PLUS";

using Digest = std::array<std::uint8_t, 32>;

struct ScramSecret {
  int iterations = kScramIterations;
  Bytes salt;
  Digest stored_key{};
  Digest server_key{};
  bool genuine = true;  // false for mock_secret(): no proof can be right
};

// SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>, as in PostgreSQL's pg_authid.
std::optional<ScramSecret> parse_secret(std::string_view text);
std::string to_string(const ScramSecret& secret);

ScramSecret make_secret(std::string_view password, Bytes salt, int iterations = kScramIterations);
// The same for the same user and key, so that asking twice tells nothing.
ScramSecret mock_secret(std::string_view user, std::string_view process_key);

// What a client proves to know, without the password. As good as the password for servers whose
// secret has this salt: keep it in memory only, never log it.
struct ScramKeys {
  int iterations = kScramIterations;
  Bytes salt;
  Digest client_key{};
  Digest server_key{};

  bool operator==(const ScramKeys&) const = default;
};

ScramKeys make_keys(std::string_view password, Bytes salt, int iterations = kScramIterations);

class ScramExchange {
 public:
  struct Options {
    Bytes server_nonce;        // printable, without a comma
    Bytes certificate_digest;  // tls-server-end-point; empty: no channel binding offered
    bool plus = false;         // the client chose the -PLUS mechanism
  };

  ScramExchange(ScramSecret secret, Options options)
      : secret_(std::move(secret)), options_(std::move(options)) {}

  // client-first-message in, server-first-message out.
  Result<std::string> first(std::string_view message);
  // client-final-message in; server-final-message out, or nothing: the proof is wrong.
  Result<std::optional<std::string>> last(std::string_view message);
  // Nothing before last() has accepted the proof.
  const std::optional<ScramKeys>& keys() const { return keys_; }

 private:
  Result<std::size_t> read_header(std::string_view message);
  Bytes expected_binding() const;

  ScramSecret secret_;
  Options options_;
  std::string header_;        // gs2-header, as the client sent it
  std::string client_first_;  // without the header
  std::string server_first_;
  std::string nonce_;
  std::optional<ScramKeys> keys_;
};

// The client's side, without channel binding (mechanism SCRAM-SHA-256, flag n).
class ScramClient {
 public:
  // `nonce`: printable, without a comma.
  ScramClient(std::string password, std::string nonce)
      : password_(std::move(password)), nonce_(std::move(nonce)) {}
  ScramClient(ScramKeys keys, std::string nonce)
      : keys_(std::move(keys)), nonce_(std::move(nonce)) {}

  std::string first() const;
  // server-first-message in, client-final-message out. 28000: the keys belong to another salt.
  Result<std::string> last(std::string_view server_first);
  // Whether server-final-message proves that the server knows the user's secret.
  Result<void> verify(std::string_view server_final) const;

 private:
  Result<void> find_keys(Bytes salt, int iterations);

  std::string password_;
  std::optional<ScramKeys> keys_;
  std::string nonce_;
  Digest signature_{};
};

Bytes encode_base64(std::string_view bytes);
std::optional<Bytes> decode_base64(std::string_view text);

}  // namespace spar::gateway::auth
