// tests/support/fault_disk.h: a disk that fails when the test says so.
//
// Contract    Every call goes to the disk below unless a fault strikes it first. io_error: the call
//             fails with 58030 and nothing happens. disk_full: calls that need space (write,
//             truncate, creating, renaming, making a directory) fail with 53100, others work. hang:
//             the call waits until heal(), then goes on. exists() and still_there() only ever hang.
//             Files that are open are struck too.
// Threads     Any thread.
// Lifetime    The disk below must outlive this one, and this one its files.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "storage/disk.h"

namespace spar::test {

enum class Fault { none, io_error, disk_full, hang };

// Which calls a fault strikes.
enum class Calls { all, reads, writes, syncs };

class FaultDisk : public storage::Disk {
 public:
  explicit FaultDisk(storage::Disk& below) : below_(below) {}

  // Strikes once: the n-th of these calls from now on, 1 for the next.
  void fail_operation(std::uint64_t n, Fault fault, Calls calls = Calls::all);
  // Strikes every one of these calls on a path that begins with `prefix`, until heal().
  void fail_under(const std::string& prefix, Fault fault, Calls calls = Calls::all);
  void heal();  // forgets all faults and lets hanging calls go on

  std::uint64_t operations() const;  // calls seen that a fault could have struck
  int hanging() const;
  void wait_until_hanging(int calls) const;

  Result<std::unique_ptr<storage::File>> open(const std::string& path,
                                              storage::OpenMode mode) override;
  bool exists(const std::string& path) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_all(const std::string& directory) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;

 private:
  friend class FaultFile;
  struct Rule {
    Fault fault = Fault::none;
    Calls calls = Calls::all;
  };
  enum class Need { nothing, space };

  // What strikes this call, after waiting out a hang.
  Result<void> strike(const std::string& path, Calls kind, Need need = Need::nothing);
  void wait_out_hang(const std::string& path);
  Fault choose(const std::string& path, Calls kind);

  storage::Disk& below_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, Rule> rules_;  // by prefix
  Rule once_;
  std::uint64_t until_once_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t healed_ = 0;
  int hanging_ = 0;
};

}  // namespace spar::test
