// server/embedded_path.h: copies that this process opens itself (SQLite), as the controller uses
// them.
//
// Threads     A monitor looks at the copies, another keeps their logs short; see server/data_path.h.
// Not here    The data path itself (replicate/).
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "replicate/bring_up.h"
#include "replicate/cluster.h"
#include "server/data_path.h"
#include "storage/disk.h"

namespace spar::server {

class EmbeddedPath : public DataPath {
 public:
  // `ledger_directory`: where divergence ledgers go.
  EmbeddedPath(storage::Disk& disk, std::string ledger_directory);
  ~EmbeddedPath() override;

  replicate::Cluster& cluster() { return cluster_; }

  void listen(Ears ears) override { ears_ = std::move(ears); }
  Result<control::Record> make(control::Record record) override;
  std::vector<control::MemberReport> look(const control::Record& record) override;
  void watch() override;
  void stop() override;

  void adopt(const control::Record& record) override;
  void hold() override { cluster_.hold(); }
  void fence(CopyId copy, Epoch) override { cluster_.fence(copy); }
  void forget(CopyId copy) override { cluster_.remove(copy); }
  void tell_again(CopyId copy) override;

  control::ActionDone promote(CopyId copy, Epoch epoch, const control::Record& record) override;
  control::ActionDone resolve(const control::ResolveInDoubt& what, Epoch epoch,
                              const control::Record& record) override;
  control::ActionDone admit(const control::Admit& what, Epoch epoch,
                            const control::Record& record) override;
  control::ActionDone drain(const control::Drain& what, const control::Record& record) override;
  control::ActionDone set_synchronous(const control::SetSynchronous& what,
                                      const control::Record& record) override;
  control::ActionDone follow(const control::Follow& what, Epoch epoch,
                             const control::Record& record) override;
  control::ActionDone probe(CopyId copy, const control::Record& record) override;
  control::ActionDone rejoin(const control::Rejoin& what, Epoch epoch,
                             const control::Record& record) override;
  control::ActionDone quarantine(CopyId copy, const control::Record& record) override;

  CopyStatus status(CopyId copy) override;
  Position acknowledged() override { return cluster_.pipeline().acknowledged(); }

 private:
  Result<void> make_copy(const control::Record& record, const control::Member& member);
  control::Report report_of(const replicate::Finding& finding,
                            const replicate::CopyIdentity& identity) const;
  replicate::CopyIdentity identity_of(const control::Record& record, CopyId copy) const;
  replicate::MemberIdentity place_of(const control::Record& record, CopyId copy) const;
  Result<std::shared_ptr<replicate::Member>> ensure_open(CopyId copy,
                                                         const control::Record& record);
  Result<std::shared_ptr<replicate::Member>> bring_up(const control::Rejoin& what,
                                                      const control::Record& record);
  replicate::OnCopyFault fault_handler(CopyId copy);
  void on_fault(CopyId copy, const Error& error);
  void monitor_loop();
  void maintenance_loop();
  void look_at(replicate::Member& member);

  storage::Disk& disk_;
  std::string ledger_directory_;
  Ears ears_;
  replicate::Cluster cluster_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::size_t members_ = 0;  // of the record

  struct Seen {
    bool caught_up = false;
    Position received;
  };
  std::mutex seen_mutex_;
  std::map<CopyId, Seen> seen_;  // what the machine was last told of each copy

  std::thread monitor_;
  std::thread maintenance_;
};

}  // namespace spar::server
