// Random conversations, said to a PostgreSQL server and to it through the relay: the answers must
// be the same, message by message, while other sessions use the same two connections. SPAR_SEED=n
// repeats one, SPAR_SEEDS=n runs that many. Once as it is, and once with a relay that prepares
// writes for being in doubt, which nobody may see; and once while the relay's connections are
// ended all the time, which nobody may see either, unless it is told that it cannot be helped.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "server/owned_fd.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/raw_client.h"
#include "tests/support/relay.h"
#include "tests/support/subprocess.h"
#include "tests/unit/gateway/libpq_client.h"
#include "tests/unit/gateway/server_bytes.h"

namespace spar::test {
namespace {

using gateway::test::PqClient;

std::string text(std::string_view value) {
  return std::string(value) + '\0';
}
std::string say(char type, std::string_view body) {
  return RawClient::message(type, body);
}

// Bytes until the answer to the marker, or what came before ten silent seconds.
class Conversation {
 public:
  Conversation(const std::string& port, const std::string& user)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)::connect(socket_.get(), reinterpret_cast<sockaddr*>(&where), sizeof where);
    send(RawClient::start_up(user, "postgres"));
    (void)until(std::string("Z\0\0\0\5I", 6));
  }
  std::string ask(const std::string& bytes) {
    send(bytes);
    return until(std::string("I\0\0\0\4Z\0\0\0\5", 10), 1);
  }

 private:
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t done = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (done <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
  }
  // Up to `mark` and `more` bytes behind it.
  std::string until(const std::string& mark, std::size_t more = 0) {
    for (;;) {
      std::size_t at = received_.find(mark);
      if (at != std::string::npos && received_.size() >= at + mark.size() + more) {
        std::string out = received_.substr(0, at + mark.size() + more);
        received_.erase(0, out.size());
        return out;
      }
      pollfd ready{socket_.get(), POLLIN, 0};
      char buffer[4096];
      ssize_t count =
          ::poll(&ready, 1, 10'000) > 0 ? ::recv(socket_.get(), buffer, sizeof buffer, 0) : -1;
      if (count <= 0) return std::exchange(received_, {}) + "<the end>";
      received_.append(buffer, static_cast<std::size_t>(count));
    }
  }
  server::OwnedFd socket_;
  std::string received_;
};

// The table that a conversation has for itself: `side` is d (direct) or r (relayed).
std::string table(unsigned seed, char side) {
  return "public.kept_" + std::to_string(seed) + "_" + side;
}
void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

class Script {
 public:
  explicit Script(unsigned seed) : random_(seed), table_(table(seed, 'd')) {}

  // Some messages, then a Sync and an empty query, which is answered in any state: the mark.
  std::string chunk() {
    std::string out;
    for (std::size_t count = pick(8) + 1; count > 0; --count) out += message();
    return out + say('S', "") + say('Q', text(""));
  }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }
  std::string name() {
    constexpr const char* kNames[] = {"", "", "one", "two", "three"};
    return kNames[pick(5)];
  }
  // Where Spar's relay differs from the server when these are prepared (its README says how).
  std::string simple() {
    constexpr const char* kTexts[] = {"SELECT count(*) FROM scratch", "DEALLOCATE one", "SELEC",
                                      "SET search_path = pg_catalog; SHOW search_path",
                                      "SELECT 1; SELECT 2; SELECT 1 / 0"};
    return kTexts[pick(std::size(kTexts))];
  }
  std::string sql() {
    constexpr const char* kTexts[] = {"SELECT 1",
                                      "SELECT 'two', now() IS NULL",
                                      "SELECT generate_series(1, 5)",
                                      "SELECT 1 / 0",
                                      "BEGIN",
                                      "COMMIT",
                                      "ROLLBACK",
                                      "SET work_mem = '5MB'",
                                      "SHOW work_mem",
                                      "SET TIME ZONE 'Asia/Tokyo'",
                                      "RESET work_mem",
                                      "SHOW TimeZone",
                                      "RESET ALL",
                                      "SELECT set_config('work_mem', '6MB', false)",
                                      "SAVEPOINT s",
                                      "ROLLBACK TO s",
                                      "DISCARD ALL",
                                      "SET LOCAL work_mem = '9MB'",
                                      "DECLARE c CURSOR FOR SELECT 7",
                                      "FETCH c",
                                      "CREATE TEMP TABLE scratch (a int)",
                                      "SET search_path = pg_catalog"};
    constexpr const char* kWrites[] = {"INSERT INTO @ VALUES (1) RETURNING a",
                                       "INSERT INTO @ VALUES (2)",
                                       "DELETE FROM @ WHERE a = 1",
                                       "INSERT INTO @ VALUES (3); SELECT count(*) FROM @",
                                       "TABLE @",
                                       "VACUUM @"};
    if (pick(3) > 0) return kTexts[pick(std::size(kTexts))];
    std::string text = kWrites[pick(std::size(kWrites))];
    replace_all(text, "@", table_);
    return text;
  }
  std::string message() {
    const std::string zeros(4, '\0');
    switch (pick(12)) {
      case 0:
      case 1:
        return say('Q', text(pick(4) == 0 ? simple() : sql()));
      case 2:
      case 3:
      case 4:
        return say('P', text(name()) + text(sql()) + std::string(2, '\0'));
      case 5:
      case 6:
        return say('B', text(pick(3) == 0 ? "portal" : "") + text(name()) + std::string(6, '\0'));
      case 7:
        return say('D', (pick(2) == 0 ? "S" : "P") + text(name()));
      case 8:
        return say('E', text(pick(3) == 0 ? "portal" : "") + std::string(3, '\0') +
                            static_cast<char>(pick(3)));
      case 9:
        return say('C', (pick(2) == 0 ? "S" : "P") + text(name()));
      case 10:
        return say('H', "");
      default:
        return say('S', "");
    }
  }
  std::mt19937 random_;
  std::string table_;
};

std::string printable(const std::string& bytes) {
  std::string out;
  for (char c : bytes) out += c >= 0x20 && c < 0x7f ? c : '.';
  return out;
}

// One line a message; of errors what clients decide by, not the place in the server's source.
std::string readable(const std::string& answer) {
  if (!gateway::test::is_whole(answer)) return printable(answer);
  std::string out;
  for (const std::string& line : gateway::test::describe_server(answer)) out += line + " | ";
  return out;
}

// What became of a transaction of a session that was ended, as the server knows it.
gateway::relay::Outcome outcome(const PqClient& server, std::uint64_t xid) {
  std::string status = "in progress";
  while (status == "in progress") {
    status = server.ask("SELECT pg_xact_status('" + std::to_string(xid) + "'::xid8)");
  }
  if (status == "committed") return gateway::relay::Outcome::committed;
  return status == "aborted" ? gateway::relay::Outcome::not_committed
                             : gateway::relay::Outcome::unknown;
}

enum class Trouble { none, prepared_for, happens };

// What held the session is gone, an outcome is not known, or the answers differ.
bool cannot_be_helped(const std::string& got) {
  return got.contains("08006") || got.contains("08007") || got.contains("40001");
}

void compare(Trouble trouble) {
  auto postgres = PostgresServer::start();
  if (!postgres) GTEST_SKIP() << postgres.error().message;
  const app::SqlAddress address = (*postgres)->address("postgres");
  PqClient admin("host=" + address.host + " port=" + address.port +
                 " dbname=postgres user=demo sslmode=disable");
  ASSERT_EQ(admin.ask("CREATE ROLE direct SUPERUSER LOGIN"), "CREATE ROLE");
  PqClient knower("host=" + address.host + " port=" + address.port +
                  " dbname=postgres user=direct sslmode=disable");
  const auto port = static_cast<std::uint16_t>(std::stoi(address.port));
  CuttingProxy proxy(port, [] { return CuttingProxy::Fate::pass; });
  RelayOptions options;
  options.server = gateway::relay::Placing{
      .address = {.host = address.host, .port = trouble == Trouble::happens ? proxy.port() : port}};
  options.limits.pool.connections_max = 2;
  options.limits.prepared_per_connection_max = 5;
  options.limits.pool.retry_min = options.limits.pool.retry_max = std::chrono::milliseconds(1);
  if (trouble != Trouble::none) {
    options.resolve = [&](auto, auto, std::uint64_t xid, auto done) { done(outcome(knower, xid)); };
  }
  Relay relay(options);
  const char* wanted = std::getenv("SPAR_SEED");
  const unsigned first = wanted != nullptr ? static_cast<unsigned>(std::atoi(wanted)) : 1;
  const char* more = std::getenv("SPAR_SEEDS");
  const unsigned usual = more != nullptr ? static_cast<unsigned>(std::atoi(more)) : 120;
  const unsigned count = wanted != nullptr ? 1 : usual;
  std::atomic<unsigned> helpless{0}, ended{0};
  auto run = [&](unsigned seed) {
    Script script(seed);
    Conversation direct(address.port, "direct"), relayed(relay.port(), "demo");
    for (char side : {'d', 'r'}) {
      (void)direct.ask(say('Q', text("CREATE TABLE " + table(seed, side) +
                                     " (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")) +
                       say('Q', text("")));
    }
    std::string earlier;
    for (int i = 0; i < 12; ++i) {
      const std::string chunk = script.chunk();
      std::string other = chunk;
      const std::string ours = "_" + std::to_string(seed) + "_r";
      const std::string theirs = "_" + std::to_string(seed) + "_d";
      replace_all(other, theirs, ours);
      const std::string expected = readable(direct.ask(chunk));
      std::string got = readable(relayed.ask(other));
      replace_all(got, ours, theirs);
      if (expected == got) {
        earlier += "\n         " + printable(chunk);
        continue;
      }
      // A statement that this connection has not: preparing it is refused in a failed transaction.
      if (expected.contains("t | n | ") && got.contains("25P02")) return;
      if (trouble == Trouble::happens && cannot_be_helped(got)) {
        ++helpless;
        return;
      }
      ADD_FAILURE() << "SPAR_SEED=" << seed << " chunk " << i << ", after" << earlier
                    << "\nsaid     " << printable(chunk) << "\nexpected " << expected
                    << "\ngot      " << got;
      return;
    }
  };
  std::jthread ends([&](const std::stop_token& stop) {
    while (trouble == Trouble::happens && !stop.stop_requested()) {
      proxy.cut_one(++ended);
      // What takes long must have a chance to be done.
      std::this_thread::sleep_for(std::chrono::milliseconds(2 * (ended % 8) + 1));
    }
  });
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (unsigned i = thread; i < count; i += 4) run(first + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::cout << "connections ended: " << ended << ", conversations that were told: " << helpless
            << " of " << count << "\n";
}

TEST(RelayConversations, AreTheSameAsWithTheServer) {
  compare(Trouble::none);
}

TEST(RelayConversations, AreTheSameWhenWritesArePreparedForBeingInDoubt) {
  compare(Trouble::prepared_for);
}

TEST(RelayConversations, AreTheSameWhileConnectionsAreLost) {
  compare(Trouble::happens);
}

}  // namespace
}  // namespace spar::test
