// LIKE in CREATE TABLE.

#include <algorithm>

#include "query/bind/table_editor.h"

namespace spar::query::bind {

namespace {

// PostgreSQL's TableLikeOption.
constexpr std::uint32_t kComments = 1 << 0, kConstraints = 1 << 2, kDefaults = 1 << 3,
                        kGenerated = 1 << 4, kIdentity = 1 << 5, kIndexes = 1 << 6;

}  // namespace

Result<void> TableEditor::add_like(const PgQuery__TableLikeClause& clause) {
  SPAR_ASSIGN(const data::Table* found, binding_.table(*clause.relation));
  if (found->sequence) {
    return binding_.error("42809", "relation \"" + found->name + "\" is invalid in LIKE clause",
                          clause.relation->location);
  }
  const auto includes = [&](std::uint32_t option) { return (clause.options & option) != 0; };
  std::vector<std::pair<data::ColumnNumber, data::ColumnNumber>> numbers;
  const auto number_of = [&](data::ColumnNumber number) {
    const auto known = std::ranges::find(numbers, number,
                                         &std::pair<data::ColumnNumber, data::ColumnNumber>::first);
    return known == numbers.end() ? data::ColumnNumber{0} : known->second;
  };
  for (const data::Column& source : found->columns) {
    if (table_.column(source.name) != nullptr) {
      return sql_error("42701", "column \"" + source.name + "\" specified more than once");
    }
    data::Column made;
    made.number = table_.next_number();
    table_.last_number = made.number;
    made.name = source.name;
    made.type = source.type;
    made.not_null = source.not_null;
    if (includes(kDefaults)) made.default_sql = source.default_sql;
    if (includes(kGenerated)) made.generated_sql = source.generated_sql;
    if (includes(kIdentity) && source.identity != data::Identity::none) {
      SPAR_TRY(add_identity(made, source.identity == data::Identity::always, {}));
      data::Sequence& sequence = *sequences_.back().sequence;
      const data::Table* original = binding_.catalogue().table(source.sequence);
      if (original == nullptr) return failure(Code::corrupt, "an identity without its sequence");
      const data::Sequence own = sequence;
      sequence = *original->sequence;
      sequence.owner = own.owner;
      sequence.owner_column = own.owner_column;
    }
    numbers.emplace_back(source.number, made.number);
    table_.columns.push_back(std::move(made));
  }
  if (includes(kComments)) {
    for (const data::Comment& comment : found->comments) {
      if (comment.column == 0) continue;
      table_.comments.push_back({number_of(comment.column), comment.text});
    }
  }
  if (includes(kConstraints)) {
    for (data::Check check : found->checks) {
      check.id = ids_.take();
      table_.checks.push_back(std::move(check));
    }
  }
  if (!includes(kIndexes)) return {};
  for (const data::Key& source : found->keys) {
    if (source.primary && table_.primary_key() != nullptr) {
      return sql_error("42P16",
                       "multiple primary keys for table \"" + table_.name + "\" are not allowed");
    }
    data::Key key = source;
    for (data::ColumnNumber& number : key.columns) number = number_of(number);
    const auto named = key.primary ? std::vector<data::ColumnNumber>{} : key.columns;
    key.name = choose_relation_name(binding_, table_, named, key.primary ? "pkey" : "key");
    key.id = ids_.take();
    table_.keys.push_back(std::move(key));
  }
  for (data::Index index : found->indexes) {
    std::string columns;
    for (data::IndexColumn& part : index.columns) {
      if (part.expression_sql) return not_supported("LIKE INCLUDING an index on an expression");
      part.number = number_of(part.number);
      columns += (columns.empty() ? "" : "_") + table_.column(part.number)->name;
    }
    index.name = choose_index_name(binding_, table_, columns);
    index.id = ids_.take();
    table_.indexes.push_back(std::move(index));
  }
  return {};
}

}  // namespace spar::query::bind
