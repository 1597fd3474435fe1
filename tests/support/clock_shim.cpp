// A time of day that jumps: loaded into a program (LD_PRELOAD), it adds to every reading of the wall
// clock the microseconds that stand, as a 64-bit number, in the file SPAR_TEST_CLOCK. The steady
// clock and what the kernel waits for stay as they are, as when somebody sets the clock.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace {

const volatile std::int64_t* map_offset() {
  static const std::int64_t kNone = 0;
  const char* file = std::getenv("SPAR_TEST_CLOCK");
  const int fd = file == nullptr ? -1 : ::open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return &kNone;
  void* at = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return at == MAP_FAILED ? &kNone : static_cast<const std::int64_t*>(at);
}

std::int64_t offset_us() {
  static const volatile std::int64_t* offset = map_offset();
  return *offset;
}

bool is_wall(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  using Real = int (*)(clockid_t, timespec*);
  static const Real real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = real(clock, now);
  if (result != 0 || !is_wall(clock)) return result;
  const std::int64_t us = now->tv_sec * 1'000'000 + now->tv_nsec / 1'000 + offset_us();
  now->tv_sec = us / 1'000'000;
  now->tv_nsec = us % 1'000'000 * 1'000 + now->tv_nsec % 1'000;
  return 0;
}

extern "C" int gettimeofday(timeval* __restrict now, void* __restrict) noexcept {
  timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  now->tv_sec = wall.tv_sec;
  now->tv_usec = wall.tv_nsec / 1'000;
  return 0;
}

extern "C" time_t time(time_t* now) noexcept {
  timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  if (now != nullptr) *now = wall.tv_sec;
  return wall.tv_sec;
}
