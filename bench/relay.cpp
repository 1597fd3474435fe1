// The relay alone, in front of one PostgreSQL server, for pgbench beside other poolers.
//   bench_relay PORT SERVER_PORT [POOL_SIZE [resolve]]   on 127.0.0.1; everybody is let in (trust)
// With `resolve`: as if somebody could say what became of a transaction, so that writes are prepared
// for that question.
// Ends on SIGINT or SIGTERM.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "gateway/relay/loop.h"

namespace {

using namespace spar;
using namespace spar::gateway;

relay::RelayLoop* running = nullptr;

// As if the catalogues had been read.
class AllTables : public query::route::BuiltInObjects {
 public:
  query::route::RelationKind relation(query::route::ObjectName) const override {
    return query::route::RelationKind::reads;
  }
};

int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(fd, to, sizeof address) != 0 || ::listen(fd, 1024) != 0) {
    std::perror("bench_relay: listen");
    std::exit(1);
  }
  return fd;
}

void allow_many_descriptors() {
  rlimit limit{};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fprintf(stderr, "usage: bench_relay PORT SERVER_PORT [POOL_SIZE [resolve]]\n");
    return 2;
  }
  allow_many_descriptors();
  const auto port = static_cast<std::uint16_t>(std::atoi(words[1]));
  const relay::Address server{.host = "127.0.0.1",
                              .port = static_cast<std::uint16_t>(std::atoi(words[2]))};
  Credentials credentials;
  credentials.trust_everyone = true;
  relay::RelayLimits limits;
  if (count > 3) limits.pool.connections_max = static_cast<std::size_t>(std::atoi(words[3]));
  relay::RelayLoop loop(
      {.sockets = {listen_on(port)},
       .credentials = credentials,
       .route = [&](std::string_view) { return std::optional(relay::Placing{.address = server}); },
       .limits = limits});
  running = &loop;
  struct sigaction action{};
  action.sa_handler = [](int) { running->stop(); };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  loop.run();
}
