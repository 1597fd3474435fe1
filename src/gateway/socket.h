// gateway/socket.h: one client's bytes, plain or through TLS, with an end to every wait.
//
// Contract    A wait for input ends at the deadline if there is one, else after silence_max(), else
//             never; 0 bytes say that the client has closed. send() returns when the kernel has
//             everything, or fails after the write timeout. No SIGPIPE. start_tls() turns both
//             directions into TLS.
// Errors      Code::deadline, Code::io.
// Threads     One thread; stop_reading() and break_off() from any while the socket lives.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "gateway/limits.h"
#include "gateway/output.h"
#include "gateway/tls.h"

namespace spar::gateway {

class Socket : public Sink {
 public:
  Socket(int fd, const Limits& limits);  // owns the descriptor
  ~Socket() override;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void set_deadline(Monotonic deadline) { deadline_ = deadline; }
  void set_silence_max(std::chrono::milliseconds time);

  Result<std::size_t> receive(std::span<char> into);
  Result<void> send(std::string_view bytes) override;
  Result<void> start_tls(const TlsContext& context);

  void stop_reading();  // a wait for input ends as if the client had closed
  void break_off();     // so do waits for output

 private:
  friend struct TlsSession;
  Result<void> wait_readable();
  Result<std::size_t> receive_plain(std::span<char> into);
  Result<void> send_plain(std::string_view bytes);

  int fd_;
  Monotonic deadline_ = kNoDeadline;
  std::chrono::milliseconds silence_max_{0};
  std::unique_ptr<TlsSession> tls_;
};

// Options of an accepted TCP connection: no delay, keepalives, the write timeout.
void configure_connection(int fd, const Limits& limits);

}  // namespace spar::gateway
