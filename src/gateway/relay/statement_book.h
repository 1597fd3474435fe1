// gateway/relay/statement_book.h: prepared statements, shared by their text.
//
// Contract    Of one database: what a text may do is asked of its router.
//             A session knows a statement by the name its client gave; a connection knows it by a
//             name of ours that follows from text and parameter types, so that many sessions share
//             one statement a connection. intern() gives the same Statement for the same Parse
//             while anybody holds it.
// Limits      A connection holds `prepared_max`; the least recently used one makes place.
// Threads     One loop owns a book and all connections and sessions that use it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "gateway/relay/statement_traits.h"
#include "query/route/router.h"
#include "query/session_effects.h"

namespace spar::gateway::relay {

using EffectsPtr = std::shared_ptr<const query::SessionEffects>;

inline constexpr std::string_view kServerNamePrefix = "__spar_";
inline constexpr std::string_view kTakenName = "__spar_taken";  // of no client's statement

struct Statement {
  std::uint64_t id = 0;
  std::string server_name;
  std::string body;       // of a Parse message behind its name: text, zero, parameter types
  EffectsPtr effects;     // of running it; nothing: none
  mutable Traits traits;  // judged again when the catalogues say something else
};
using StatementPtr = std::shared_ptr<const Statement>;

// What is said around a client's statements.
enum class Own : std::uint8_t { begin, commit, transaction_id };

void append_query(std::string_view sql, Bytes& out);
// Appends a Parse of `body` under `name`.
void append_parse(std::string_view name, std::string_view body, Bytes& out);

class StatementBook {
 public:
  struct Options {
    query::EffectLimits limits = {};
    std::shared_ptr<const query::route::Objects> objects =
        std::make_shared<query::route::BuiltInObjects>();
    std::uint64_t seed = 0;  // random, of the router's keys
  };
  StatementBook() : StatementBook(Options{}) {}
  explicit StatementBook(Options options)
      : limits_(options.limits),
        objects_(options.objects),
        router_(std::move(options.objects), {.seed = options.seed}) {}

  StatementPtr intern(std::string_view body);
  const StatementPtr& own(Own which);
  // What a text may do and leave. One that may change the schema makes everything a user made
  // unknown, until renew().
  struct Judgement {
    Traits traits;
    EffectsPtr effects;  // nothing: none
  };
  Judgement judge(std::string_view sql, bool standard_strings = true);
  Traits traits(std::string_view sql, bool standard_strings = true);
  // Of a text whose traits are `ours`.
  std::string stand_in(std::string_view sql) { return relay::stand_in(router_.route(sql)); }
  Bytes stand_in_body(std::string_view body);  // of a Parse, behind its name

  // What the catalogues say now; nothing happens when it is what they said.
  void renew(std::shared_ptr<const query::route::Objects> objects);
  const query::route::Objects* objects() const { return objects_.get(); }
  // Whether such a text has passed since the last call.
  bool take_touched() { return std::exchange(touched_, false); }

  std::size_t size() const { return statements_.size(); }

 private:
  struct Judged;
  const Judged& judged(const query::route::Route& route, std::string_view sql);
  Judged judged(std::string_view sql, bool standard_strings);
  EffectsPtr effects(std::string_view sql);  // kept: the grammar runs
  void forget_unused();

  query::EffectLimits limits_;
  std::shared_ptr<const query::route::Objects> objects_;
  std::uint64_t epoch_ = 0;  // of objects_
  bool touched_ = false;
  query::route::Router router_;
  std::uint64_t next_id_ = 1;
  std::size_t forget_at_ = 64;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <class T>
  using ByText = std::unordered_map<std::string, T, Hash, std::equal_to<>>;
  ByText<std::weak_ptr<const Statement>> statements_;
  ByText<EffectsPtr> effects_;
  std::array<StatementPtr, 3> own_;
};

// What one server connection holds prepared under our names.
class ServerStatements {
 public:
  explicit ServerStatements(std::size_t prepared_max) : prepared_max_(prepared_max) {}

  // Whether it is there; then it counts as used.
  bool touch(std::uint64_t id);
  // Now it is there. Gives the server's name of one that must be closed to make place.
  std::optional<std::string> add(const StatementPtr& statement);
  void forget(std::uint64_t id);
  void clear();
  std::size_t size() const { return places_.size(); }

 private:
  std::size_t prepared_max_;
  std::list<StatementPtr> used_;  // most recently used first
  std::unordered_map<std::uint64_t, std::list<StatementPtr>::iterator> places_;
};

}  // namespace spar::gateway::relay
