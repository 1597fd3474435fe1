// server/data_path.h: the copies of one cluster, as the controller uses them: whatever engine they
// are, it performs the actions of control/action.h on them and tells what becomes of them.
//
// Contract    Actions mean what control/action.h says, and report their outcome; all are idempotent
//             and end by themselves. listen() comes first, then make() or look(), then watch();
//             after stop() nothing is told any more.
//             `record` is the stored record as the control machine knew it when it decided.
// Threads     The controller calls actions of the line of succession one after the other, and those
//             of one copy too, but different ones side by side. hold(), fence(), forget() and
//             adopt() come on the control thread and must not block.
// Not here    Decisions (control/), their order (server/controller.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "base/time.h"
#include "control/action.h"
#include "control/event.h"

namespace spar::server {

// What people see of a copy.
struct CopyStatus {
  bool up = false;  // in use; the rest says nothing otherwise
  Position received, applied;
  std::chrono::milliseconds lag{-1};
  std::int64_t behind_bytes = -1;  // of log that the primary has and it has not; -1: not known
  std::string trouble;             // of a copy that is up and in use; "": it is well
  std::string content_hash;        // "": not known
  std::string address;             // of a server
  int pid = 0;                     // of a server, where an agent knows it
  std::string advice;              // what a person has to do; "": nothing
};

class DataPath {
 public:
  struct Ears {
    std::function<void(control::Observed)> observed;
    std::function<void(std::string what, std::string copy, std::string evidence)> noted;
  };

  DataPath() = default;
  virtual ~DataPath() = default;
  DataPath(const DataPath&) = delete;
  DataPath& operator=(const DataPath&) = delete;

  virtual void listen(Ears ears) = 0;
  // The first start of a new cluster: what has to be there before its first record is stored, which
  // may name another primary afterwards.
  virtual Result<control::Record> make(control::Record record) = 0;
  virtual std::vector<control::MemberReport> look(const control::Record& record) = 0;
  virtual void watch() = 0;
  virtual void stop() = 0;

  virtual void adopt(const control::Record& record) = 0;  // it is stored now
  virtual void hold() = 0;
  virtual void fence(CopyId copy, Epoch epoch) = 0;
  virtual void forget(CopyId copy) = 0;
  // That a copy has caught up is told once more: the machine forgot it.
  virtual void tell_again(CopyId copy) = 0;

  virtual control::ActionDone promote(CopyId copy, Epoch epoch, const control::Record& record) = 0;
  virtual control::ActionDone resolve(const control::ResolveInDoubt& what, Epoch epoch,
                                      const control::Record& record) = 0;
  virtual control::ActionDone admit(const control::Admit& what, Epoch epoch,
                                    const control::Record& record) = 0;
  virtual control::ActionDone drain(const control::Drain& what, const control::Record& record) = 0;
  virtual control::ActionDone set_synchronous(const control::SetSynchronous& what,
                                              const control::Record& record) = 0;
  virtual control::ActionDone follow(const control::Follow& what, Epoch epoch,
                                     const control::Record& record) = 0;
  virtual control::ActionDone probe(CopyId copy, const control::Record& record) = 0;
  virtual control::ActionDone rejoin(const control::Rejoin& what, Epoch epoch,
                                     const control::Record& record) = 0;
  virtual control::ActionDone quarantine(CopyId copy, const control::Record& record) = 0;

  virtual CopyStatus status(CopyId copy) = 0;
  virtual Position acknowledged() = 0;  // of commits, as far as it is known
  virtual std::string text_of(const Position& position) const { return to_string(position); }
};

// The outcomes of actions.
control::ActionDone succeeded(Position position = {});
control::ActionDone did_not(const Error& error);
control::ActionDone did_diverge(std::string text);

}  // namespace spar::server
