// engines/sqlite/cut_back.h: takes commits back from a data file that is ahead of its change log.
//
// After a power cut SQLite's write-ahead log may hold commits whose records the change log lost
// (neither was flushed, and the disk kept the one and not the other). They were never acknowledged.
// The main file cannot hold them (checkpoints move only what the change log has durably), so
// shortening the write-ahead log to an earlier commit frame is enough.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "storage/disk.h"

namespace spar::engines::sqlite {

// Offsets behind each commit frame of a write-ahead log, oldest first: its legal lengths, 0 in
// front. Frames that a checksum or salt rules out end the list. (SQLite's file format, section 4.)
Result<std::vector<std::uint64_t>> commit_ends(storage::Disk& disk, const std::string& wal_path);

// Shortens `wal_path` to `size`, durably; 0 removes it.
Result<void> shorten(storage::Disk& disk, const std::string& wal_path, std::uint64_t size);

}  // namespace spar::engines::sqlite
