// tests/support/linearizability.h: was every answer of some registers one that a single register,
// changed at one instant a write, could have given?
//
// Contract    check_registers() looks at every key on its own. A write puts a value that no other
//             write of the key puts; `initial` is what every key held before. An operation takes
//             effect at one instant between `invoked` and `returned`. A write of unknown outcome
//             has kNeverReturned: it takes effect at any instant after `invoked`, or not at all.
//             Operations that surely did nothing, and reads without an answer, are left out. The
//             search gives up after `limit` configurations of a key. A history that breaks these
//             rules (a value written twice, an end before the beginning) is malformed.
// Threads     Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace spar::test {

inline constexpr std::int64_t kNeverReturned = std::numeric_limits<std::int64_t>::max();

struct RegisterOperation {
  enum class Kind { read, write };
  Kind kind = Kind::read;
  std::int64_t key = 0;
  std::int64_t value = 0;                  // what was read or written
  std::int64_t invoked = 0, returned = 0;  // on one clock for all clients
  int client = 0;                          // for people
};

enum class Verdict { linearizable, violated, gave_up, malformed };

struct Judgement {
  Verdict verdict = Verdict::linearizable;
  std::string why;  // empty if linearizable
};

Judgement check_registers(const std::vector<RegisterOperation>& history, std::int64_t initial,
                          std::size_t limit = 1'000'000);

}  // namespace spar::test
