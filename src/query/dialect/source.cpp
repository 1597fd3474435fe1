// FROM items: tables, joins, VALUES, common table expressions, series.

#include <algorithm>

#include "query/dialect/literal.h"
#include "query/dialect/writer.h"

namespace spar::query::dialect {

using algebra::JoinKind;
using algebra::Overloaded;

namespace {

std::string column_name(data::ColumnNumber number) {
  return "c" + std::to_string(number);
}
std::string table_name(ObjectId table) {
  return "t" + std::to_string(table.value);
}

}  // namespace

Result<std::string> Writer::source(RelationRef relation) {
  return std::visit(Overloaded{
                        [&](const algebra::Scan& node) { return scan(relation, node); },
                        [&](const algebra::Values& node) { return values(relation, node); },
                        [&](const algebra::TableFunc& node) {
                          return node.function == "generate_series" ? series(relation, node)
                                                                    : rows(relation, node);
                        },
                        [&](const algebra::Join& node) { return join(node); },
                        [&](const algebra::CteRef& node) -> Result<std::string> {
                          const std::string name_ = alias("a");
                          for (std::size_t i = 0; i < relation->columns.size(); ++i) {
                            const ColumnId inner = node.cte->query->columns[i];
                            names_[relation->columns[i].value] =
                                name_ + ".x" + std::to_string(inner.value);
                          }
                          return "w" + std::to_string(node.cte->number) + " AS " + name_;
                        },
                        [&](const auto&) -> Result<std::string> {
                          SPAR_ASSIGN(Block inner, block(relation));
                          SPAR_ASSIGN(inner, wrapped(inner));
                          return std::move(inner.from);
                        },
                    },
                    relation->body);
}

Result<std::string> Writer::scan(RelationRef relation, const algebra::Scan& node) {
  const std::string name_ = bare_names_ ? "" : alias("a");
  for (std::size_t i = 0; i < relation->columns.size(); ++i) {
    const std::string column = column_name(node.numbers[i]);
    names_[relation->columns[i].value] = bare_names_ ? column : name_ + "." + column;
  }
  return table_name(node.table) + (bare_names_ ? "" : " AS " + name_);
}

Result<std::string> Writer::values(RelationRef relation, const algebra::Values& node) {
  if (relation->columns.empty()) {  // SELECT without FROM, as a side of a join
    return "(SELECT 1) AS " + alias("v");
  }
  std::string rows;
  for (const auto& row : node.rows) {
    SPAR_ASSIGN(const std::string items, list(row));
    rows += (rows.empty() ? "(" : ",(") + items + ")";
  }
  const std::string name_ = alias("v");
  for (std::size_t i = 0; i < relation->columns.size(); ++i) {
    names_[relation->columns[i].value] = name_ + ".column" + std::to_string(i + 1);
  }
  return "(VALUES " + rows + ") AS " + name_;
}

// generate_series by recursion: SQLite's own is not in the library.
Result<std::string> Writer::series(RelationRef relation, const algebra::TableFunc& node) {
  std::vector<std::string> parts;
  for (const ScalarRef argument_ : node.arguments) {
    SPAR_ASSIGN(std::string part, atom(argument_));
    parts.push_back(std::move(part));
  }
  std::string first = "SELECT " + parts[0] + "," + parts[1] + ",1";
  if (parts.size() == 3) {
    SPAR_ASSIGN(const std::string raise,
                function("spar_raise", {quoted("22023"), quoted("step size cannot equal zero")}));
    first = "SELECT a,b,CASE c WHEN 0 THEN " + raise + " ELSE c END FROM (SELECT " + parts[0] +
            " AS a," + parts[1] + " AS b," + parts[2] + " AS c)";
  }
  const std::string name_ = alias("s");
  names_[relation->columns.front().value] = name_ + ".v";
  return "(WITH RECURSIVE s(v,e,i) AS (" + first +
         " UNION ALL SELECT v+i,e,i FROM s WHERE i>0 AND v<=e-i OR i<0 AND v>=e-i)"
         " SELECT v FROM s WHERE i>0 AND v<=e OR i<0 AND v>=e) AS " +
         name_;
}

// Whether the relation is a chain of inner and left joins that may follow another FROM item without
// parentheses (which SQLite would run as a subquery).
bool Writer::chains(RelationRef relation) {
  const auto* node = std::get_if<algebra::Join>(&relation->body);
  if (node == nullptr) return true;
  if (node->kind != JoinKind::inner && node->kind != JoinKind::left) return false;
  return chains(node->left) && !std::holds_alternative<algebra::Join>(node->right->body);
}

// As the right side of a join.
Result<std::string> Writer::join_side(RelationRef side, bool flat) {
  SPAR_ASSIGN(std::string from, source(side));
  const bool joined = std::holds_alternative<algebra::Join>(side->body);
  return joined && !flat ? "(" + from + ")" : from;
}

// Never CROSS JOIN: that word fixes the order in which SQLite joins.
Result<std::string> Writer::join(const algebra::Join& node) {
  const bool flat = node.kind == JoinKind::inner && node.condition == nullptr && chains(node.right);
  SPAR_ASSIGN(const std::string left, source(node.left));
  SPAR_ASSIGN(const std::string right, join_side(node.right, flat));
  std::string_view word = " JOIN ";
  switch (node.kind) {
    case JoinKind::inner:
      break;
    case JoinKind::left:
      word = " LEFT JOIN ";
      break;
    case JoinKind::right:
      word = " RIGHT JOIN ";
      break;
    case JoinKind::full:
      word = " FULL JOIN ";
      break;
    default:
      return not_supported("a semi-join in SQL text");
  }
  std::string text = left + std::string(word) + right;
  if (node.condition != nullptr) {
    SPAR_ASSIGN(const Sql condition, scalar(node.condition));
    text += " ON " + condition.text;
  } else if (node.kind != JoinKind::inner) {
    text += " ON 1";
  }
  return text;
}

}  // namespace spar::query::dialect
