// gateway/connection.h: one client's thread: reads, decodes, logs in, and feeds the session.
//
// Contract    run() serves the client from the first byte to the last and returns when the
//             conversation is over. Before the login everything is bounded in time and memory.
// Threads     run() on the connection's own thread; stop(), break_off() and cancel() from any.
// States      login -> session -> over
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "gateway/backend.h"
#include "gateway/limits.h"
#include "gateway/login.h"
#include "gateway/session.h"
#include "gateway/socket.h"
#include "gateway/tls.h"
#include "gateway/wire/decoder.h"

namespace spar::gateway {

// What all connections of a server share; outlives them.
struct Service {
  BackendFactory& backends;
  const Credentials& credentials;
  const TlsContext* tls = nullptr;  // none: TLS is not offered
  bool tls_required = false;
  Limits limits;
  Language language;
};

// What a connection asks of the one who keeps the list of all.
class Reception {
 public:
  virtual ~Reception() = default;
  virtual bool take_session() = 0;  // false: too many
  virtual void give_back_session() = 0;
  virtual void cancel(const wire::CancelRequest& request) = 0;
};

class Connection {
 public:
  struct Numbers {
    std::uint32_t process = 0;
    std::uint32_t secret = 0;
  };
  Connection(int fd, Numbers numbers, const Service& service, Reception& reception);
  ~Connection();

  void run();

  // Ends the session as soon as it is in no transaction.
  void stop();
  // Ends it now: what runs is cancelled; then, when that does not help, the socket is cut.
  void break_off(bool cut);
  void cancel(std::uint32_t secret);

 private:
  bool log_in();
  std::optional<Login::Next> log_in_step(Login& login);
  bool read_login_bytes();
  bool start_tls(Login& login);
  bool open_session(const Login& login);
  void converse();
  bool read_more();
  bool refuse(const Error& error);
  bool must_stop();

  const Service& service_;
  Reception& reception_;
  Numbers numbers_;
  Socket socket_;
  wire::Decoder decoder_;
  bool counted_ = false;

  std::mutex session_lock_;  // over making and ending session_
  std::unique_ptr<Session> session_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> breaking_off_{false};
  std::atomic<bool> may_be_woken_{false};  // waits for input, outside transactions
};

Bytes random_bytes(std::size_t size);

}  // namespace spar::gateway
