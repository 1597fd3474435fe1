// gateway/relay/tls_stream.h: the server's side of TLS over bytes in memory, apart from the socket.
//
// Contract    received() takes bytes from the wire and appends the client's bytes to `plain`; what
//             must be sent (handshake, alerts) is appended to `wire`. send() encrypts. Before
//             established() send() must not be called.
// Errors      Code::io: the stream is broken. An orderly end is closed().
// Threads     One thread; the TlsContext is shared.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/tls.h"

struct bio_st;

namespace spar::gateway::relay {

class TlsStream {
 public:
  explicit TlsStream(const TlsContext& context);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Result<void> received(std::string_view bytes, Bytes& plain, Bytes& wire);
  Result<void> send(std::string_view plain, Bytes& wire);

  bool established() const { return established_; }
  bool closed() const { return closed_; }

 private:
  Result<bool> shake_hands();
  void take_output(Bytes& wire);

  ssl_st* ssl_;
  bio_st* in_;   // from the wire; owned by ssl_
  bio_st* out_;  // to the wire
  bool established_ = false;
  bool closed_ = false;
};

}  // namespace spar::gateway::relay
