// gateway/relay/tls_stream.h: one side of TLS over bytes in memory, apart from the socket.
//
// Contract    received() takes bytes from the wire and appends the other side's bytes to `plain`;
//             what must be sent (handshake, alerts) is appended to `wire`. send() encrypts. Before
//             established() send() must not be called. To a server, begin() says the first word.
// Errors      Code::io: the stream is broken. Code::unavailable: the server is not who it should
//             be. An orderly end is closed().
// Threads     One thread; the TlsContext is shared.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/relay/server_tls.h"
#include "gateway/tls.h"

struct bio_st;

namespace spar::gateway::relay {

class TlsStream {
 public:
  explicit TlsStream(const TlsContext& context);  // of a client
  explicit TlsStream(const ServerTls& server);    // to it
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Result<void> begin(Bytes& wire);
  Result<void> received(std::string_view bytes, Bytes& plain, Bytes& wire);
  Result<void> send(std::string_view plain, Bytes& wire);

  bool established() const { return established_; }
  bool closed() const { return closed_; }

 private:
  explicit TlsStream(ssl_st* ssl);
  Result<bool> shake_hands();
  void take_output(Bytes& wire);

  ssl_st* ssl_;
  bio_st* in_;   // from the wire; owned by ssl_
  bio_st* out_;  // to the wire
  bool established_ = false;
  bool closed_ = false;
};

}  // namespace spar::gateway::relay
