// A cluster's whole disk is recorded while it works: commits, checkpoints, a switchover, a failover
// and two rebuilt copies. Then the power is cut at many moments, in many ways, and a server starts
// on each of the disks that this may legally leave.
//
//   SPAR_STATES   how many (2000)
//   SPAR_SEED     of the first (1)
//   SPAR_REPLAY   the directory of a state that was kept because it failed
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "tests/powercut/kept_state.h"
#include "tests/powercut/recovery.h"

namespace spar::test {
namespace {

constexpr std::size_t kThreads = 6;  // a recovery mostly waits

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

struct Verdicts {
  std::mutex mutex;
  std::vector<std::string> wrong;
};

// Any moment, or one soon after something out of the ordinary began.
std::uint64_t choose_moment(const History& history, std::mt19937_64& random) {
  constexpr std::uint64_t kSoon = 400;
  std::uint64_t any = random() % (history.disk.moment() + 1);
  if (random() % 2 == 0 || history.events.empty()) return any;
  std::uint64_t near = history.events[random() % history.events.size()] + random() % kSoon;
  return std::min(near, history.disk.moment());
}

// Seed by seed, each its own moment and its own choice of what survives.
void check_seed(const History& history, std::uint64_t seed, Verdicts& verdicts) {
  std::mt19937_64 random(seed);
  std::uint64_t moment = choose_moment(history, random);
  std::uint64_t choice = random();
  std::string wrong = check_state(state_after(history, moment, choice));
  if (wrong.empty()) return;
  std::string place = "powercut-" + std::to_string(seed);
  keep_state(state_after(history, moment, choice), place);
  std::lock_guard lock(verdicts.mutex);
  verdicts.wrong.push_back("seed " + std::to_string(seed) + ", moment " + std::to_string(moment) +
                           ", replay with SPAR_REPLAY=" + place + ": " + wrong);
}

TEST(PowerCut, KeepsWhatWasAcknowledgedAndNothingHalf) {
  if (const char* kept = std::getenv("SPAR_REPLAY")) {
    EXPECT_EQ(check_state(kept_state(kept)), "");
    return;
  }
  History history;
  record_history(history);
  const std::uint64_t first = from_environment("SPAR_SEED", 1);
  const std::uint64_t states = from_environment("SPAR_STATES", 2000);
  std::printf("%zu operations, %zu acknowledged transactions, seeds %llu to %llu\n",
              static_cast<std::size_t>(history.disk.moment()), history.acknowledged.size(),
              static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + states - 1));
  Verdicts verdicts;
  std::atomic<std::uint64_t> next{first};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (true) {
        std::uint64_t seed = next++;
        if (seed >= first + states) return;
        check_seed(history, seed, verdicts);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& wrong : verdicts.wrong) ADD_FAILURE() << wrong;
}

}  // namespace
}  // namespace spar::test
