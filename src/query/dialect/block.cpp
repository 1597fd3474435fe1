// Query blocks: one SELECT for each SELECT, subqueries only where the order of operators asks.

#include <algorithm>

#include "query/dialect/literal.h"
#include "query/dialect/writer.h"

namespace spar::query::dialect {

using algebra::Overloaded;

std::string Writer::alias(std::string_view prefix) {
  return std::string(prefix) + std::to_string(aliases_++);
}

Result<Block> Writer::block(RelationRef relation) {
  return std::visit(Overloaded{
                        [&](const algebra::Filter& node) { return filter(node); },
                        [&](const algebra::Project& node) { return projection(relation, node); },
                        [&](const algebra::Aggregate& node) { return aggregation(relation, node); },
                        [&](const algebra::Window& node) { return window(relation, node); },
                        [&](const algebra::Distinct& node) { return distinct(relation, node); },
                        [&](const algebra::SetOp& node) { return set_operation(relation, node); },
                        [&](const algebra::Sort& node) { return sort(node); },
                        [&](const algebra::Limit& node) { return limit(node); },
                        [&](const algebra::With& node) { return with(node); },
                        [&](const algebra::Dml&) -> Result<Block> {
                          return not_supported("a data-modifying statement in a query");
                        },
                        [&](const auto&) { return source_block(relation); },
                    },
                    relation->body);
}

Result<Block> Writer::source_block(RelationRef relation) {
  Block made;
  made.columns = relation->columns;
  const auto* values_ = std::get_if<algebra::Values>(&relation->body);
  if (values_ != nullptr && relation->columns.empty()) return made;  // no FROM
  SPAR_ASSIGN(made.from, source(relation));
  return made;
}

// The block as a FROM item of a new one.
Result<Block> Writer::wrapped(const Block& inner, bool materialized) {
  SPAR_ASSIGN(const std::string sql, text(inner, &inner.columns));
  const std::string name_ = alias("d");
  Block made;
  made.columns = inner.columns;
  for (const ColumnId id : inner.columns) {
    names_[id.value] = name_ + ".x" + std::to_string(id.value);
  }
  made.from = materialized ? "(WITH m AS MATERIALIZED (" + sql + ") SELECT * FROM m) AS " + name_
                           : "(" + sql + ") AS " + name_;
  return made;
}

Result<Block> Writer::filter(const algebra::Filter& node) {
  SPAR_ASSIGN(Block made, block(node.input));
  // SQLite takes HAVING without GROUP BY only where the select list has an aggregate.
  if (made.phase > Phase::having || made.one_group) {
    SPAR_ASSIGN(made, wrapped(made));
  }
  SPAR_ASSIGN(const Sql predicate, scalar(node.predicate));
  const bool over_groups = made.phase >= Phase::grouped;
  std::string& clause = over_groups ? made.having : made.where;
  clause += clause.empty() ? predicate.text : " AND " + predicate.at(Binding::and_);
  made.phase = over_groups ? Phase::having : Phase::filtered;
  return made;
}

namespace {

bool mentions(ScalarRef scalar, const std::vector<ColumnId>& columns) {
  const auto column = algebra::as_column(scalar);
  if (column && std::ranges::find(columns, *column) != columns.end()) return true;
  bool found = false;
  algebra::for_each_operand(
      *scalar, [&](ScalarRef operand) { found = found || mentions(operand, columns); });
  return found;
}

}  // namespace

namespace {

bool counts(ScalarRef scalar) {
  const auto* call = std::get_if<algebra::Call>(&scalar->body);
  if (call != nullptr && (call->operation == "nextval" || call->operation == "setval")) return true;
  bool found = false;
  algebra::for_each_operand(*scalar, [&](ScalarRef operand) { found = found || counts(operand); });
  return found;
}

bool sorts(RelationRef relation) {
  if (std::holds_alternative<algebra::Sort>(relation->body)) return true;
  bool found = false;
  algebra::for_each_part(
      *relation, [&](RelationRef input) { found = found || sorts(input); }, [](ScalarRef) {});
  return found;
}

}  // namespace

Result<Block> Writer::projection(RelationRef relation, const algebra::Project& node) {
  SPAR_ASSIGN(Block made, block(node.input));
  // SQLite would take a subquery's ORDER BY for the whole, and count before it sorts.
  if (std::ranges::any_of(node.expressions, counts) && sorts(node.input)) {
    SPAR_ASSIGN(made, wrapped(made, true));
  }
  const bool keeps = std::ranges::equal(node.expressions, relation->columns,
                                        [](ScalarRef expression, ColumnId column) {
                                          return algebra::as_column(expression) == column;
                                        });
  if (keeps && made.phase >= Phase::projected && !made.distinct && made.compound.empty()) {
    made.columns = relation->columns;
    return made;
  }
  // Without GROUP BY it is an aggregate in the select list that makes a group of all rows.
  const bool shows_group = std::ranges::any_of(
      node.expressions, [&](ScalarRef item) { return mentions(item, made.columns); });
  if (made.phase >= Phase::projected || (made.one_group && !shows_group)) {
    SPAR_ASSIGN(made, wrapped(made));
  }
  for (std::size_t i = 0; i < node.expressions.size(); ++i) {
    SPAR_ASSIGN(const Sql expression, scalar(node.expressions[i]));
    names_[relation->columns[i].value] = expression.at(Binding::atom);
  }
  made.columns = relation->columns;
  made.phase = Phase::projected;
  return made;
}

Result<Block> Writer::aggregation(RelationRef relation, const algebra::Aggregate& node) {
  SPAR_ASSIGN(Block made, block(node.input));
  if (made.phase >= Phase::grouped) {
    SPAR_ASSIGN(made, wrapped(made));
  }
  std::vector<std::pair<ColumnId, std::string>> named;
  for (const auto& [column, expression] : node.groups) {
    SPAR_ASSIGN(const Sql key, scalar(expression));
    // A constant would be read as the place of a column.
    const bool constant = algebra::as_constant(expression) != nullptr;
    made.group += made.group.empty() ? "" : ",";
    const std::string compared = key_of(key.text, expression->type);
    made.group += constant ? "NULL" : compared;
    named.emplace_back(column, key.at(Binding::atom));
  }
  for (const algebra::AggregateCall& call : node.calls) {
    SPAR_ASSIGN(std::string sql, aggregate(call));
    named.emplace_back(call.column, std::move(sql));
  }
  for (auto& [column, sql] : named) names_[column.value] = std::move(sql);
  made.columns = relation->columns;
  made.phase = Phase::grouped;
  made.one_group = !node.grouped;
  return made;
}

Result<Block> Writer::distinct(RelationRef relation, const algebra::Distinct& node) {
  SPAR_ASSIGN(Block made, block(node.input));
  if (made.phase != Phase::projected || !made.compound.empty()) {
    SPAR_ASSIGN(made, wrapped(made));
  }
  made.columns = relation->columns;
  if (any_needs_key(made.columns)) return distinct_by_key(made);
  made.distinct = true;
  made.phase = Phase::distinct;
  return made;
}

bool Writer::any_needs_key(const std::vector<ColumnId>& columns) const {
  return std::ranges::any_of(columns, [&](ColumnId id) { return needs_key(arena_.info(id).type); });
}

Result<std::string> Writer::keys_of(const std::vector<ColumnId>& columns) {
  std::string keys;
  for (const ColumnId id : columns) {
    const std::string key = key_of(names_[id.value], arena_.info(id).type);
    keys += (keys.empty() ? "" : ",") + key;
  }
  return keys;
}

// DISTINCT over what is equal by its key: one row a group.
Result<Block> Writer::distinct_by_key(const Block& inner) {
  SPAR_ASSIGN(Block made, wrapped(inner));
  SPAR_ASSIGN(made.group, keys_of(made.columns));
  made.phase = Phase::distinct;
  return made;
}

// SQLite's own order has nulls first, and last with DESC.
std::string Writer::order_suffix(const algebra::SortKey& key) const {
  const auto column = algebra::as_column(key.expression);
  const bool nullable = !column || arena_.info(*column).nullable;
  std::string suffix = key.descending ? " DESC" : "";
  if (nullable && key.nulls_first && key.descending) suffix += " NULLS FIRST";
  if (nullable && !key.nulls_first && !key.descending) suffix += " NULLS LAST";
  return suffix;
}

Result<Block> Writer::sort(const algebra::Sort& node) {
  SPAR_ASSIGN(Block made, block(node.input));
  const bool by_key = std::ranges::any_of(
      node.keys, [](const algebra::SortKey& key) { return needs_key(key.expression->type); });
  if (made.phase >= Phase::sorted || (by_key && !made.compound.empty())) {
    SPAR_ASSIGN(made, wrapped(made));
  }
  for (const algebra::SortKey& key : node.keys) {
    made.order.push_back({key.expression, order_suffix(key)});
  }
  made.phase = Phase::sorted;
  return made;
}

Result<Block> Writer::limit(const algebra::Limit& node) {
  SPAR_ASSIGN(Block made, block(node.input));
  if (made.phase >= Phase::limited) {
    SPAR_ASSIGN(made, wrapped(made));
  }
  const auto part = [&](ScalarRef value, const char* state,
                        const char* word) -> Result<std::string> {
    SPAR_ASSIGN(const Sql sql, scalar(value));
    if (algebra::as_constant(value) != nullptr) return sql.text;
    const std::string raise = "spar_raise(" + quoted(state) + "," +
                              quoted(std::string(word) + " must not be negative") + ")";
    const std::string given = sql.at(Binding::atom);
    const std::string none = word[0] == 'L' ? "-1" : "0";
    return "CASE WHEN " + given + "<0 THEN " + raise + " ELSE coalesce(" + given + "," + none +
           ") END";
  };
  made.limit = " LIMIT ";
  if (node.count != nullptr) {
    SPAR_ASSIGN(const std::string count, part(node.count, "2201W", "LIMIT"));
    made.limit += count;
  } else {
    made.limit += "-1";
  }
  if (node.offset != nullptr) {
    SPAR_ASSIGN(const std::string offset, part(node.offset, "2201X", "OFFSET"));
    made.limit += " OFFSET " + offset;
  }
  made.phase = Phase::limited;
  return made;
}

namespace {

std::string_view hint(const algebra::Cte& cte) {
  switch (cte.materialization) {
    case algebra::Materialization::automatic:
      return "";
    case algebra::Materialization::always:
      return "MATERIALIZED ";
    case algebra::Materialization::never:
      return "NOT MATERIALIZED ";
  }
  return "";
}

}  // namespace

Result<std::string> Writer::with_clause(const algebra::With& node) {
  std::string clause = "WITH ";
  for (const algebra::Cte* cte : node.ctes) {
    SPAR_ASSIGN(const Block inner, block(cte->query));
    SPAR_ASSIGN(const std::string sql, text(inner, &cte->query->columns));
    if (clause.size() > 5) clause += ", ";
    clause +=
        "w" + std::to_string(cte->number) + " AS " + std::string(hint(*cte)) + "(" + sql + ")";
  }
  return clause + " ";
}

Result<Block> Writer::with(const algebra::With& node) {
  SPAR_ASSIGN(std::string clause, with_clause(node));
  SPAR_ASSIGN(Block made, block(node.input));
  if (!made.with.empty()) {
    SPAR_ASSIGN(made, wrapped(made));
  }
  made.with = std::move(clause);
  made.phase = Phase::sealed;
  return made;
}

namespace {

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
  return text;
}

}  // namespace

Result<std::string> Writer::order_text(const Block& made) {
  std::string order;
  for (const OrderKey& key : made.order) {
    const auto column = algebra::as_column(key.expression);
    const auto place = column ? std::ranges::find(made.columns, *column) : made.columns.end();
    std::string item;
    if (needs_key(key.expression->type)) {
      SPAR_ASSIGN(const Sql sql, scalar(key.expression));
      item = key_of(sql.text, key.expression->type);
    } else if (place != made.columns.end()) {
      item = std::to_string(place - made.columns.begin() + 1);
    } else {
      SPAR_ASSIGN(const Sql sql, scalar(key.expression));
      item = sql.text;
      if (item.find_first_not_of("-0123456789") == std::string::npos) continue;  // a constant
    }
    order += (order.empty() ? " ORDER BY " : ",") + item + key.suffix;
  }
  return order;
}

// `labels`: give the columns names, x<id> of these ids, for use as a FROM item.
Result<std::string> Writer::text(const Block& made, const std::vector<ColumnId>* labels) {
  SPAR_ASSIGN(const std::string order, order_text(made));
  if (!made.compound.empty()) return made.with + made.compound + order + made.limit;
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < made.columns.size(); ++i) {
    std::string column = names_[made.columns[i].value];
    if (labels != nullptr) column += " AS x" + std::to_string((*labels)[i].value);
    columns.push_back(std::move(column));
  }
  if (columns.empty()) columns.emplace_back(made.one_group ? "count(*)" : "1");
  std::string sql = made.with + (made.distinct ? "SELECT DISTINCT " : "SELECT ") + joined(columns);
  if (!made.from.empty()) sql += " FROM " + made.from;
  if (!made.where.empty()) sql += " WHERE " + made.where;
  if (!made.group.empty()) sql += " GROUP BY " + made.group;
  if (!made.having.empty()) sql += " HAVING " + made.having;
  return sql + order + made.limit;
}

Result<std::string> Writer::query(RelationRef relation) {
  SPAR_ASSIGN(const Block made, block(relation));
  return text(made, nullptr);
}

// A side of INTERSECT ALL or EXCEPT ALL: equal rows are numbered, which makes a bag a set. All look
// like the first of them, as in PostgreSQL.
Result<std::string> Writer::bag_operand(RelationRef relation) {
  SPAR_ASSIGN(Block inner, block(relation));
  SPAR_ASSIGN(inner, wrapped(inner));
  std::vector<std::string> labelled;
  SPAR_ASSIGN(const std::string keys, keys_of(relation->columns));
  for (const ColumnId id : relation->columns) {
    const bool by_key = needs_key(arena_.info(id).type);
    const std::string& own = names_[id.value];
    const std::string shown =
        by_key ? "first_value(" + own + ") OVER (PARTITION BY " + keys + ")" : own;
    labelled.push_back(shown + " AS x" + std::to_string(id.value));
  }
  return "SELECT " + joined(labelled) + ",row_number() OVER (PARTITION BY " + keys +
         ") AS n FROM " + inner.from;
}

// The same as the FROM of a block; gives the alias.
Result<std::string> Writer::bag_side(RelationRef relation, Block& made) {
  SPAR_ASSIGN(const std::string sql, bag_operand(relation));
  std::string name_ = alias("d");
  for (const ColumnId id : relation->columns) {
    names_[id.value] = name_ + ".x" + std::to_string(id.value);
  }
  made.from = "(" + sql + ") AS " + name_;
  return name_;
}

namespace {

std::string_view set_word(const algebra::SetOp& node) {
  if (node.kind == algebra::SetKind::intersect) return " INTERSECT ";
  if (node.kind == algebra::SetKind::except) return " EXCEPT ";
  return node.all ? " UNION ALL " : " UNION ";
}

bool is_bag(const algebra::SetOp& node) {
  return node.all && node.kind != algebra::SetKind::union_;
}

}  // namespace

// INTERSECT and EXCEPT over what is equal by its key: the left side's groups that have, or have
// not, a partner on the right.
Result<Block> Writer::set_by_key(RelationRef relation, const algebra::SetOp& node) {
  Block made, right;
  std::string partner;
  if (node.all) {
    SPAR_ASSIGN(const std::string a, bag_side(node.left, made));
    SPAR_ASSIGN(const std::string b, bag_side(node.right, right));
    partner = a + ".n=" + b + ".n";
  } else {
    SPAR_ASSIGN(const Block left, block(node.left));
    SPAR_ASSIGN(made, wrapped(left));
    SPAR_ASSIGN(right, block(node.right));
    SPAR_ASSIGN(right, wrapped(right));
  }
  for (std::size_t i = 0; i < relation->columns.size(); ++i) {
    const Type& type = arena_.info(relation->columns[i]).type;
    const std::string a = key_of(names_[node.left->columns[i].value], type);
    const std::string b = key_of(names_[node.right->columns[i].value], type);
    partner += (partner.empty() ? "" : " AND ") + a + " IS " + b;
    names_[relation->columns[i].value] = names_[node.left->columns[i].value];
  }
  const std::string_view exists =
      node.kind == algebra::SetKind::intersect ? "EXISTS" : "NOT EXISTS";
  made.where = std::string(exists) + " (SELECT 1 FROM " + right.from + " WHERE " + partner + ")";
  made.columns = relation->columns;
  made.phase = Phase::filtered;
  if (node.all) return made;
  SPAR_ASSIGN(made.group, keys_of(made.columns));
  made.phase = Phase::distinct;
  return made;
}

Result<Block> Writer::set_operation(RelationRef relation, const algebra::SetOp& node) {
  const bool unites = node.kind == algebra::SetKind::union_;
  const bool by_key = any_needs_key(relation->columns) && !(unites && node.all);
  if (by_key && !unites) return set_by_key(relation, node);
  Block made;
  made.columns = relation->columns;
  if (is_bag(node)) {
    SPAR_ASSIGN(const std::string left, bag_operand(node.left));
    SPAR_ASSIGN(const std::string right, bag_operand(node.right));
    const std::string name_ = alias("d");
    for (std::size_t i = 0; i < made.columns.size(); ++i) {
      names_[made.columns[i].value] = name_ + ".x" + std::to_string(node.left->columns[i].value);
    }
    made.from = "(" + left + std::string(set_word(node)) + right + ") AS " + name_;
    return made;
  }
  made.phase = Phase::projected;
  algebra::SetOp written = node;
  written.all = node.all || by_key;
  SPAR_ASSIGN(made.compound, compound(written, relation->columns));
  for (const ColumnId id : made.columns) names_[id.value] = "x" + std::to_string(id.value);
  return by_key ? distinct_by_key(made) : Result<Block>(std::move(made));
}

// SQLite's compound operators bind from left to right and take no parentheses: the left side may be
// a compound itself, everything else that is not a plain SELECT becomes a subquery.
Result<std::string> Writer::compound(const algebra::SetOp& node,
                                     const std::vector<ColumnId>& labels) {
  const auto* inner = std::get_if<algebra::SetOp>(&node.left->body);
  std::string left;
  const bool by_key = !node.all && any_needs_key(labels);
  if (inner != nullptr && !is_bag(*inner) && !by_key) {
    SPAR_ASSIGN(left, compound(*inner, labels));
  } else {
    SPAR_ASSIGN(left, compound_leaf(node.left, &labels));
  }
  SPAR_ASSIGN(const std::string right, compound_leaf(node.right, nullptr));
  return left + std::string(set_word(node)) + right;
}

Result<std::string> Writer::compound_leaf(RelationRef relation,
                                          const std::vector<ColumnId>* labels) {
  SPAR_ASSIGN(Block made, block(relation));
  if (made.phase > Phase::distinct || !made.compound.empty()) {
    SPAR_ASSIGN(made, wrapped(made));
  }
  return text(made, labels);
}

}  // namespace spar::query::dialect
