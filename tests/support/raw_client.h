// tests/support/raw_client.h: a client that sends whatever bytes a test wants.
//
// Contract    Keeps all that was received. wait_for_end() reads until the server closes, and is
//             false when it does not within ten seconds.
// Threads     One thread.
#pragma once

#include <string>
#include <string_view>

#include "server/owned_fd.h"
#include "spar/demo/sql_client.h"

namespace spar::test {

class RawClient {
 public:
  explicit RawClient(const app::SqlAddress& address);

  void send(std::string_view bytes);  // at once, not gathered with the next
  void finish_sending();
  bool wait_for_end();
  const std::string& received() const { return received_; }

  // PostgreSQL's start-up packet (protocol 3.0) and messages with a type and a length.
  static std::string start_up(const std::string& user, const std::string& database);
  static std::string message(char type, std::string_view body);

 private:
  server::OwnedFd socket_;
  std::string received_;
};

}  // namespace spar::test
