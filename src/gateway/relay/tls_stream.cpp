#include "gateway/relay/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>

#include "base/assert.h"

namespace spar::gateway::relay {
namespace {

Failure broken(const char* what) {
  return failure(Code::io, std::string(what) + ": " + openssl_reason(), "08006");
}

int clamped(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

TlsStream::TlsStream(const TlsContext& context) : TlsStream(SSL_new(context.get())) {
  SSL_set_accept_state(ssl_);
}

TlsStream::TlsStream(const ServerTls& server) : TlsStream(server.open()) {}

TlsStream::TlsStream(ssl_st* ssl)
    : ssl_(ssl), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
  SPAR_ASSERT(ssl_ != nullptr && in_ != nullptr && out_ != nullptr);
  BIO_set_mem_eof_return(in_, -1);  // empty means: not yet
  SSL_set_bio(ssl_, in_, out_);
  SSL_set_mode(ssl_, SSL_MODE_RELEASE_BUFFERS);  // an idle session keeps none
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
}

void TlsStream::take_output(Bytes& wire) {
  char buffer[16384];
  for (;;) {
    const int size = BIO_read(out_, buffer, sizeof buffer);
    if (size <= 0) return;
    wire.append(buffer, static_cast<std::size_t>(size));
  }
}

Result<bool> TlsStream::shake_hands() {
  if (established_) return true;
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) {
    established_ = true;
    return true;
  }
  if (SSL_get_error(ssl_, done) == SSL_ERROR_WANT_READ) return false;
  const long verdict = SSL_get_verify_result(ssl_);
  if (verdict == X509_V_OK) return broken("the TLS handshake failed");
  ERR_clear_error();
  return failure(Code::unavailable,
                 std::string("the server's certificate is not accepted: ") +
                     X509_verify_cert_error_string(verdict),
                 "08001");
}

Result<void> TlsStream::begin(Bytes& wire) {
  const Result<bool> done = shake_hands();
  take_output(wire);
  return done ? Result<void>() : std::unexpected(done.error());
}

Result<void> TlsStream::received(std::string_view bytes, Bytes& plain, Bytes& wire) {
  while (!bytes.empty()) {
    const int taken = BIO_write(in_, bytes.data(), clamped(bytes.size()));
    if (taken <= 0) return broken("TLS");
    bytes.remove_prefix(static_cast<std::size_t>(taken));
  }
  const Result<bool> ready = shake_hands();
  take_output(wire);  // an alert too
  if (!ready) return std::unexpected(ready.error());
  if (!*ready) return {};
  char buffer[16384];
  for (;;) {
    ERR_clear_error();
    const int size = SSL_read(ssl_, buffer, sizeof buffer);
    if (size <= 0) {
      const int reason = SSL_get_error(ssl_, size);
      take_output(wire);
      if (reason == SSL_ERROR_WANT_READ) return {};
      if (reason == SSL_ERROR_ZERO_RETURN) {
        closed_ = true;
        return {};
      }
      return broken("TLS");
    }
    plain.append(buffer, static_cast<std::size_t>(size));
  }
}

Result<void> TlsStream::send(std::string_view plain, Bytes& wire) {
  SPAR_ASSERT(established_);
  while (!plain.empty()) {
    ERR_clear_error();
    const int size = SSL_write(ssl_, plain.data(), clamped(plain.size()));
    if (size <= 0) return broken("TLS");
    plain.remove_prefix(static_cast<std::size_t>(size));
  }
  take_output(wire);
  return {};
}

}  // namespace spar::gateway::relay
