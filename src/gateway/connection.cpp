#include "gateway/connection.h"

#include <openssl/rand.h>

#include <new>

#include "base/assert.h"
#include "base/log.h"

namespace spar::gateway {
namespace {

constexpr std::string_view kRoom = "gateway";

Error shutting_down() {
  return sql_error("57P01", "terminating connection due to administrator command").error();
}

}  // namespace

Bytes random_bytes(std::size_t size) {
  Bytes out(size, '\0');
  int done = RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size));
  SPAR_ASSERT(done == 1);
  return out;
}

Connection::Connection(int fd, Numbers numbers, const Service& service, Reception& reception)
    : service_(service),
      reception_(reception),
      numbers_(numbers),
      socket_(fd, service.limits),
      decoder_({.message_bytes_max = service.limits.message_bytes_max,
                .login_bytes_max = service.limits.login_message_bytes_max}) {}

Connection::~Connection() {
  if (counted_) reception_.give_back_session();
}

void Connection::run() {
  try {
    if (log_in()) converse();
  } catch (const std::bad_alloc&) {
    log_error(kRoom, "a session ran out of memory");
    refuse(sql_error("53200", "out of memory").error());
  }
  const std::lock_guard guard(session_lock_);
  session_.reset();
}

bool Connection::refuse(const Error& error) {
  Bytes out;
  Login::write_fatal(error, out);
  (void)socket_.send(out);  // it is closed next, either way
  return false;
}

bool Connection::log_in() {
  socket_.set_deadline(std::chrono::steady_clock::now() + service_.limits.login_timeout);
  Login login(service_.credentials, {.tls_offered = service_.tls != nullptr,
                                     .tls_required = service_.tls_required,
                                     .random = random_bytes});
  for (;;) {
    std::optional<Login::Next> next = log_in_step(login);
    if (!next) return false;
    switch (*next) {
      case Login::Next::read:
        break;
      case Login::Next::start_tls:
        if (!start_tls(login)) return false;
        break;
      case Login::Next::cancel:
        reception_.cancel(login.cancel_request());
        return false;
      case Login::Next::close:
        return false;
      case Login::Next::authenticated:
        return open_session(login);
    }
  }
}

// One message, answered; nothing when the connection is over.
std::optional<Login::Next> Connection::log_in_step(Login& login) {
  for (;;) {
    Result<std::optional<wire::Message>> message = decoder_.next();
    if (!message) {
      refuse(message.error());
      return std::nullopt;
    }
    if (*message) {
      Bytes out;
      Login::Next next = login.handle(**message, out);
      if (login.expects_password()) decoder_.enter(wire::Decoder::Phase::login);
      if (!out.empty() && !socket_.send(out)) return std::nullopt;
      return next;
    }
    if (!read_login_bytes()) return std::nullopt;
  }
}

bool Connection::read_login_bytes() {
  may_be_woken_ = true;
  std::span<char> space = decoder_.space();
  Result<std::size_t> size = stopping_ ? 0u : socket_.receive(space);
  may_be_woken_ = false;
  if (stopping_) return refuse(sql_error("57P03", "the database system is shutting down").error());
  if (!size && size.error().code == Code::deadline) {
    return refuse(sql_error("57014", "canceling authentication due to timeout").error());
  }
  if (!size || *size == 0) return false;
  decoder_.filled(*size);
  return true;
}

bool Connection::start_tls(Login& login) {
  // Bytes that came before the handshake could be anyone's.
  if (decoder_.buffered() > 0) {
    return refuse(sql_error("08P01", "received unencrypted data after SSL request").error());
  }
  if (Result<void> done = socket_.start_tls(*service_.tls); !done) {
    log_info(kRoom, done.error().message);
    return false;
  }
  login.tls_started(service_.tls->certificate_digest());
  return true;
}

bool Connection::open_session(const Login& login) {
  if (!reception_.take_session()) {
    return refuse(sql_error("53300", "sorry, too many clients already").error());
  }
  counted_ = true;
  std::vector<std::string> warnings;
  Result<Settings> settings = login.settings(service_.limits, warnings);
  if (!settings) return refuse(settings.error());
  Result<std::unique_ptr<Backend>> backend = service_.backends.open(login.database(), login.user());
  if (!backend) return refuse(backend.error());
  {
    const std::lock_guard guard(session_lock_);
    session_ = std::make_unique<Session>(Session::Setup{.identity = {.user = login.user(),
                                                                     .database = login.database(),
                                                                     .process = numbers_.process,
                                                                     .secret = numbers_.secret},
                                                        .backend = std::move(*backend),
                                                        .settings = std::move(*settings),
                                                        .limits = service_.limits,
                                                        .language = service_.language},
                                         socket_);
  }
  socket_.set_deadline(kNoDeadline);
  decoder_.enter(wire::Decoder::Phase::session);
  session_->greet(warnings);
  return true;
}

void Connection::converse() {
  for (;;) {
    Result<std::optional<wire::Message>> message = decoder_.next();
    if (!message) {
      session_->end(message.error());
      return;
    }
    if (*message) {
      if (session_->handle(**message) == Session::After::close) return;
    } else if (!read_more()) {
      return;
    }
  }
}

bool Connection::must_stop() {
  return breaking_off_ || (stopping_ && !session_->in_transaction());
}

bool Connection::read_more() {
  may_be_woken_ = !session_->in_transaction();
  if (must_stop()) {
    session_->end(shutting_down());
    return false;
  }
  socket_.set_silence_max(session_->silence_max());
  std::span<char> space = decoder_.space();
  Result<std::size_t> size = socket_.receive(space);
  may_be_woken_ = false;
  if (!size && size.error().code == Code::deadline) {
    const bool inside = session_->in_transaction();
    session_->end(sql_error(inside ? "25P03" : "57P05",
                            std::string("terminating connection due to ") +
                                (inside ? "idle-in-transaction" : "idle-session") + " timeout")
                      .error());
    return false;
  }
  if (size && *size > 0) {
    decoder_.filled(*size);
    return true;
  }
  if (must_stop()) session_->end(shutting_down());
  return false;
}

void Connection::stop() {
  stopping_ = true;
  if (may_be_woken_) socket_.stop_reading();
}

void Connection::break_off(bool cut) {
  stopping_ = true;
  breaking_off_ = true;
  {
    const std::lock_guard guard(session_lock_);
    if (session_) session_->break_off();
  }
  cut ? socket_.break_off() : socket_.stop_reading();
}

void Connection::cancel(std::uint32_t secret) {
  if (secret != numbers_.secret) return;
  const std::lock_guard guard(session_lock_);
  if (session_) session_->cancel();
}

}  // namespace spar::gateway
