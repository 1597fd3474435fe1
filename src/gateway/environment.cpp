#include "gateway/environment.h"

#include <chrono>
#include <random>

namespace spar::gateway {
namespace {

Timestamp now() {
  using namespace std::chrono;
  constexpr sys_days kEpoch = year(2000) / 1 / 1;
  return duration_cast<Timestamp>(system_clock::now() - kEpoch);
}

double random_unit() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  constexpr int kBits = 53;
  return static_cast<double>(engine() >> (64 - kBits)) / static_cast<double>(1ull << kBits);
}

}  // namespace

Environment system_environment() {
  return {.now = now, .random = random_unit};
}

}  // namespace spar::gateway
