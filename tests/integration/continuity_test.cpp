// The relay while its PostgreSQL servers die: clients notice nothing, nothing is lost, nothing is
// done twice. SPAR_RUNS=n: that many transactions in doubt at each failover (200).
#include <gtest/gtest.h>
#include <signal.h>

#include <condition_variable>
#include <future>
#include <thread>

#include "query/replay/explicit_values.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/postgres_copy.h"
#include "tests/support/relay.h"
#include "tests/unit/gateway/libpq_client.h"

namespace spar::test {
namespace {

using namespace engines::postgres;
using gateway::relay::Placing;
using gateway::test::PqClient;
using Fate = CuttingProxy::Fate;

// As if the catalogues had been read: what is not known here are tables.
class AllTables : public query::route::BuiltInObjects {
 public:
  query::route::RelationKind relation(query::route::ObjectName name) const override {
    const auto kind = BuiltInObjects::relation(name);
    return kind == query::route::RelationKind::unknown ? query::route::RelationKind::reads : kind;
  }
};

std::optional<std::string> with_ids(std::string_view sql, std::span<const std::string> names,
                                    const gateway::relay::ReturnedValues& rows) {
  return query::replay::with_explicit_values(sql, names, rows, {},
                                             query::replay::Sequences::move_past);
}

gateway::relay::Outcome translated(engines::postgres::Outcome outcome) {
  switch (outcome) {
    case engines::postgres::Outcome::committed:
      return gateway::relay::Outcome::committed;
    case engines::postgres::Outcome::not_committed:
      return gateway::relay::Outcome::not_committed;
    case engines::postgres::Outcome::unknown:
      break;
  }
  return gateway::relay::Outcome::unknown;
}

// Answers what became of transactions, once it is told who knows.
class Oracle {
 public:
  Oracle() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

  gateway::relay::Resolve resolve() {
    return [this](std::string, std::uint64_t epoch, std::uint64_t xid, auto done) {
      const std::lock_guard guard(lock_);
      questions_.push_back({.epoch = epoch, .xid = Xid(xid), .done = std::move(done)});
      ++asked_;
      changed_.notify_all();
    };
  }
  // Transactions of `epoch` are known to `server`, if their number is less than `next`.
  void knows(std::uint64_t epoch, const PostgresCopy& server, Xid next) {
    const std::lock_guard guard(lock_);
    knowers_.insert_or_assign(epoch, Knower{.server = &server, .next = next});
    changed_.notify_all();
  }
  std::size_t asked() const { return asked_; }

 private:
  struct Knower {
    const PostgresCopy* server;
    Xid next;
  };
  struct Question {
    std::uint64_t epoch;
    Xid xid;
    std::function<void(gateway::relay::Outcome)> done;
  };
  void run(const std::stop_token& stop) {
    std::unique_lock guard(lock_);
    for (;;) {
      auto ready = [&] {
        return !questions_.empty() && knowers_.contains(questions_.front().epoch);
      };
      if (!changed_.wait(guard, stop, ready)) return;
      Question question = std::move(questions_.front());
      questions_.erase(questions_.begin());
      const Knower knower = knowers_.at(question.epoch);
      guard.unlock();
      ServerControl control = knower.server->control();
      XactStatus status = XactStatus::in_progress;
      while (status == XactStatus::in_progress) {  // its session has not ended yet
        status = must(control.xact_status(question.xid, patiently()));
      }
      question.done(translated(outcome_of(question.xid, knower.next, status)));
      guard.lock();
    }
  }

  std::mutex lock_;
  std::condition_variable_any changed_;
  std::vector<Question> questions_;
  std::map<std::uint64_t, Knower> knowers_;
  std::atomic<std::size_t> asked_{0};
  std::jthread thread_;
};

class Continuity : public PostgresCopies {
 protected:
  void TearDown() override {
    relay_.reset();
    proxy_.reset();
    auto second = std::async(std::launch::async, [&] { b_.reset(); });
    a_.reset();
  }

  void start(bool synchronous) {
    a_ = copy("a");
    b_ = copy("b");
    a_->start_as_primary({{"max_connections", "260"}});
    must(a_->control().ensure_slots({b_->slot()}, patiently()));
    b_->start_behind(*a_);
    must(b_->control().follow(b_->follow_address(*a_), b_->slot(), patiently()));
    if (synchronous) must(a_->control().set_synchronous({b_->name()}, 1, patiently()));
    ServerLink link = a_->session();
    must(link.run("create table t (id int primary key, n int)", patiently()));
    wait_for(*b_, "to_regclass('t') is not null");
  }
  void start_relay(std::uint16_t port) {
    RelayOptions options;
    options.limits.pool.connections_max = 240;
    options.server = at(port, 1);
    options.resolve = oracle_.resolve();
    options.objects = [](std::string_view) { return std::make_shared<AllTables>(); };
    options.explicit_values = with_ids;
    options.secret = gateway::relay::Password{PostgresCopy::kPassword};
    relay_ = std::make_unique<Relay>(std::move(options));
  }
  static Placing at(std::uint16_t port, std::uint64_t epoch) {
    return {.address = {.host = "127.0.0.1", .port = port}, .epoch = epoch};
  }
  std::unique_ptr<PqClient> client(std::string_view more = "") const {
    return std::make_unique<PqClient>(relay_->conninfo("user=postgres " + std::string(more)));
  }

  // From here on b hears nothing of a.
  void separate() {
    ServerLink link = b_->session();
    must(link.run("alter system set primary_conninfo = ''", patiently()));
    must(link.run("select pg_reload_conf()", patiently()));
    wait_for(*b_, "not exists (select from pg_stat_activity where backend_type = 'walreceiver')");
  }
  void kill_primary() {
    ::kill(a_->server().status().pid, SIGKILL);
    must(a_->server().wait_until_stopped(patiently()));
  }
  // b takes over. Others get the numbers that a had given to what b does not know, and commit.
  void take_over(int others = 0) {
    const Promoted fork = must(b_->control().promote(timeline_for(Epoch{2}), patiently()));
    must(b_->control().set_synchronous({}, 0, patiently()));
    ServerLink link = b_->session();
    for (int i = 0; i < others; ++i) {
      must(link.run("create temp table if not exists mine (a int)", patiently()));
      must(link.run("insert into mine values (1)", patiently()));
    }
    oracle_.knows(1, *b_, fork.next_xid);
    relay_->route_to(at(b_->server().place().port, 2));
  }

  enum class Kind { transaction, simple, extended };
  void in_doubt(Kind kind);
  static void begin_commit(const PqClient& it, Kind kind, const std::string& id);

  Oracle oracle_;
  std::unique_ptr<PostgresCopy> a_, b_;
  std::unique_ptr<CuttingProxy> proxy_;
  std::unique_ptr<Relay> relay_;
};

// Until it is true, or for too long.
template <class F>
void eventually(F&& condition, const char* what) {
  const auto deadline = patiently();
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << what;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Inserts a row, and does not wait for the answer to what commits it.
void Continuity::begin_commit(const PqClient& it, Kind kind, const std::string& id) {
  const char* values[] = {id.c_str()};
  int sent = 0;
  switch (kind) {
    case Kind::transaction:
      EXPECT_EQ(it.ask("BEGIN"), "BEGIN");
      EXPECT_EQ(it.ask("INSERT INTO t VALUES ($1::int, 1) RETURNING id", {id}), id);
      sent = PQsendQuery(it.get(), "COMMIT");
      break;
    case Kind::simple:
      sent = PQsendQuery(it.get(), ("INSERT INTO t VALUES (" + id + ", 1)").c_str());
      break;
    case Kind::extended:
      sent = PQsendQueryParams(it.get(), "INSERT INTO t VALUES ($1::int, 1)", 1, nullptr, values,
                               nullptr, nullptr, 0);
      break;
  }
  EXPECT_EQ(sent, 1);
  PQflush(it.get());
}

// As many transactions as wanted stand at their COMMIT when the primary dies. Half of these COMMITs
// never got there; and of half of the transactions the heir has never heard, so that it gives their
// numbers to others.
void Continuity::in_doubt(Kind kind) {
  const char* wanted = std::getenv("SPAR_RUNS");
  const int count = wanted != nullptr ? std::atoi(wanted) : 200;
  start(false);
  std::atomic<int> met{0};
  proxy_ = std::make_unique<CuttingProxy>(a_->server().place().port, [&] {
    return met++ % 2 == 0 ? Fate::keep : Fate::swallow_answer;
  });
  start_relay(proxy_->port());

  std::vector<std::unique_ptr<PqClient>> clients;
  auto stand = [&](int until) {
    while (static_cast<int>(clients.size()) < until) {
      const std::string id = std::to_string(clients.size());
      clients.push_back(client());
      begin_commit(*clients.back(), kind, id);
    }
    eventually([&] { return proxy_->standing() == clients.size(); }, "standing");
    EXPECT_EQ(relay_->loop().busy(), clients.size());
    wait_for(*a_, "(select count(*) from t) = " + std::to_string(until / 2));
  };
  stand(count / 2);
  wait_for(*b_, "(select count(*) from t) = " + std::to_string(count / 4));
  separate();
  stand(count);
  kill_primary();
  relay_->route_to(std::nullopt);
  proxy_->cut();
  take_over(2 * count);

  for (const auto& each : clients) {
    const std::string tag = kind == Kind::transaction ? "COMMIT" : "INSERT 0 1";
    EXPECT_EQ(PqClient::answer(PQgetResult(each->get())), tag);
    // An extended INSERT is done when its Sync is answered.
    while (PGresult* more = PQgetResult(each->get())) EXPECT_EQ(PqClient::answer(more), "none");
  }
  EXPECT_EQ(oracle_.asked(), clients.size());
  ServerLink link = b_->session();
  EXPECT_EQ(one(link, "select count(*) from t"), std::to_string(count));
  for (const auto& each : clients) EXPECT_EQ(each->ask("SELECT 1"), "1");
  eventually([&] { return relay_->loop().busy() == 0; }, "idle");
}

TEST_F(Continuity, ResolvesCommitsInDoubt) {
  in_doubt(Kind::transaction);
}
TEST_F(Continuity, ResolvesStatementsInDoubt) {
  in_doubt(Kind::simple);
}
TEST_F(Continuity, ResolvesExtendedStatementsInDoubt) {
  in_doubt(Kind::extended);
}

TEST_F(Continuity, RepeatsAnOpenTransaction) {
  start(true);
  start_relay(a_->server().place().port);
  auto one_client = client(), idle = client();
  ASSERT_EQ(one_client->ask("INSERT INTO t VALUES (1, 10), (2, 20)"), "INSERT 0 2");
  ASSERT_EQ(idle->ask("SET work_mem = '5MB'"), "SET");
  const PqClient& it = *one_client;
  PQclear(
      PQprepare(it.get(), "add", "UPDATE t SET n = n + $1 WHERE id = $2 RETURNING n", 0, nullptr));
  auto add = [&](const char* n, const char* id) {
    const char* values[] = {n, id};
    return PqClient::answer(PQexecPrepared(it.get(), "add", 2, values, nullptr, nullptr, 0));
  };
  ASSERT_EQ(it.ask("BEGIN"), "BEGIN");
  ASSERT_EQ(add("1", "1"), "11");
  ASSERT_EQ(it.ask("SELECT sum(n) FROM t"), "31");
  ASSERT_EQ(it.ask("SAVEPOINT s"), "SAVEPOINT");
  ASSERT_EQ(it.ask("SELECT 1 / 0"), "22012");
  ASSERT_EQ(it.ask("ROLLBACK TO s"), "ROLLBACK");
  ASSERT_EQ(it.ask("DECLARE c CURSOR FOR SELECT id FROM t ORDER BY id"), "DECLARE CURSOR");
  ASSERT_EQ(it.ask("FETCH c"), "1");
  kill_primary();
  relay_->route_to(std::nullopt);
  take_over();
  EXPECT_EQ(it.ask("FETCH c"), "2");
  EXPECT_EQ(add("5", "2"), "25");
  EXPECT_EQ(it.ask("COMMIT"), "COMMIT");
  EXPECT_EQ(it.ask("SELECT string_agg(n::text, ' ' ORDER BY id) FROM t"), "11 25");
  EXPECT_EQ(add("1", "1"), "12");
  EXPECT_EQ(idle->ask("SHOW work_mem"), "5MB");
  EXPECT_EQ(oracle_.asked(), 0u);
}

TEST_F(Continuity, GivesNumbersOfASequenceAgain) {
  start(true);
  start_relay(a_->server().place().port);
  auto it = client(), other = client();
  ASSERT_EQ(it->ask("CREATE TABLE numbered (id bigserial PRIMARY KEY, n int)"), "CREATE TABLE");
  ASSERT_EQ(it->ask("BEGIN"), "BEGIN");
  ASSERT_EQ(it->ask("INSERT INTO numbered (n) VALUES (10) RETURNING id"), "1");
  ASSERT_EQ(it->ask("INSERT INTO numbered (n) VALUES ($1::int) RETURNING id", {"20"}), "2");
  PQclear(
      PQprepare(it->get(), "add", "INSERT INTO numbered (n) VALUES ($1) RETURNING id", 0, nullptr));
  const char* values[] = {"30"};
  PGresult* binary = PQexecPrepared(it->get(), "add", 1, values, nullptr, nullptr, 1);
  EXPECT_EQ(PQgetlength(binary, 0, 0), 8);
  PQclear(binary);
  kill_primary();
  relay_->route_to(std::nullopt);
  take_over();
  EXPECT_EQ(it->ask("SELECT string_agg(id || ':' || n, ' ' ORDER BY id) FROM numbered"),
            "1:10 2:20 3:30");
  EXPECT_EQ(it->ask("COMMIT"), "COMMIT");
  EXPECT_GT(std::stoi(other->ask("INSERT INTO numbered (n) VALUES (40) RETURNING id")), 3);
}

// Others wait for a server for longer than those whose transactions are to be repeated, or repeat a
// statement of which nobody was told, and would take their numbers.
TEST_F(Continuity, RepeatsWhatWasLostBeforeAnythingNew) {
  constexpr int kEach = 16;
  start(false);
  start_relay(a_->server().place().port);
  const auto maker = client();
  ASSERT_EQ(maker->ask("CREATE TABLE gate (n int)"), "CREATE TABLE");
  ASSERT_EQ(maker->ask("CREATE TABLE numbered (id bigserial PRIMARY KEY, n int)"), "CREATE TABLE");
  wait_for(*b_, "to_regclass('numbered') is not null");
  separate();
  std::vector<std::unique_ptr<PqClient>> untold, open, others;
  ServerLink keeper = a_->session();
  must(keeper.run("begin", patiently()));
  must(keeper.run("lock table gate", patiently()));
  for (int i = 0; i < kEach; ++i) {
    untold.push_back(client());
    ASSERT_EQ(untold.back()->ask("BEGIN"), "BEGIN");
    const char* waits = "INSERT INTO numbered (n) SELECT count(*) FROM gate RETURNING id";
    ASSERT_EQ(PQsendQuery(untold.back()->get(), waits), 1);
  }
  const std::string insert = "INSERT INTO numbered (n) VALUES (1) RETURNING id";
  for (int i = 0; i < kEach; ++i) {
    open.push_back(client());
    ASSERT_EQ(open.back()->ask("BEGIN"), "BEGIN");
    ASSERT_EQ(open.back()->ask(insert), std::to_string(i + 1));
  }
  for (int i = 0; i < kEach; ++i) others.push_back(client());
  relay_->loop().set_draining(true);
  for (const auto& other : others) ASSERT_EQ(PQsendQuery(other->get(), insert.c_str()), 1);
  kill_primary();
  relay_->route_to(std::nullopt);
  relay_->loop().set_draining(false);
  take_over();
  for (const auto& each : open) EXPECT_EQ(each->ask("COMMIT"), "COMMIT");
  for (const auto* waiting : {&untold, &others}) {
    for (const auto& other : *waiting) {
      PGresult* added = PQgetResult(other->get());
      EXPECT_EQ(PQresultStatus(added), PGRES_TUPLES_OK) << PQresultErrorMessage(added);
      EXPECT_GT(std::stoi(PqClient::answer(added)), kEach);
      PQclear(PQgetResult(other->get()));
    }
  }
  for (const auto& each : untold) EXPECT_EQ(each->ask("COMMIT"), "COMMIT");
  EXPECT_EQ(maker->ask("SELECT count(*) FROM numbered"), std::to_string(3 * kEach));
}

// A connection that is lost alone: the same server knows what became of the transaction.
TEST_F(Continuity, ResolvesWhereTheServerStays) {
  start(false);
  std::atomic<int> next{0};
  proxy_ = std::make_unique<CuttingProxy>(a_->server().place().port, [&] {
    constexpr Fate kFates[] = {Fate::keep, Fate::pass, Fate::swallow_answer, Fate::pass};
    return kFates[static_cast<std::size_t>(next++ % 4)];
  });
  start_relay(proxy_->port());
  oracle_.knows(1, *a_, Xid(~std::uint64_t{0}));
  auto it = client();
  std::jthread cutter([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (proxy_->standing() > 0) proxy_->cut();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  constexpr int kEach = 20;
  for (int i = 0; i < kEach; ++i) {
    const std::string id = std::to_string(i);
    EXPECT_EQ(it->ask("INSERT INTO t VALUES (" + id + ", 1)"), "INSERT 0 1");
    EXPECT_EQ(it->ask("UPDATE t SET n = n + 1 WHERE id = $1::int RETURNING n", {id}), "2");
    EXPECT_EQ(it->ask("BEGIN; UPDATE t SET n = n + 1 WHERE id = " + id), "UPDATE 1");
    EXPECT_EQ(it->ask("COMMIT"), "COMMIT");
    ASSERT_EQ(it->ask("COPY t FROM STDIN"), "copy in");
    const std::string line = std::to_string(1000 + i) + "\t3\n";
    PQputCopyData(it->get(), line.data(), static_cast<int>(line.size()));
    PQputCopyEnd(it->get(), nullptr);
    EXPECT_EQ(PqClient::answer(PQgetResult(it->get())), "COPY 1");
    while (PGresult* more = PQgetResult(it->get())) PQclear(more);
  }
  EXPECT_EQ(it->ask("SELECT count(*) || ' ' || min(n) || ' ' || max(n) FROM t"),
            std::to_string(2 * kEach) + " 3 3");
  EXPECT_GE(oracle_.asked(), 4u * kEach / 2);  // some twice
}

TEST_F(Continuity, CopiesIntoAnOpenTransactionAgain) {
  start(true);
  start_relay(a_->server().place().port);
  auto it = client();
  ASSERT_EQ(it->ask("BEGIN"), "BEGIN");
  ASSERT_EQ(it->ask("COPY t FROM STDIN"), "copy in");
  PQputCopyData(it->get(), "1\t1\n2\t", 6);
  PQflush(it->get());
  kill_primary();
  relay_->route_to(std::nullopt);
  take_over();
  PQputCopyData(it->get(), "2\n", 2);
  PQputCopyEnd(it->get(), nullptr);
  EXPECT_EQ(PqClient::answer(PQgetResult(it->get())), "COPY 2");
  while (PGresult* more = PQgetResult(it->get())) PQclear(more);
  EXPECT_EQ(it->ask("SELECT sum(n) FROM t"), "3");
  EXPECT_EQ(it->ask("COMMIT"), "COMMIT");
}

// A result that is under way goes on where it was, or says that it cannot.
TEST_F(Continuity, GoesOnInTheMiddleOfAResult) {
  start(true);
  start_relay(a_->server().place().port);
  auto same = client(), other = client();
  auto ask = [](const PqClient& it, const char* sql) {
    ASSERT_EQ(PQsendQuery(it.get(), sql), 1);
    PQsetSingleRowMode(it.get());
    PGresult* first = PQgetResult(it.get());
    ASSERT_EQ(PQresultStatus(first), PGRES_SINGLE_TUPLE);
    PQclear(first);
  };
  // Too much for the buffers in between: the server has not sent all.
  ask(*same, "SELECT i, repeat('x', 1000) FROM generate_series(1, 50000) i");
  ask(*other, "SELECT i, repeat(random()::text, 100) FROM generate_series(1, 50000) i");
  kill_primary();
  relay_->route_to(std::nullopt);
  take_over();
  int rows = 1;
  std::string last;
  while (PGresult* result = PQgetResult(same->get())) {
    if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
      ++rows;
      last = PQgetvalue(result, 0, 0);
    }
    EXPECT_NE(PQresultStatus(result), PGRES_FATAL_ERROR);
    PQclear(result);
  }
  EXPECT_EQ(rows, 50000);
  EXPECT_EQ(last, "50000");
  std::string state;
  while (PGresult* result = PQgetResult(other->get())) {
    if (PQresultStatus(result) == PGRES_FATAL_ERROR)
      state = PqClient::answer(result);
    else
      PQclear(result);
  }
  EXPECT_EQ(state, "40001");
  EXPECT_EQ(other->ask("SELECT 1"), "1");
}

// A primary that was made read-only, before anybody has told the relay where the next one is.
TEST_F(Continuity, WaitsWhenItsServerIsFenced) {
  start(true);
  start_relay(a_->server().place().port);
  auto it = client(), open = client();
  ASSERT_EQ(it->ask("INSERT INTO t VALUES (1, 1)"), "INSERT 0 1");
  ASSERT_EQ(open->ask("BEGIN"), "BEGIN");
  ASSERT_EQ(open->ask("UPDATE t SET n = 2 WHERE id = 1"), "UPDATE 1");
  must(a_->control().fence(patiently()));
  ASSERT_EQ(PQsendQuery(it->get(), "INSERT INTO t VALUES (2, 2)"), 1);
  ASSERT_EQ(PQsendQuery(open->get(), "UPDATE t SET n = 3 WHERE id = 1"), 1);
  PQflush(it->get());
  PQflush(open->get());
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  PQconsumeInput(it->get());
  EXPECT_EQ(PQisBusy(it->get()), 1);
  take_over();
  EXPECT_EQ(PqClient::answer(PQgetResult(it->get())), "INSERT 0 1");
  EXPECT_EQ(PqClient::answer(PQgetResult(open->get())), "UPDATE 1");
  for (const auto* each : {&it, &open}) {
    while (PGresult* more = PQgetResult((*each)->get())) PQclear(more);
  }
  EXPECT_EQ(open->ask("COMMIT"), "COMMIT");
  EXPECT_EQ(open->ask("SHOW default_transaction_read_only"), "off");
  EXPECT_EQ(open->ask("SELECT sum(n) FROM t"), "5");
}

TEST_F(Continuity, ATransactionThatReadsCannotWriteHearsSo) {
  start(false);
  start_relay(a_->server().place().port);
  auto it = client();
  for (const char* begin : {"BEGIN READ ONLY", "SET default_transaction_read_only = on"}) {
    EXPECT_NE(it->ask(begin), "lost");
    EXPECT_EQ(it->ask("INSERT INTO t VALUES (1, 1)"), "25006");
    it->ask("ROLLBACK");
  }
}

TEST_F(Continuity, ATransactionThatSeesOtherDataFails) {
  start(false);
  start_relay(a_->server().place().port);
  auto reader = client(), asleep = client(), committer = client(), other = client();
  ASSERT_EQ(other->ask("INSERT INTO t VALUES (1, 1)"), "INSERT 0 1");
  wait_for(*b_, "(select count(*) from t) = 1");
  separate();
  ASSERT_EQ(other->ask("INSERT INTO t VALUES (2, 2)"), "INSERT 0 1");  // is lost
  for (const auto* each : {&reader, &asleep, &committer}) {
    ASSERT_EQ((*each)->ask("BEGIN"), "BEGIN");
    ASSERT_EQ((*each)->ask("SELECT count(*) FROM t"), "2");
  }
  ASSERT_EQ(committer->ask("INSERT INTO t VALUES (3, 3)"), "INSERT 0 1");
  ASSERT_EQ(PQsendQuery(asleep->get(), "SELECT pg_sleep(100)"), 1);
  eventually([&] { return relay_->loop().busy() == 3; }, "busy");
  kill_primary();
  relay_->route_to(std::nullopt);
  take_over();
  EXPECT_EQ(PqClient::answer(PQgetResult(asleep->get())), "40001");
  while (PGresult* more = PQgetResult(asleep->get())) PQclear(more);
  EXPECT_EQ(reader->ask("SELECT 1"), "40001");
  EXPECT_EQ(reader->ask("SELECT 1"), "25P02");
  EXPECT_EQ(committer->ask("COMMIT"), "40001");
  for (const auto* each : {&reader, &asleep}) EXPECT_EQ((*each)->ask("ROLLBACK"), "ROLLBACK");
  for (const auto* each : {&reader, &asleep, &committer}) {
    EXPECT_EQ(PQtransactionStatus((*each)->get()), PQTRANS_IDLE);
    EXPECT_EQ((*each)->ask("SELECT count(*) FROM t"), "1");
  }
}

// What was acknowledged is there once, whatever the primary was doing when it died.
TEST_F(Continuity, WritersNoticeNothing) {
  start(true);
  start_relay(a_->server().place().port);
  ASSERT_EQ(client()->ask("INSERT INTO t VALUES (0, 0)"), "INSERT 0 1");
  constexpr int kWriters = 4;
  std::atomic<bool> stop{false};
  std::atomic<int> done{0};
  std::array<int, kWriters> counts{};
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      auto it = client();
      int& count = counts[static_cast<std::size_t>(w)];
      for (; !stop; ++count, ++done) {
        const std::string id = std::to_string(1'000'000 * (w + 1) + count);
        const bool alone = w == 3;
        EXPECT_EQ(it->ask(alone ? "SELECT 'BEGIN'" : "BEGIN"), "BEGIN");
        EXPECT_EQ(it->ask("INSERT INTO t VALUES ($1::int, 1)", {id}), "INSERT 0 1");
        if (!alone) {
          EXPECT_EQ(it->ask("UPDATE t SET n = n + 1 WHERE id = " + id + " RETURNING n"), "2");
          EXPECT_EQ(it->ask("COMMIT"), "COMMIT") << PQerrorMessage(it->get());
        }
        if (it->ask("SELECT 1") != "1") return;
      }
    });
  }
  eventually([&] { return done > 200; }, "work");
  kill_primary();
  relay_->route_to(std::nullopt);
  take_over();
  const int before = done;
  eventually([&] { return done > before + 200; }, "work again");
  stop = true;
  for (std::thread& writer : writers) writer.join();
  ServerLink link = b_->session();
  for (int w = 0; w < kWriters; ++w) {
    const int count = counts[static_cast<std::size_t>(w)];
    EXPECT_EQ(one(link, "select count(*) || ' ' || max(id) from t where id / 1000000 = " +
                            std::to_string(w + 1)),
              std::to_string(count) + " " + std::to_string(1'000'000 * (w + 1) + count - 1));
  }
}

// A primary that lives, but is not the primary any more, reaches no client.
TEST_F(Continuity, ARouteThatMovesCutsAtOnce) {
  start(true);
  start_relay(a_->server().place().port);
  auto it = client(), asleep = client();
  ASSERT_EQ(it->ask("BEGIN"), "BEGIN");
  ASSERT_EQ(it->ask("INSERT INTO t VALUES (1, 1)"), "INSERT 0 1");
  ASSERT_EQ(PQsendQuery(asleep->get(), "SELECT pg_sleep(0.2), pg_is_in_recovery()"), 1);
  eventually([&] { return relay_->loop().busy() == 2; }, "busy");
  relay_->route_to(std::nullopt);
  eventually([&] { return relay_->loop().busy() == 0; }, "cut");
  take_over();
  EXPECT_EQ(it->ask("INSERT INTO t VALUES (2, 2)"), "INSERT 0 1");
  EXPECT_EQ(it->ask("COMMIT"), "COMMIT");
  EXPECT_EQ(PqClient::answer(PQgetResult(asleep->get())), "");
  ServerLink old = a_->session(), now = b_->session();
  EXPECT_EQ(one(old, "select count(*) from t"), "0");
  EXPECT_EQ(one(now, "select count(*) from t"), "2");
}

// A switchover: what runs goes on, what is new waits.
TEST_F(Continuity, DrainsWithoutCutting) {
  start(true);
  start_relay(a_->server().place().port);
  auto running = client(), waiting = client();
  ASSERT_EQ(running->ask("BEGIN"), "BEGIN");
  ASSERT_EQ(running->ask("INSERT INTO t VALUES (1, 1)"), "INSERT 0 1");
  relay_->loop().set_draining(true);
  eventually([&] { return relay_->loop().connections() == 1; }, "drain");
  ASSERT_EQ(PQsendQuery(waiting->get(), "INSERT INTO t VALUES (2, 2)"), 1);
  PQflush(waiting->get());
  EXPECT_EQ(running->ask("INSERT INTO t VALUES (3, 3)"), "INSERT 0 1");
  EXPECT_EQ(relay_->loop().busy(), 1u);
  EXPECT_EQ(running->ask("COMMIT"), "COMMIT");
  eventually([&] { return relay_->loop().busy() == 0; }, "drained");
  PQconsumeInput(waiting->get());
  EXPECT_EQ(PQisBusy(waiting->get()), 1);
  must(b_->control().promote(timeline_for(Epoch{2}), patiently()));
  must(b_->control().set_synchronous({}, 0, patiently()));
  relay_->route_to(at(b_->server().place().port, 2));
  relay_->loop().set_draining(false);
  EXPECT_EQ(PqClient::answer(PQgetResult(waiting->get())), "INSERT 0 1");
  ServerLink link = b_->session();
  EXPECT_EQ(one(link, "select count(*) from t"), "3");
}

}  // namespace
}  // namespace spar::test
