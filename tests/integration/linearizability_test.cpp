// The checker of strict reads itself: it accepts what a register may answer and refuses the rest.
#include "tests/support/linearizability.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>

namespace spar::test {
namespace {

using Operations = std::vector<RegisterOperation>;

RegisterOperation read(std::int64_t value, std::int64_t from, std::int64_t to) {
  return {RegisterOperation::Kind::read, 1, value, from, to, 0};
}
RegisterOperation write(std::int64_t value, std::int64_t from, std::int64_t to = kNeverReturned) {
  return {RegisterOperation::Kind::write, 1, value, from, to, 0};
}
Verdict judge(const Operations& history) {
  return check_registers(history, 0).verdict;
}

TEST(LinearizabilityTest, AcceptsOneAfterTheOther) {
  EXPECT_EQ(judge({}), Verdict::linearizable);
  EXPECT_EQ(judge({read(0, 0, 1), write(7, 2, 3), read(7, 4, 5), write(8, 6, 7), read(8, 8, 9)}),
            Verdict::linearizable);
}

TEST(LinearizabilityTest, AcceptsEitherOrderOfWhatOverlaps) {
  EXPECT_EQ(judge({write(1, 0, 10), read(0, 1, 2), read(1, 3, 4)}), Verdict::linearizable);
  EXPECT_EQ(judge({write(1, 0, 10), write(2, 0, 10), read(1, 11, 12)}), Verdict::linearizable);
  EXPECT_EQ(judge({write(1, 0, 10), write(2, 0, 10), read(2, 11, 12)}), Verdict::linearizable);
  // The right order of three writes is the last one that a search from the left tries.
  EXPECT_EQ(judge({write(1, 0, 9), write(2, 0, 9), write(3, 0, 9), read(3, 1, 8), read(2, 2, 8),
                   read(1, 10, 11)}),
            Verdict::linearizable);
}

TEST(LinearizabilityTest, RefusesAStaleRead) {
  EXPECT_EQ(judge({write(1, 0, 1), read(0, 2, 3)}), Verdict::violated);
  EXPECT_EQ(judge({write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)}), Verdict::violated);
}

TEST(LinearizabilityTest, RefusesALostWrite) {
  EXPECT_EQ(judge({write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(1, 6, 7), read(1, 8, 9)}),
            Verdict::violated);
}

TEST(LinearizabilityTest, RefusesTwoReadsThatGoBack) {
  EXPECT_EQ(judge({write(1, 0, 10), read(1, 1, 2), read(0, 3, 4)}), Verdict::violated);
  EXPECT_EQ(judge({write(1, 0, 10), read(1, 1, 4), read(0, 3, 5)}), Verdict::linearizable);
}

TEST(LinearizabilityTest, RefusesWhatNobodyWrote) {
  EXPECT_EQ(judge({write(1, 0, 1), read(5, 2, 3)}), Verdict::violated);
  EXPECT_EQ(judge({read(1, 0, 1), write(1, 2, 3)}), Verdict::violated);
}

TEST(LinearizabilityTest, WriteOfUnknownOutcomeHappensLateOrNever) {
  EXPECT_EQ(judge({write(1, 0), read(0, 1, 2), read(1, 8, 9)}), Verdict::linearizable);
  EXPECT_EQ(judge({write(1, 0), read(0, 1, 2), write(2, 3, 4), read(2, 5, 6)}),
            Verdict::linearizable);
  EXPECT_EQ(judge({write(1, 0), read(1, 1, 2), read(0, 3, 4)}), Verdict::violated);
  EXPECT_EQ(judge({read(1, 0, 1), write(1, 2)}), Verdict::violated);
}

TEST(LinearizabilityTest, JudgesEveryKeyOnItsOwnAndSaysWhere) {
  RegisterOperation other = write(9, 0, 1), stale = read(0, 2, 3);
  other.key = stale.key = 2;
  Judgement judgement = check_registers({write(1, 0, 1), read(1, 2, 3), other, stale}, 0);
  EXPECT_EQ(judgement.verdict, Verdict::violated);
  EXPECT_NE(judgement.why.find("read 0 in key 2"), std::string::npos) << judgement.why;
}

TEST(LinearizabilityTest, RefusesWhatItCannotJudge) {
  EXPECT_EQ(judge({write(1, 0, 1), write(1, 2, 3)}), Verdict::malformed);
  EXPECT_EQ(judge({write(0, 0, 1)}), Verdict::malformed);
  EXPECT_EQ(judge({read(0, 2, 1)}), Verdict::malformed);
  EXPECT_EQ(check_registers({write(1, 0, 9), write(2, 0, 9), read(1, 10, 11)}, 0, 1).verdict,
            Verdict::gave_up);
}

// A history of a real register: each operation has its instant, and its interval around it.
Operations random_history(std::mt19937& random, int count) {
  Operations history;
  std::int64_t value = 0;
  for (int i = 0; i < count; ++i) {
    std::int64_t instant = i * 10, before = random() % 60, after = random() % 60;
    bool writes = random() % 2 == 0;
    if (writes) value = i + 1;
    bool unknown = writes && random() % 50 == 0;
    history.push_back(
        writes ? write(value, instant - before, unknown ? kNeverReturned : instant + after)
               : read(value, instant - before, instant + after));
  }
  std::shuffle(history.begin(), history.end(), random);
  return history;
}

TEST(LinearizabilityTest, AcceptsWhatARegisterDidAndRefusesItWithOneStaleRead) {
  unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    Operations history = random_history(random, 300);
    Judgement judgement = check_registers(history, 0);
    ASSERT_EQ(judgement.verdict, Verdict::linearizable) << judgement.why;
    // Long after the last write the register cannot hold the initial value.
    history.push_back(write(1'000'000, 10'000, 10'001));
    history.push_back(read(0, 10'002, 10'003));
    ASSERT_EQ(judge(history), Verdict::violated) << "round " << round;
  }
}

// Of six operations, every order can be tried.
bool some_order_fits(Operations history) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < history.size(); ++i) order.push_back(i);
  do {
    std::int64_t value = 0;
    bool fits = true;
    for (std::size_t i = 0; i < order.size() && fits; ++i) {
      const RegisterOperation& now = history[order[i]];
      for (std::size_t j = i + 1; j < order.size(); ++j) {
        if (history[order[j]].returned < now.invoked) fits = false;
      }
      if (now.kind == RegisterOperation::Kind::write)
        value = now.value;
      else
        fits = fits && now.value == value;
    }
    if (fits) return true;
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

TEST(LinearizabilityTest, AgreesWithTryingEveryOrder) {
  unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    Operations history;
    for (int i = 0; i < 6; ++i) {
      std::int64_t from = random() % 12, to = from + random() % 8;
      history.push_back(i < 3 ? write(i + 1, from, to) : read(random() % 4, from, to));
    }
    bool fits = some_order_fits(history);
    ASSERT_EQ(judge(history), fits ? Verdict::linearizable : Verdict::violated) << round;
    refused += fits ? 0 : 1;
  }
  EXPECT_GT(refused, 500);
  EXPECT_LT(refused, 5000);
}

}  // namespace
}  // namespace spar::test
