// gateway/tls.h: the server's certificate, and TLS over one socket (OpenSSL).
//
// Contract    TLS 1.2 and later, no renegotiation, no session resumption. certificate_digest() is
//             the channel binding tls-server-end-point (RFC 5929) of the certificate.
// Threads     A TlsContext is immutable once made; a TlsSession belongs to its socket's thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace spar::gateway {

class Socket;

// What OpenSSL last complained of, for people; and forgets it.
std::string openssl_reason();

class TlsContext {
 public:
  // PEM files. Code::invalid says which one is wrong and why.
  static Result<std::unique_ptr<TlsContext>> load(const std::string& certificate_file,
                                                  const std::string& key_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }
  const Bytes& certificate_digest() const { return certificate_digest_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
  Bytes certificate_digest_;
};

struct TlsSession {
  TlsSession(const TlsContext& context, Socket& socket);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Result<void> accept();
  Result<std::size_t> receive(std::span<char> into);
  Result<void> send(std::string_view bytes);

  // What the socket last failed with, below OpenSSL.
  Result<std::size_t> receive_below(std::span<char> into);
  Result<void> send_below(std::string_view bytes);

 private:
  Failure failed(const char* what);

  ssl_st* ssl_;
  Socket& socket_;
  Error below_;
  bool below_failed_ = false;
};

}  // namespace spar::gateway
