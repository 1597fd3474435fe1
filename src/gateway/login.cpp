#include "gateway/login.h"

#include <algorithm>
#include <array>

namespace spar::gateway {
namespace {

constexpr std::size_t kNonceBytes = 18;
constexpr std::size_t kNameBytesMax = 63;

// "-c name=value --name=value" with backslashes before blanks, as in the start-up packet.
Result<std::vector<std::pair<std::string, std::string>>> read_options(std::string_view text) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      words.back() += text[++i];
    } else if (text[i] != ' ' && text[i] != '\t' && text[i] != '\n') {
      words.back() += text[i];
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  std::vector<std::pair<std::string, std::string>> options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "-c" && i + 1 < words.size()) {
      word = words[++i];
    } else if (word.starts_with("--") || (word.starts_with("-c") && word.size() > 2)) {
      word.remove_prefix(2);
    } else {
      return sql_error("42601", "invalid command-line argument for server process: " + words[i]);
    }
    std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      return sql_error("42601", "-c " + std::string(word) + " requires a value");
    }
    std::string name(word.substr(0, equals));
    std::ranges::replace(name, '-', '_');
    options.emplace_back(std::move(name), word.substr(equals + 1));
  }
  return options;
}

bool is_protocol_option(std::string_view name) {
  return name.starts_with("_pq_.");
}

}  // namespace

auth::ScramSecret to_secret(std::string_view password, Bytes salt) {
  if (std::optional<auth::ScramSecret> secret = auth::parse_secret(password)) return *secret;
  return auth::make_secret(password, std::move(salt));
}

Login::Login(const Credentials& credentials, Options options)
    : credentials_(credentials), options_(std::move(options)) {}

Login::Next Login::handle(const wire::Message& message, Bytes& out) {
  return std::visit([&](const auto& one) { return on(one, out); }, message);
}

void Login::tls_started(Bytes certificate_digest) {
  tls_ = true;
  certificate_digest_ = std::move(certificate_digest);
}

void Login::write_fatal(const Error& error, Bytes& out) {
  wire::Encoder(out).error(wire::Severity::fatal, error);
}

Login::Next Login::refuse(std::string_view sqlstate, std::string message, Bytes& out) const {
  write_fatal(sql_error(sqlstate, std::move(message)).error(), out);
  return Next::close;
}

Login::Next Login::refuse_password(Bytes& out) const {
  return refuse("28P01", "password authentication failed for user \"" + user_ + "\"", out);
}

Login::Next Login::on(const wire::SslRequest&, Bytes& out) {
  if (tls_) return refuse("08P01", "TLS has been started already", out);
  out += options_.tls_offered ? 'S' : 'N';
  return options_.tls_offered ? Next::start_tls : Next::read;
}

Login::Next Login::on(const wire::GssEncryptionRequest&, Bytes& out) {
  out += 'N';
  return Next::read;
}

Login::Next Login::on(const wire::CancelRequest& cancel, Bytes&) {
  cancel_ = cancel;
  return Next::cancel;
}

Login::Next Login::on(const wire::UnsupportedVersion& version, Bytes& out) {
  return refuse("0A000",
                "unsupported frontend protocol " + std::to_string(version.major) + "." +
                    std::to_string(version.minor) + ": server supports 3.0 to 3.0",
                out);
}

Login::Next Login::on(const wire::Startup& startup, Bytes& out) {
  if (options_.tls_required && !tls_) {
    return refuse("28000", "connections without TLS are not allowed here", out);
  }
  if (std::optional<Error> error = take_parameters(startup)) {
    write_fatal(*error, out);
    return Next::close;
  }
  negotiate(startup, out);
  if (credentials_.elsewhere) {
    auto secret = credentials_.elsewhere(user_, database_);
    if (!secret) {
      write_fatal(secret.error(), out);
      return Next::close;
    }
    if (*secret) return ask_for_proof(std::move(**secret), out);
  }
  if (!credentials_.trust_everyone) {
    auto known = credentials_.secrets.find(user_);
    return ask_for_proof(known != credentials_.secrets.end()
                             ? known->second
                             : auth::mock_secret(user_, credentials_.mock_key),
                         out);
  }
  wire::Encoder(out).authentication_ok();
  return Next::authenticated;
}

std::optional<Error> Login::take_parameters(const wire::Startup& startup) {
  for (const auto& [name, value] : startup.parameters) {
    if (name == "user") {
      user_ = value.substr(0, kNameBytesMax);
    } else if (name == "database") {
      database_ = value.substr(0, kNameBytesMax);
    } else if (name == "options") {
      auto options = read_options(value);
      if (!options) return options.error();
      std::ranges::move(*options, std::back_inserter(parameters_));
    } else if (name == "replication") {
      if (value != "false" && value != "off" && value != "no" && value != "0") {
        return not_supported("the replication protocol").error();
      }
    } else if (!is_protocol_option(name)) {
      parameters_.emplace_back(name, value);
    }
  }
  if (user_.empty()) {
    return sql_error("28000", "no PostgreSQL user name specified in startup packet").error();
  }
  if (database_.empty()) database_ = user_;
  return std::nullopt;
}

// Says that this is 3.0 to a client that asks for more.
void Login::negotiate(const wire::Startup& startup, Bytes& out) const {
  std::vector<std::string_view> unknown;
  for (const auto& [name, value] : startup.parameters) {
    if (is_protocol_option(name)) unknown.push_back(name);
  }
  if (startup.minor_version == 0 && unknown.empty()) return;
  wire::Encoder(out).negotiate_protocol_version(0, unknown);
}

Login::Next Login::ask_for_proof(auth::ScramSecret secret, Bytes& out) {
  secret_ = std::move(secret);
  std::vector<std::string_view> mechanisms;
  if (!certificate_digest_.empty()) mechanisms.push_back(auth::kScramPlusMechanism);
  mechanisms.push_back(auth::kScramMechanism);
  wire::Encoder(out).authentication_sasl(mechanisms);
  stage_ = Stage::mechanism;
  return Next::read;
}

Login::Next Login::on(const wire::Authentication& message, Bytes& out) {
  switch (stage_) {
    case Stage::startup:
      return refuse("08P01", "unexpected message", out);
    case Stage::mechanism:
      return choose_mechanism(message.bytes, out);
    case Stage::proof:
      return check_proof(message.bytes, out);
  }
  return Next::close;
}

Login::Next Login::choose_mechanism(std::string_view message, Bytes& out) {
  const std::size_t zero = message.find('\0');
  if (zero == std::string_view::npos) return refuse("08P01", "malformed SASL message", out);
  const std::string_view mechanism = message.substr(0, zero);
  ByteReader in(message.substr(zero + 1));
  const auto size = in.be<std::uint32_t>();
  if (!in.ok() || size != in.remaining()) return refuse("08P01", "malformed SASL message", out);

  const bool plus = mechanism == auth::kScramPlusMechanism && !certificate_digest_.empty();
  if (!plus && mechanism != auth::kScramMechanism) {
    return refuse("08P01", "client selected an invalid SASL authentication mechanism", out);
  }
  exchange_.emplace(secret_, auth::ScramExchange::Options{
                                 .server_nonce = auth::encode_base64(options_.random(kNonceBytes)),
                                 .certificate_digest = certificate_digest_,
                                 .plus = plus});
  Result<std::string> answer = exchange_->first(in.raw(size));
  if (!answer) {
    write_fatal(answer.error(), out);
    return Next::close;
  }
  wire::Encoder(out).authentication_sasl_continue(*answer);
  stage_ = Stage::proof;
  return Next::read;
}

Login::Next Login::check_proof(std::string_view message, Bytes& out) {
  Result<std::optional<std::string>> answer = exchange_->last(message);
  if (!answer) {
    write_fatal(answer.error(), out);
    return Next::close;
  }
  if (!*answer) return refuse_password(out);
  wire::Encoder encoder(out);
  encoder.authentication_sasl_final(**answer);
  encoder.authentication_ok();
  return Next::authenticated;
}

Result<Settings> Login::settings(const Limits& limits, std::vector<std::string>& warnings) const {
  Settings settings(user_, limits);
  for (const auto& [name, value] : parameters_) {
    std::string warning;
    SPAR_TRY(settings.set_default(name, value, warning));
    if (!warning.empty()) warnings.push_back(std::move(warning));
  }
  return settings;
}

}  // namespace spar::gateway
