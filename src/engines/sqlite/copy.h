// engines/sqlite/copy.h: an embedded copy: a directory with data.sqlite, behind the engine
// contract.
//
// Contract    open() makes or recovers the copy. The change log is the truth: a file that is ahead
//             of the log (a power cut may leave that) is cut back to a commit that the log holds,
//             by shortening SQLite's write-ahead log; a file that is behind is caught up by
//             apply(). Nothing here is flushed at commit; the log is. The main file only ever
//             receives what the log already holds (checkpoint).
// Invariants  E1 the position in the file is that of the last transaction in it.
//             E2 the main file without its write-ahead log is never ahead of the durable log.
//             E3 the content hash in the file equals the sum over its rows.
// Threads     As engines/contract.h.
// Not here    The log, acknowledgements, who may write (replicate/).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engines/contract.h"
#include "storage/disk.h"

namespace spar::engines::sqlite {

struct OpenOptions {
  std::string directory;
  Position log_end;                            // of the copy's own log
  std::function<void(const Error&)> on_fault;  // the first I/O or verification failure, any thread
};

Result<std::unique_ptr<Copy>> open_copy(storage::Disk& disk, OpenOptions options);

inline constexpr const char* kDataFile = "data.sqlite";

}  // namespace spar::engines::sqlite
