// sim/world.h: a seeded world around control::step(): copies, a store, a data path, clients,
// faults.
//
// Contract    run() plays `moves` random moves with faults, then heals everything and requires
//             convergence. failure() is empty, or one line: what was broken, at which move. The
//             same seed plays the same game.
// Data path   A model of the contract in control/action.h: it acknowledges a commit when the
//             primary and the set hold it durably, executes actions in order for each copy, and
//             loses, repeats or leaves unknown some of their reports.
// Threads     One thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "control/step.h"
#include "sim/checkers/checker.h"
#include "sim/model.h"
#include "sim/random.h"

namespace spar::sim {

// A data path broken on purpose, to show that a checker sees it.
enum class Sabotage {
  none,
  acknowledge_early,  // without the mirrors
  keep_tails,         // Follow and Promote cut nothing
  abort_blindly,      // all that is in doubt is called aborted, without a look at the log
  hide_catching_up,   // never reports caught_up
};

// An event on its way to the control machine, and which directory of which copy it reports.
struct Letter {
  control::Event event;
  CopyId looked_at;
  std::uint64_t generation = 0;
};

// The part of the server that dies with the process.
struct Node {
  bool up = false;
  control::State control;
  std::deque<Letter> inbox;
  std::deque<control::Action> actions;               // given by step(), not executed yet
  std::map<control::ActionId, std::uint64_t> meant;  // the generation of the copy it is meant for

  std::optional<CopyId> writer;
  Epoch epoch;
  bool admitted = false;  // statements flow
  bool draining = false;
  control::CopySet set;
  bool hold_commits = false;
  control::ActionId last_writer_action;
  std::vector<Attempt> attempts;
};

// The copy that an action touches; CopyId{} for the writer's own state, kStore for the record.
inline constexpr CopyId kStore{~0u};
CopyId touched(const control::Action& action);

class World {
 public:
  World(std::uint64_t seed, bool verbose, Sabotage sabotage = Sabotage::none);

  void run(std::size_t moves);
  const std::string& failure() const { return failure_; }
  std::uint64_t takeovers() const { return takeovers_; }
  void put_foreign_copy_in_use();  // for the test of a checker

  // What checkers look at.
  const Node& node() const { return node_; }
  const std::vector<Copy>& copies() const { return copies_; }
  const std::optional<control::Record>& stored() const { return stored_; }
  bool was_stored(Epoch epoch, CopyId primary) const {
    return primaries_stored_.contains({epoch, primary});
  }
  bool is_elector(CopyId copy) const;  // primary or mirror by the stored record
  const ClusterId& cluster() const { return cluster_; }
  void violated(std::string_view checker, const std::string& what);

 private:
  friend class Heal;

  // world.cpp
  void start_node();
  void stop_node(bool power_cut);
  void deliver();
  void tell(decltype(control::Event::what) what, const Copy* looked_at = nullptr);
  void move();
  void client_commits();
  void stream();
  void flush();
  void acknowledge();
  void report_progress();
  void pass_time();
  Copy* find(CopyId id);
  Copy& any_copy() { return copies_[random_.below(copies_.size())]; }
  control::Report look_at(const Copy& copy) const;
  void say(const std::string& line);
  template <class Call>
  void check(Call call) {
    for (auto& checker : checkers_) call(*checker);
  }

  // data_path.cpp
  struct Outcome {
    bool finished = true;  // false: still under way, try again later
    control::ActionDone done;
  };
  void execute();
  void execute_now(const control::Action& action);
  void run_action(control::Action action);
  void report(const control::Action& action, Outcome outcome);
  bool drops(const control::Action& action);
  Outcome apply(const control::Action&, const control::Fence&);
  Outcome apply(const control::Action&, const control::Promote&);
  Outcome apply(const control::Action&, const control::ResolveInDoubt&);
  Outcome apply(const control::Action&, const control::Admit&);
  Outcome apply(const control::Action&, const control::Drain&);
  Outcome apply(const control::Action&, const control::Follow&);
  Outcome apply(const control::Action&, const control::SetSynchronous&);
  Outcome apply(const control::Action&, const control::Probe&);
  Outcome apply(const control::Action&, const control::Rejoin&);
  Outcome apply(const control::Action&, const control::Quarantine&);
  void cas(const control::Action& action, const control::CasRecord& body);
  void read(const control::Action& action);
  void store(const control::Record& record);
  bool cut_tail(Copy& copy);
  bool replaced(const control::Action& action, const Copy& copy) const;
  bool fail_if_broken(const control::Action& action, Copy& copy, Outcome& outcome);
  void observe_failure(Copy& copy, const std::string& text);
  void snapshot_into(Copy& copy);

  // faults.cpp
  void fault();
  void break_copy(Copy& copy);
  void replace_directory(Copy& copy);
  void repair_something();
  void restart();
  bool shows_its_age(const control::Record& record) const;
  void roll_record_back();
  void operator_command();
  void lose_tail(Copy& copy);
  Directory foreign_directory();

  // heal.cpp
  void heal();
  void heal_copies();
  void heal_operator();

  Random random_;
  bool verbose_;
  Sabotage sabotage_;
  std::vector<std::unique_ptr<Checker>> checkers_;
  std::string failure_;
  std::uint64_t move_ = 0;
  std::uint64_t takeovers_ = 0;

  ClusterId cluster_;
  Monotonic now_{};
  bool faulty_ = true;  // reports may be lost
  bool quiet_ = false;  // clients rest
  std::vector<Copy> copies_;
  Node node_;
  std::optional<control::Record> stored_;
  std::vector<control::Record> stored_before_;
  std::optional<control::Record> newest_;  // while an old record stands in its place
  std::set<std::pair<Epoch, CopyId>> primaries_stored_;
  std::uint64_t next_transaction_ = 1;
  std::uint64_t next_request_ = 1;
  std::vector<Acknowledged> acknowledged_;
};

}  // namespace spar::sim
