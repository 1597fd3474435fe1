#include "server/session_backend.h"

#include <future>

#include "tests/unit/replicate/rig.h"

namespace spar::server {
namespace {

using namespace spar::replicate;
constexpr std::chrono::milliseconds kAMoment{300};  // within which a wrong answer would be there

std::shared_ptr<const query::Statement> statement(const Cluster& cluster, query::Plan plan) {
  auto made = std::make_shared<query::Statement>();
  made->body = std::move(plan);
  made->catalogue_version = cluster.catalogue()->version();
  return made;
}

query::Plan count_accounts() {
  query::Plan plan = test::plan(query::PlanKind::select, "SELECT count(*) FROM t16385");
  plan.output = {{"count", {data::TypeId::int8, -1}, ObjectId(), 0}};
  return plan;
}

// A primary whose acknowledgements wait for a mirror that is away: mirror_confirms() is its answer.
class SessionBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    rig_.add(kFirst);
    rig_.serve(kFirst, {kSecond}, Epoch(1));
    Position shop = rig_.create_shop();
    mirror_confirms(shop);
    ASSERT_EQ(rig_.settled(shop), Outcome::committed);
  }
  void mirror_confirms(const Position& position) {
    rig_.cluster.pipeline().durable(kSecond, position.sequence);
  }

  std::unique_ptr<gateway::Backend> session() {
    auto opened = factory_.open("shop", "tester");
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }

  // The first row's number, and whether it was settled when it was given.
  std::int64_t count(gateway::Backend& session) {
    auto rows = session.run({statement(rig_.cluster, count_accounts()), nullptr, {}});
    EXPECT_TRUE(rows) << rows.error().message;
    data::Row row;
    auto more = (*rows)->next(row);
    EXPECT_TRUE(more && *more);
    return std::get<std::int64_t>(row.at(0));
  }

  Rig rig_;
  SessionFactory factory_{rig_.cluster};
};

// S1. Mutant read_before_durable.
TEST_F(SessionBackendTest, AReadIsNotAnsweredBeforeWhatItSawIsAcknowledged) {
  Position doubtful = rig_.add_account(2);
  auto reader = session();
  auto answer = std::async(std::launch::async, [&] { return count(*reader); });
  EXPECT_EQ(answer.wait_for(kAMoment), std::future_status::timeout);
  mirror_confirms(doubtful);
  EXPECT_EQ(answer.get(), 2);
  reader->abandon();
}

TEST_F(SessionBackendTest, ACommitIsNotAnsweredBeforeItIsAcknowledged) {
  auto writer = session();
  auto answer = std::async(std::launch::async, [&] {
    auto rows = writer->run({statement(rig_.cluster, test::insert_account()),
                             nullptr,
                             {std::int64_t(2), std::int64_t(0)}});
    if (!rows) return false;
    rows->reset();
    return writer->finish().has_value();
  });
  EXPECT_EQ(answer.wait_for(kAMoment), std::future_status::timeout);
  mirror_confirms({Epoch(1), Sequence(2)});
  EXPECT_TRUE(answer.get());
  EXPECT_EQ(writer->position(), (Position{Epoch(1), Sequence(2)}));
}

gateway::Executable alone(const Cluster& cluster, std::int64_t id) {
  return {statement(cluster, test::insert_account()), nullptr, {id, std::int64_t(0)}, true};
}

TEST_F(SessionBackendTest, AWriteAloneIsNotAnsweredBeforeItIsAcknowledged) {
  auto writer = session();
  auto answer = std::async(std::launch::async, [&] {
    auto rows = writer->run(alone(rig_.cluster, 2));
    return rows.has_value() && (*rows)->affected() == 1;
  });
  EXPECT_EQ(answer.wait_for(kAMoment), std::future_status::timeout);
  mirror_confirms({Epoch(1), Sequence(2)});
  EXPECT_TRUE(answer.get());
  EXPECT_TRUE(writer->finish());
  EXPECT_EQ(writer->position(), (Position{Epoch(1), Sequence(2)}));
}

// S1: that a key is taken may be news of a commit that is never acknowledged.
TEST_F(SessionBackendTest, ARefusalIsNotAnsweredBeforeWhatItSawIsAcknowledged) {
  Position doubtful = rig_.add_account(2);
  auto writer = session();
  auto answer = std::async(std::launch::async,
                           [&] { return writer->run(alone(rig_.cluster, 2)).error().sqlstate; });
  EXPECT_EQ(answer.wait_for(kAMoment), std::future_status::timeout);
  mirror_confirms(doubtful);
  EXPECT_EQ(answer.get(), "23505");
}

TEST_F(SessionBackendTest, ARefusalInABlockIsNotAnsweredBeforeThatEither) {
  Position doubtful = rig_.add_account(2);
  auto writer = session();
  ASSERT_TRUE(writer->begin({}));
  auto answer = std::async(std::launch::async, [&] {
    gateway::Executable again = alone(rig_.cluster, 2);
    again.last = false;
    return writer->run(std::move(again)).error().sqlstate;
  });
  EXPECT_EQ(answer.wait_for(kAMoment), std::future_status::timeout);
  mirror_confirms(doubtful);
  EXPECT_EQ(answer.get(), "23505");
  writer->rollback();
}

TEST_F(SessionBackendTest, ReadsAndCommitsGoOnWhenAllIsAcknowledged) {
  auto reader = session();
  EXPECT_EQ(count(*reader), 1);
  EXPECT_TRUE(reader->finish());
  EXPECT_FALSE(reader->in_transaction());
}

}  // namespace
}  // namespace spar::server
