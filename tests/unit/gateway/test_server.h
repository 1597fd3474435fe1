// A listener on a free loopback port, on fake backends, and raw clients of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/listener.h"
#include "tests/unit/gateway/fake_backend.h"

namespace spar::gateway::test {

struct ServerOptions {
  Limits limits;
  bool trust = true;  // else only app with the password "right"
  const TlsContext* tls = nullptr;
  bool tls_required = false;
  const char* address = "127.0.0.1";  // or "::1"
};

class TestServer {
 public:
  explicit TestServer(ServerOptions options = {});
  ~TestServer();

  std::uint16_t port() const { return port_; }
  // For libpq; later words win.
  std::string conninfo(std::string_view more = "") const;
  Listener& listener() { return *listener_; }
  BackendRecord& record() { return *backends_.record; }

 private:
  FakeBackends backends_;
  Credentials credentials_;
  std::string address_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::unique_ptr<Listener> listener_;
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  ~RawClient();
  void send(std::string_view bytes);
  // Until the server closes.
  std::string receive_all();
  // Until what has come ends with a ReadyForQuery or the server closes.
  std::string receive_answer();

 private:
  int fd_;
};

}  // namespace spar::gateway::test
