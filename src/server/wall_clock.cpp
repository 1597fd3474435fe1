#include "server/wall_clock.h"

namespace spar::server {

Timestamp wall_clock_now() {
  constexpr std::int64_t kEpoch2000 = 946684800LL * 1'000'000;
  auto since_1970 = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  return Timestamp(since_1970.count() - kEpoch2000);
}

}  // namespace spar::server
