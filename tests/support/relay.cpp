#include "tests/support/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "gateway/auth/scram.h"

namespace spar::test {
namespace {

server::OwnedFd listening(std::uint16_t& port) {
  server::OwnedFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* where = reinterpret_cast<sockaddr*>(&address);
  SPAR_ASSERT(::bind(socket.get(), where, size) == 0 && ::listen(socket.get(), 128) == 0);
  SPAR_ASSERT(::getsockname(socket.get(), where, &size) == 0);
  port = ntohs(address.sin_port);
  return socket;
}

}  // namespace

Relay::Relay(RelayOptions options) : server_(options.server), socket_(listening(port_)) {
  credentials_.trust_everyone = options.secrets.empty();
  credentials_.mock_key = "not so secret";
  for (const auto& [user, secret] : options.secrets) {
    credentials_.secrets.emplace(user, gateway::auth::parse_secret(secret).value());
  }
  loop_ = std::make_unique<gateway::relay::RelayLoop>(gateway::relay::RelayLoop::Options{
      .sockets = {socket_.get()},
      .credentials = credentials_,
      .tls = options.tls,
      .route =
          [this](std::string_view) {
            const std::lock_guard guard(lock_);
            return server_;
          },
      .secret_of = [secret = options.secret](std::string_view) { return secret; },
      .limits = options.limits,
      .resolve = options.resolve,
      .objects = options.objects,
      .explicit_values = options.explicit_values});
  thread_ = std::thread([this] { loop_->run(); });
}

Relay::~Relay() {
  loop_->stop();
  thread_.join();
}

std::string Relay::conninfo(std::string_view more) const {
  return "host=127.0.0.1 port=" + port() +
         " dbname=postgres user=demo sslmode=disable connect_timeout=10 " + std::string(more);
}

void Relay::route_to(std::optional<gateway::relay::Placing> server) {
  {
    const std::lock_guard guard(lock_);
    server_ = std::move(server);
  }
  loop_->route_changed();
}

}  // namespace spar::test
