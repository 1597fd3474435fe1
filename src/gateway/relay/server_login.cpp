#include "gateway/relay/server_login.h"

#include <algorithm>

#include "base/assert.h"
#include "query/functions/md5.h"

namespace spar::gateway::relay {
namespace {

constexpr std::uint32_t kVersion = 3u << 16;

enum Request : std::uint32_t {
  kOk = 0,
  kClear = 3,
  kMd5 = 5,
  kSasl = 10,
  kSaslContinue = 11,
  kSaslFinal = 12,
};

Failure not_a_login(std::string message) {
  return failure(Code::invalid, std::move(message), "08P01");
}

Failure cannot_answer(std::string message) {
  return failure(Code::sql, std::move(message), "28000");
}

void message(char type, std::string_view body, Bytes& out) {
  ByteWriter writer(out);
  out += type;
  writer.be(static_cast<std::uint32_t>(body.size() + 4));
  writer.raw(body);
}

std::string_view take_string(std::string_view& in) {
  const std::size_t zero = in.find('\0');
  std::string_view text = in.substr(0, zero);
  in.remove_prefix(zero == std::string_view::npos ? in.size() : zero + 1);
  return text;
}

}  // namespace

Error read_server_error(std::string_view body) {
  Error error;
  error.code = Code::sql;
  error.message = "the server gave no reason";
  while (!body.empty() && body[0] != '\0') {
    const char field = body[0];
    body.remove_prefix(1);
    const std::string text(take_string(body));
    if (field == 'C') error.sqlstate = text;
    if (field == 'M') error.message = text;
    if (field == 'D') error.detail = text;
    if (field == 'H') error.hint = text;
  }
  return error;
}

std::string_view error_field(std::string_view body, char field) {
  while (!body.empty() && body[0] != '\0') {
    const char name = body[0];
    body.remove_prefix(1);
    const std::string_view text = body.substr(0, body.find('\0'));
    if (name == field) return text;
    body.remove_prefix(std::min(body.size(), text.size() + 1));
  }
  return {};
}

void ServerLogin::begin(Bytes& out) const {
  Bytes body;
  ByteWriter writer(body);
  writer.be(kVersion);
  auto add = [&](std::string_view name, std::string_view value) {
    body.append(name).push_back('\0');
    body.append(value).push_back('\0');
  };
  add("user", identity_.user);
  add("database", identity_.database);
  for (const auto& [name, value] : identity_.parameters) add(name, value);
  body += '\0';
  ByteWriter(out).be(static_cast<std::uint32_t>(body.size() + 4));
  out += body;
}

Result<ServerLogin::Next> ServerLogin::step(std::string_view& in, Bytes& out) {
  for (;;) {
    SPAR_ASSIGN(std::optional<Frame> frame, framer_.next(in));
    if (!frame) return Next::read;
    SPAR_ASSIGN(Next next, take(*frame, out));
    if (next == Next::done) return next;
  }
}

Result<ServerLogin::Next> ServerLogin::take(const Frame& frame, Bytes& out) {
  if (!frame.whole()) return not_a_login("the server's login message is too long");
  ByteReader body(frame.body());
  switch (frame.type) {
    case 'R':
      SPAR_TRY(authenticate(frame.body(), out));
      return Next::read;
    case 'S':
      SPAR_TRY(take_parameter(frame.body()));
      return Next::read;
    case 'K':
      key_.process = body.be<std::uint32_t>();
      key_.secret = body.be<std::uint32_t>();
      return Next::read;
    case 'N':
      return Next::read;
    case 'E':
      return Failure(read_server_error(frame.body()));
    case 'Z':
      if (!authenticated_) return not_a_login("the server is ready before the login is done");
      return Next::done;
    default:
      return not_a_login(std::string("unexpected message in the login: ") + frame.type);
  }
}

Result<void> ServerLogin::authenticate(std::string_view body, Bytes& out) {
  ByteReader in(body);
  const auto request = in.be<std::uint32_t>();
  if (!in.ok()) return not_a_login("an authentication request without its kind");
  std::string_view rest = in.raw(in.remaining());
  switch (request) {
    case kOk:
      // A server that lets us in without a proof of its own after SCRAM has begun is not the one.
      if (scram_ && !server_proved_) return cannot_answer("the server did not prove itself");
      authenticated_ = true;
      return {};
    case kClear:
      return send_clear(out);
    case kMd5:
      return send_md5(rest, out);
    case kSasl:
      return choose_mechanism(rest, out);
    case kSaslContinue:
      return prove(rest, out);
    case kSaslFinal:
      return check_server(rest);
    default:
      return cannot_answer("the server asks for authentication method " + std::to_string(request));
  }
}

Result<void> ServerLogin::send_clear(Bytes& out) const {
  const auto* password = std::get_if<Password>(&identity_.secret);
  if (password == nullptr)
    return cannot_answer("the server asks for a password, and none is known");
  if (!identity_.may_send_clear) {
    return cannot_answer("the server asks for a password in clear, which is not allowed");
  }
  message('p', password->text + '\0', out);
  return {};
}

Result<void> ServerLogin::send_md5(std::string_view salt, Bytes& out) const {
  const auto* password = std::get_if<Password>(&identity_.secret);
  if (password == nullptr)
    return cannot_answer("the server asks for a password, and none is known");
  if (salt.size() != 4) return not_a_login("the MD5 salt has not four bytes");
  std::optional<std::string> inner = query::functions::md5_hex(password->text + identity_.user);
  std::optional<std::string> outer =
      query::functions::md5_hex(inner.value_or("") + std::string(salt));
  if (!inner || !outer) return cannot_answer("the server asks for MD5, which is switched off here");
  message('p', "md5" + *outer + '\0', out);
  return {};
}

Result<void> ServerLogin::choose_mechanism(std::string_view mechanisms, Bytes& out) {
  if (scram_) return not_a_login("the server begins SCRAM twice");
  bool offered = false;
  while (!mechanisms.empty()) offered |= take_string(mechanisms) == auth::kScramMechanism;
  if (!offered) return cannot_answer("the server offers no SASL mechanism that is known here");
  if (const auto* password = std::get_if<Password>(&identity_.secret)) {
    scram_.emplace(password->text, nonce_);
  } else if (const auto* keys = std::get_if<auth::ScramKeys>(&identity_.secret)) {
    scram_.emplace(*keys, nonce_);
  } else {
    return cannot_answer("the server asks for a password, and none is known");
  }
  const std::string first = scram_->first();
  Bytes body(auth::kScramMechanism);
  body += '\0';
  ByteWriter(body).be(static_cast<std::uint32_t>(first.size()));
  message('p', body + first, out);
  return {};
}

Result<void> ServerLogin::prove(std::string_view server_first, Bytes& out) {
  if (!scram_) return not_a_login("SCRAM goes on before it has begun");
  SPAR_ASSIGN(std::string last, scram_->last(server_first));
  message('p', last, out);
  return {};
}

Result<void> ServerLogin::check_server(std::string_view server_final) {
  if (!scram_) return not_a_login("SCRAM ends before it has begun");
  SPAR_TRY(scram_->verify(server_final));
  server_proved_ = true;
  return {};
}

Result<void> ServerLogin::take_parameter(std::string_view body) {
  constexpr std::size_t kParametersMax = 1'000;
  std::string name(take_string(body)), value(take_string(body));
  if (parameters_.size() >= kParametersMax) return not_a_login("too many parameters");
  parameters_.insert_or_assign(std::move(name), std::move(value));
  return {};
}

}  // namespace spar::gateway::relay
