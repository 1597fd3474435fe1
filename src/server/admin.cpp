#include "server/admin.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/log.h"
#include "server/local_socket.h"

namespace spar::server {
namespace {

using nlohmann::json;

constexpr std::size_t kRequestBytesMax = 64 << 10;
constexpr std::size_t kAnswerBytesMax = 64 << 20;
constexpr int kConnectionsMax = 16;
constexpr std::chrono::seconds kTransferTime{5};  // for a request to arrive, an answer to leave

Monotonic after(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

std::string one_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Serves each connection on a thread of its own: a switchover must not hold up a status.
class SocketAdminServer final : public AdminServer {
 public:
  SocketAdminServer(OwnedFd listener, OwnedFd stop, std::string path, AdminHandler handler)
      : listener_(std::move(listener)),
        stop_(std::move(stop)),
        path_(std::move(path)),
        handler_(std::move(handler)),
        acceptor_([this] { accept_until_stopped(); }) {}

  ~SocketAdminServer() override {
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(stop_.get(), &one, sizeof(one));
    acceptor_.join();
    ::unlink(path_.c_str());
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return connections_ == 0; });
  }

 private:
  void accept_until_stopped() {
    while (true) {
      pollfd entries[] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      if (::poll(entries, 2, -1) < 0) continue;
      if (entries[1].revents != 0) return;
      int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) admit(OwnedFd(fd));
    }
  }

  void admit(OwnedFd connection) {
    {
      std::unique_lock lock(mutex_);
      idle_.wait(lock, [this] { return connections_ < kConnectionsMax; });
      ++connections_;
    }
    std::thread([this, connection = std::move(connection)] {
      serve(connection.get());
      std::lock_guard lock(mutex_);
      --connections_;
      idle_.notify_all();
    }).detach();  // the destructor waits for connections_ to be 0
  }

  void serve(int fd) {
    auto line = receive_line(fd, kRequestBytesMax, after(kTransferTime));
    if (!line && line.error().code != Code::invalid) return;  // nobody is there to be answered
    json reply = line ? answer(*line) : admin_error(line.error());
    if (auto sent = send_line(fd, one_line(reply), after(kTransferTime)); !sent) {
      log_warning("server", "an admin request's answer was not taken: " + sent.error().message);
    }
  }

  json answer(const std::string& line) {
    json request = json::parse(line, nullptr, false);
    if (!request.is_object()) return admin_error("the request is no JSON object", "");
    try {
      return handler_(request);
    } catch (const json::exception& error) {
      return admin_error(std::string("the request has a wrong argument: ") + error.what(), "");
    }
  }

  OwnedFd listener_;
  OwnedFd stop_;
  std::string path_;
  AdminHandler handler_;
  std::mutex mutex_;
  std::condition_variable idle_;
  int connections_ = 0;
  std::thread acceptor_;
};

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::start(const std::string& path,
                                                        AdminHandler handler) {
  SPAR_ASSIGN(OwnedFd listener, listen_locally(path));
  OwnedFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.open()) return failure(Code::io, "cannot make an event descriptor", "58030");
  return std::make_unique<SocketAdminServer>(std::move(listener), std::move(stop), path,
                                             std::move(handler));
}

Result<json> admin_call(const std::string& path, const json& request, Monotonic deadline) {
  SPAR_ASSIGN(OwnedFd fd, connect_locally(path, deadline));
  SPAR_TRY(send_line(fd.get(), one_line(request), deadline));
  SPAR_ASSIGN(std::string line, receive_line(fd.get(), kAnswerBytesMax, deadline));
  json answer = json::parse(line, nullptr, false);
  if (!answer.is_object()) return failure(Code::corrupt, "the server's answer is no JSON object");
  return answer;
}

json admin_error(const std::string& message, const std::string& hint) {
  return {{"ok", false}, {"error", {{"message", message}, {"hint", hint}}}};
}

json admin_error(const Error& error) {
  return admin_error(error.message, error.hint);
}

}  // namespace spar::server
