// gateway/relay/loop.h: relayed clients and the server connections they share, on one epoll.
//
// Contract    run() serves the listening sockets until stop(). Clients log in here (login.h), then
//             get server connections as their user, a transaction at a time. While `route` names no
//             server, or it cannot be reached, sessions wait without an error, up to
//             limits.pool.wait_max. When a connection is lost, its session goes on over the next
//             (relay_session.h): what it had under way is repeated, what is in doubt is asked of
//             `resolve`. A session that cannot is ended: 08006, or 08007 when a statement's outcome
//             is unknown. So is one whose server process was ended by a command (57P01), when the
//             server itself goes on.
//             Transactions that were lost are repeated before others begin, for a time: so they find
//             the rows, and the ids that they were given, as they were.
//             Sessions that ask for it (spar.read) have their reads and READ ONLY transactions
//             answered by a copy that `read_map` names and ReadTrail chooses. What fails there is
//             repeated on the primary.
// Fencing     route_changed() closes every connection that is not where the route now points, also
//             those in use: nothing that such a server says later reaches a client. So does
//             copies_changed() with those to a copy that `read_map` no longer has. While draining,
//             the route counts as naming nobody, and connections in use stay until they are free.
// Secrets     A server is told who the user is by the keys of the client's own SCRAM login, else
//             by what `secret_of` gives.
// Threads     run() on one thread, which owns everything; stop(), route_changed() and the numbers
//             from any. Everything in Options is called on the loop's thread; what `resolve` is
//             given as `done` can be called from any, also after the loop has gone.
// Invariants  I1 A client holds at most one server connection, and a connection serves at most one.
//             I2 A cancel request reaches a server only while the session it names is owed an
//                answer there, and the connection is lent to nobody else before it has arrived.
//             I3 Nothing is destroyed while events of one epoll_wait are handled.
// Not here    Which server is the primary, what became of a transaction (server/).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "gateway/login.h"
#include "gateway/relay/limits.h"
#include "gateway/relay/placing.h"
#include "gateway/relay/reading.h"
#include "gateway/relay/relay_session.h"
#include "gateway/relay/server_login.h"
#include "gateway/relay/server_tls.h"
#include "gateway/tls.h"

namespace spar::gateway::relay {

// Nothing: there is no server now; sessions are held.
using Route = std::function<std::optional<Placing>(std::string_view database)>;
// What became of transaction `xid` (xid8) of a connection that was opened in `epoch`. `done` is
// called once, when it is known or never will be.
using Resolve = std::function<void(std::string database, std::uint64_t epoch, std::uint64_t xid,
                                   std::function<void(Outcome)> done)>;
using ObjectsOf =
    std::function<std::shared_ptr<const query::route::Objects>(std::string_view database)>;
// What is known of the copies of a database now; nothing: only the primary is to be read.
using ReadMapOf = std::function<ReadMapPtr(std::string_view database)>;
using SecretOf = std::function<ServerSecret(std::string_view user)>;

class RelayLoop {
 public:
  struct Options {
    std::vector<int> sockets;  // listening; stay open for their owner
    const Credentials& credentials;
    const TlsContext* tls = nullptr;
    bool tls_required = false;
    Route route;
    SecretOf secret_of = [](std::string_view) { return ServerSecret(NoSecret{}); };
    RelayLimits limits = {};
    Resolve resolve = {};                 // nothing: writes in doubt end their session (08007)
    ObjectsOf objects = {};               // nothing: what PostgreSQL brings
    ExplicitValues explicit_values = {};  // nothing: what a sequence gave is not given again
    // What a client is told as a NOTICE when it has logged in; "": nothing.
    std::function<std::string(std::string_view database)> greeting = {};
    // A text passed that may have changed a database's schema: what `objects` gave is forgotten.
    std::function<void(std::string_view database)> schema_touched = {};
    ReadMapOf read_map = {};  // nothing: all is read on the primary
  };

  explicit RelayLoop(Options options);
  ~RelayLoop();
  RelayLoop(const RelayLoop&) = delete;
  RelayLoop& operator=(const RelayLoop&) = delete;

  void run();
  // Idle sessions end at once, others get shutdown_timeout.
  void stop();
  // Connections elsewhere are closed; waiting sessions go on.
  void route_changed();
  // `read_map` names other copies.
  void copies_changed();
  void set_draining(bool draining);
  // `objects` has something new to say.
  void objects_changed();

  std::size_t clients() const { return client_count_; }
  std::size_t connections() const { return server_count_; }
  // Connections that a client has a transaction or statement on.
  std::size_t busy() const { return busy_count_; }

 private:
  struct Client;
  struct Server;
  struct Source;
  struct Canceller;
  enum class Kind : std::uint32_t { wake, listener, client, server, canceller };
  static std::uint64_t tag(Kind kind, std::size_t index) {
    return static_cast<std::uint64_t>(kind) << 32 | index;
  }

  // loop.cpp: events, time, life and death.
  void handle(std::uint64_t tag, std::uint32_t events);
  void on_wake();
  void accept_clients(int listening);
  void tick();
  void tick_clients();
  void tick_servers();
  void tick_source(Source& source);
  void retire_idle(Source& source);
  void retire_elsewhere();
  void cut_elsewhere();
  void renew_objects();
  void tell_touched();
  StatementBook::Options book_options(std::string_view database) const;
  bool shut_down();
  void bury();

  // loop_clients.cpp: one client.
  void on_client(Client& client, std::uint32_t events);
  void read_client(Client& client);
  void log_in(Client& client, std::string_view in);
  bool log_in_step(Client& client, std::string_view& in);
  void begin_session(Client& client, std::string_view rest);
  Source& source_of(const std::string& database, const std::string& user);
  void greet(Client& client);
  void converse(Client& client, std::string_view in);
  void wait_for_server(Client& client);
  void lend(Server& server, Client& client);
  void release(Client& client);
  void note_busy(Client& client);
  void fail_client(Client& client, const Error& error);
  void client_gone(Client& client);
  void drain(Client& client);
  void drop(Client& client);

  // loop_servers.cpp: one server connection.
  void open_connections(Source& source);
  Result<void> connect(Source& source, const Placing& placing);
  void on_server(Server& server, std::uint32_t events);
  void connected(Server& server);
  void ask_for_tls(Server& server);
  void take_tls_answer(Server& server, std::string_view in);
  void begin_login(Server& server);
  void read_server(Server& server);
  void log_in_server(Server& server, std::string_view in);
  void login_failed(Server& server, const Error& error);
  void answer(Server& server, std::string_view in);
  void set_free(Server& server);
  void serve_freed();
  void drop(Server& server);

  // loop_reading.cpp: copies that only answer reads.
  Source& source_for(Client& client);
  Source* source_of(const Source& primary, const ReadCopy& copy);
  std::optional<Placing> placing_of(const Source& source) const;
  void renew_copies();
  void pass_on(Source& copy);
  void pass_on(Client& client);
  bool leave_copy(Client& client, std::string_view in);
  void note_place(Client& client);

  // loop_losses.cpp: connections that are gone.
  enum class Why : std::uint8_t { broken, diverged, unfit, ended, full };
  void server_lost(Server& server, Why why = Why::broken);
  static Why why_lost(const Error& error);
  void go_on(Client& client, RelaySession::Loss loss, std::uint64_t epoch);
  void ask_outcome(Client& client, std::uint64_t epoch);
  void take_outcomes();
  void retry_losses(bool all);
  void note_repeating(Client& client);
  bool repeats_first() const { return !repeating_.empty() && now_ < repeats_first_until_; }
  void hold(Client& client);
  bool was_ended(const Client& client, const Server& server) const;
  static Error ended_by_command();

  // loop_cancel.cpp: cancel requests.
  void begin_cancel(Client& asking, const wire::CancelRequest& request);
  void on_canceller(Canceller& canceller, std::uint32_t events);
  void end_cancel(Canceller& canceller);

  Options options_;
  int epoll_ = -1;
  int wake_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> route_changed_{false};
  std::atomic<bool> objects_changed_{false};
  std::atomic<bool> copies_changed_{false};
  std::atomic<std::size_t> client_count_{0};
  std::atomic<bool> draining_{false};
  std::atomic<std::size_t> server_count_{0};
  std::atomic<std::size_t> busy_count_{0};
  Monotonic now_{};
  Monotonic next_tick_{};
  Monotonic shutdown_at_ = kNoDeadline;
  bool urgent_ = true;  // something waits for time to pass: look at the clock often

  struct Inbox;
  std::shared_ptr<Inbox> inbox_;  // outcomes that others bring
  std::uint64_t next_ticket_ = 1;
  // By database, user and copy (none: the primary).
  std::map<std::tuple<std::string, std::string, CopyId>, std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<std::unique_ptr<Canceller>> cancellers_;
  std::vector<std::size_t> free_clients_, free_servers_;
  std::unordered_set<SessionId> timed_;    // clients with a deadline: logging in, draining
  std::unordered_set<SessionId> pausing_;  // lost their connection, and will try again
  std::uint64_t disturbances_ = 0;         // servers that did not answer, and changes of the route
  std::unordered_set<SessionId> repeating_;  // or in doubt whether they must be
  Monotonic repeats_first_until_{};          // others are held until then, or nobody repeats
  bool all_repeated_ = false;                // to be seen to when this event is done
  bool passed_on_ = false;                   // likewise
  std::vector<ConnectionId> freed_;          // to be offered when this event is done
  std::vector<SessionId> dead_clients_;
  std::vector<ConnectionId> dead_servers_;
  std::vector<char> scratch_;
  Chunks to_server_, to_client_;  // of the call under way
};

}  // namespace spar::gateway::relay
