// server/postgres/server_path.h: PostgreSQL servers as the copies of a cluster.
//
// A position's sequence is an LSN; epochs are told apart by timelines (engines/postgres/timeline.h),
// for which each fork in the record has a note.
//
// Contract    Clients reach the servers through the gateway alone, which asks place() where to go
//             and for whom `on_route` is called when that changes. hold() closes the way for new
//             transactions and lets running ones end; fence() of the primary cuts it: what the
//             server still says reaches nobody. So a frozen or cut off primary acknowledges nothing
//             any more, whatever it does. It is also fenced in every other way left: its agent ends
//             it, and when it answers again it is made read-only before anything else.
//             A server is taken for lost when its connection is refused or closed, or it has not
//             answered for kAnswerWithin, the write probe on the primary included; a standby also when
//             it has received nothing for kStandsStillTime that its primary had by then.
//             resolve_transaction() answers once a primary of a later epoch is admitted, or the
//             same one again: by the fork's next transaction number and pg_xact_status, and says
//             "committed" only when the whole synchronous set holds it.
//             read_map() has standbys that stand in the present history, receive from the primary
//             and are under nobody's hand; one that is lost, rebuilt or set aside leaves it first.
// Invariants  I1 place() names a server only between its admit() and the next hold() or fence().
//             I2 A server that was primary is started as one only while the stored record names it
//                as primary or in the synchronous set.
// Threads     A watcher for each server; see server/data_path.h. place() and
//             resolve_transaction() from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engines/postgres/timeline.h"
#include "server/data_path.h"
#include "server/lane.h"
#include "server/postgres/lag_trail.h"
#include "server/postgres/read_copies.h"
#include "server/postgres/server_copy.h"

namespace spar::server::postgres {

struct Place {
  std::string host;
  std::uint16_t port = 0;
  Epoch epoch;
  std::shared_ptr<const gateway::relay::ServerTls> tls = {};
};

enum class RouteChange {
  open,    // a primary is admitted
  drain,   // nothing new; what runs goes on
  cut,     // what runs is over
  copies,  // others may answer reads
};

class ServerPath : public DataPath {
 public:
  struct Gateway {
    std::function<void(RouteChange)> changed;
    std::function<std::size_t()> busy;  // server connections that a client is using
  };

  static Result<std::unique_ptr<ServerPath>> make_path(storage::Disk& disk,
                                                       std::vector<ServerSpec> servers,
                                                       std::string ledger_directory);
  ~ServerPath() override;

  void attach(Gateway gateway);
  // Before the record names it: a server that is about to become a copy, or did not become one.
  Result<void> add_server(ServerSpec spec);
  void remove_server(const std::string& name);
  std::optional<Place> place() const;
  // Who may answer reads, and how far they are; nothing: the primary alone. While it is asked for,
  // servers are looked at more often.
  gateway::relay::ReadMapPtr read_map() const;
  // Of the primary that is admitted, as a superuser.
  std::optional<engines::postgres::Conninfo> primary_address() const;
  using Resolved = std::function<void(engines::postgres::Outcome)>;
  void resolve_transaction(Epoch epoch, engines::postgres::Xid xid, Resolved done);
  // The password secret of a role that can log in, as the primary had it at the last look; nothing:
  // there is none. Code::unavailable: no primary was seen yet.
  Result<std::optional<std::string>> secret_of(std::string_view role) const;
  // At the end of the node: the servers that it started, the primary first.
  void stop_servers();

  void listen(Ears ears) override { ears_ = std::move(ears); }
  Result<control::Record> make(control::Record record) override;
  std::vector<control::MemberReport> look(const control::Record& record) override;
  void watch() override;
  void stop() override;

  void adopt(const control::Record& record) override;
  void hold() override;
  void fence(CopyId copy, Epoch epoch) override;
  void forget(CopyId copy) override;
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
  Position acknowledged() override;
  std::string text_of(const Position& position) const override;

 private:
  using ServerControl = engines::postgres::ServerControl;
  using Identity = engines::postgres::Identity;

  // What the last look at a server gave, and what the machine was told of it.
  struct Seen {
    bool up = false;
    bool near = false;
    bool told_lost = false;
    int busy = 0;  // an action restarts or rebuilds it: its silence means nothing
    engines::postgres::ServerLine line;
    engines::postgres::Lsn applied;
    Position position;
    Monotonic moved_at{};  // since then it has received nothing
    bool in_recovery = false;
    std::string advice;
    bool streams = false;  // from another server
    engines::postgres::Lsn written;
    Monotonic asked{};  // when the look began
    Position told;      // the machine, last
    Monotonic told_at = Monotonic::min();
  };
  struct Copy {
    std::unique_ptr<ServerCopy> server;
    Seen seen;
    std::thread watcher;
  };
  class Busy;
  class Patience;

  ServerPath(storage::Disk& disk, std::string ledger_directory)
      : disk_(disk), ledger_directory_(std::move(ledger_directory)) {}

  ServerCopy* find(CopyId copy) const;
  Result<ServerCopy*> known(CopyId copy) const;
  std::vector<ServerCopy*> others(CopyId copy) const;
  control::Record record() const;
  Result<std::optional<Identity>> first_look(ServerCopy& copy, const control::Record& record);
  Result<control::Report> report_of(ServerCopy& copy, const control::Record& record);
  control::Report look_at(ServerCopy& copy, const control::Record& record);
  Result<void> wait_settled(ServerControl& control, Monotonic deadline);
  control::Report report_of(const Identity& identity, const control::Record& record) const;
  engines::postgres::Placement placement_of(const engines::postgres::ServerLine& line,
                                            const control::Record& record) const;
  Result<Position> promote_server(ServerCopy& copy, Epoch epoch, const control::Record& record,
                                  control::ActionDone& done);
  Result<ServerControl> tell_set(CopyId primary, const control::CopySet& set, bool hold_commits,
                                 const control::Record& record, Monotonic deadline);
  Result<void> wait_joined(ServerControl& control, const control::CopySet& joining,
                           const control::Record& record, Monotonic deadline);
  Result<void> wait_received(ServerCopy& target, engines::postgres::Lsn lsn, Monotonic deadline);
  Result<Position> make_follow(ServerCopy& copy, ServerCopy& primary, bool may_rebuild, Epoch epoch,
                               const control::Record& record, Monotonic deadline);
  Result<void> follow_as_it_is(ServerCopy& copy, ServerCopy& primary, const std::string& missing,
                               const control::Record& record, Monotonic deadline);
  Result<void> take_apart(ServerCopy& copy, ServerCopy& primary, const std::string& missing,
                          Epoch epoch, const control::Record& record, Monotonic deadline);
  Result<void> follow_by_sql(ServerCopy& copy, const ServerCopy& primary, Monotonic deadline);
  Result<std::string> missing_log(ServerCopy& copy, ServerControl& primary, Monotonic deadline);
  bool stands_still(CopyId copy, const Seen& seen, Monotonic now) const;  // REQUIRES: the lock
  std::string trouble_of(CopyId copy, const Seen& seen, Monotonic now) const;
  Result<void> keep_slots(ServerControl& primary, CopyId copy, const control::Record& record,
                          Monotonic deadline);
  void end_old_primary(CopyId copy);
  void let_go(CopyId copy);
  Result<void> write_ledger(ServerCopy& copy, const control::Record& record);
  Result<engines::postgres::Outcome> outcome(Epoch epoch, engines::postgres::Xid xid);
  Result<engines::postgres::Outcome> settled_outcome(ServerControl& control,
                                                     engines::postgres::XactStatus status,
                                                     Monotonic deadline);
  Result<engines::postgres::Xid> next_xid_of(ServerControl& control, CopyId copy,
                                             const engines::postgres::Promoted& promoted,
                                             bool now_promoted, bool fork_known,
                                             Monotonic deadline);
  Result<bool> is_stray(ServerCopy& copy, const control::Record& record);

  // server_watch.cpp
  void watch_copy(CopyId id);
  bool wait(std::chrono::milliseconds time);  // false: stop
  Result<void> look_once(CopyId id, ServerControl& control, Identity& known);
  Result<void> write_once(ServerControl& control);
  Result<void> read_roles(ServerControl& control);
  void tell_seen(CopyId id, Seen now);
  void note_reads(CopyId id, const Seen& now);
  void tell_copies();
  std::chrono::milliseconds look_every() const;
  std::chrono::milliseconds early(CopyId id) const;  // how much, of the next write probe
  void tell_lost(CopyId id, const std::string& witness, const std::string& text);
  bool is_stray_primary(CopyId id) const;
  Result<void> same_incarnation(CopyId id, ServerControl& control);

  storage::Disk& disk_;
  std::string ledger_directory_;
  Ears ears_;
  Gateway gateway_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stop_{false};
  bool watching_ = false;
  engines::postgres::ServerHistory history_;  // of record_
  control::Record record_;                    // as it is stored
  LagTrail trail_;                            // of the record's primary
  std::map<CopyId, Copy> copies_;  // never erased while actions run: members come and go in record_
  std::optional<Place> place_;
  ReadCopies reads_;
  mutable std::atomic<Monotonic::rep> reads_asked_{0};  // when read_map() was called last
  CopyId admitted_copy_;
  std::string admitted_;  // its incarnation (ServerControl) when it was admitted
  Epoch fenced_to_;       // nothing is admitted in this epoch or before
  CopyId drained_;        // it was brought to rest: no need to end it
  std::map<std::string, ServerSpec> specs_;
  std::optional<std::map<std::string, std::string, std::less<>>> roles_;  // SCRAM secrets

  Lane fencer_;
  Lane resolver_;
};

}  // namespace spar::server::postgres
