// Real PostgreSQL servers in trouble: frozen, fenced, refusing, and with a rewind that failed.
#include <gtest/gtest.h>
#include <signal.h>

#include "agent/process_table.h"
#include "tests/support/postgres_copy.h"

namespace spar::test {
namespace {

using namespace engines::postgres;
using agent::ServerState;
using agent::StartAs;
using agent::Stop;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kShort{300};

std::unique_ptr<PostgresCopy> start_primary(std::unique_ptr<PostgresCopy> copy,
                                            const agent::Settings& more = {}) {
  copy->start_as_primary(more);
  ServerLink link = copy->session();
  must(link.run("create table payments (note text)", patiently()));
  return copy;
}

// One server for all of these tests; each leaves it as it was.
class OneServer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    place_ = std::make_unique<ServerDirectory>();
    if (place_->can_run()) a_ = start_primary(place_->copy("a"));
  }
  static void TearDownTestSuite() {
    a_.reset();
    place_.reset();
  }
  void SetUp() override {
    if (!a_) GTEST_SKIP() << kNoPostgres;
  }

  inline static std::unique_ptr<ServerDirectory> place_;
  inline static std::unique_ptr<PostgresCopy> a_;
};

// All of its processes stop where they are; nobody answers, but the kernel takes connections.
void freeze(PostgresCopy& copy) {
  for (pid_t pid : agent::working_in(copy.server().place().data(), "postgres"))
    ::kill(pid, SIGSTOP);
}

TEST_F(OneServer, AFrozenServerIsNotWaitedFor) {
  ServerLink link = a_->session();
  freeze(*a_);
  auto began = steady_clock::now();
  auto answer = link.run("select 1", in(kShort));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::deadline);
  EXPECT_FALSE(link.usable());
  EXPECT_EQ(link.run("select 1", patiently()).error().code, Code::copy_lost);
  auto connected = ServerLink::connect(a_->address(), in(kShort));
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, Code::deadline);
  auto stopped = a_->server().stop(Stop::fast, in(kShort));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::deadline);
  EXPECT_LT(steady_clock::now() - began, 10 * kShort);
  EXPECT_EQ(a_->server().status().state, ServerState::running);

  must(a_->server().stop(Stop::kill, patiently()));
  EXPECT_EQ(a_->server().status().state, ServerState::stopped);
  must(a_->server().start(StartAs::primary, patiently()));  // after a crash, with a zombie's locks
  EXPECT_FALSE(must(a_->control().identify(patiently())).in_recovery);
}

TEST_F(OneServer, AFencedServerTakesNoWrite) {
  ServerControl control = a_->control(), other = a_->control();
  ServerLink writer = a_->session();
  must(writer.run("set application_name = 'an application'", patiently()));
  must(writer.run("begin", patiently()));
  must(writer.run("insert into payments values ('open')", patiently()));
  must(control.fence(patiently()));
  auto late = writer.run("commit", patiently());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::copy_lost);
  EXPECT_EQ(late.error().sqlstate, "57P01");
  EXPECT_TRUE(other.identify(patiently()));  // our own sessions stay
  ServerLink next = a_->session();
  auto refused = next.run("insert into payments values ('next')", patiently());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "25006");
  must(control.unfence(patiently()));
  must(next.run("insert into payments values ('next')", patiently()));
  EXPECT_EQ(one(next, "select count(*) from payments"), "1");
}

TEST_F(OneServer, RefusalsSayWhyAndNeverThePassword) {
  Conninfo wrong = a_->address();
  wrong.set("password", "a wrong secret");
  auto refused = ServerLink::connect(wrong, patiently());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::copy_lost);
  EXPECT_EQ(refused.error().sqlstate, "28P01");
  EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
  wrong.set("port", std::to_string(free_port()));
  refused = ServerLink::connect(wrong, patiently());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::copy_lost);
  ServerLink link = a_->session();
  auto failed = link.run("select 1/0", patiently());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().sqlstate, "22012");
  EXPECT_EQ(one(link, "select 'still here'"), "still here");
}

TEST_F(OneServer, OnlyOurSlotsAreMadeAndDropped) {
  ServerControl control = a_->control();
  must(control.link().run("select pg_create_physical_replication_slot('theirs')", patiently()));
  const std::string slots =
      "select string_agg(slot_name, ',' order by slot_name) "
      "from pg_replication_slots";
  must(control.ensure_slots({"spar_2", "spar_3"}, patiently()));
  must(control.ensure_slots({"spar_2", "spar_3"}, patiently()));
  EXPECT_EQ(one(control.link(), slots), "spar_2,spar_3,theirs");
  must(control.ensure_slots({"spar_3"}, patiently()));
  EXPECT_EQ(one(control.link(), slots), "spar_3,theirs");
  EXPECT_EQ(control.ensure_slots({"mine"}, patiently()).error().code, Code::invalid);
}

class FailedRewind : public PostgresCopies {
 protected:
  // A pair whose primary died and whose standby was promoted.
  void take_over() {
    a_ = start_primary(copy("a"), {{"max_prepared_transactions", "10"}});
    b_ = copy("b");
    must(a_->control().ensure_slots({b_->slot()}, patiently()));
    b_->start_behind(*a_);
    must(b_->control().follow(b_->follow_address(*a_), b_->slot(), patiently()));
    prepare_a_payment();
    must(a_->server().stop(Stop::kill, patiently()));
    EXPECT_EQ(b_->control().promote(TimelineId(1), patiently()).error().code, Code::invalid);
    promoted_ = must(b_->control().promote(TimelineId(2), patiently()));
    must(b_->control().ensure_slots({a_->slot()}, patiently()));
  }

  void prepare_a_payment() {
    ServerLink link = a_->session();
    must(link.run("begin", patiently()));
    must(link.run("insert into payments values ('prepared')", patiently()));
    prepared_ = Xid(std::stoull(one(link, "select pg_current_xact_id()")));
    must(link.run("prepare transaction 'payment'", patiently()));
    std::string end = one(link, "select pg_current_wal_flush_lsn()");
    wait_for(*b_, "pg_last_wal_replay_lsn() >= '" + end + "'");
  }

  void check_refused(StartAs as) {
    auto refused = a_->server().start(as, patiently());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::invalid);
    EXPECT_EQ(a_->server().status().state, ServerState::stopped);
  }

  std::string file(const std::string& name) { return a_->server().place().directory + "/" + name; }

  std::unique_ptr<PostgresCopy> a_, b_;
  Promoted promoted_;
  Xid prepared_;
};

// What Spar avoids by timeline_for(); pg_rewind alone would find nothing to do.
TEST_F(FailedRewind, TwoPrimariesOfOneTimelineAreNotTakenForOneHistory) {
  take_over();
  must(a_->server().stop(Stop::kill, patiently()));
  must(b_->server().stop(Stop::fast, patiently()));
  auto c = copy("c");
  must(a_->server().start(StartAs::primary, patiently()));
  c->start_behind(*a_, "");
  must(a_->server().stop(Stop::kill, patiently()));
  ServerLink link = c->session();
  must(link.run("select pg_promote()", patiently()));
  auto refused = b_->server().rewind(b_->upstream(*c), patiently());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::corrupt);
  EXPECT_EQ(b_->server().start(StartAs::standby, patiently()).error().code, Code::invalid);
}

TEST_F(FailedRewind, LeavesTheServerStoppedUntilARewindOrABackupSucceeds) {
  take_over();
  EXPECT_LT(prepared_, promoted_.next_xid);  // it can still be committed
  auto late = a_->server().rewind(a_->upstream(*b_), in(milliseconds(1)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::deadline);
  check_refused(StartAs::primary);
  agent::Upstream nowhere = a_->upstream(*b_);
  nowhere.conninfo = "host=127.0.0.1 user=postgres port=" + std::to_string(free_port());
  auto failed = a_->server().rewind(nowhere, patiently());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::unavailable);
  EXPECT_EQ(failed.error().detail.find("word"), std::string::npos) << failed.error().detail;
  EXPECT_TRUE(place_.disk().exists(file("data/standby.signal")));
  check_refused(StartAs::primary);
  check_refused(StartAs::standby);

  must(a_->server().rewind(a_->upstream(*b_), patiently()));
  must(a_->server().rewind(a_->upstream(*b_), patiently()));  // as after a lost answer
  check_refused(StartAs::primary);                            // it follows now
  must(a_->server().start(StartAs::standby, patiently()));
  must(a_->control().follow(a_->follow_address(*b_), a_->slot(), patiently()));
  EXPECT_FALSE(a_->server().rewind(a_->upstream(*b_), patiently()));  // it runs
  must(a_->server().stop(Stop::fast, patiently()));

  must(storage::write_file_atomically(place_.disk(), file("rewind"), "copying\n"));
  EXPECT_EQ(a_->server().rewind(a_->upstream(*b_), patiently()).error().code, Code::corrupt);
  check_refused(StartAs::standby);
  EXPECT_FALSE(a_->server().base_backup(a_->upstream(*b_), patiently()));  // not over its data
  EXPECT_EQ(must(a_->server().set_aside()), file("set-aside-1"));
  a_->start_behind(*b_);
  must(a_->control().follow(a_->follow_address(*b_), a_->slot(), patiently()));
}

}  // namespace
}  // namespace spar::test
