// Reads a database's catalogues for CatalogueObjects.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>

#include "engines/postgres/catalogue_objects.h"
#include "engines/postgres/catalogue_queries.h"
#include "engines/postgres/limits.h"
#include "engines/postgres/node_tree.h"
#include "query/route/reviewed.h"

namespace spar::engines::postgres {

using query::route::RelationKind;
using query::route::Volatility;

namespace {

template <class Number>
Number number(const Field& field) {
  Number value{};
  if (field) std::from_chars(field->data(), field->data() + field->size(), value);
  return value;
}
Oid oid(const Field& field) {
  return Oid(number<std::uint32_t>(field));
}
std::string text(Field& field) {
  return std::move(field).value_or("");
}
Volatility volatility(const Field& field) {
  switch (number<unsigned>(field)) {
    case 0:
      return Volatility::immutable;
    case 1:
      return Volatility::stable;
    default:
      return Volatility::volatile_;
  }
}

template <class Oids>
std::string array_of(const Oids& oids) {
  std::string out = "{";
  for (const Oid each : oids) out += (out.size() > 1 ? "," : "") + std::to_string(each.value);
  return out + "}";
}

RelationKind kind_of(char relkind, char persistence) {
  switch (relkind) {
    case 'r':
    case 'm':
      return persistence == 'u' ? RelationKind::node : RelationKind::reads;
    case 'p':
    case 'v':  // its rule adds to it
      return RelationKind::reads;
    case 'S':
      return RelationKind::node;
    case 'c':
      return RelationKind::unknown;
    default:
      return RelationKind::writes;
  }
}

// One of PostgreSQL's own, in a stored query: its arguments are not looked at.
RelationKind verdict_of_built_in(std::string_view name) {
  using namespace query::route;
  constexpr std::string_view kVolatile = "volatile ";
  const bool is_volatile = name.starts_with(kVolatile);
  if (is_volatile) name.remove_prefix(kVolatile.size());
  if (is_node_function(name) || name == "current_setting") return RelationKind::node;
  if (runs_other_queries(name)) return RelationKind::writes;
  const bool samples = name == "bernoulli" || name == "system";  // TABLESAMPLE's handlers
  return is_volatile && !samples && !is_harmless(name) ? RelationKind::writes : RelationKind::reads;
}

struct Tree {
  Oid owner;
  TreeUse use;
};

class Loader {
 public:
  Loader(ServerLink& link, Monotonic deadline) : link_(link), deadline_(deadline) {}

  Result<CatalogueNames> run() {
    SPAR_TRY(read_relations());
    SPAR_TRY(read_functions());
    SPAR_TRY(read_names());
    SPAR_ASSIGN(checks_, read_trees(kChecks));
    SPAR_ASSIGN(defaults_, read_trees(kDefaults));
    SPAR_ASSIGN(rules_, read_trees(kRules));
    SPAR_ASSIGN(policies_, read_trees(kPolicies));
    SPAR_TRY(resolve());
    judge_defaults();
    SPAR_TRY(judge_types());
    judge_relations();
    return std::move(names_);
  }

 private:
  Result<Rows> rows(const char* query) {
    const std::size_t left = kCatalogueObjectsMax - seen_;
    SPAR_ASSIGN(Rows rows, link_.run(query, {std::to_string(left + 1)}, deadline_));
    if (rows.size() > left) {
      return failure(Code::unavailable, "the database has more than " +
                                            std::to_string(kCatalogueObjectsMax) +
                                            " objects: too many to route by");
    }
    seen_ += rows.size();
    return rows;
  }

  Result<void> read_relations() {
    SPAR_ASSIGN(Rows found, rows(kRelations));
    for (auto& row : found) {
      relation_at_[oid(row[0])] = names_.relations.size();
      const char relkind = row[3].value_or("?")[0];
      const RelationEntry entry{kind_of(relkind, row[4].value_or("?")[0])};
      if (relkind == 'v') views_.insert(oid(row[0]));
      names_.relations.push_back({text(row[2]), text(row[1]), entry});
    }
    SPAR_ASSIGN(found, rows(kChildren));
    for (const auto& row : found) uses_.emplace(oid(row[1]), oid(row[0]));
    return {};
  }
  Result<void> read_functions() {
    SPAR_ASSIGN(Rows found, rows(kFunctions));
    for (auto& row : found) {
      function_at_[oid(row[0])] = names_.functions.size();
      const FunctionEntry entry{number<std::size_t>(row[3]), number<std::size_t>(row[4]),
                                volatility(row[5])};
      names_.functions.push_back({text(row[2]), text(row[1]), entry});
    }
    return {};
  }
  Result<void> read_names() {
    SPAR_ASSIGN(Rows found, rows(kOperators));
    for (auto& row : found) {
      names_.operators.push_back({text(row[1]), text(row[0]), volatility(row[2])});
    }
    SPAR_ASSIGN(found, rows(kTypes));
    for (auto& row : found) {
      type_at_[oid(row[0])] = names_.types.size();
      const Volatility input = volatility(row[3]);
      if (input == Volatility::volatile_) bad_types_.insert(oid(row[0]));
      names_.types.push_back({text(row[2]), text(row[1]), std::max(input, volatility(row[4]))});
    }
    return {};
  }

  Result<std::vector<Tree>> read_trees(const TreeSource& source) {
    const std::string id = source.id, tree = source.tree;
    const std::string query = "select " + id + ", " + source.owner + ", case when octet_length(" +
                              tree + "::text) <= $2::int then " + tree + "::text end from " +
                              source.from + " and " + tree + " is not null and " + id +
                              " >= 16384 and " + id + " > $1::oid order by " + id +
                              " limit $3::int";
    std::vector<Tree> trees;
    std::string last = "0";
    for (std::size_t page = kNodeTreesAtOnce; page == kNodeTreesAtOnce;) {
      SPAR_ASSIGN(Rows found, link_.run(query,
                                        {last, std::to_string(kNodeTreeBytesMax),
                                         std::to_string(kNodeTreesAtOnce)},
                                        deadline_));
      for (const auto& row : found)
        trees.push_back({oid(row[1]), read_node_tree(row[2].value_or(""))});
      page = found.size();
      if (page > 0) last = found.back()[0].value_or("");
    }
    return trees;
  }

  // What the trees use and users did not make.
  Result<void> resolve() {
    std::set<Oid> functions, operators, relations;
    for (const auto* trees : {&checks_, &defaults_, &rules_, &policies_}) {
      for (const Tree& tree : *trees) {
        functions.insert(tree.use.functions.begin(), tree.use.functions.end());
        operators.insert(tree.use.operators.begin(), tree.use.operators.end());
        relations.insert(tree.use.relations.begin(), tree.use.relations.end());
      }
    }
    SPAR_ASSIGN(Rows found, link_.run(kOperatorsUsed, {array_of(operators)}, deadline_));
    for (const auto& row : found) functions.insert(code_of_[oid(row[0])] = oid(row[1]));
    SPAR_ASSIGN(found, link_.run(kFunctionsUsed, {array_of(functions)}, deadline_));
    for (const auto& row : found) {
      built_in_function_[oid(row[0])] = verdict_of_built_in(row[1].value_or(""));
    }
    SPAR_ASSIGN(found, link_.run(kRelationsUsed, {array_of(relations)}, deadline_));
    const query::route::BuiltInObjects built_in;
    for (const auto& row : found) {
      const std::string schema = row[1].value_or(""), name = row[2].value_or("");
      built_in_relation_[oid(row[0])] = built_in.relation({schema, name});
    }
    return {};
  }

  RelationKind verdict_of_function(Oid function) const {
    if (auto found = function_at_.find(function); found != function_at_.end()) {
      const Volatility worst = names_.functions[found->second].value.volatility;
      return worst < Volatility::volatile_ ? RelationKind::reads : RelationKind::writes;
    }
    const auto found = built_in_function_.find(function);
    return found == built_in_function_.end() ? RelationKind::writes : found->second;
  }
  // But for the relations in it.
  RelationKind verdict_of(const TreeUse& use) const {
    RelationKind worst = use.system_column ? RelationKind::node : RelationKind::reads;
    if (use.unreviewed) return RelationKind::writes;
    for (const Oid each : use.functions) worst = std::max(worst, verdict_of_function(each));
    for (const Oid each : use.operators) {
      const auto code = code_of_.find(each);
      if (code == code_of_.end()) return RelationKind::writes;
      worst = std::max(worst, verdict_of_function(code->second));
    }
    const bool checked =
        std::ranges::any_of(use.types, [&](Oid type) { return bad_types_.contains(type); });
    return checked ? RelationKind::writes : worst;
  }

  // The default of one function may call another by its defaults.
  void judge_defaults() {
    for (bool changed = true; changed;) {
      changed = false;
      for (const Tree& tree : defaults_) {
        const auto at = function_at_.find(tree.owner);
        if (at == function_at_.end()) continue;
        Volatility& worst = names_.functions[at->second].value.volatility;
        if (worst == Volatility::volatile_) continue;
        changed = verdict_of(tree.use) != RelationKind::reads || changed;
        if (verdict_of(tree.use) != RelationKind::reads) worst = Volatility::volatile_;
      }
    }
  }

  // From the types whose reading or checks are volatile to all that have a part of them.
  Result<void> judge_types() {
    for (const Tree& tree : checks_) {
      if (verdict_of(tree.use) != RelationKind::reads) bad_types_.insert(tree.owner);
    }
    if (bad_types_.empty()) return {};
    SPAR_ASSIGN(Rows found, link_.run(kMadeOfTypes, {array_of(bad_types_)}, deadline_));
    for (const auto& row : found) {
      bad_types_.insert(oid(row[0]));
      if (auto at = type_at_.find(oid(row[0])); at != type_at_.end()) {
        names_.types[at->second].value = Volatility::volatile_;
      }
      if (auto at = relation_at_.find(oid(row[1])); at != relation_at_.end()) {
        names_.relations[at->second].value.row = Volatility::volatile_;
      }
    }
    return {};
  }

  RelationKind& kind(Oid relation) {
    return names_.relations[relation_at_.at(relation)].value.kind;
  }

  // From what the trees say by themselves to all that is made of them.
  void judge_relations() {
    for (const auto* trees : {&rules_, &policies_}) {
      for (const Tree& tree : *trees) {
        if (!relation_at_.contains(tree.owner)) continue;
        // A materialized view has a rule too, which only REFRESH runs.
        if (trees == &rules_ && views_.erase(tree.owner) == 0) continue;
        kind(tree.owner) = std::max(kind(tree.owner), verdict_of(tree.use));
        for (const Oid used : tree.use.relations) use(used, tree.owner);
      }
    }
    for (const Oid without_rule : views_) kind(without_rule) = RelationKind::writes;
    std::vector<Oid> pending;
    for (const auto& [relation, at] : relation_at_) pending.push_back(relation);
    while (!pending.empty()) {
      const Oid used = pending.back();
      pending.pop_back();
      const auto [first, last] = uses_.equal_range(used);
      for (auto each = first; each != last; ++each) {
        if (!relation_at_.contains(each->second) || !relation_at_.contains(used)) continue;
        if (kind(used) <= kind(each->second)) continue;
        kind(each->second) = kind(used);
        pending.push_back(each->second);
      }
    }
  }
  void use(Oid used, Oid user) {
    if (used == user) return;  // OLD and NEW of a rule
    if (relation_at_.contains(used)) {
      uses_.emplace(used, user);
      return;
    }
    const auto found = built_in_relation_.find(used);
    const bool known = found != built_in_relation_.end() && found->second != RelationKind::unknown;
    kind(user) = std::max(kind(user), known ? found->second : RelationKind::writes);
  }

  ServerLink& link_;
  Monotonic deadline_;
  std::size_t seen_ = 0;
  CatalogueNames names_;
  std::unordered_map<Oid, std::size_t> relation_at_, function_at_, type_at_;  // in names_
  std::unordered_multimap<Oid, Oid> uses_;                                    // by what is used
  std::set<Oid> views_;                                                       // without a rule yet
  std::vector<Tree> checks_, defaults_, rules_, policies_;
  std::unordered_map<Oid, Oid> code_of_;  // of an operator
  std::unordered_map<Oid, RelationKind> built_in_function_, built_in_relation_;
  std::set<Oid> bad_types_;
};

}  // namespace

Result<std::shared_ptr<const query::route::Objects>> CatalogueObjects::load(ServerLink& link,
                                                                            Monotonic deadline) {
  SPAR_TRY(link.run(kOnlyTheServers, deadline));
  SPAR_TRY(link.run("begin isolation level repeatable read, read only", deadline));
  Result<CatalogueNames> names = Loader(link, deadline).run();
  const auto ended = link.run("rollback", deadline);
  SPAR_TRY(names);
  SPAR_TRY(ended);
  return std::make_shared<const CatalogueObjects>(std::move(*names));
}

Result<std::string> CatalogueObjects::fingerprint(ServerLink& link, Monotonic deadline) {
  SPAR_TRY(link.run(kOnlyTheServers, deadline));
  SPAR_ASSIGN(Rows rows, link.run(kFingerprint, deadline));
  return rows[0][0].value_or("");
}

}  // namespace spar::engines::postgres
