// changelog/log.h: the change log of one copy, a directory of segments.
//
// Contract    append() writes records behind the last one; they are durable once sync() has
//             returned. Positions rise by exactly one sequence number; epochs never fall. open()
//             finds the end by itself: a record that is torn, or does not chain from the one before
//             it (each checksum is seeded with its predecessor's), ends the log, and what lies
//             behind is cleared before the next append. A damaged record that is followed by a
//             later segment is Code::corrupt: that is not a torn tail. Segments are allocated and
//             zeroed ahead, so that a flush writes no metadata. The format is written down in
//             docs/formats/changelog.md.
// Errors      Code::io, Code::corrupt. After a failed append or sync the log refuses further
//             writes: what is on the disk is unknown (a failed fsync is never retried).
//             Every later call then gives the first error.
// Threads     Any thread. append() and sync() may overlap, so that one batch is written while the
//             one before it is flushed: sync() covers what was appended before it began.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "changelog/record.h"
#include "storage/disk.h"

namespace spar::changelog {

struct LogOptions {
  std::uint64_t segment_bytes = 4u << 20;
};

class Log {
 public:
  virtual ~Log() = default;

  // Opens or makes the log in `directory`. An empty log begins after `base` (what the copy's
  // snapshot holds); the base of a log that exists is its own.
  static Result<std::unique_ptr<Log>> open(storage::Disk& disk, const std::string& directory,
                                           const LogOptions& options, Position base = {});

  virtual Position base() const = 0;     // the first record kept follows this one
  virtual Position end() const = 0;      // of the newest record appended, base() when empty
  virtual Position durable() const = 0;  // of the newest record synced

  virtual Result<void> append(std::span<const SharedRecord> records) = 0;
  virtual Result<void> sync() = 0;

  // Records after `after`, oldest first, until bytes_max is passed or the end; at least one if
  // there is one. Code::invalid when `after` is older than base() (trimmed: take a snapshot).
  virtual Result<std::vector<SharedRecord>> read(Sequence after, std::size_t bytes_max) = 0;

  // Forgets every record after `last`, durably.
  virtual Result<void> cut_after(Sequence last) = 0;
  // Removes whole segments whose records are all at or before `last`.
  virtual Result<void> trim_through(Sequence last) = 0;
  // Forgets everything: the log begins after `base`.
  virtual Result<void> restart_at(Position base) = 0;

  // False when the open segment or its directory was deleted, moved, replaced or cut short, or when
  // its first bytes are no longer what was written.
  virtual bool intact() = 0;
};

}  // namespace spar::changelog
