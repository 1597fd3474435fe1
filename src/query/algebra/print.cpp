#include "query/algebra/print.h"

#include <utility>

#include "data/text_format.h"

namespace spar::query::algebra {
namespace {

class Printer {
 public:
  explicit Printer(const Arena& arena) : arena_(arena) {}

  std::string scalar(ScalarRef node) {
    return std::visit([&](const auto& body) { return text(body, *node); }, node->body);
  }

  void relation(RelationRef node, int depth) {
    out_.append(static_cast<std::size_t>(depth) * 2, ' ');
    out_ += std::visit([&](const auto& body) { return line(body, *node); }, node->body) + "\n";
    const std::vector<RelationRef> subqueries = std::exchange(pending_, {});
    for_each_part(*node, [&](RelationRef input) { relation(input, depth + 1); }, [](ScalarRef) {});
    for (const RelationRef subquery : subqueries) {
      out_.append(static_cast<std::size_t>(depth + 1) * 2, ' ');
      out_ += "subquery\n";
      relation(subquery, depth + 2);
    }
  }
  std::string take() { return std::move(out_); }

 private:
  std::string column(ColumnId id) const {
    return arena_.info(id).name + "#" + std::to_string(id.value);
  }
  std::string columns(const std::vector<ColumnId>& ids) const {
    std::string all;
    for (const ColumnId id : ids) all += (all.empty() ? "" : ", ") + column(id);
    return all;
  }
  std::string list(const std::vector<ScalarRef>& scalars) {
    std::string all;
    for (const ScalarRef item : scalars) all += (all.empty() ? "" : ", ") + scalar(item);
    return all;
  }

  std::string text(const ColumnRef& node, const Scalar&) { return column(node.id); }
  std::string text(const Constant& node, const Scalar& whole) {
    if (data::is_null(node.value)) return "null";
    std::string value;
    data::format_text(node.value, whole.type, {}, value);
    return "'" + value + "'::" + data::type_name(whole.type);
  }
  std::string text(const Parameter& node, const Scalar&) {
    return "$" + std::to_string(node.number);
  }
  std::string text(const SessionValue& node, const Scalar&) {
    return "session " + std::to_string(static_cast<int>(node.value));
  }
  std::string text(const Call& node, const Scalar&) {
    return std::string(node.operation) + "(" + list(node.arguments) + ")";
  }
  std::string text(const Cast& node, const Scalar& whole) {
    return "cast(" + scalar(node.argument) + " as " + data::type_name(whole.type) + ")";
  }
  std::string text(const Compare& node, const Scalar&) {
    return scalar(node.left) + " " + std::string(symbol(node.comparison)) + " " +
           scalar(node.right);
  }
  std::string text(const Logic& node, const Scalar&) {
    return std::string(node.conjunction ? "and(" : "or(") + list(node.terms) + ")";
  }
  std::string text(const Not& node, const Scalar&) { return "not(" + scalar(node.argument) + ")"; }
  std::string text(const Test& node, const Scalar&) {
    constexpr std::string_view kKinds[] = {"null", "true", "false", "unknown"};
    return scalar(node.argument) + (node.negated ? " is not " : " is ") +
           std::string(kKinds[static_cast<int>(node.kind)]);
  }
  std::string text(const DistinctFrom& node, const Scalar&) {
    return scalar(node.left) + (node.negated ? " is not distinct from " : " is distinct from ") +
           scalar(node.right);
  }
  std::string text(const Case& node, const Scalar&) {
    std::string all = "case(";
    for (const auto& [condition, result] : node.branches) {
      all += scalar(condition) + " -> " + scalar(result) + ", ";
    }
    return all + "else " + scalar(node.otherwise) + ")";
  }
  std::string text(const Coalesce& node, const Scalar&) {
    return "coalesce(" + list(node.arguments) + ")";
  }
  std::string text(const NullIf& node, const Scalar&) {
    return "nullif(" + scalar(node.value) + ", " + scalar(node.condition) + ")";
  }
  std::string text(const InList& node, const Scalar&) {
    return scalar(node.needle) + (node.negated ? " not in (" : " in (") + list(node.list) + ")";
  }
  std::string text(const Subquery& node, const Scalar&) {
    constexpr std::string_view kKinds[] = {"scalar", "exists", "any", "all"};
    pending_.push_back(node.query);
    std::string all(kKinds[static_cast<int>(node.kind)]);
    if (node.needle == nullptr) return all + " subquery";
    return scalar(node.needle) + " " + std::string(symbol(node.comparison)) + " " + all +
           " subquery";
  }

  std::string line(const Scan& node, const Relation& whole) {
    return "Scan t" + std::to_string(node.table.value) + " [" + columns(whole.columns) + "]";
  }
  std::string line(const Values& node, const Relation& whole) {
    return "Values " + std::to_string(node.rows.size()) + " rows [" + columns(whole.columns) + "]";
  }
  std::string line(const Filter& node, const Relation&) {
    return "Filter " + scalar(node.predicate);
  }
  std::string line(const Project& node, const Relation& whole) {
    std::string all;
    for (std::size_t i = 0; i < whole.columns.size(); ++i) {
      all += (all.empty() ? "" : ", ") + column(whole.columns[i]);
      if (as_column(node.expressions[i]) != whole.columns[i]) {
        all += " = " + scalar(node.expressions[i]);
      }
    }
    return "Project [" + all + "]";
  }
  std::string line(const Join& node, const Relation&) {
    constexpr std::string_view kKinds[] = {"inner", "left", "right", "full",
                                           "semi",  "anti", "mark",  "single"};
    const std::string kind(kKinds[static_cast<int>(node.kind)]);
    return "Join " + kind + (node.condition == nullptr ? "" : " " + scalar(node.condition));
  }
  std::string line(const Aggregate& node, const Relation&) {
    std::string groups, calls;
    for (const auto& [id, expression] : node.groups) {
      groups += (groups.empty() ? "" : ", ") + column(id);
      if (as_column(expression) != id) groups += " = " + scalar(expression);
    }
    for (const AggregateCall& call : node.calls) {
      calls += (calls.empty() ? "" : ", ") + column(call.column) + " = " +
               std::string(call.operation) + "(" + (call.distinct ? "distinct " : "") +
               list(call.arguments) +
               (call.order.empty() ? "" : " order by " + sort_keys(call.order)) + ")";
      if (call.filter != nullptr) calls += " where " + scalar(call.filter);
    }
    return "Aggregate [" + groups + "] [" + calls + "]";
  }
  std::string line(const Window& node, const Relation&) {
    std::string calls;
    for (const WindowCall& call : node.calls) {
      calls += (calls.empty() ? "" : ", ") + column(call.column) + " = " +
               std::string(call.operation) + "(" + list(call.arguments) + ")";
      if (call.filter != nullptr) calls += " where " + scalar(call.filter);
      calls += " over (" + list(call.window.partition);
      if (!call.window.order.empty()) calls += " order by " + sort_keys(call.window.order);
      calls += ")";
    }
    return "Window [" + calls + "]";
  }
  std::string line(const Distinct&, const Relation&) { return "Distinct"; }
  std::string line(const SetOp& node, const Relation& whole) {
    constexpr std::string_view kKinds[] = {"union", "intersect", "except"};
    return "SetOp " + std::string(kKinds[static_cast<int>(node.kind)]) + (node.all ? " all" : "") +
           " [" + columns(whole.columns) + "]";
  }
  std::string line(const Sort& node, const Relation&) { return "Sort " + sort_keys(node.keys); }
  std::string sort_keys(const std::vector<SortKey>& list_of_keys) {
    std::string keys;
    for (const SortKey& key : list_of_keys) {
      keys += (keys.empty() ? "" : ", ") + scalar(key.expression);
      keys += key.descending ? " desc" : "";
      keys += key.nulls_first ? " nulls first" : "";
    }
    return keys;
  }
  std::string line(const Limit& node, const Relation&) {
    std::string text = "Limit";
    if (node.count != nullptr) text += " " + scalar(node.count);
    if (node.offset != nullptr) text += " offset " + scalar(node.offset);
    return text;
  }
  std::string line(const TableFunc& node, const Relation& whole) {
    return "TableFunc " + std::string(node.function) + "(" + list(node.arguments) + ") [" +
           columns(whole.columns) + "]";
  }
  std::string line(const With& node, const Relation&) {
    std::string names;
    for (const Cte* cte : node.ctes) names += (names.empty() ? "" : ", ") + cte->name;
    return "With " + names;
  }
  std::string line(const CteRef& node, const Relation& whole) {
    return "CteRef " + node.cte->name + " [" + columns(whole.columns) + "]";
  }
  std::string line(const Dml& node, const Relation& whole) {
    constexpr std::string_view kKinds[] = {"insert", "update", "delete"};
    std::string text = "Dml " + std::string(kKinds[static_cast<int>(node.kind)]) + " t" +
                       std::to_string(node.table.value);
    for (const Assignment& assignment : node.assignments) {
      text += " c" + std::to_string(assignment.number) + " = " + scalar(assignment.value);
    }
    if (node.predicate != nullptr) text += " where " + scalar(node.predicate);
    if (node.on_conflict) text += " on conflict";
    if (!whole.columns.empty()) text += " returning [" + list(node.returning) + "]";
    return text;
  }

  const Arena& arena_;
  std::string out_;
  std::vector<RelationRef> pending_;  // subqueries of the line just written
};

}  // namespace

std::string print(const Arena& arena, RelationRef relation) {
  Printer printer(arena);
  printer.relation(relation, 0);
  return printer.take();
}

std::string print(const Arena& arena, ScalarRef scalar) {
  return Printer(arena).scalar(scalar);
}

}  // namespace spar::query::algebra
