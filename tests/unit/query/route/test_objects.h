// tests/unit/query/route/test_objects.h: a database with a few things of a user's own.
#pragma once

#include <algorithm>
#include <array>

#include "query/route/objects.h"

namespace spar::query::route::test {

class TestObjects : public BuiltInObjects {
 public:
  FunctionFacts function(ObjectName name, std::size_t arguments) const override {
    if (ours(name)) {
      if (name.name == "user_immutable") return {Volatility::immutable, false};
      if (name.name == "user_stable") return {Volatility::stable, false};
      if (name.name == "user_volatile") return {Volatility::volatile_, false};
      // A user's overload beside PostgreSQL's.
      if (name.name == "pg_sleep" && name.schema.empty()) return {Volatility::volatile_, false};
    }
    return BuiltInObjects::function(name, arguments);
  }
  Volatility operation(ObjectName name) const override {
    if (ours(name) && name.name == "<+>") return Volatility::immutable;
    if (ours(name) && name.name == "~+") return Volatility::volatile_;
    return BuiltInObjects::operation(name);
  }
  Volatility type(ObjectName name) const override {
    if (ours(name) && name.name == "mood") return Volatility::immutable;
    if (ours(name) && name.name == "checked") return Volatility::volatile_;
    return BuiltInObjects::type(name);
  }
  RelationKind relation(ObjectName name) const override {
    static constexpr std::array<std::string_view, 8> kTables = {
        "a", "b", "pgbench_accounts", "pgbench_branches", "pgbench_history", "pgbench_tellers",
        "t", "u"};
    if (ours(name) && std::ranges::find(kTables, name.name) != kTables.end()) {
      return RelationKind::reads;
    }
    if (ours(name) && name.name == "view_reads") return RelationKind::reads;
    if (ours(name) && name.name == "view_writes") return RelationKind::writes;
    return BuiltInObjects::relation(name);
  }

 private:
  static bool ours(ObjectName name) { return name.schema.empty() || name.schema == "public"; }
};

}  // namespace spar::query::route::test
