#include "replicate/writer_gate.h"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <thread>
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

// Counts its runs, and is settled when told so.
class CountedErrand : public Errand {
 public:
  bool run(Wakeup& turn) override {
    ++runs;
    thread = std::this_thread::get_id();
    if (before_end) before_end();
    if (is_settled) return true;
    turn_ = &turn;
    return false;
  }
  bool settled() const override { return is_settled; }
  void await(Wakeup& turn) override { (void)turn.wait_until(kNoDeadline); }
  void settle() {
    is_settled = true;
    if (turn_ != nullptr) turn_.load()->signal();
  }

  std::atomic<int> runs{0};
  std::atomic<bool> is_settled{false};
  std::thread::id thread;
  std::function<void()> before_end;

 private:
  std::atomic<Wakeup*> turn_{nullptr};
};

std::future<Result<void>> performing(WriterGate& gate, std::uint64_t session, Errand& errand,
                                     const std::atomic<bool>* cancelled = nullptr) {
  return std::async(std::launch::async, [&gate, session, &errand, cancelled] {
    return gate.perform({session, soon(), cancelled}, errand);
  });
}

// Until that many sessions are in line behind the holder.
void await_line(WriterGate& gate, std::size_t length) {
  while (gate.waiting() < length) std::this_thread::yield();
}

TEST(WriterGate, ASessionRunsTheErrandsBehindItsOwnUntilItIsSettled) {
  auto right = gate();
  ASSERT_TRUE(right->acquire({1, soon()}));
  CountedErrand first, second, third;
  second.is_settled = third.is_settled = true;
  auto one = performing(*right, 2, first);
  await_line(*right, 1);
  auto two = performing(*right, 3, second);
  await_line(*right, 2);
  third.before_end = [&] { first.settle(); };
  auto three = performing(*right, 4, third);
  await_line(*right, 3);
  CountedErrand own;  // of a session that comes too late for the first to run it
  own.is_settled = true;
  auto four = performing(*right, 5, own);
  await_line(*right, 4);
  right->release(1);
  for (auto* session : {&one, &two, &three, &four}) EXPECT_TRUE(session->get());
  for (auto* errand : {&first, &second, &third, &own}) EXPECT_EQ(errand->runs, 1);
  EXPECT_EQ(second.thread, first.thread);
  EXPECT_EQ(third.thread, first.thread);
  EXPECT_NE(own.thread, first.thread);
  EXPECT_TRUE(right->acquire({6, soon()}));  // and the right is free again
}

TEST(WriterGate, AWriterInBlocksIsNotPassedOver) {
  auto right = gate();
  ASSERT_TRUE(right->acquire({1, soon()}));
  CountedErrand errand, behind;
  behind.is_settled = true;
  auto one = performing(*right, 2, errand);
  await_line(*right, 1);
  auto block = acquiring(*right, 3);
  await_line(*right, 2);
  auto two = performing(*right, 4, behind);
  await_line(*right, 3);
  right->release(1);
  ASSERT_TRUE(block.get());
  EXPECT_EQ(behind.runs, 0);
  right->release(3);
  EXPECT_TRUE(two.get());
  errand.settle();
  EXPECT_TRUE(one.get());
}

// What was taken will be done: only what waits in line can be given up.
TEST(WriterGate, AnErrandThatRunsIsNotCancelled) {
  auto right = gate();
  ASSERT_TRUE(right->acquire({1, soon()}));
  std::atomic<bool> cancelled{false};
  CountedErrand first, second;
  second.is_settled = true;
  second.before_end = [&] { cancelled = true; };
  auto one = performing(*right, 2, first);
  await_line(*right, 1);
  auto two = performing(*right, 3, second, &cancelled);
  await_line(*right, 2);
  right->release(1);
  EXPECT_TRUE(two.get());
  first.settle();
  EXPECT_TRUE(one.get());
}

TEST(WriterGate, AnErrandInAClosedLineIsNotRun) {
  auto right = gate();
  ASSERT_TRUE(right->acquire({1, soon()}));
  CountedErrand errand;
  auto one = performing(*right, 2, errand);
  await_line(*right, 1);
  right->close();
  EXPECT_EQ(code_of(one.get()), Code::copy_lost);
  EXPECT_EQ(errand.runs, 0);
}

// The primary dies while a session runs what is another's: nobody inherits that for ever.
TEST(WriterGate, AnErrandUnderwayIsNoInheritance) {
  auto right = gate();
  std::shared_ptr<WriterGate> next;
  CountedErrand errand;
  errand.is_settled = true;
  errand.before_end = [&] {
    right->close();
    next = WriterGate::successor(right);
  };
  EXPECT_TRUE(right->perform({1, soon()}, errand));
  EXPECT_TRUE(next->acquire({2, soon()}));
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
