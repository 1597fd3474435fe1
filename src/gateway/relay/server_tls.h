// gateway/relay/server_tls.h: how the connections to one server are encrypted, as its address says.
//
// Contract    make() takes libpq's sslmode ("": prefer; allow counts as prefer), sslrootcert (a PEM
//             file, or "system") and host. Nothing for disable, and for the directory of a Unix
//             socket. With a certificate of an authority, require means verify-ca, as in libpq.
//             prefer goes on without TLS where the server has none; the others do not.
// Errors      Code::invalid: a mode that is none, a file that cannot be used, an authority that is
//             missing.
// Source      https://www.postgresql.org/docs/15/libpq-ssl.html
// Threads     Immutable.
// Not here    Client certificates: the relay logs in as whoever its client is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace spar::gateway::relay {

class ServerTls {
 public:
  static Result<std::shared_ptr<const ServerTls>> make(std::string_view sslmode,
                                                       const std::string& authority,
                                                       const std::string& host);
  ~ServerTls();
  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;

  bool required() const { return required_; }
  // A new session, the client's side of it, that checks what is to be checked.
  ssl_st* open() const;

 private:
  ServerTls() = default;
  Result<void> trust(const std::string& authority);

  ssl_ctx_st* context_ = nullptr;
  bool required_ = false;
  bool checks_host_ = false;  // else any that the authority vouches for
  std::string host_;
};

}  // namespace spar::gateway::relay
