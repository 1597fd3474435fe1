#include "replicate/writer_gate.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace spar::replicate {
namespace {

Monotonic soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

std::shared_ptr<WriterGate> gate() {
  return WriterGate::successor(nullptr);
}

Code code_of(const Result<void>& result) {
  EXPECT_FALSE(result);
  return result ? Code::sql : result.error().code;
}

std::future<Result<void>> acquiring(WriterGate& gate, std::uint64_t session,
                                    const std::atomic<bool>* cancelled = nullptr) {
  return std::async(std::launch::async, [&gate, session, cancelled] {
    return gate.acquire({session, soon(), cancelled});
  });
}

bool waits(const std::future<Result<void>>& session) {
  return session.wait_for(std::chrono::milliseconds(0)) == std::future_status::timeout;
}

TEST(WriterGate, OneAtATime) {
  auto right = gate();
  ASSERT_TRUE(right->acquire({1, soon()}));
  EXPECT_EQ(code_of(right->acquire({2, std::chrono::steady_clock::now()})), Code::deadline);
  right->release(2);  // never had it
  EXPECT_EQ(code_of(right->acquire({3, std::chrono::steady_clock::now()})), Code::deadline);
  right->release(1);
  EXPECT_TRUE(right->acquire({2, soon()}));
}

TEST(WriterGate, FirstComeFirstServed) {
  auto right = gate();
  ASSERT_TRUE(right->acquire({1, soon()}));
  std::mutex mutex;
  std::vector<std::uint64_t> served;
  std::vector<std::thread> sessions;
  for (std::uint64_t session = 2; session < 8; ++session) {
    std::atomic<bool> began{false};
    sessions.emplace_back([&, session] {
      began = true;
      ASSERT_TRUE(right->acquire({session, soon()}));
      {
        std::lock_guard lock(mutex);
        served.push_back(session);
      }
      right->release(session);
    });
    while (!began) std::this_thread::yield();
    // Whoever comes later than the one before finds it in line: its own short wait ends behind it.
    EXPECT_EQ(code_of(right->acquire(
                  {100, std::chrono::steady_clock::now() + std::chrono::milliseconds(20)})),
              Code::deadline);
  }
  right->release(1);
  for (std::thread& session : sessions) session.join();
  EXPECT_EQ(served, (std::vector<std::uint64_t>{2, 3, 4, 5, 6, 7}));
}

TEST(WriterGate, ALineThatIsGivenUpIsPassedOver) {
  auto right = gate();
  ASSERT_TRUE(right->acquire({1, soon()}));
  Result<void> late = right->acquire({2, std::chrono::steady_clock::now()});
  EXPECT_EQ(code_of(late), Code::deadline);
  EXPECT_EQ(late.error().sqlstate, "55P03");
  auto next = acquiring(*right, 3);
  right->release(1);
  EXPECT_TRUE(next.get());
}

TEST(WriterGate, ACancelledSessionStopsWaiting) {
  auto right = gate();
  ASSERT_TRUE(right->acquire({1, soon()}));
  std::atomic<bool> cancelled{false};
  auto session = acquiring(*right, 2, &cancelled);
  EXPECT_TRUE(waits(session));
  cancelled = true;
  Result<void> ended = session.get();
  EXPECT_EQ(code_of(ended), Code::cancelled);
  EXPECT_EQ(ended.error().sqlstate, "57014");
  right->release(1);
  EXPECT_TRUE(right->acquire({3, soon()})) << "the cancelled one is not in line";
}

TEST(WriterGate, ClosingSendsEveryoneAway) {
  auto right = gate();
  ASSERT_TRUE(right->acquire({1, soon()}));
  auto one = acquiring(*right, 2);
  auto two = acquiring(*right, 3);
  right->close();
  EXPECT_EQ(code_of(one.get()), Code::copy_lost);
  EXPECT_EQ(code_of(two.get()), Code::copy_lost);
  EXPECT_EQ(code_of(right->acquire({4, soon()})), Code::copy_lost);
}

TEST(WriterGate, TheHolderInheritsTheNextPrimary) {
  auto before = gate();
  ASSERT_TRUE(before->acquire({1, soon()}));
  before->close();
  auto after = WriterGate::successor(before);
  auto stranger = acquiring(*after, 2);
  EXPECT_TRUE(waits(stranger));
  EXPECT_TRUE(after->acquire({1, soon()})) << "the heir goes first";
  before->release(1);  // its old lease goes away, the new one stays
  EXPECT_TRUE(waits(stranger));
  EXPECT_EQ(code_of(after->acquire({3, std::chrono::steady_clock::now()})), Code::deadline);
  after->release(1);
  EXPECT_TRUE(stranger.get());
}

TEST(WriterGate, AnHeirThatLetsGoLetsOthersIn) {
  auto before = gate();
  ASSERT_TRUE(before->acquire({1, soon()}));
  before->close();
  auto after = WriterGate::successor(before);
  auto stranger = acquiring(*after, 2);
  before->release(1);
  EXPECT_TRUE(stranger.get());
}

TEST(WriterGate, TheInheritanceOutlivesTwoFailovers) {
  auto first = gate();
  ASSERT_TRUE(first->acquire({1, soon()}));
  first->close();
  auto second = WriterGate::successor(first);
  second->close();
  auto third = WriterGate::successor(second);
  EXPECT_EQ(code_of(third->acquire({2, std::chrono::steady_clock::now()})), Code::deadline);
  EXPECT_TRUE(third->acquire({1, soon()}));
  third->release(1);
  EXPECT_TRUE(third->acquire({2, soon()}));
}

// It never claimed the second primary's right; what it held of the first must let go of the
// third's.
TEST(WriterGate, AnHeirThatLetsGoAfterTwoFailoversLetsOthersIn) {
  auto first = gate();
  ASSERT_TRUE(first->acquire({1, soon()}));
  first->close();
  auto second = WriterGate::successor(first);
  second->close();
  auto third = WriterGate::successor(second);
  first->release(1);
  EXPECT_TRUE(third->acquire({2, std::chrono::steady_clock::now() + std::chrono::seconds(2)}));
}

TEST(WriterGate, AFreeGateHasNoHeir) {
  auto before = gate();
  ASSERT_TRUE(before->acquire({1, soon()}));
  before->release(1);
  before->close();
  auto after = WriterGate::successor(before);
  EXPECT_TRUE(after->acquire({2, soon()}));
}

}  // namespace
}  // namespace spar::replicate
