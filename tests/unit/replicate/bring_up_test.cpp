#include "replicate/bring_up.h"

#include "tests/unit/replicate/rig.h"

namespace spar::replicate {
namespace {

using Kind = Finding::Kind;

TEST(BringUp, LooksWithoutTouching) {
  Rig rig;
  EXPECT_EQ(look(rig.disk, Rig::directory(kFirst), Rig::identity(kFirst)).kind, Kind::absent);
  ASSERT_TRUE(rig.disk.make_directory(Rig::directory(kFirst)));
  EXPECT_EQ(look(rig.disk, Rig::directory(kFirst), Rig::identity(kFirst)).kind, Kind::empty);
  rig.open(kFirst);
  Finding found = look(rig.disk, Rig::directory(kFirst), Rig::identity(kFirst));
  EXPECT_EQ(found.kind, Kind::present);
  EXPECT_EQ(found.end, Position{});
}

// Mutant accept_foreign_copy.
TEST(BringUp, ACopyOfAnotherClusterIsForeign) {
  Rig rig;
  rig.open(kFirst);
  const std::string directory = Rig::directory(kFirst);
  CopyIdentity wanted = Rig::identity(kFirst);
  wanted.cluster.bytes[0] = 7;
  EXPECT_EQ(look(rig.disk, directory, wanted).kind, Kind::foreign) << "another cluster";
  wanted = Rig::identity(kFirst);
  ++wanted.incarnation;
  EXPECT_EQ(look(rig.disk, directory, wanted).kind, Kind::foreign) << "another incarnation";
  EXPECT_EQ(look(rig.disk, directory, Rig::identity(kSecond)).kind, Kind::foreign)
      << "another copy";
}

TEST(BringUp, DamageIsSeen) {
  Rig rig;
  rig.open(kFirst);
  const std::string directory = Rig::directory(kFirst);
  ASSERT_TRUE(storage::write_file_atomically(rig.disk, directory + "/copy", "noise"));
  EXPECT_EQ(look(rig.disk, directory, Rig::identity(kFirst)).kind, Kind::damaged);
}

TEST(BringUp, RemembersTheEpochItWasTold) {
  Rig rig;
  rig.open(kFirst);
  const std::string directory = Rig::directory(kFirst);
  ASSERT_TRUE(store_told(rig.disk, directory, Rig::identity(kFirst), Epoch(5)));
  Finding found = look(rig.disk, directory, Rig::identity(kFirst));
  EXPECT_EQ(found.kind, Kind::present);
  EXPECT_EQ(found.told, Epoch(5));
}

TEST(BringUp, RebuildsFromThePrimaryAndKeepsWhatWasThere) {
  Rig rig;
  auto primary = rig.add(kFirst);
  rig.serve(kFirst, {}, Epoch(1));
  ASSERT_EQ(rig.settled(rig.create_shop()), Outcome::committed);
  rig.open(kSecond);
  MemberIdentity place{kSecond, "c2", Rig::directory(kSecond)};
  auto parts = rebuild(rig.disk, place, Rig::identity(kSecond), *primary, rig.cluster.pipeline(),
                       [](const Error&) {});
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->copy->applied(), primary->applied());
  EXPECT_EQ(parts->log->base(), primary->applied());
  EXPECT_EQ(parts->copy->contents(), primary->copy().contents());
  EXPECT_TRUE(verify_content(*parts->copy));
  EXPECT_TRUE(rig.disk.exists(place.directory + "/set-aside-1/copy"));
  auto member = rig.cluster.add(std::move(*parts));
  Position position = rig.add_account(2);
  EXPECT_TRUE(eventually([&] { return member->applied() == position; }));
}

TEST(BringUp, WritesALedgerOfWhatTheClusterDoesNotHave) {
  Rig rig;
  {
    rig.add(kFirst);
    rig.serve(kFirst, {}, Epoch(1));
    rig.create_shop();
    rig.add_account(2);
    ASSERT_EQ(rig.settled(rig.add_account(4711)), Outcome::committed);
    rig.cluster.shut_down();
  }
  auto count = write_ledger(rig.disk, Rig::directory(kFirst), Sequence(2), "/ledger");
  ASSERT_TRUE(count) << count.error().message;
  EXPECT_EQ(*count, 1u);
  auto text = storage::read_file(rig.disk, "/ledger", 1 << 20);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("4711"), std::string::npos) << *text;
  EXPECT_EQ(text->find("(2, 0)"), std::string::npos) << *text;
}

}  // namespace
}  // namespace spar::replicate
