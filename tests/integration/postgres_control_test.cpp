// Real PostgreSQL servers as copies: lose the primary, promote, follow, rewind, and back again.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
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
    EXPECT_EQ(first.settings.size(), 11u);
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

  Promoted promote(PostgresCopy& heir, Epoch next) {
    Promoted fork = must(heir.control().promote(timeline_for(next), patiently()));
    EXPECT_EQ(fork.timeline, timeline_for(next));
    history_.push_back({{next, Sequence(fork.switch_point.value)}, fork.timeline, fork.next_xid});
    return fork;
  }

  // The primary dies, its heir takes over, the third follows, the old one comes back behind.
  void change_places(PostgresCopy& old, PostgresCopy& heir, PostgresCopy& third, Epoch next) {
    const std::string epoch = std::to_string(next.value);
    SCOPED_TRACE("to epoch " + epoch);
    ServerLink writer = old.session();
    Xid kept = pay(writer, "kept " + epoch);
    Identity before = must(old.control().identify(patiently()));
    wait_for(heir, "exists (select from payments where note = 'kept " + epoch + "')");
    Xid lost = lose(old, heir, third, "lost");

    Promoted fork = promote(heir, next);
    EXPECT_EQ(must(heir.control().promote(fork.timeline, patiently())).switch_point,
              fork.switch_point);
    must(heir.control().ensure_slots({old.slot(), third.slot()}, patiently()));
    must(third.control().follow(third.follow_address(heir), third.slot(), patiently()));
    check_outcomes(heir, fork, kept, lost);

    check_places(before);
    come_back(old, heir);
    check_synchronous(heir, old, third);
    ServerLink link = heir.session();
    pay(link, "after " + epoch);
    check_equal({&heir, &old, &third});
  }

  // The heir dies before anyone heard of it, and what it wrote is lost as well. Left alone, both
  // promotions would have begun the same timeline.
  void lose_two_in_a_row(PostgresCopy& old, PostgresCopy& heir, PostgresCopy& third, Epoch first,
                         Epoch second) {
    lose(old, heir, third, "lost");
    Promoted unheard = promote(heir, first);
    ServerLink link = heir.session();
    must(link.run("alter system reset synchronous_standby_names", patiently()));
    must(link.run("select pg_reload_conf()", patiently()));
    pay(link, "lost");
    Identity before = must(heir.control().identify(patiently()));
    ::kill(heir.server().status().pid, SIGKILL);
    must(heir.server().wait_until_stopped(patiently()));
    Promoted fork = promote(third, second);
    EXPECT_EQ(fork.switch_point, unheard.switch_point);
    Position now{second, Sequence(before.line.end.value + 1)};
    EXPECT_EQ(compare(place(before.line, history_).position, now, forks_of(history_)),
              Order::diverged);
    must(third.control().ensure_slots({old.slot(), heir.slot()}, patiently()));
    come_back(heir, third);
    come_back(old, third);
    check_equal({&third, &heir, &old});
  }

  void come_back(PostgresCopy& old, PostgresCopy& heir) {
    must(old.server().rewind(old.upstream(heir), patiently()));
    must(old.server().start(StartAs::standby, patiently()));
    must(old.control().follow(old.follow_address(heir), old.slot(), patiently()));
    must(old.control().ensure_slots({}, patiently()));
    wait_for(old, "not exists (select from payments where note = 'lost')");
  }

  // What the lost primary was known to hold: a prefix, or diverged, by position alone.
  void check_places(const Identity& before) {
    Placement known = place(before.line, history_);
    EXPECT_EQ(known.position.epoch, history_[history_.size() - 2].fork.epoch);
    ServerLine more = before.line;
    more.end.value = history_.back().fork.after.value + 1;
    Position now{history_.back().fork.epoch, Sequence(more.end.value + 1)};
    EXPECT_EQ(compare(place(more, history_).position, now, forks_of(history_)), Order::diverged);
  }

  void check_equal(const std::vector<PostgresCopy*>& copies) {
    const std::string sum =
        "select count(*) || ' ' || md5(string_agg(note, ',' order by note)) "
        "from payments";
    ServerLink link = copies[0]->session();
    std::string expected = one(link, sum);
    for (PostgresCopy* each : copies) {
      wait_for(*each, "(" + sum + ") = '" + expected + "'");
      Identity identity = must(each->control().identify(patiently()));
      Placement placement = place(identity.line, history_);
      EXPECT_EQ(placement.position.epoch, history_.back().fork.epoch);
      EXPECT_FALSE(placement.unrecorded);
      EXPECT_EQ(identity.line.timeline, history_.back().timeline) << each->name();
      EXPECT_EQ(identity.in_recovery, each != copies[0]);
    }
  }

  static void check_no_password_in_log(PostgresCopy& copy) {
    std::ifstream file(copy.server().place().log());
    std::string log((std::istreambuf_iterator<char>(file)), {});
    EXPECT_NE(log.find("\"primary_conninfo\" changed to"), std::string::npos);
    EXPECT_EQ(log.find("pass"), std::string::npos) << copy.name();
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
  change_places(*a_, *b_, *c_, Epoch(2));
  change_places(*b_, *a_, *c_, Epoch(3));
  change_places(*a_, *b_, *c_, Epoch(5));  // 4 was stored, and nobody was promoted for it
  change_places(*b_, *a_, *c_, Epoch(9));
  lose_two_in_a_row(*a_, *b_, *c_, Epoch(10), Epoch(11));
  for (PostgresCopy* each : {a_.get(), b_.get(), c_.get()}) check_no_password_in_log(*each);
}

}  // namespace
}  // namespace spar::test
