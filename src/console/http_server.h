// console/http_server.h: the console's listener.
//
// Contract    start() returns when it listens, and says where (port 0: the system picks one). It
//             answers GET and HEAD alone, asks `Source` for every answer, and ends with the object.
// Security    It asks nobody who they are: only for loopback.
// Bounds      kRequestBytesMax a request, kTimeout for each read and write, kThreads connections at
//             once; others wait.
// Threads     A small pool; Source is called on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <thread>

#include "base/result.h"

namespace httplib {
class Server;
}

namespace spar::console {

struct Source {
  std::function<nlohmann::json()> status;
  std::function<nlohmann::json(std::uint64_t after)> events;
};

class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> start(const std::string& host, std::uint16_t port,
                                                   Source source);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  explicit HttpServer(Source source);

  Source source_;
  std::unique_ptr<httplib::Server> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace spar::console
