// sim/servers/world.h: a seeded world around control::step() whose copies are database servers,
// which go on living while Spar does not see them.
//
// Contract    run() plays `moves` random moves with faults, then heals everything and requires
//             convergence. failure() is empty, or one line: what was broken, at which move. The
//             same seed plays the same game.
// Data path   A model of server/postgres/: hold and fence close the gateway's route and cut its
//             connections, and nothing else is sure; all other actions are statements that may fail
//             half-way, be lost, or take effect after Spar gave them up. Positions are placed by
//             the production code (engines/postgres/timeline.h), which also decides what became of
//             a transaction.
// Asked of it What the world takes for granted of server/postgres/. A2, A4, A5 and A6 are shown to be
//             needed by a Sabotage; that of A1, A3 and A7 no world has come to yet.
//               A1 A statement that was given up ends before the next one on its server begins.
//               A2 Promote that took effect late gives, asked again, the next_xid of the promotion.
//               A3 A server that Spar promoted for an epoch whose fork was never stored may be
//                  promoted for a later one: it keeps its timeline.
//               A4 Follow rewinds nobody; it answers `diverged`.
//               A5 A crash forgets the numbers of transactions of which nothing was flushed, and
//                  the server gives them again. So a fork has a next_xid also where the server
//                  stays primary: that of its first start since it was admitted, or, when it did
//                  not crash, of now, after all of its sessions were ended. From there on
//                  "committed" is no answer: it may be the other transaction.
//               A6 A primary that was started again is lost, however fast it was, and takes no
//                  new transaction before it is admitted again.
//               A7 What was asked for before a Hold or Fence opens no route after it.
// Limit       Nobody but Spar's clients commits on a primary between its start after a crash and
//             its next admission. Who did would be given numbers that A5 speaks of, and a mirror
//             that is promoted then cannot know.
// Threads     One thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "control/step.h"
#include "sim/random.h"
#include "sim/servers/checkers/checker.h"
#include "sim/servers/model.h"

namespace spar::sim::servers {

// What is broken on purpose, in the data path or in what the world takes for granted.
enum class Sabotage {
  none,
  resolve_by_xid_alone,       // without the fork's next_xid
  replay_unresolved,          // a single statement whose answer was lost is sent again
  start_after_failed_rewind,  // whatever it holds
  acknowledge_after_fence,    // what the old primary still says is passed on
  late_out_of_order,          // not A1
  late_next_xid,              // not A2
  refuse_own_promotion,       // not A3
  follow_rewinds,             // not A4
  trust_kept_numbers,         // not A5
  overlook_restarts,          // not A6
  admit_after_hold,           // not A7
  accept_any_line,            // diverged servers may follow
  hide_catching_up,
};

struct Wanted {  // an action with the record that the machine had when it asked for it
  control::Action action;
  control::Record record;
  Lsn joined_at;  // SetSynchronous: what those who join must have
};

// The part that dies with the process.
struct Node {
  bool up = false;
  control::State control;
  std::deque<control::Event> inbox;
  std::deque<Wanted> actions;

  struct Place {
    CopyId server;
    Epoch epoch;
    unsigned starts = 0;
  };
  std::optional<Place> place;   // where new transactions go
  bool cut = true;              // the connections of old ones are gone
  std::optional<Place> served;  // where those are, or were
  CopyId drained;
  std::set<CopyId> to_end;  // fenced: their agent is to end them

  struct Seen {
    std::optional<ServerLine> line;
    Position position;
    bool near = false;
    bool told_lost = false;
    bool busy = false;
  };
  std::map<CopyId, Seen> seen;
  control::ActionId last_line;
  std::map<CopyId, control::ActionId> last;
};

class World {
 public:
  World(std::uint64_t seed, bool verbose, Sabotage sabotage = Sabotage::none);

  void run(std::size_t moves);
  const std::string& failure() const { return failure_; }
  std::uint64_t promotions() const { return promotions_; }
  std::uint64_t acknowledgements() const { return acknowledgements_; }
  std::uint64_t resolutions() const { return resolutions_; }

  // What checkers look at.
  const Node& node() const { return node_; }
  const std::vector<Server>& servers() const { return servers_; }
  const Server& server(CopyId id) const { return *find(id); }
  const std::optional<control::Record>& stored() const { return stored_; }
  const std::vector<Operation>& operations() const { return operations_; }
  bool was_stored(Epoch epoch, CopyId primary) const {
    return primaries_stored_.contains({epoch, primary});
  }
  bool is_elector(CopyId copy) const {
    return copy == stored_->primary || control::contains(stored_->synchronous, copy);
  }
  bool streams(const Server& from, const Server& to) const;
  void violated(std::string_view checker, const std::string& what);

 private:
  // world.cpp
  void start_node();
  void stop_node();
  void deliver();
  void tell(decltype(control::Event::what) what);
  void tell_done(const Wanted& wanted, control::ActionDone done);
  void move();
  void pass_time();
  void say(const std::string& line) const;
  bool broken(Sabotage what) const;
  Server* find(CopyId id);
  const Server* find(CopyId id) const;
  Server& any() { return servers_[random_.below(servers_.size())]; }
  bool linked(CopyId a, CopyId b) const { return !apart_.contains(std::minmax(a, b)); }
  template <class Call>
  void check(Call call) {
    for (auto& checker : checkers_) call(*checker);
  }

  // life.cpp: what servers do by themselves
  void live();
  void append(Server& server, LogRecord record);
  void stream(Server& server);
  void work(Server& server);
  void do_late(Server& server);
  bool satisfied(const Server& primary, Lsn lsn) const;
  void end_processes(Server& server);
  void start_processes(Server& server);
  bool start(Server& server, bool may_be_primary);
  void become_primary(Server& server, TimelineId timeline);

  // clients.cpp
  void clients();
  void begin(Operation& operation);
  void ask(Operation& operation);
  void answer(Server& server, const Backend& backend);
  void cut();
  void resolve(Operation& operation);
  Operation* operation_of(AttemptId attempt);
  bool connected(const Operation& operation) const;

  // actions.cpp
  struct Outcome {
    bool finished = true;
    control::ActionDone done;
  };
  void execute();
  bool drops(const Wanted& wanted);
  bool faulty(const Wanted& wanted, Server* server, Outcome& outcome);
  void fence(CopyId copy);
  Outcome apply(Wanted&, const control::Promote&);
  Outcome apply(Wanted&, const control::ResolveInDoubt&);
  Outcome apply(Wanted&, const control::Admit&);
  Outcome apply(Wanted&, const control::Drain&);
  Outcome apply(Wanted&, const control::SetSynchronous&);
  Outcome apply(Wanted&, const control::Follow&);
  Outcome apply(Wanted&, const control::Rejoin&);
  Outcome apply(Wanted&, const control::Probe&);
  Outcome apply(Wanted&, const control::Quarantine&);
  void cas(const control::Action& action, const control::CasRecord& body);
  void store(const control::Record& record);
  bool set_waiting(Server& server, Waiting waiting, Outcome& outcome);
  engines::postgres::Placement place(const Server& server, const control::Record& record) const;
  bool is_own_promotion(const Server& server, const control::Record& record, Epoch epoch) const;
  bool is_stray(const Server& server, const control::Record& record) const;
  Outcome make_follow(Server& copy, Server& primary, const control::Record& record,
                      bool may_rebuild);
  bool rewind(Server& copy, const Server& primary);
  control::Report look(Server& server, const control::Record& record);

  // watch.cpp
  void watch(Server& server);
  void tell_lost(Server& server, const std::string& text);

  // faults.cpp
  void fault();
  void fault_of_network();
  void repair();
  void operator_command();

  // heal.cpp
  void heal();
  void heal_operator();
  std::string missing_for_convergence() const;

  Random random_;
  bool verbose_;
  Sabotage sabotage_;
  std::vector<std::unique_ptr<Checker>> checkers_;
  std::string failure_;
  std::uint64_t move_ = 0;
  std::uint64_t promotions_ = 0, acknowledgements_ = 0, resolutions_ = 0;

  ClusterId cluster_;
  Monotonic now_{};
  bool faults_ = true;
  bool quiet_ = false;
  std::vector<Server> servers_;
  std::set<std::pair<CopyId, CopyId>> apart_;  // cannot reach each other
  Node node_;
  std::optional<control::Record> stored_;
  std::set<std::pair<Epoch, CopyId>> primaries_stored_;
  std::uint64_t next_record_ = 1, next_attempt_ = 1, next_operation_ = 1, next_request_ = 1;
  std::vector<Operation> operations_;
};

}  // namespace spar::sim::servers
