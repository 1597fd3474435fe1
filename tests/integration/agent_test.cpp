// `spar agent` as a process beside real PostgreSQL servers, reached over mutual TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <future>

#include "agent/process_table.h"
#include "agent/remote/remote_agent.h"
#include "tests/support/agent_process.h"
#include "tests/support/authority.h"
#include "tests/support/postgres_copy.h"
#include "tests/support/subprocess.h"

namespace spar::test {
namespace {

using namespace engines::postgres;
using agent::AgentReport;
using agent::StartAs;
using agent::Stop;
using agent::remote::RemoteAgent;
using agent::remote::TlsContext;
using agent::remote::TlsFiles;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

std::string one_of(PostgresCopy& copy, const std::string& sql) {
  ServerLink link = copy.session();
  return one(link, sql);
}

// Server a belongs to the agent, b is another one.
class Agents : public PostgresCopies {
 protected:
  void SetUp() override {
    PostgresCopies::SetUp();
    if (IsSkipped()) return;
    a_ = copy("a");
    b_ = copy("b");
    const auto& place = a_->server().place();
    process_ = std::make_unique<AgentProcess>(
        SPAR_PROGRAM, files_ / "agent.toml",
        agent_table(authority_.issue("agent"), port_, "allow = [\"spar\"]\n") +
            server_table("a", place.directory, place.port));
    process_->start();
    agent_ = reach(authority_.issue("spar"));
  }

  std::unique_ptr<RemoteAgent> reach(const TlsFiles& tls) {
    return std::make_unique<RemoteAgent>(
        must(TlsContext::load(tls, TlsContext::Side::client)),
        agent::remote::AgentPlace{{"127.0.0.1", port_}, "127.0.0.1", "a"});
  }
  AgentReport look() { return must(agent_->look(patiently())); }
  void wait_until_stopped() {
    const auto deadline = patiently();
    while (look().server.state != agent::ServerState::stopped) {
      ASSERT_LT(steady_clock::now(), deadline);
    }
  }

  // a is made through its agent, b follows it.
  void make_pair() {
    must(agent_->create(Epoch(1), {"postgres", PostgresCopy::kPassword}, patiently()));
    must(a_->control().ensure_slots({b_->slot()}, patiently()));
    b_->start_behind(*a_);
    must(b_->control().follow(b_->follow_address(*a_), b_->slot(), patiently()));
    ServerLink link = a_->session();
    must(link.run("create table payments (note text)", patiently()));
    must(link.run("insert into payments values ('kept')", patiently()));
    wait_for(*b_, "exists (select from pg_class where relname = 'payments')");
    wait_for(*b_, "exists (select from payments)");
  }

  // a commits what b does not receive, and dies; b is promoted for epoch 2. Gives where it forked.
  std::string lose_a() {
    ServerLink heir = b_->session();
    must(heir.run("alter system set primary_conninfo = ''", patiently()));
    must(heir.run("select pg_reload_conf()", patiently()));
    wait_for(*b_, "not exists (select from pg_stat_wal_receiver)");
    EXPECT_EQ(one_of(*a_,
                     "with x as (insert into payments values ('lost') returning note) "
                     "select note from x"),
              "lost");
    ::kill(look().server.pid, SIGKILL);
    wait_until_stopped();
    Promoted fork = must(b_->control().promote(timeline_for(Epoch(2)), patiently()));
    must(b_->control().ensure_slots({a_->slot()}, patiently()));
    return to_string(fork.switch_point);
  }

  void expect_follows_without_what_was_lost() {
    must(a_->control().follow(a_->follow_address(*b_), a_->slot(), patiently()));
    must(a_->control().ensure_slots({}, patiently()));
    EXPECT_EQ(one_of(*b_,
                     "with x as (insert into payments values ('after') returning note) "
                     "select note from x"),
              "after");
    wait_for(*a_, "exists (select from payments where note = 'after')");
    EXPECT_EQ(one_of(*a_, "select count(*) from payments where note = 'lost'"), "0");
  }

  void expect_refused_as_old(Epoch epoch, const std::string& newest) {
    for (StartAs as : {StartAs::primary, StartAs::standby}) {
      auto refused = agent_->start(epoch, as, patiently());
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Code::invalid);
      EXPECT_THAT(refused.error().message, HasSubstr("epoch " + std::to_string(epoch.value)));
      EXPECT_THAT(refused.error().message, HasSubstr("epoch " + newest));
    }
    EXPECT_FALSE(agent_->stop(epoch, Stop::kill, patiently()));
    EXPECT_FALSE(agent_->rebuild(epoch, a_->upstream(*b_), patiently()));
  }

  TempDirectory files_;
  Authority authority_;
  const std::uint16_t port_ = free_port();
  std::unique_ptr<PostgresCopy> a_, b_;
  std::unique_ptr<AgentProcess> process_;
  std::unique_ptr<RemoteAgent> agent_;
};

TEST_F(Agents, StartsKillsRewindsAndRebuildsAServer) {
  EXPECT_FALSE(look().has_data);
  make_pair();
  AgentReport report = look();
  EXPECT_TRUE(report.has_data && report.server.ready && !report.standby);
  EXPECT_EQ(report.epoch, Epoch(1));

  ::kill(report.running_pid(), SIGKILL);
  wait_until_stopped();
  must(agent_->start(Epoch(1), StartAs::primary, patiently()));
  EXPECT_NE(look().running_pid(), report.running_pid());
  wait_for(*b_, "exists (select from pg_stat_wal_receiver where status = 'streaming')");

  const std::string fork = lose_a();
  std::string held = must(agent_->transactions_beyond({{1, fork}}, patiently()));
  EXPECT_THAT(held, HasSubstr("desc: COMMIT"));
  EXPECT_EQ(must(agent_->transactions_beyond({}, patiently())), "");
  must(agent_->rewind(Epoch(2), a_->upstream(*b_), patiently()));
  EXPECT_TRUE(look().standby);
  expect_follows_without_what_was_lost();
  must(agent_->rewind(Epoch(2), a_->upstream(*b_), patiently()));  // again: nothing to do

  std::string aside = must(agent_->rebuild(Epoch(3), a_->upstream(*b_), patiently()));
  EXPECT_THAT(aside, HasSubstr("set-aside-1"));
  expect_follows_without_what_was_lost();
  must(agent_->stop(Epoch(3), Stop::kill, patiently()));
  EXPECT_EQ(look().running_pid(), 0);
  EXPECT_EQ(process_->said().find(R"(pass\)"), std::string::npos) << "a password in the log";
}

TEST_F(Agents, AnOldEpochIsRefusedAlsoAfterTheAgentDied) {
  make_pair();
  lose_a();
  must(agent_->rewind(Epoch(2), a_->upstream(*b_), patiently()));
  const int server = look().running_pid();
  expect_refused_as_old(Epoch(1), "2");
  process_->kill();
  auto nobody = agent_->look(patiently());
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::copy_lost);
  process_->start();
  EXPECT_EQ(look().running_pid(), server) << "servers outlive their agent";
  EXPECT_EQ(look().epoch, Epoch(2));
  expect_refused_as_old(Epoch(1), "2");
  EXPECT_EQ(look().running_pid(), server);
  must(agent_->stop(Epoch(2), Stop::fast, patiently()));
  // It was primary, and never starts as one again.
  auto writable = agent_->start(Epoch(2), StartAs::primary, patiently());
  ASSERT_FALSE(writable);
  must(agent_->start(Epoch(2), StartAs::standby, patiently()));
  EXPECT_EQ(process_->stop(), 0);
  EXPECT_EQ(agent::state_of(a_->server().status().pid), agent::ProcessState::alive);
}

TEST_F(Agents, ARewindThatFailedLeavesAServerThatDoesNotStartWritable) {
  make_pair();
  lose_a();
  agent::Upstream nobody = a_->upstream(*b_);
  nobody.conninfo = "host=127.0.0.1 user=postgres port=" + std::to_string(free_port());
  auto failed = agent_->rewind(Epoch(2), nobody, patiently());
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().code, Code::copy_lost);
  EXPECT_TRUE(look().must_be_rewound);
  process_->kill();
  process_->start();
  EXPECT_TRUE(look().must_be_rewound);
  EXPECT_FALSE(agent_->start(Epoch(2), StartAs::primary, patiently()));
  EXPECT_FALSE(agent_->start(Epoch(2), StartAs::standby, patiently()));
  must(agent_->rewind(Epoch(2), a_->upstream(*b_), patiently()));
  expect_follows_without_what_was_lost();
}

// A kill of a newer epoch comes while an older start is under way: it must not come up afterwards.
TEST_F(Agents, AKillBreaksIntoAStartOfAnOlderEpoch) {
  make_pair();
  must(agent_->stop(Epoch(1), Stop::fast, patiently()));
  for (int round = 0; round < 5; ++round) {
    const Epoch before(static_cast<std::uint64_t>(2 * round + 2)), after(before.value + 1);
    auto start = std::async(std::launch::async,
                            [&] { return agent_->start(before, StartAs::primary, patiently()); });
    std::this_thread::sleep_for(milliseconds(5 * round));  // another moment each time
    must(agent_->stop(after, Stop::kill, patiently()));
    (void)start.get();
    EXPECT_EQ(look().server.state, agent::ServerState::stopped) << round;
  }
}

TEST_F(Agents, StrangersCanOrderNothing) {
  Authority other;
  TlsFiles stranger = other.issue("spar");
  stranger.authority = authority_.issue("x").authority;
  for (const TlsFiles& files : {stranger, authority_.issue("somebody")}) {
    auto refused =
        reach(files)->create(Epoch(1), {"postgres", PostgresCopy::kPassword}, patiently());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::copy_lost) << refused.error().message;
  }
  EXPECT_FALSE(look().has_data);
  EXPECT_EQ(look().epoch, Epoch{});
}

TEST_F(Agents, AFrozenAgentCostsItsCallerNoMoreThanTheDeadline) {
  make_pair();
  look();
  process_->freeze();
  auto ends_in_time = [](auto call) {
    const auto began = steady_clock::now();
    auto answer = call(in(milliseconds(500)));
    EXPECT_LT(steady_clock::now() - began, milliseconds(2000));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::deadline) << answer.error().message;
  };
  // The first on the connection that is there, the second on one that is never answered.
  ends_in_time([&](Monotonic deadline) { return agent_->stop(Epoch(1), Stop::kill, deadline); });
  ends_in_time([&](Monotonic deadline) { return agent_->look(deadline); });
  const int server = a_->server().status().pid;
  process_->thaw();
  const auto deadline = patiently();
  auto logged = [&](const char* text) { return process_->said().contains(text); };
  while (!logged("is dropped") && !logged("connection broke") && !logged("has closed")) {
    ASSERT_LT(steady_clock::now(), deadline);
  }
  EXPECT_EQ(look().running_pid(), server) << "an order was obeyed that was long over";
}

TEST_F(Agents, AnAgentThatDiesInTheMiddleOfARebuildIsNotWaitedFor) {
  make_pair();
  lose_a();
  const std::string fresh = a_->server().place().data() + ".new";
  auto rebuild = std::async(std::launch::async, [&] {
    return agent_->rebuild(Epoch(2), a_->upstream(*b_), patiently());
  });
  const auto deadline = patiently();
  while (!std::filesystem::exists(fresh)) ASSERT_LT(steady_clock::now(), deadline);
  process_->kill();
  const auto began = steady_clock::now();
  auto lost = rebuild.get();
  EXPECT_LT(steady_clock::now() - began, milliseconds(6000));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Code::copy_lost);
  process_->start();
  EXPECT_FALSE(look().has_data);
  must(agent_->rebuild(Epoch(2), a_->upstream(*b_), patiently()));
  expect_follows_without_what_was_lost();
}

// --- the command ---

Ran run_agent(const std::string& file) {
  return run_program({SPAR_PROGRAM, "agent", file});
}

TEST(AgentCommand, DoesNotStartWithoutCertificates) {
  if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  TempDirectory directory;
  Authority authority;
  const std::string file = directory / "agent.toml";
  const std::string server = server_table("a", directory / "a", free_port());
  std::ofstream(file) << "[agent]\nlisten = \"127.0.0.1:0\"\n" << server;
  Ran ran = run_agent(file);
  EXPECT_EQ(ran.exit_code, 2) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("agent.toml:1:1: [agent] lacks the key \"certificate\""));

  TlsFiles tls = authority.issue("agent");
  tls.authority = directory / "none.crt";
  std::ofstream(file, std::ios::trunc) << agent_table(tls, 0) << server;
  ran = run_agent(file);
  EXPECT_EQ(ran.exit_code, 2) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("none.crt cannot be used"));
  EXPECT_EQ(run_agent(directory / "no.toml").exit_code, 1);
  EXPECT_EQ(run_program({SPAR_PROGRAM, "agent"}).exit_code, 2);
  EXPECT_THAT(run_program({SPAR_PROGRAM, "agent", "--help"}).output, HasSubstr("[[server]]"));
}

}  // namespace
}  // namespace spar::test
