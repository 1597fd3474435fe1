#include <gtest/gtest.h>

#include "tests/unit/control/rig.h"

namespace spar::control {
namespace {

TEST(Print, TheStateInAFewLines) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kC);
  EXPECT_EQ(to_string(rig.state),
            "settled, version 1, epoch 1, primary a, mirrors b of 1, mirrored\n"
            "  a: primary, serving at 1/10\n"
            "  b: mirror, serving at 1/10, caught up\n"
            "  c: down, absent at 1/10 (I/O error)\n");
}

TEST(Print, ActionsAndEvents) {
  Rig rig;
  rig.settle(record_of(2), at(1, 10));
  rig.fails(kA);
  std::string text;
  for (const Action& action : rig.actions) text += to_string(action) + "\n";
  EXPECT_NE(text.find("epoch 1 Fence copy 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("CasRecord 1 -> version 2, epoch 2, primary b"), std::string::npos) << text;
  Observed seen{kA, Observed::Kind::failed, "flush", "I/O error", at(1, 3), {}};
  EXPECT_EQ(to_string(Event{{}, seen}), "Observed copy 1 failed at 1/3 (flush: I/O error)");
  EXPECT_EQ(to_string(Event{{}, OperatorAsked{1, Remove{kA}}}), "OperatorAsked remove");
}

TEST(Print, RolesAsUsersMeetThem) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  EXPECT_EQ(role_of(rig.state, *find_copy(rig.state, kA)), "primary");
  EXPECT_EQ(role_of(rig.state, *find_copy(rig.state, kB)), "mirror");
  EXPECT_EQ(role_of(rig.state, *find_copy(rig.state, kC)), "replica");
  rig.fails(kC);
  EXPECT_EQ(role_of(rig.state, *find_copy(rig.state, kC)), "down");
  rig.tick(kRejoinDelayFirst);
  rig.probed(kC, empty());
  EXPECT_EQ(role_of(rig.state, *find_copy(rig.state, kC)), "rebuilding");
}

}  // namespace
}  // namespace spar::control
