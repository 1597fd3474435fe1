// server/controller.h: runs one cluster's control machine: feeds it what happens, performs what it
// decides.
//
// Contract    start() reads or makes the cluster record, looks at every copy and lets the machine
//             elect; it returns once the cluster admits statements, or with the reason why it does
//             not. ask() performs an administrator's command and returns its answer.
// Threads     One thread steps the machine; a lane each for the line of succession and for every
//             copy performs actions; a monitor looks at the copies. Public calls from any thread.
// Not here    Decisions (control/), the data path (replicate/).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "control/step.h"
#include "coordination/store.h"
#include "replicate/bring_up.h"
#include "replicate/cluster.h"
#include "server/event_log.h"
#include "server/lane.h"
#include "storage/disk.h"

namespace spar::server {

struct ClusterSpec {
  std::string name;
  std::string ledger_directory;          // where divergence ledgers go
  std::vector<control::Member> members;  // of the configuration; used when there is no record yet
  std::uint32_t mirrors = 1;
  control::Durability durability = control::Durability::mirrored;
};

class Controller {
 public:
  Controller(storage::Disk& disk, coordination::RecordStore& store, EventLog& events,
             ClusterSpec spec);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  Result<void> start(Monotonic deadline);
  Result<std::string> ask(control::Command command, Monotonic deadline);

  const ClusterSpec& spec() const { return spec_; }
  replicate::Cluster& cluster() { return cluster_; }
  control::State state() const;

 private:
  using What = decltype(control::Event::what);

  // Events in, actions out.
  void post(What what);
  void control_loop();
  void handle(const control::Event& event);
  void perform(const control::Action& action);
  void perform_for_people(const control::Action& action);
  void log_event(std::string what, std::string copy, std::string evidence, double took_ms = 0);
  void done(control::ActionId id, control::ActionDone done);

  // Actions; each runs on its lane.
  void on_line(const control::Action& action, std::function<control::ActionDone()> work);
  void on_copy(CopyId copy, const control::Action& action,
               std::function<control::ActionDone()> work);
  control::ActionDone in_turn(CopyId copy, control::ActionId id,
                              const std::function<control::ActionDone()>& work);
  control::ActionDone promote(CopyId copy, Epoch epoch, const control::Record& record);
  control::ActionDone resolve(const control::ResolveInDoubt& what, Epoch epoch,
                              const control::Record& record);
  control::ActionDone admit(const control::Admit& what, Epoch epoch);
  control::ActionDone drain(const control::Drain& what);
  control::ActionDone set_synchronous(const control::SetSynchronous& what, CopyId primary);
  control::ActionDone follow(const control::Follow& what, Epoch epoch,
                             const control::Record& record);
  control::ActionDone probe(CopyId copy, const control::Record& record);
  control::ActionDone rejoin(const control::Rejoin& what, Epoch epoch,
                             const control::Record& record);
  control::ActionDone quarantine(CopyId copy, const control::Record& record);
  void cas(const control::Action& action);
  void read_record(const control::Action& action);

  // Copies.
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

  Result<control::Record> first_record();
  void monitor_loop();
  void maintenance_loop();
  void look_at(replicate::Member& member);

  storage::Disk& disk_;
  coordination::RecordStore& store_;
  ClusterSpec spec_;
  replicate::Cluster cluster_;
  EventLog& events_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<control::Event> queue_;
  control::State state_;
  std::map<std::uint64_t, control::Answer> answers_;
  std::uint64_t next_request_ = 1;
  bool stop_ = false;

  struct Turn {
    std::mutex mutex;
    control::ActionId begun;
  };
  std::mutex turns_mutex_;
  std::map<CopyId, Turn> turns_;  // never erased: references stay good

  struct Seen {
    bool caught_up = false;
    Position received;
  };
  std::mutex seen_mutex_;
  std::map<CopyId, Seen> seen_;  // what the machine was last told of each copy

  std::unique_ptr<Lane> line_;
  std::map<CopyId, std::unique_ptr<Lane>> copy_lanes_;
  std::thread control_;
  std::thread monitor_;
  std::thread maintenance_;
};

}  // namespace spar::server
