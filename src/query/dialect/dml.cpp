// INSERT, UPDATE, DELETE, and the statement as a whole.

#include <algorithm>

#include "query/dialect/check.h"
#include "query/dialect/literal.h"
#include "query/dialect/writer.h"

namespace spar::query::dialect {
namespace {

std::string column_name(data::ColumnNumber number) {
  return "c" + std::to_string(number);
}
std::string table_name(ObjectId table) {
  return "t" + std::to_string(table.value);
}

std::string column_list(const std::vector<data::ColumnNumber>& numbers) {
  std::string text;
  for (const data::ColumnNumber number : numbers) {
    text += (text.empty() ? "" : ",") + column_name(number);
  }
  return text;
}

// How many relations an alias would have to tell apart.
std::size_t sources(RelationRef relation);

std::size_t sources(ScalarRef scalar) {
  std::size_t count = 0;
  if (const auto* subquery = std::get_if<algebra::Subquery>(&scalar->body)) {
    count += 1 + sources(subquery->query);
  }
  algebra::for_each_operand(*scalar, [&](ScalarRef operand) { count += sources(operand); });
  return count;
}

std::size_t sources(RelationRef relation) {
  const bool plain = std::holds_alternative<algebra::Filter>(relation->body) ||
                     std::holds_alternative<algebra::Project>(relation->body) ||
                     std::holds_alternative<algebra::Sort>(relation->body) ||
                     std::holds_alternative<algebra::Limit>(relation->body) ||
                     std::holds_alternative<algebra::Aggregate>(relation->body) ||
                     std::holds_alternative<algebra::Distinct>(relation->body);
  std::size_t count = plain ? 0 : 1;
  algebra::for_each_part(
      *relation, [&](RelationRef input) { count += sources(input); },
      [&](ScalarRef scalar) { count += sources(scalar); });
  return count;
}

}  // namespace

Result<std::string> Writer::statement(RelationRef relation) {
  bare_names_ = sources(relation) <= 1;
  const auto* clause = std::get_if<algebra::With>(&relation->body);
  const RelationRef inner = clause == nullptr ? relation : clause->input;
  const auto* node = std::get_if<algebra::Dml>(&inner->body);
  if (node == nullptr) return query(relation);
  std::string prefix;
  if (clause != nullptr) {
    SPAR_ASSIGN(prefix, with_clause(*clause));
  }
  SPAR_ASSIGN(const std::string text, dml(*node));
  return prefix + text;
}

Result<std::string> Writer::dml(const algebra::Dml& node) {
  const std::string table = table_name(node.table);
  for (std::size_t i = 0; i < node.target_columns.size(); ++i) {
    const std::string column = column_name(node.target_numbers[i]);
    names_[node.target_columns[i].value] = bare_names_ ? column : table + "." + column;
  }
  Result<std::string> body;
  if (node.kind == algebra::DmlKind::insert) body = insert(node);
  if (node.kind == algebra::DmlKind::update) body = update(node);
  if (node.kind == algebra::DmlKind::erase) body = erase(node);
  SPAR_ASSIGN(std::string text, std::move(body));
  SPAR_ASSIGN(const std::string tail, returning(node));
  return text + tail;
}

// An INTEGER PRIMARY KEY takes null for "choose one"; here null is an error like any other.
Result<std::string> Writer::stored(const algebra::Dml& node, data::ColumnNumber number,
                                   ScalarRef value) {
  SPAR_ASSIGN(const Sql sql, scalar(value));
  const data::Table* table = catalogue_.table(node.table);
  if (table == nullptr || table->identity_column != number) return sql.text;
  const algebra::Constant* constant = algebra::as_constant(value);
  if (constant != nullptr && !data::is_null(constant->value)) return sql.text;
  const std::string message = "null value in column \"" + table->column(number)->name +
                              "\" of relation \"" + table->name + "\" violates not-null constraint";
  SPAR_ASSIGN(std::string raise, function("spar_raise", {quoted("23502"), quoted(message)}));
  if (constant != nullptr) return raise;
  return "coalesce(" + sql.text + "," + raise + ")";
}

Result<std::string> Writer::insert(const algebra::Dml& node) {
  std::string text =
      "INSERT INTO " + table_name(node.table) + "(" + column_list(node.inserted) + ") ";
  if (const auto* values_ = std::get_if<algebra::Values>(&node.source->body)) {
    text += "VALUES ";
    for (const auto& row : values_->rows) {
      if (&row != &values_->rows.front()) text += ',';
      text += '(';
      for (std::size_t i = 0; i < row.size(); ++i) {
        SPAR_ASSIGN(const std::string value, stored(node, node.inserted[i], row[i]));
        text += (i == 0 ? "" : ",") + value;
      }
      text += ')';
    }
  } else {
    SPAR_ASSIGN(Block made, block(node.source));
    // The conflict clause must not be taken for a join's ON: SQLite asks for a WHERE before it.
    if (made.phase > Phase::projected || !made.with.empty() || !made.compound.empty()) {
      SPAR_ASSIGN(made, wrapped(made));
    }
    if (made.where.empty() && made.group.empty() && !made.from.empty()) made.where = "1";
    SPAR_ASSIGN(const std::string rows, this->text(made, nullptr));
    text += rows;
  }
  SPAR_ASSIGN(const std::string conflict, on_conflict(node));
  return text + conflict;
}

Result<std::string> Writer::assignments(const algebra::Dml& node,
                                        const std::vector<algebra::Assignment>& list) {
  std::string text;
  for (const algebra::Assignment& assignment : list) {
    SPAR_ASSIGN(const std::string value, stored(node, assignment.number, assignment.value));
    text += (text.empty() ? "" : ",") + column_name(assignment.number) + "=" + value;
  }
  return text;
}

Result<std::string> Writer::on_conflict(const algebra::Dml& node) {
  if (!node.on_conflict) return "";
  const algebra::OnConflict& clause = *node.on_conflict;
  for (std::size_t i = 0; i < clause.excluded.size(); ++i) {
    names_[clause.excluded[i].value] = "excluded." + column_name(node.target_numbers[i]);
  }
  std::string text = " ON CONFLICT";
  if (!clause.target.empty()) {
    const data::Table* table = catalogue_.table(node.table);
    std::string target;
    for (const data::ColumnNumber number : clause.target) {
      target +=
          (target.empty() ? "(" : ",") + key_of(column_name(number), table->column(number)->type);
    }
    text += target + ")";
    if (!clause.target_predicate.empty()) {
      SPAR_ASSIGN(const std::string predicate, render_predicate(*table, clause.target_predicate));
      text += " WHERE " + predicate;
    }
  }
  if (clause.assignments.empty()) return text + " DO NOTHING";
  SPAR_ASSIGN(const std::string set, assignments(node, clause.assignments));
  text += " DO UPDATE SET " + set;
  if (clause.predicate != nullptr) {
    SPAR_ASSIGN(const Sql predicate, scalar(clause.predicate));
    text += " WHERE " + predicate.text;
  }
  return text;
}

Result<std::string> Writer::update(const algebra::Dml& node) {
  std::string from;
  if (node.source != nullptr) {
    SPAR_ASSIGN(const std::string items, source(node.source));
    from = " FROM " + items;
  }
  SPAR_ASSIGN(const std::string set, assignments(node, node.assignments));
  std::string text = "UPDATE " + table_name(node.table) + " SET " + set + from;
  if (node.predicate != nullptr) {
    SPAR_ASSIGN(const Sql predicate, scalar(node.predicate));
    text += " WHERE " + predicate.text;
  }
  return text;
}

// SQLite has no DELETE ... USING: the rows that have a partner are those for which one exists.
Result<std::string> Writer::erase(const algebra::Dml& node) {
  std::string text = "DELETE FROM " + table_name(node.table);
  std::string condition;
  if (node.source != nullptr) {
    SPAR_ASSIGN(const std::string items, source(node.source));
    condition = " WHERE EXISTS (SELECT 1 FROM " + items;
  }
  if (node.predicate != nullptr) {
    SPAR_ASSIGN(const Sql predicate, scalar(node.predicate));
    condition += " WHERE " + predicate.text;
  }
  if (node.source != nullptr) condition += ")";
  return text + condition;
}

namespace {

bool mentions_others(ScalarRef scalar, const std::vector<ColumnId>& own) {
  const auto column = algebra::as_column(scalar);
  if (column && std::ranges::find(own, *column) == own.end()) return true;
  bool found = false;
  algebra::for_each_operand(
      *scalar, [&](ScalarRef operand) { found = found || mentions_others(operand, own); });
  return found;
}

}  // namespace

Result<std::string> Writer::returning(const algebra::Dml& node) {
  if (node.returning.empty()) return "";
  for (const ScalarRef item : node.returning) {
    if (mentions_others(item, node.target_columns)) {
      return not_supported("RETURNING columns of other tables");
    }
  }
  SPAR_ASSIGN(const std::string items, list(node.returning));
  return " RETURNING " + items;
}

Result<RenderedSql> render(const algebra::Arena& arena, const data::Catalogue& catalogue,
                           RelationRef relation, const RenderOptions& options) {
  Writer writer(arena, catalogue, options);
  SPAR_ASSIGN(std::string sql, writer.statement(relation));
  return RenderedSql{std::move(sql), writer.bound()};
}

Result<RenderedSql> render_rewrite(const algebra::Arena& arena, const data::Catalogue& catalogue,
                                   ObjectId table, const std::vector<algebra::Assignment>& values,
                                   const std::vector<ColumnId>& columns,
                                   const RenderOptions& options) {
  Writer writer(arena, catalogue, options);
  for (const ColumnId id : columns) writer.name(id, column_name(arena.info(id).number));
  std::string sql = "UPDATE " + table_name(table) + " SET ";
  for (const algebra::Assignment& assignment : values) {
    SPAR_ASSIGN(const Sql value, writer.scalar(assignment.value));
    if (sql.back() != ' ') sql += ',';
    sql += column_name(assignment.number) + "=" + value.text;
  }
  return RenderedSql{std::move(sql), writer.bound()};
}

Result<std::string> render_expression(const algebra::Arena& arena, ScalarRef scalar,
                                      const std::vector<ColumnId>& columns) {
  const data::Catalogue empty;
  const RenderOptions options;
  Writer writer(arena, empty, options);
  for (const ColumnId id : columns) writer.name(id, column_name(arena.info(id).number));
  SPAR_ASSIGN(Sql sql, writer.scalar(scalar));
  // What the session binds has no value in the catalogue.
  if (!writer.bound().empty()) return not_supported("now() or random() in a CHECK constraint");
  return std::move(sql.text);
}

}  // namespace spar::query::dialect
