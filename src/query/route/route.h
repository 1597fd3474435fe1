// query/route/route.h: where a query string may run, and what it leaves behind in its session.
//
// Contract    A Route is a value: the strongest of its parts in every respect, and the parts, one a
//             statement, in order. It says what a text may do, never what it did: a SET in a
//             transaction that rolls back, an UNLISTEN or DISCARD that failed, are the session's to
//             follow.
// Invariants  I1 Equal texts but for literals have equal routes, unless template_key() gives them
//                no template.
//             I2 When in doubt: primary, writes, opaque.
// Threads     Value types.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace spar::query::route {

// Which server a text needs, from the weakest demand to the strongest.
enum class Site : std::uint8_t {
  none,     // Spar answers itself
  session,  // the server where the session's transaction is, whichever that is; outside one, all
            // servers that will work for the session (SET), or any
  any,      // every copy that is fresh enough answers the same
  primary,
};

enum class Kind : std::uint8_t {
  query,        // SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE, MERGE, EXPLAIN
  transaction,  // Part::transaction says which
  setting,      // SET, RESET
  show,
  discard,
  cursor,    // DECLARE, FETCH, MOVE, CLOSE; name
  prepared,  // SQL's PREPARE, DEALLOCATE; name
  execute,   // EXECUTE; name. The primary, unless the session knows what was prepared
  copy_in,   // COPY ... FROM STDIN
  copy_out,  // COPY ... TO STDOUT
  channel,   // LISTEN, UNLISTEN, NOTIFY; name
  code,      // DO, CALL
  utility,   // every other command
  unparsed,  // PostgreSQL 15's grammar refuses it, or it costs too much to parse
};

enum class Verb : std::uint8_t {
  begin,
  commit,
  rollback,
  savepoint,
  release,
  rollback_to,
  prepare,
  commit_prepared,
  rollback_prepared,
  set_transaction,  // SET TRANSACTION ..., and SET transaction_isolation = ... with its like
};
enum class Isolation : std::uint8_t {
  read_uncommitted,
  read_committed,
  repeatable_read,
  serializable,  // a standby refuses it
  other,         // not a constant, or no isolation level
};

struct Transaction {
  Verb verb = Verb::begin;
  std::optional<Isolation> isolation = {};
  std::optional<bool> read_only = {};
  std::optional<bool> deferrable = {};
  bool chain = false;     // COMMIT AND CHAIN: the next transaction has begun
  std::string name = {};  // of a savepoint or a prepared transaction
  friend bool operator==(const Transaction&, const Transaction&) = default;
};

// SET, RESET, set_config(). `tracked`: Spar may give the session another server by setting it there
// again. What is not tracked pins the session, unless it is local.
struct Setting {
  std::string name;  // lower case; empty: RESET ALL, or not a constant
  // As PostgreSQL would take it in set_config(). Nothing: its default; or, in set_config(), not a
  // constant, and then it is not tracked.
  std::optional<std::string> value = {};
  bool local = false;
  bool tracked = false;
  friend bool operator==(const Setting&, const Setting&) = default;
};

// Why a session has to stay with the server that it has. A set of these.
enum class Pin : std::uint8_t {
  temporary_object = 1,  // and a search_path that begins with pg_temp
  listen = 2,
  advisory_lock = 4,
  held_cursor = 8,
  prepared_statement = 16,
  untracked_setting = 32,
  library = 64,
};
class Pins {
 public:
  constexpr Pins() = default;
  constexpr Pins(Pin pin) : bits_(static_cast<std::uint8_t>(pin)) {}  // NOLINT: a set of one
  static constexpr Pins all() { return Pins(0x7f); }
  constexpr bool has(Pin pin) const { return (bits_ & static_cast<std::uint8_t>(pin)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr Pins& operator|=(Pins other) {
    bits_ |= other.bits_;
    return *this;
  }
  friend constexpr bool operator==(Pins, Pins) = default;

 private:
  constexpr explicit Pins(std::uint8_t bits) : bits_(bits) {}
  std::uint8_t bits_ = 0;
};

// The first thing found that forbids a standby; Part::cause names it where it has a name.
enum class Reason : std::uint8_t {
  none,
  data_change,  // INSERT, UPDATE, DELETE, MERGE, SELECT INTO, also inside WITH
  locks_rows,   // FOR UPDATE, FOR SHARE
  volatile_function,
  unknown_function,
  node_function,  // answers differently on a standby, or fails there
  operation,      // an operator that is volatile or not known
  type,           // a conversion to a type that is volatile or not known
  relation,       // a view or table that writes, or is not known
  node_relation,
  system_column,
  node_setting,  // SHOW or current_setting() of what is not the session's own
  unknown_node,  // a kind of expression that nobody has reviewed
  serializable,
  read_write,  // BEGIN READ WRITE: a standby refuses it
  snapshot,    // SET TRANSACTION SNAPSHOT: from the primary
  command,     // a utility, COPY IN, DO, CALL, LISTEN, two-phase commit
  unparsed,
};

struct Part {
  Kind kind = Kind::query;
  Site site = Site::any;
  bool writes = false;  // it may
  bool opaque = false;  // runs code that nobody has read, which may change the session
  Reason reason = Reason::none;
  std::string cause = {};
  std::optional<Transaction> transaction = {};
  std::vector<Setting> settings = {};
  Pins pins = {};
  Pins released = {};     // UNLISTEN *, DISCARD, DEALLOCATE ALL, CLOSE ALL: no such pin afterwards
  std::string name = {};  // of a cursor, prepared statement, channel or setting; "" for all
  friend bool operator==(const Part&, const Part&) = default;
};

// What whoever asked for a route makes of it and of the words in its text (never of its literals):
// kept with the route, so that it is made once a template. No part of the route's value.
struct RouteNote {
  std::shared_ptr<const void> made;
  friend bool operator==(const RouteNote&, const RouteNote&) { return true; }
};

struct Route {
  Site site = Site::none;  // of an empty text
  bool writes = false;
  bool opaque = false;
  bool serializable = false;  // begins, or turns into, a transaction that no standby accepts
  Pins pins = {};
  std::vector<Part> parts = {};
  mutable RouteNote note = {};

  void add(Part part);
  friend bool operator==(const Route&, const Route&) = default;
};

// What every text that cannot be parsed gets.
Route unparsed_route();

// "primary writes locks_rows", "session begin read_only", ...: one clause a part, joined by "; ".
std::string describe(const Route& route);
std::string describe(const Part& part);

}  // namespace spar::query::route
