// gateway/login.h: from the first byte of a connection to a known user, apart from its socket.
//
// Contract    handle() takes the messages of the phases startup and login and appends the answers;
//             what it returns says what the connection does next. A wrong password and an unknown
//             user get the same answers after the same work.
// Errors      Written as FATAL; then Next::close.
// Memory      At most one start-up packet and one login message.
// Threads     Value type; no synchronisation.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/auth/scram.h"
#include "gateway/limits.h"
#include "gateway/settings.h"
#include "gateway/wire/encoder.h"
#include "gateway/wire/messages.h"

namespace spar::gateway {

// Who may come in. Made once at the start of the server; never logged.
struct Credentials {
  bool trust_everyone = false;  // the configuration names no users
  std::map<std::string, auth::ScramSecret, std::less<>> secrets;
  Bytes mock_key;  // random: what unknown users are measured with
  // Users that are kept elsewhere, as the roles of a server are; asked first. Nothing: not known
  // there. An error: nobody can be asked now. May be empty. Called on the session's thread.
  using Elsewhere = std::function<Result<std::optional<auth::ScramSecret>>(
      std::string_view user, std::string_view database)>;
  Elsewhere elsewhere;
};

// Takes a SCRAM secret, or a plain password, for which it makes a secret with `salt`.
auth::ScramSecret to_secret(std::string_view password, Bytes salt);

class Login {
 public:
  enum class Next { read, start_tls, cancel, authenticated, close };
  struct Options {
    bool tls_offered = false;
    bool tls_required = false;
    std::function<Bytes(std::size_t)> random;  // that many bytes
  };
  Login(const Credentials& credentials, Options options);

  Next handle(const wire::Message& message, Bytes& out);
  // With the digest of the server's certificate, for channel binding; may be empty.
  void tls_started(Bytes certificate_digest);
  bool expects_password() const { return stage_ != Stage::startup; }

  const wire::CancelRequest& cancel_request() const { return cancel_; }
  const std::string& user() const { return user_; }
  const std::string& database() const { return database_; }
  // Of the start-up packet and its options, without user and database.
  const std::vector<std::pair<std::string, std::string>>& parameters() const { return parameters_; }
  // With which Spar can log in elsewhere as this user; nothing when no proof was asked for.
  std::optional<auth::ScramKeys> keys() const {
    return exchange_ ? exchange_->keys() : std::nullopt;
  }
  // The parameters of the start-up packet as the session's defaults.
  Result<Settings> settings(const Limits& limits, std::vector<std::string>& warnings) const;

  static void write_fatal(const Error& error, Bytes& out);

 private:
  enum class Stage { startup, mechanism, proof };
  Next on(const wire::Startup& startup, Bytes& out);
  Next on(const wire::SslRequest&, Bytes& out);
  Next on(const wire::GssEncryptionRequest&, Bytes& out);
  Next on(const wire::CancelRequest& cancel, Bytes& out);
  Next on(const wire::UnsupportedVersion& version, Bytes& out);
  Next on(const wire::Authentication& message, Bytes& out);
  template <class Other>
  Next on(const Other&, Bytes& out) {
    return refuse("08P01", "expected a SASL response", out);
  }
  std::optional<Error> take_parameters(const wire::Startup& startup);
  void negotiate(const wire::Startup& startup, Bytes& out) const;
  Next ask_for_proof(auth::ScramSecret secret, Bytes& out);
  Next choose_mechanism(std::string_view message, Bytes& out);
  Next check_proof(std::string_view message, Bytes& out);
  Next refuse(std::string_view sqlstate, std::string message, Bytes& out) const;
  Next refuse_password(Bytes& out) const;

  const Credentials& credentials_;
  Options options_;
  Stage stage_ = Stage::startup;
  bool tls_ = false;
  Bytes certificate_digest_;
  wire::CancelRequest cancel_;
  std::string user_;
  std::string database_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  auth::ScramSecret secret_;  // that the user has to know
  std::optional<auth::ScramExchange> exchange_;
};

}  // namespace spar::gateway
