// agent/remote/tls.h: two processes that both prove who they are (OpenSSL).
//
// Contract    TLS 1.2 and later; both sides show a certificate that `authority` signed, and that is
//             for their side when it says what it is for. No renegotiation, no resumption.
//             TlsStream owns its socket. Every call ends by its deadline (Code::deadline).
//             connect() succeeds only when the other side proved to be `expected_name`: one of the
//             addresses of its certificate when that is numeric, else one of its DNS names or, when
//             it has none, its common name. No wildcards.
//             With TLS 1.3 an agent's refusal of our certificate comes with the first receive().
//             receive() gives 0 bytes when the other side has closed, in order or not.
// Errors      Code::invalid (files), Code::deadline, Code::io (the connection broke),
//             Code::unavailable: nobody listens there, or, with the state kRefusedState, one side
//             does not take the other for who it should be.
// Threads     A TlsContext is immutable. A TlsStream: one thread, break_off() from any.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/descriptor.h"
#include "base/result.h"
#include "base/time.h"

struct ssl_ctx_st;
struct ssl_st;

namespace spar::agent::remote {

inline constexpr std::string_view kRefusedState = "08004";

struct TlsFiles {
  std::string certificate, key, authority;  // paths of PEM files
};

class TlsContext {
 public:
  enum class Side { client, server };
  // Code::invalid says which file cannot be used and why.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsFiles& files, Side side);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

struct Endpoint {
  std::string host;  // numeric
  std::uint16_t port = 0;
};

class TlsStream {
 public:
  static Result<std::unique_ptr<TlsStream>> connect(const TlsContext& context,
                                                    const Endpoint& endpoint,
                                                    const std::string& expected_name,
                                                    Monotonic deadline);
  // An accepted connection, before its handshake.
  TlsStream(const TlsContext& context, Descriptor socket);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Result<void> accept(Monotonic deadline);
  // One of its names or addresses, or its common name, is one of these; any when there are none.
  bool peer_is_one_of(const std::vector<std::string>& names) const;
  std::string peer_name() const;  // the common name, for people

  Result<std::size_t> receive(std::span<char> into, Monotonic deadline);
  Result<void> send(std::string_view bytes, Monotonic deadline);
  bool still_open();  // nothing came and nobody closed: it may be used once more
  void abandon();     // for good: what was not delivered yet never is
  void break_off();   // what waits ends as if the other side had closed

 private:
  // Runs one call of OpenSSL until it is done: bytes go and come through memory, so that every wait
  // is ours.
  template <class Call>
  Result<int> run(Call call, Monotonic deadline);
  Result<void> flush(Monotonic deadline);
  Result<bool> fill(Monotonic deadline);  // false: closed
  Failure refused(const char* what) const;

  Descriptor socket_;
  ssl_st* ssl_;
};

}  // namespace spar::agent::remote
