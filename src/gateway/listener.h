// gateway/listener.h: takes clients from listening sockets and keeps the list of those who are
// here.
//
// Contract    start() begins to accept on sockets that are already listening (made here or
//             inherited); they stay open for their owner. stop() takes no more, lets sessions
//             outside transactions go at once (57P01), gives the others the shutdown timeout, then
//             cancels and cuts them; when it returns no session is left.
// Errors      Clients above the limits get 53300.
// Threads     start() and stop() from one thread; a thread of its own accepts, one serves each
// client.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "gateway/connection.h"

namespace spar::gateway {

class Listener : public Reception {
 public:
  Listener(std::vector<int> sockets, Service service);
  ~Listener() override;  // stops
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start();
  void stop();

  std::size_t sessions() const { return sessions_; }  // logged in
  std::size_t connections();                          // these and those who are logging in

  bool take_session() override;
  void give_back_session() override;
  void cancel(const wire::CancelRequest& request) override;

 private:
  struct Client {
    std::unique_ptr<Connection> connection;
    std::thread thread;
  };
  void accept_all();
  void accept_one(int listening);
  void serve(std::uint32_t process);
  void refuse(int fd) const;
  void reap();
  void wake();
  bool wait_until_empty(Monotonic deadline);

  std::vector<int> sockets_;
  Service service_;
  int wake_fd_ = -1;
  std::thread accepting_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> sessions_{0};

  std::mutex lock_;  // over everything below
  std::condition_variable changed_;
  std::map<std::uint32_t, Client> clients_;
  std::vector<std::uint32_t> finished_;
  std::uint32_t next_process_ = 1;
};

}  // namespace spar::gateway
