// tests/support/cutting_proxy.h: between a relay and a PostgreSQL server; it can stop a connection at
// the very COMMIT that would end its transaction.
//
// Contract    Passes everything on until a connection says COMMIT, as a Query or as a Bind of a
//             statement with that text. Then `fate` says what becomes of it:
//               pass            nothing
//               keep            the server does not get it
//               swallow_answer  the server gets it, and nothing it says comes back
//             standing() connections have met one of the last two; cut() closes them. cut_one(n)
//             closes the n-th of all, counted round.
// Threads     One of its own; the calls from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/owned_fd.h"

namespace spar::test {

class CuttingProxy {
 public:
  enum class Fate { pass, keep, swallow_answer };

  CuttingProxy(std::uint16_t server_port, std::function<Fate()> fate);
  ~CuttingProxy();

  std::uint16_t port() const { return port_; }
  std::size_t standing();
  void cut();
  void cut_one(std::size_t which);

 private:
  struct Pair {
    server::OwnedFd relay, server;
    std::string in;  // of the relay, not passed on yet
    bool started = false;
    bool server_gone = false;
    Fate fate = Fate::pass;
    bool stands = false;
    bool closed = false;
    std::map<std::string, std::string> statements;
  };

  void run();
  void accept_one();
  void from_relay(Pair& pair);
  void from_server(Pair& pair);
  void pass_messages(Pair& pair);
  static std::size_t message_size(const Pair& pair);
  static bool commits(Pair& pair, const std::string& message);
  static void send_all(int fd, std::string_view bytes);

  std::uint16_t server_port_, port_ = 0;
  std::function<Fate()> fate_;
  server::OwnedFd listening_, wake_;
  std::mutex lock_;
  std::vector<std::unique_ptr<Pair>> pairs_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace spar::test
