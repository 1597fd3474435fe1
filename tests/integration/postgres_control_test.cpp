// Real PostgreSQL servers as copies: lose the primary, promote, follow, rewind, and back again.
#include <gtest/gtest.h>
#include <signal.h>

#include <future>

#include "tests/support/postgres_copy.h"

namespace spar::test {
namespace {

using namespace engines::postgres;
using agent::StartAs;

// Commits one row and gives the transaction's number.
Xid pay(ServerLink& link, const std::string& note) {
  std::string xid = one(link, "with paid as (insert into payments values ('" + note +
                                  "') returning 1) select pg_current_xact_id() from paid");
  return Xid(std::stoull(xid));
}

class Trio : public PostgresCopies {
 protected:
  // Together: where the disk is told of every freed block, 1000 files take it seconds.
  void TearDown() override {
    auto second = std::async(std::launch::async, [&] { b_.reset(); });
    auto third = std::async(std::launch::async, [&] { c_.reset(); });
    a_.reset();
  }

  void start() {
    a_ = copy("a");
    b_ = copy("b");
    c_ = copy("c");
    a_->start_as_primary();
    must(a_->control().ensure_slots({b_->slot(), c_->slot()}, patiently()));
    auto second = std::async(std::launch::async, [&] { b_->start_behind(*a_); });
    c_->start_behind(*a_);
    second.get();
    must(b_->control().follow(b_->follow_address(*a_), b_->slot(), patiently()));
    must(c_->control().follow(c_->follow_address(*a_), c_->slot(), patiently()));
    history_.push_back({{Epoch{1}, Sequence{0}}, TimelineId{1}, Xid{3}});
  }

  void check_identities() {
    Identity first = must(a_->control().identify(patiently()));
    EXPECT_FALSE(first.in_recovery);
    EXPECT_EQ(first.line.timeline, TimelineId{1});
    EXPECT_TRUE(first.line.switches.empty());
    EXPECT_EQ(first.received, first.applied);
    EXPECT_FALSE(first.receiver);
    EXPECT_GE(first.version, 150000);
    EXPECT_EQ(first.settings["wal_level"], "replica");
    EXPECT_EQ(first.settings["wal_keep_size"], "512");
    EXPECT_EQ(first.settings["wal_log_hints"], "on");
    EXPECT_EQ(first.settings["data_checksums"], "on");
    EXPECT_EQ(first.settings.size(), 8u);
    Identity second = must(b_->control().identify(patiently()));
    EXPECT_TRUE(second.in_recovery);
    EXPECT_EQ(second.system, first.system);
    ASSERT_TRUE(second.receiver);
    EXPECT_TRUE(second.receiver->streaming);
    EXPECT_EQ(second.receiver->port, std::to_string(a_->server().place().port));
    EXPECT_EQ(second.receiver->slot, b_->slot());
  }

  void check_synchronous(PostgresCopy& primary, const PostgresCopy& x, const PostgresCopy& y) {
    ServerControl control = primary.control();
    must(control.set_synchronous({x.name(), y.name()}, 1, patiently()));
    auto followers = must(control.replication_state(patiently()));
    ASSERT_EQ(followers.size(), 2u);
    for (const Follower& each : followers) {
      EXPECT_EQ(each.sync_state, "quorum") << each.application_name;
      EXPECT_EQ(each.state, "streaming");
    }
  }

  // `loser` commits one row more that nobody receives, and dies.
  Xid lose(PostgresCopy& loser, PostgresCopy& heir, PostgresCopy& third, const std::string& note) {
    must(loser.control().set_synchronous({}, 0, patiently()));
    for (PostgresCopy* each : {&heir, &third}) {
      ServerLink link = each->session();
      must(link.run("alter system set primary_conninfo = ''", patiently()));
      must(link.run("select pg_reload_conf()", patiently()));
      wait_for(*each,
               "not exists (select from pg_stat_activity where backend_type = "
               "'walreceiver')");
    }
    ServerLink link = loser.session();
    Xid lost = pay(link, note);
    ::kill(loser.server().status().pid, SIGKILL);
    must(loser.server().wait_until_stopped(patiently()));  // its children end by themselves
    return lost;
  }

  void check_outcomes(PostgresCopy& heir, const Promoted& fork, Xid kept, Xid lost) {
    ServerControl control = heir.control();
    EXPECT_LT(kept, fork.next_xid);
    EXPECT_GE(lost, fork.next_xid);
    EXPECT_EQ(must(control.xact_status(kept, patiently())), XactStatus::committed);
    // The trap: the new primary has given the lost transaction's number to another one.
    ServerLink link = heir.session();
    while (pay(link, "later") < lost) {
    }
    XactStatus status = must(control.xact_status(lost, patiently()));
    EXPECT_EQ(status, XactStatus::committed);
    EXPECT_EQ(outcome_of(lost, fork.next_xid, status), Outcome::not_committed);
    EXPECT_EQ(outcome_of(kept, fork.next_xid, XactStatus::committed), Outcome::committed);
    Xid future(fork.next_xid.value + 1'000'000);
    EXPECT_EQ(must(control.xact_status(future, patiently())), XactStatus::unborn);
  }

  // The primary dies, its heir takes over, the third follows, the old one comes back behind.
  void change_places(PostgresCopy& old, PostgresCopy& heir, PostgresCopy& third, int round) {
    SCOPED_TRACE("round " + std::to_string(round));
    ServerLink writer = old.session();
    Xid kept = pay(writer, "kept " + std::to_string(round));
    Identity before = must(old.control().identify(patiently()));
    wait_for(heir,
             "exists (select from payments where note = 'kept " + std::to_string(round) + "')");
    Xid lost = lose(old, heir, third, "lost");

    Promoted fork = must(heir.control().promote(patiently()));
    EXPECT_EQ(fork.timeline, TimelineId(static_cast<std::uint32_t>(round + 1)));
    EXPECT_EQ(must(heir.control().promote(patiently())).switch_point, fork.switch_point);
    history_.push_back(
        {{Epoch(static_cast<std::uint64_t>(round + 1)), Sequence(fork.switch_point.value)},
         fork.timeline,
         fork.next_xid});
    must(heir.control().ensure_slots({old.slot(), third.slot()}, patiently()));
    must(third.control().follow(third.follow_address(heir), third.slot(), patiently()));
    check_outcomes(heir, fork, kept, lost);

    check_places(before, round);
    come_back(old, heir);
    check_synchronous(heir, old, third);
    ServerLink link = heir.session();
    pay(link, "after " + std::to_string(round));
    check_equal({&heir, &old, &third}, round);
  }

  void come_back(PostgresCopy& old, PostgresCopy& heir) {
    must(old.server().rewind(old.upstream(heir), patiently()));
    must(old.server().start(StartAs::standby, patiently()));
    must(old.control().follow(old.follow_address(heir), old.slot(), patiently()));
    must(old.control().ensure_slots({}, patiently()));
    wait_for(old, "not exists (select from payments where note = 'lost')");
  }

  // What the lost primary was known to hold: a prefix, or diverged, by position alone.
  void check_places(const Identity& before, int round) {
    Placement known = place(before.line, history_);
    EXPECT_EQ(known.position.epoch, Epoch(static_cast<std::uint64_t>(round)));
    ServerLine more = before.line;
    more.end.value = history_.back().fork.after.value + 1;
    Position now{history_.back().fork.epoch, Sequence(more.end.value + 1)};
    EXPECT_EQ(compare(place(more, history_).position, now, forks_of(history_)), Order::diverged);
  }

  void check_equal(const std::vector<PostgresCopy*>& copies, int round) {
    const std::string sum =
        "select count(*) || ' ' || md5(string_agg(note, ',' order by note)) "
        "from payments";
    ServerLink link = copies[0]->session();
    std::string expected = one(link, sum);
    for (PostgresCopy* each : copies) {
      wait_for(*each, "(" + sum + ") = '" + expected + "'");
      Identity identity = must(each->control().identify(patiently()));
      Placement placement = place(identity.line, history_);
      EXPECT_EQ(placement.position.epoch, Epoch(static_cast<std::uint64_t>(round + 1)));
      EXPECT_FALSE(placement.unrecorded);
      EXPECT_EQ(identity.line.timeline, history_.back().timeline) << each->name();
      EXPECT_EQ(identity.in_recovery, each != copies[0]);
    }
  }

  std::unique_ptr<PostgresCopy> a_, b_, c_;
  ServerHistory history_;
};

TEST_F(Trio, ThePrimaryDiesAndComesBackTwice) {
  start();
  check_identities();
  ServerLink link = a_->session();
  must(link.run("create table payments (note text)", patiently()));
  check_synchronous(*a_, *b_, *c_);
  for (int round = 1; round <= 3; round += 2) {
    change_places(*a_, *b_, *c_, round);
    change_places(*b_, *a_, *c_, round + 1);
  }
}

}  // namespace
}  // namespace spar::test
