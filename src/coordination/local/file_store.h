// coordination/local/file_store.h: the record of a cluster on one node, in a file.
//
// Not here    Keeping a second server away (server/node_lock.h).
#pragma once

#include <memory>
#include <string>

#include "coordination/store.h"
#include "storage/disk.h"

namespace spar::coordination {

// `path` and what it needs beside it ("path.new"); its directory exists. The disk outlives the
// store.
std::unique_ptr<RecordStore> open_file_store(storage::Disk& disk, std::string path);

}  // namespace spar::coordination
