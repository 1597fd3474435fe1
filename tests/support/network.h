// tests/support/network.h: hosts of a test, in network namespaces of their own on one bridge, that
// can be cut off.
//
// Contract    Network::enter() moves this process into a network of its own, in which it is
//             10.77.0.1 and every Host has another address; processes started later are in it too.
//             It needs root; can_run() says whether it works here. All goes with the process.
// Threads     One thread; Host::run() works on a thread of its own inside the host.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace spar::test {

class Network {
 public:
  static bool can_run();
  static void enter();  // once a process; again: nothing
};

class Host {
 public:
  explicit Host(int number);  // 2 to 250, each once at a time
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  std::string address() const { return "10.77.0." + std::to_string(number_); }
  void run(const std::function<void()>& work);
  // A program that runs `program` inside the host with the same arguments, written to `file`.
  std::string inside(const std::string& program, const std::string& file) const;
  void cut();
  void heal();

 private:
  std::string outside() const { return "host" + std::to_string(number_); }
  int number_;
  pid_t holder_ = -1;  // keeps the namespace
};

}  // namespace spar::test
