#include <algorithm>

#include "query/dialect/literal.h"
#include "query/dialect/writer.h"

namespace spar::query::dialect {

using algebra::Overloaded;
using algebra::SubqueryKind;

Result<std::string> Writer::atom(ScalarRef value) {
  SPAR_ASSIGN(const Sql sql, scalar(value));
  return sql.at(Binding::atom);
}

// numeric goes into functions in decimal form, whatever form it is stored in; char without blanks.
Result<std::string> Writer::argument(ScalarRef value) {
  SPAR_ASSIGN(const Sql sql, scalar(value));
  if (value->type.id == TypeId::bpchar) return key_of(sql.text, value->type);
  if (!data::is_scaled(value->type)) return sql.text;
  return to_numeric(sql.text, value->type, Type{TypeId::numeric, -1});
}

Result<Sql> Writer::scalar(ScalarRef value) {
  return std::visit(
      Overloaded{
          [&](const algebra::ColumnRef& node) -> Result<Sql> {
            const auto found = names_.find(node.id.value);
            if (found == names_.end()) return sql_error("XX000", "a column has no name in SQL");
            return Sql{found->second};
          },
          [&](const algebra::Constant& node) -> Result<Sql> {
            const std::string text = literal(node.value);
            return Sql{text, text.starts_with('-') ? Binding::additive : Binding::atom};
          },
          [&](const algebra::Parameter& node) -> Result<Sql> {
            return Sql{"?" + std::to_string(node.number)};
          },
          [&](const algebra::SessionValue& node) -> Result<Sql> {
            return Sql{session_value(node.value)};
          },
          [&](const algebra::Call& node) { return call(value, node); },
          [&](const algebra::Cast& node) { return cast(value, node); },
          [&](const algebra::Compare& node) {
            return compare(node.comparison, node.left, node.right);
          },
          [&](const algebra::Logic& node) { return logic(node); },
          [&](const algebra::Not& node) -> Result<Sql> {
            SPAR_ASSIGN(const Sql argument, scalar(node.argument));
            return Sql{"NOT " + argument.at(Binding::comparison), Binding::not_};
          },
          [&](const algebra::Test& node) { return test(node); },
          [&](const algebra::DistinctFrom& node) { return distinct_from(node); },
          [&](const algebra::Case& node) { return case_expression(node); },
          [&](const algebra::Coalesce& node) -> Result<Sql> {
            SPAR_ASSIGN(const std::string arguments, list(node.arguments));
            return Sql{"coalesce(" + arguments + ")"};
          },
          [&](const algebra::NullIf& node) -> Result<Sql> {
            SPAR_ASSIGN(const Sql condition, scalar(node.condition));
            SPAR_ASSIGN(const Sql result, scalar(node.value));
            return Sql{"CASE WHEN " + condition.text + " THEN NULL ELSE " + result.text + " END"};
          },
          [&](const algebra::InList& node) { return in_list(node); },
          [&](const algebra::Subquery& node) { return subquery(node); },
      },
      value->body);
}

std::string Writer::session_value(BoundValue value) {
  auto known = std::ranges::find(bound_, value);
  if (known == bound_.end() || value == BoundValue::random) {
    bound_.push_back(value);
    known = bound_.end() - 1;
  }
  const auto index = static_cast<std::size_t>(known - bound_.begin());
  return "?" + std::to_string(options_.parameters + index + 1);
}

// SQLite's grammar makes a left-deep tree of a AND b AND c, at most 1000 deep: long chains are cut
// into groups.
Result<Sql> Writer::logic(const algebra::Logic& node) {
  constexpr std::size_t kGroup = 400;
  const std::string_view word = node.conjunction ? " AND " : " OR ";
  const Binding binding = node.conjunction ? Binding::and_ : Binding::or_;
  std::string text;
  for (std::size_t i = 0; i < node.terms.size(); ++i) {
    SPAR_ASSIGN(const Sql term, scalar(node.terms[i]));
    const bool grouped = node.terms.size() > kGroup;
    if (grouped && i % kGroup == 0)
      text += i == 0 ? "(" : std::string(")") + std::string(word) + "(";
    if (i > 0 && (!grouped || i % kGroup != 0)) text += word;
    text += term.at(term.binding == binding ? Binding::not_ : binding);
  }
  if (node.terms.size() > kGroup) text += ")";
  return Sql{std::move(text), binding};
}

Result<Sql> Writer::test(const algebra::Test& node) {
  SPAR_ASSIGN(const Sql argument, scalar(node.argument));
  const std::string operand = argument.at(Binding::bits);
  const std::string_view is = node.negated ? " IS NOT " : " IS ";
  std::string_view what = "NULL";
  if (node.kind == algebra::TestKind::is_true) what = "1";
  if (node.kind == algebra::TestKind::is_false) what = "0";
  return Sql{operand + std::string(is) + std::string(what), Binding::comparison};
}

Result<Sql> Writer::case_expression(const algebra::Case& expression) {
  std::string text = "CASE";
  for (const auto& [condition, result] : expression.branches) {
    SPAR_ASSIGN(const Sql when, scalar(condition));
    SPAR_ASSIGN(const Sql then, scalar(result));
    text += " WHEN " + when.text + " THEN " + then.text;
  }
  SPAR_ASSIGN(const Sql otherwise, scalar(expression.otherwise));
  return Sql{text + " ELSE " + otherwise.text + " END"};
}

Result<std::string> Writer::list(const std::vector<ScalarRef>& scalars) {
  std::string text;
  for (const ScalarRef item : scalars) {
    SPAR_ASSIGN(const Sql sql, scalar(item));
    if (!text.empty()) text += ',';
    text += sql.text;
  }
  return text;
}

Result<Sql> Writer::subquery(const algebra::Subquery& node) {
  switch (node.kind) {
    case SubqueryKind::scalar:
      return scalar_subquery(node);
    case SubqueryKind::exists: {
      SPAR_ASSIGN(const std::string inner, query(node.query));
      return Sql{"EXISTS (" + inner + ")"};
    }
    default:
      return quantified(node);
  }
}

namespace {

// Whether the query gives at most one row, whatever the tables hold.
bool one_row(RelationRef relation) {
  return std::visit(Overloaded{
                        [](const algebra::Aggregate& node) { return !node.grouped; },
                        [](const algebra::Values& node) { return node.rows.size() <= 1; },
                        [](const algebra::Project& node) { return one_row(node.input); },
                        [](const algebra::Filter& node) { return one_row(node.input); },
                        [](const algebra::Sort& node) { return one_row(node.input); },
                        [](const algebra::Distinct& node) { return one_row(node.input); },
                        [](const algebra::With& node) { return one_row(node.input); },
                        [](const algebra::Limit& node) {
                          const auto* count =
                              node.count ? algebra::as_constant(node.count) : nullptr;
                          if (count == nullptr) return one_row(node.input);
                          return std::get<std::int64_t>(count->value) <= 1;
                        },
                        [](const auto&) { return false; },
                    },
                    relation->body);
}

}  // namespace

// SQLite takes the first row of several; PostgreSQL refuses them.
Result<Sql> Writer::scalar_subquery(const algebra::Subquery& node) {
  SPAR_ASSIGN(Block inner, block(node.query));
  if (one_row(node.query)) {
    SPAR_ASSIGN(const std::string sql, text(inner, nullptr));
    return Sql{"(" + sql + ")"};
  }
  SPAR_ASSIGN(inner, wrapped(inner));
  SPAR_ASSIGN(const std::string raise,
              function("spar_raise",
                       {quoted("21000"),
                        quoted("more than one row returned by a subquery used as an expression")}));
  return Sql{"(SELECT CASE WHEN count(*)>1 THEN " + raise + " ELSE max(" +
             names_[node.column.value] + ") END FROM " + inner.from + ")"};
}

Result<Sql> Writer::quantified(const algebra::Subquery& node) {
  const bool any = node.kind == SubqueryKind::any;
  SPAR_ASSIGN(const std::string left, comparable(node.needle, false));
  const Type& type = arena_.info(node.column).type;
  const Comparison plain = any ? Comparison::equal : Comparison::not_equal;
  if (node.comparison == plain && !needs_key(type)) {
    SPAR_ASSIGN(const std::string inner, query(node.query));
    return Sql{left + (any ? " IN (" : " NOT IN (") + inner + ")", Binding::comparison};
  }
  SPAR_ASSIGN(Block rows, block(node.query));
  SPAR_ASSIGN(rows, wrapped(rows));
  const std::string column = key_of(names_[node.column.value], type);
  const std::string test = left + std::string(algebra::symbol(node.comparison)) + column;
  const std::string tests = "(SELECT " + test + " AS b FROM " + rows.from + ")";
  const std::string decided = any ? "max(b)=1 THEN 1" : "min(b)=0 THEN 0";
  return Sql{"(SELECT CASE WHEN " + decided + " WHEN count(*)>count(b) THEN NULL ELSE " +
             (any ? "0" : "1") + " END FROM " + tests + ")"};
}

}  // namespace spar::query::dialect
