// query/algebra/scalar.h: typed scalar expressions.
//
// Contract    A Scalar is immutable and lives in an Arena. It refers to columns by their globally
//             unique ColumnId, never by position. Every implicit conversion is a Cast of its own,
//             so a dialect never has to know PostgreSQL's coercion rules. Call names an operation
//             of the vocabulary in query/bind/routines.cpp ("add", "upper"), with arguments already
//             of the types that the operation takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "data/datum.h"
#include "data/type.h"
#include "query/statement.h"

namespace spar::query::algebra {

using ColumnId = StrongId<struct ColumnIdTag, std::uint32_t>;

struct Scalar;
struct Relation;
using ScalarRef = const Scalar*;
using RelationRef = const Relation*;

enum class Comparison : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };
Comparison negate(Comparison comparison);   // not (a < b)  is  a >= b
Comparison commute(Comparison comparison);  // a < b  is  b > a
std::string_view symbol(Comparison comparison);

struct ColumnRef {
  ColumnId id;
};
struct Constant {
  data::Datum value;
};
struct Parameter {  // $number
  int number = 0;
};
struct SessionValue {  // what the session binds once a statement
  BoundValue value;
};
struct Call {
  std::string_view operation;  // static storage
  std::vector<ScalarRef> arguments;
};
// To Scalar::type, typmod included.
struct Cast {
  ScalarRef argument;
  bool is_explicit = false;  // CAST truncates text that is too long, an assignment refuses it
};
struct Compare {
  Comparison comparison;
  ScalarRef left, right;
};
struct Logic {  // AND or OR of any number
  bool conjunction;
  std::vector<ScalarRef> terms;
};
struct Not {
  ScalarRef argument;
};
enum class TestKind : std::uint8_t { is_null, is_true, is_false, is_unknown };
struct Test {
  TestKind kind;
  bool negated;
  ScalarRef argument;
};
struct DistinctFrom {  // negated: IS NOT DISTINCT FROM
  bool negated;
  ScalarRef left, right;
};
struct Case {
  std::vector<std::pair<ScalarRef, ScalarRef>> branches;  // condition, result
  ScalarRef otherwise;                                    // never null: a NULL constant
};
struct Coalesce {
  std::vector<ScalarRef> arguments;
};
struct NullIf {  // the first argument, or null when the condition holds
  ScalarRef condition, value;
};
struct InList {
  ScalarRef needle;
  std::vector<ScalarRef> list;
  bool negated;
};
enum class SubqueryKind : std::uint8_t { scalar, exists, any, all };
struct Subquery {
  SubqueryKind kind;
  RelationRef query;
  ColumnId column;             // the one that scalar, any and all look at
  ScalarRef needle = nullptr;  // any, all
  Comparison comparison = Comparison::equal;
};

struct Scalar {
  using Body =
      std::variant<ColumnRef, Constant, Parameter, SessionValue, Call, Cast, Compare, Logic, Not,
                   Test, DistinctFrom, Case, Coalesce, NullIf, InList, Subquery>;
  Body body;
  data::Type type;
  int location = -1;  // byte offset in the statement's text, for messages
  // Nodes in the tree below, shared ones counted as often as they are used (BETWEEN and CASE x WHEN
  // use an operand twice): what walking and writing it costs.
  std::size_t weight = 1;
};

inline constexpr std::size_t kWeightMax = 1'000'000;

// Calls `visit` for each direct scalar operand (a subquery's needle included, its query not).
template <class Visit>
void for_each_operand(const Scalar& scalar, Visit&& visit);

// The same operation on the same operands; subqueries are never equal to anything.
bool same(ScalarRef a, ScalarRef b);

const Constant* as_constant(ScalarRef scalar);
bool is_null_constant(ScalarRef scalar);
std::optional<ColumnId> as_column(ScalarRef scalar);

}  // namespace spar::query::algebra

#include "query/algebra/scalar_visit.h"
