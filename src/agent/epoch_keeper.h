// agent/epoch_keeper.h: the highest epoch that a server's agent has had an order of.
//
// Contract    admit() refuses an epoch before the highest with Code::invalid, which names both;
//             otherwise it holds, here at once and durably when admit() returns well. Code::io: it
//             holds until this process ends. Code::corrupt: the file is not what was written, and
//             everything is refused.
// Invariants  highest() never becomes smaller.
// Threads     Any thread.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "agent/system_user.h"
#include "base/ids.h"
#include "base/result.h"
#include "storage/disk.h"

namespace spar::agent {

class EpochKeeper {
 public:
  // The file need not exist; `owner` writes it.
  EpochKeeper(storage::Disk& disk, std::string file, std::optional<SystemUser> owner);

  Result<void> admit(Epoch epoch);
  Result<Epoch> highest();

 private:
  Result<void> read();
  Failure refused(Epoch epoch) const;

  storage::Disk& disk_;
  const std::string file_;
  const std::optional<SystemUser> owner_;
  std::mutex mutex_;
  bool known_ = false;  // the file was read
  Epoch highest_;
  Epoch durable_;
};

}  // namespace spar::agent
