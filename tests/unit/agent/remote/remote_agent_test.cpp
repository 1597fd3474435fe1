// A client and an agent's server in one process, over real sockets and certificates; the servers
// behind are made up.
#include "agent/remote/remote_agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>

#include "agent/remote/agent_server.h"
#include "agent/remote/limits.h"
#include "tests/support/authority.h"
#include "tests/support/cable.h"

namespace spar::agent::remote {
namespace {

using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;

Monotonic in(milliseconds time) {
  return steady_clock::now() + time;
}
Monotonic patiently() {
  return in(milliseconds(20'000));
}

// Writes down what it is told; orders wait while its gate is shut.
class FakeAgent : public ServerAgent {
 public:
  Result<AgentReport> look(Monotonic) override {
    return AgentReport{.server = {ServerState::running, 42, false, true},
                       .has_data = true,
                       .standby = false,
                       .must_be_rewound = true,
                       .epoch = Epoch(9)};
  }
  Result<std::string> transactions_beyond(const std::vector<TimelineEnd>& ends,
                                          Monotonic) override {
    return std::to_string(ends.size()) + " ends, the last " + ends.back().lsn;
  }
  Result<void> create(Epoch epoch, const FirstUser& user, Monotonic) override {
    return told("create", epoch, user.name + "/" + user.password);
  }
  Result<void> start(Epoch epoch, StartAs as, Monotonic) override {
    return told("start", epoch, as == StartAs::primary ? "primary" : "standby");
  }
  Result<void> stop(Epoch epoch, Stop how, Monotonic) override {
    return told("stop", epoch, how == Stop::kill ? "kill" : "");
  }
  Result<void> rewind(Epoch, const Upstream&, Monotonic) override {
    auto failed = failure(Code::corrupt, "an earlier rewind ended half way");
    failed.error().hint = "make a base backup";
    return failed;
  }
  Result<std::string> rebuild(Epoch epoch, const Upstream& source, Monotonic) override {
    SPAR_TRY(told("rebuild", epoch, source.conninfo + "/" + source.password + "/" + source.slot));
    return "set-aside-1";
  }

  void give_up() override { open(); }

  void shut() {
    std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for_orders(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return told_.size() >= count; });
  }
  std::vector<std::string> all_told() {
    std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  Result<void> told(const std::string& what, Epoch epoch, const std::string& more) {
    std::unique_lock lock(mutex_);
    told_.push_back(what + " " + std::to_string(epoch.value) + " " + more);
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    return {};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  std::vector<std::string> told_;
};

class RemoteAgents : public ::testing::Test {
 protected:
  void serve(std::vector<std::string> allow = {}) {
    auto [socket, port] = test::listening();
    port_ = port;
    AgentServer::Agents agents;
    auto fake = std::make_unique<FakeAgent>();
    fake_ = fake.get();
    agents["a"] = std::move(fake);
    auto tls = TlsContext::load(authority_.issue("agent"), TlsContext::Side::server);
    ASSERT_TRUE(tls) << tls.error().message;
    server_ = std::make_unique<AgentServer>(std::move(socket), *tls, std::move(agents), allow);
    ASSERT_TRUE(server_->start());
  }
  void TearDown() override {
    if (server_) fake_->open();
  }

  static std::shared_ptr<const TlsContext> client(const TlsFiles& files) {
    return TlsContext::load(files, TlsContext::Side::client).value();
  }
  std::unique_ptr<RemoteAgent> agent(const TlsFiles& files, std::uint16_t port,
                                     const std::string& expected = "127.0.0.1",
                                     const std::string& server = "a") {
    return std::make_unique<RemoteAgent>(client(files),
                                         AgentPlace{{"127.0.0.1", port}, expected, server});
  }
  std::unique_ptr<RemoteAgent> agent() { return agent(authority_.issue("spar"), port_); }

  test::Authority authority_;
  FakeAgent* fake_ = nullptr;
  std::uint16_t port_ = 0;
  std::unique_ptr<AgentServer> server_;
};

TEST_F(RemoteAgents, WhatIsGivenUpIsNotWaitedFor) {
  serve();
  auto remote = agent();
  fake_->shut();
  std::thread waits([&] {
    auto order = remote->rebuild(Epoch(1), {}, patiently());
    ASSERT_FALSE(order);
    EXPECT_EQ(order.error().code, Code::cancelled);
  });
  fake_->wait_for_orders(1);
  remote->give_up();
  waits.join();
  auto later = remote->look(patiently());
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, Code::cancelled);
}

TEST_F(RemoteAgents, EveryCallArrivesAsItWasMade) {
  serve();
  auto remote = agent();
  auto report = remote->look(patiently());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->running_pid(), 42);
  EXPECT_TRUE(report->must_be_rewound);
  EXPECT_EQ(report->epoch, Epoch(9));
  EXPECT_EQ(*remote->transactions_beyond({{1, "0/1"}, {2, "0/2"}}, patiently()),
            "2 ends, the last 0/2");
  EXPECT_TRUE(remote->create(Epoch(1), {"root", "pw"}, patiently()));
  EXPECT_TRUE(remote->start(Epoch(2), StartAs::primary, patiently()));
  EXPECT_TRUE(remote->stop(Epoch(3), Stop::kill, patiently()));
  EXPECT_EQ(*remote->rebuild(Epoch(4), {"host=x", "p", "spar_1"}, patiently()), "set-aside-1");
  auto rewound = remote->rewind(Epoch(5), {}, patiently());
  ASSERT_FALSE(rewound);
  EXPECT_EQ(rewound.error().code, Code::corrupt);
  EXPECT_EQ(rewound.error().hint, "make a base backup");
  EXPECT_THAT(fake_->all_told(), ElementsAre("create 1 root/pw", "start 2 primary", "stop 3 kill",
                                             "rebuild 4 host=x/p/spar_1"));
}

TEST_F(RemoteAgents, AServerThatItDoesNotHaveIsNamed) {
  serve();
  auto answer = agent(authority_.issue("spar"), port_, "127.0.0.1", "b")->look(patiently());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::invalid);
  EXPECT_THAT(answer.error().message, HasSubstr("\"b\""));
}

// --- who may ---

TEST_F(RemoteAgents, CertificatesOfAnotherAuthorityAreRefusedOnBothSides) {
  serve();
  test::Authority other;
  TlsFiles stranger = other.issue("spar");
  auto not_trusting = agent(stranger, port_)->look(patiently());
  ASSERT_FALSE(not_trusting);
  EXPECT_EQ(not_trusting.error().code, Code::copy_lost);
  stranger.authority = authority_.issue("x").authority;  // it would take the agent for right
  auto started = agent(stranger, port_)->start(Epoch(1), StartAs::primary, patiently());
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::copy_lost) << started.error().message;
  EXPECT_TRUE(fake_->all_told().empty());
  EXPECT_TRUE(agent()->look(patiently()));
}

TEST_F(RemoteAgents, OnlyNamesThatAreAllowedMayAsk) {
  serve({"spar", "10.1.2.3"});
  TlsFiles other = authority_.issue("other", "DNS:other.example,IP:127.0.0.1");
  auto refused = agent(other, port_)->start(Epoch(1), StartAs::primary, patiently());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::copy_lost);
  EXPECT_THAT(refused.error().message, HasSubstr("not allowed"));
  EXPECT_TRUE(fake_->all_told().empty());
  EXPECT_TRUE(agent(authority_.issue("spar"), port_)->look(patiently()));
  EXPECT_TRUE(agent(authority_.issue("y", "IP:10.1.2.3"), port_)->look(patiently()));
  EXPECT_TRUE(agent(authority_.issue("spar", "DNS:x.example"), port_)->look(patiently()));
}

TEST_F(RemoteAgents, TheAgentMustBeWhoIsExpected) {
  serve();
  TlsFiles files = authority_.issue("spar");
  for (const char* wrong : {"127.0.0.2", "elsewhere", "*"}) {
    auto refused = agent(files, port_, wrong)->look(patiently());
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Code::copy_lost) << refused.error().message;
  }
  EXPECT_TRUE(agent(files, port_, "agent")->look(patiently()));  // its common name
}

TEST_F(RemoteAgents, FilesThatCannotBeUsedAreNamed) {
  TlsFiles files = authority_.issue("spar");
  for (std::string TlsFiles::* part :
       {&TlsFiles::certificate, &TlsFiles::key, &TlsFiles::authority}) {
    TlsFiles broken = files;
    broken.*part = "/nowhere/file.pem";
    auto loaded = TlsContext::load(broken, TlsContext::Side::server);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, Code::invalid);
    EXPECT_THAT(loaded.error().message, HasSubstr("/nowhere/file.pem"));
  }
  TlsFiles mixed = files;
  mixed.key = authority_.issue("other").key;
  EXPECT_FALSE(TlsContext::load(mixed, TlsContext::Side::server));
}

TEST_F(RemoteAgents, NoiseAndSilenceOnItsPortHurtNobody) {
  serve();
  std::vector<Descriptor> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(test::connected_to(port_));
  Descriptor noisy = test::connected_to(port_);
  std::string noise = "GET / HTTP/1.1\r\n\r\n" + std::string(1000, '\xff');
  ::send(noisy.get(), noise.data(), noise.size(), MSG_NOSIGNAL);
  char byte;
  while (::recv(noisy.get(), &byte, 1, 0) > 0) {
  }
  EXPECT_TRUE(agent()->look(patiently()));
}

TEST_F(RemoteAgents, ConnectionsAreBounded) {
  serve();
  std::vector<Descriptor> many;
  for (int i = 0; i < kConnectionsMax; ++i) many.push_back(test::connected_to(port_));
  auto refused = agent()->look(patiently());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::copy_lost);
  many.clear();
  auto remote = agent();
  const Monotonic deadline = patiently();
  while (!remote->look(patiently())) ASSERT_LT(steady_clock::now(), deadline);
}

TEST_F(RemoteAgents, AMessageThatIsNoneEndsTheConnection) {
  serve();
  auto tls = client(authority_.issue("spar"));
  for (const std::string& bytes : {frame("{}"), frame("x"), std::string("\xff\xff\xff\xff", 4)}) {
    auto stream = TlsStream::connect(*tls, {"127.0.0.1", port_}, "127.0.0.1", patiently());
    ASSERT_TRUE(stream);
    ASSERT_TRUE((*stream)->send(bytes, patiently()));
    std::string answer;
    char buffer[1000];
    while (true) {
      auto got = (*stream)->receive(buffer, patiently());
      ASSERT_TRUE(got) << got.error().message;
      if (*got == 0) break;
      answer.append(buffer, *got);
    }
    if (bytes[0] == 0) {
      EXPECT_THAT(answer, HasSubstr("no message of an agent"));
    }
  }
}

// --- time, and connections that break ---

TEST_F(RemoteAgents, QuestionsDoNotWaitForOrders) {
  serve();
  auto remote = agent();
  fake_->shut();
  auto order =
      std::async(std::launch::async, [&] { return remote->rebuild(Epoch(1), {}, patiently()); });
  fake_->wait_for_orders(1);
  EXPECT_TRUE(remote->look(patiently()));
  fake_->open();
  EXPECT_TRUE(order.get());
}

TEST_F(RemoteAgents, AnOrderIsNotGivenTwiceWhenItsConnectionBreaks) {
  serve();
  test::Cable cable(port_);
  auto remote = agent(authority_.issue("spar"), cable.port());
  fake_->shut();
  auto order =
      std::async(std::launch::async, [&] { return remote->rebuild(Epoch(1), {}, patiently()); });
  fake_->wait_for_orders(1);
  cable.cut();
  while (cable.connections() < 2) std::this_thread::yield();
  cable.cut();
  while (cable.connections() < 3) std::this_thread::yield();
  fake_->open();
  auto outcome = order.get();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(*outcome, "set-aside-1");
  EXPECT_EQ(fake_->all_told().size(), 1u);
}

TEST_F(RemoteAgents, AnIdleConnectionThatBrokeIsReplaced) {
  serve();
  test::Cable cable(port_);
  auto remote = agent(authority_.issue("spar"), cable.port());
  EXPECT_TRUE(remote->look(patiently()));
  EXPECT_TRUE(remote->look(patiently()));
  EXPECT_EQ(cable.connections(), 1);
  cable.cut();
  EXPECT_TRUE(remote->look(patiently()));
  EXPECT_EQ(cable.connections(), 2);
}

// The time is the caller's, whether the agent stands still before the handshake or in a call.
TEST_F(RemoteAgents, TheDeadlineHoldsWhateverTheAgentDoes) {
  serve();
  TlsFiles files = authority_.issue("spar");
  auto [nobody_accepts, port] = test::listening();
  auto ends_in_time = [](RemoteAgent& remote) {
    const Monotonic begin = steady_clock::now();
    auto stopped = remote.stop(Epoch(1), Stop::kill, in(milliseconds(300)));
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Code::deadline) << stopped.error().message;
    EXPECT_LT(steady_clock::now() - begin, milliseconds(1500));
  };
  ends_in_time(*agent(files, port));
  test::Cable cable(port_);
  auto remote = agent(files, cable.port());
  EXPECT_TRUE(remote->look(patiently()));
  cable.freeze();
  ends_in_time(*remote);
  fake_->shut();
  ends_in_time(*agent());
}

TEST_F(RemoteAgents, NobodyThereIsKnownAtOnce) {
  auto port = test::listening().second;
  auto look = agent(authority_.issue("spar"), port)->look(patiently());
  ASSERT_FALSE(look);
  EXPECT_EQ(look.error().code, Code::copy_lost);
  EXPECT_THAT(look.error().message, HasSubstr("127.0.0.1:" + std::to_string(port)));
}

TEST_F(RemoteAgents, AnAgentThatStopsWaitsForItsOrdersButNotForEver) {
  serve();
  auto remote = agent();
  fake_->shut();
  auto order =
      std::async(std::launch::async, [&] { return remote->rebuild(Epoch(1), {}, patiently()); });
  fake_->wait_for_orders(1);
  EXPECT_FALSE(server_->stop(in(milliseconds(20))));
  fake_->open();
  EXPECT_TRUE(server_->stop(patiently()));
  auto lost = order.get();  // the order was performed; nobody is there to say so
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Code::copy_lost);
}

}  // namespace
}  // namespace spar::agent::remote
