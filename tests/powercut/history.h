// tests/powercut/history.h: a recorded life of a cluster: what was written to its disk, and which
// transactions were acknowledged when.
//
// Contract    Threads write while copies checkpoint, are switched, destroyed and rebuilt. Which
//             history comes out depends on their timing; the states made from it do not.
#pragma once

#include <map>
#include <vector>

#include "tests/powercut/transfer.h"
#include "tests/support/recording_disk.h"

namespace spar::test {

struct Acknowledged {
  std::uint64_t moment = 0;  // of the disk, when the acknowledgement was there
  Transfer transfer;
};

struct History {
  RecordingDisk disk;
  std::uint64_t schema_moment = 0;                // the tables were acknowledged
  std::vector<std::uint64_t> events;              // moments at which more than a commit began
  std::vector<Acknowledged> acknowledged;         // by no particular order
  std::map<std::int64_t, std::int64_t> payments;  // of every transaction tried, by its number
};

void record_history(History& history);

}  // namespace spar::test
