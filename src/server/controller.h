// server/controller.h: runs one cluster's control machine: feeds it what happens, performs what it
// decides.
//
// Contract    start() reads or makes the cluster record, looks at every copy and lets the machine
//             elect; it returns once the cluster admits statements, or with the reason why it does
//             not. ask() performs an administrator's command and returns its answer.
// Threads     One thread steps the machine; a lane each for the line of succession and for every
//             copy performs actions. Public calls from any thread. The path outlives it.
// Not here    Decisions (control/), what is done to the copies (server/data_path.h).
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
#include "server/data_path.h"
#include "server/event_log.h"
#include "server/lane.h"

namespace spar::server {

struct ClusterSpec {
  std::string name;
  std::vector<control::Member> members;  // of the configuration; used when there is no record yet
  std::uint32_t mirrors = 1;
  control::Durability durability = control::Durability::mirrored;
};

class Controller {
 public:
  Controller(DataPath& path, coordination::RecordStore& store, EventLog& events, ClusterSpec spec);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  Result<void> start(Monotonic deadline);
  Result<std::string> ask(control::Command command, Monotonic deadline);

  const ClusterSpec& spec() const { return spec_; }
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
  void cas(const control::Action& action);
  void read_record(const control::Action& action);

  Result<control::Record> first_record();

  DataPath& path_;
  coordination::RecordStore& store_;
  ClusterSpec spec_;
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

  std::unique_ptr<Lane> line_;
  std::map<CopyId, std::unique_ptr<Lane>> copy_lanes_;
  std::thread control_;
};

}  // namespace spar::server
