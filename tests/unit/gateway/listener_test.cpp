#include "gateway/listener.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <future>
#include <thread>

#include "tests/unit/gateway/client_bytes.h"
#include "tests/unit/gateway/libpq_client.h"
#include "tests/unit/gateway/server_bytes.h"
#include "tests/unit/gateway/talking_session.h"
#include "tests/unit/gateway/test_server.h"

namespace spar::gateway::test {
namespace {

using std::chrono::milliseconds;

// libpq has no SQLSTATE left once the connection is closed.
testing::AssertionResult sent_home(PqClient& client) {
  client.ask("rows 1");
  const std::string said = client.notices() + client.message();
  if (said.find("terminating connection due to administrator command") != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << said;
}

std::string startup() {
  return startup_packet({{"user", "app"}, {"database", "shop"}});
}

TEST(Listener, ServesLibpq) {
  TestServer server;
  PqClient client(server.conninfo());
  ASSERT_TRUE(client.connected()) << client.message();
  EXPECT_EQ(client.ask("rows 2"), "1");
  EXPECT_EQ(client.ask("value $1 , $2", {"5", "five"}), "5");
  EXPECT_EQ(client.ask("insert 3"), "INSERT 0 3");
  EXPECT_EQ(client.ask("what?"), "42601");
  EXPECT_EQ(client.ask("begin"), "BEGIN");
  EXPECT_EQ(PQtransactionStatus(client.get()), PQTRANS_INTRANS);
  EXPECT_EQ(client.ask("broken"), "22012");
  EXPECT_EQ(PQtransactionStatus(client.get()), PQTRANS_INERROR);
  EXPECT_EQ(client.ask("commit"), "ROLLBACK");
  EXPECT_EQ(PQserverVersion(client.get()), 150000);
  EXPECT_EQ(server.record().violations, 0);
}

TEST(Listener, ServesIpv6) {
  TestServer server({.address = "::1"});
  PqClient client(server.conninfo());
  if (!client.connected()) GTEST_SKIP() << "no IPv6 here: " << client.message();
  EXPECT_EQ(client.ask("rows 1"), "1");
}

TEST(Listener, CopiesWithLibpq) {
  TestServer server;
  PqClient client(server.conninfo());
  EXPECT_EQ(client.ask("copy in"), "copy in");
  EXPECT_EQ(PQputCopyData(client.get(), "1\tone\n2\tt", 9), 1);
  EXPECT_EQ(PQputCopyData(client.get(), "wo\n", 3), 1);
  EXPECT_EQ(PQputCopyEnd(client.get(), nullptr), 1);
  EXPECT_EQ(PqClient::answer(PQgetResult(client.get())), "COPY 2");
  EXPECT_EQ(PQgetResult(client.get()), nullptr);
  EXPECT_EQ(client.ask("copy in"), "copy in");
  EXPECT_EQ(PQputCopyEnd(client.get(), "no"), 1);
  EXPECT_EQ(PqClient::answer(PQgetResult(client.get())), "57014");
  EXPECT_EQ(client.ask("rows 1"), "1");
  EXPECT_EQ(client.ask("copy out"), "copy out");
  std::string data;
  for (char* line = nullptr; PQgetCopyData(client.get(), &line, 0) > 0; PQfreemem(line)) {
    data += line;
  }
  EXPECT_EQ(data, "1\trow 1\n2\trow 2\n3\t\\N\n");
}

TEST(Listener, ChecksPasswords) {
  TestServer server({.trust = false});
  PqClient right(server.conninfo("password=right"));
  EXPECT_TRUE(right.connected()) << right.message();
  EXPECT_EQ(right.ask("rows 1"), "1");
  PqClient wrong(server.conninfo("password=wrong"));
  EXPECT_FALSE(wrong.connected());
  EXPECT_NE(wrong.message().find("FATAL:  password authentication failed for user \"app\""),
            std::string::npos)
      << wrong.message();
  PqClient unknown(server.conninfo("user=nobody password=right"));
  EXPECT_FALSE(unknown.connected());
  EXPECT_NE(unknown.message().find("FATAL:  password authentication failed for user \"nobody\""),
            std::string::npos)
      << unknown.message();
}

TEST(Listener, KnowsNoSuchDatabase) {
  TestServer server;
  PqClient client(server.conninfo("dbname=nowhere"));
  EXPECT_NE(client.message().find("database \"nowhere\" does not exist"), std::string::npos);
}

TEST(Listener, CancelsWhatRuns) {
  TestServer server;
  PqClient client(server.conninfo());
  std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel(PQgetCancel(client.get()), PQfreeCancel);
  auto answer = std::async(std::launch::async, [&] { return client.ask("slow"); });
  while (server.record().running == 0) std::this_thread::yield();
  {
    // Another secret has no effect, whatever the process is.
    RawClient forger(server.port());
    forger.send(be32(16) + be32(80877102) + be32(1) + be32(12345));
    EXPECT_EQ(forger.receive_all(), "");
    EXPECT_EQ(server.record().cancels, 0);
  }
  std::array<char, 256> error{};
  ASSERT_EQ(PQcancel(cancel.get(), error.data(), error.size()), 1) << error.data();
  EXPECT_EQ(answer.get(), "57014");
  EXPECT_EQ(client.ask("rows 1"), "1");
}

TEST(Listener, LimitsSessions) {
  Limits limits;
  limits.sessions_max = 2;
  TestServer server({.limits = limits});
  PqClient one(server.conninfo()), two(server.conninfo()), three(server.conninfo());
  EXPECT_TRUE(one.connected() && two.connected());
  EXPECT_NE(three.message().find("FATAL:  sorry, too many clients already"), std::string::npos);
  EXPECT_EQ(one.ask("rows 1"), "1");
}

TEST(Listener, LimitsConnectionsThatDoNotLogIn) {
  Limits limits;
  limits.sessions_max = 1;
  limits.logins_max = 1;
  TestServer server({.limits = limits});
  RawClient one(server.port()), two(server.port()), three(server.port());
  EXPECT_EQ(describe_server(three.receive_all()),
            Lines{"E FATAL 53300 sorry, too many clients already"});
}

TEST(Listener, EndsALoginThatTakesTooLong) {
  Limits limits;
  limits.login_timeout = milliseconds(50);
  TestServer server({.limits = limits});
  RawClient silent(server.port());
  EXPECT_EQ(describe_server(silent.receive_all()),
            Lines{"E FATAL 57014 canceling authentication due to timeout"});
}

TEST(Listener, EndsASilentTransaction) {
  TestServer server;
  RawClient client(server.port());
  client.send(startup() + query("set idle_in_transaction_session_timeout 50ms"));
  client.receive_answer();
  client.send(query("begin"));
  Lines lines = describe_server(client.receive_all());
  EXPECT_EQ(lines.back(),
            "E FATAL 25P03 terminating connection due to idle-in-transaction timeout");
  RawClient idle(server.port());
  idle.send(startup() + query("set idle_session_timeout 50ms"));
  EXPECT_EQ(describe_server(idle.receive_all()).back(),
            "E FATAL 57P05 terminating connection due to idle-session timeout");
}

TEST(Listener, AnswersGarbageAndGoesOn) {
  TestServer server;
  PqClient witness(server.conninfo());
  for (std::string bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(1'000, '\xff'),
                            be32(9) + be32(3u << 16) + "x"}) {
    RawClient client(server.port());
    client.send(bytes);
    Lines lines = describe_server(client.receive_all());
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_TRUE(lines[0].starts_with("E FATAL 08P01")) << lines[0];
  }
  RawClient later(server.port());
  later.send(startup());
  later.receive_answer();
  later.send("z");
  EXPECT_EQ(describe_server(later.receive_all()),
            Lines{"E FATAL 08P01 invalid frontend message type 122"});
  EXPECT_EQ(witness.ask("rows 1"), "1");
}

// Clients that vanish after any byte of what they had to say hurt nobody else.
TEST(Listener, SurvivesEveryCut) {
  TestServer server;
  PqClient witness(server.conninfo());
  const std::string all = startup() + query("begin") + parse("s", "value $1 , $2") +
                          bind("p", "s", {"5", "five"}) + describe_portal("p") + execute("p", 1) +
                          sync() + query("copy in") + copy_data("1\tx\n") + copy_done() +
                          query("commit") + parse("", "insert 2") + bind("", "") + execute() +
                          flush() + sync() + message('X', "");
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    RawClient client(server.port());
    client.send(std::string_view(all).substr(0, cut));
    if (cut % 16 == 0) {
      EXPECT_EQ(witness.ask("rows 1"), "1") << "cut at " << cut;
    }
  }
  EXPECT_EQ(witness.ask("rows 1"), "1");
  EXPECT_EQ(server.record().violations, 0);
}

TEST(Listener, RefusesAMessageThatIsTooLarge) {
  Limits limits;
  limits.message_bytes_max = 1u << 20;
  TestServer server({.limits = limits});
  PqClient client(server.conninfo());
  EXPECT_EQ(client.ask("rows 1 " + std::string(2u << 20, 'x')), "54000");
  EXPECT_EQ(client.ask("rows 1"), "1");
  EXPECT_EQ(client.ask("value $1 , $2", {"1", std::string(2u << 20, 'x')}), "54000");
  EXPECT_EQ(client.ask("rows 1"), "1");
}

TEST(Listener, SendsIdleClientsHome) {
  TestServer server;
  PqClient idle(server.conninfo());
  ASSERT_EQ(idle.ask("rows 1"), "1");
  server.listener().stop();
  EXPECT_EQ(server.listener().sessions(), 0u);
  EXPECT_TRUE(sent_home(idle));
}

TEST(Listener, DoesNotWaitForLoginsWhenItStops) {
  TestServer server;
  RawClient silent(server.port());
  while (server.listener().connections() == 0) std::this_thread::yield();
  server.listener().stop();
  EXPECT_EQ(describe_server(silent.receive_all()),
            Lines{"E FATAL 57P03 the database system is shutting down"});
}

TEST(Listener, LetsTransactionsEndBeforeItStops) {
  TestServer server;
  PqClient busy(server.conninfo());
  ASSERT_EQ(busy.ask("begin"), "BEGIN");
  auto stopped = std::async(std::launch::async, [&] { server.listener().stop(); });
  EXPECT_EQ(busy.ask("insert 1"), "INSERT 0 1");
  EXPECT_EQ(busy.ask("commit"), "COMMIT");
  stopped.get();
  EXPECT_TRUE(sent_home(busy));
  EXPECT_EQ(server.record().violations, 0);
}

TEST(Listener, CutsWhatDoesNotEnd) {
  Limits limits;
  limits.shutdown_timeout = milliseconds(20);
  TestServer server({.limits = limits});
  PqClient busy(server.conninfo()), waiting(server.conninfo());
  ASSERT_EQ(waiting.ask("begin"), "BEGIN");
  auto answer = std::async(std::launch::async, [&] {
    busy.ask("slow");
    return busy.message();
  });
  while (server.record().running == 0) std::this_thread::yield();
  server.listener().stop();
  EXPECT_NE(answer.get().find("terminating connection due to administrator command"),
            std::string::npos);
  EXPECT_TRUE(sent_home(waiting));
}

TEST(Listener, ServesPsql) {
  if (std::system("command -v psql >/dev/null 2>&1") != 0) GTEST_SKIP() << "no psql here";
  TestServer server;
  const std::string command = "psql -X -A -t -q '" + server.conninfo() +
                              "' -c 'rows 2' -c '\\copy t from stdin' -c 'broken' 2>&1 <<'END'\n"
                              "1\tone\n\\.\nEND\n";
  std::unique_ptr<FILE, int (*)(FILE*)> out(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 1000> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), out.get()) != nullptr) text += buffer.data();
  EXPECT_EQ(text, "1|row 1\n2|row 2\nERROR:  division by zero\n");
  const std::lock_guard guard(server.record().lock);
  EXPECT_EQ(server.record().copied.size(), 1u);
}

}  // namespace
}  // namespace spar::gateway::test
