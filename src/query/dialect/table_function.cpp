// Functions that give rows: one JSON array (query/functions/rows.h), taken apart by json_each.

#include "query/dialect/writer.h"

namespace spar::query::dialect {

Result<std::string> Writer::rows(RelationRef relation, const algebra::TableFunc& node) {
  std::vector<std::string> arguments;
  for (const ScalarRef item : node.arguments) {
    SPAR_ASSIGN(std::string text, argument(item));
    arguments.push_back(std::move(text));
  }
  SPAR_ASSIGN(const std::string list, function(node.function, arguments));
  const std::string name_ = alias("j");
  const std::size_t own = relation->columns.size() - (node.ordinality ? 1 : 0);
  for (std::size_t i = 0; i < own; ++i) {
    std::string value = name_ + ".value";
    if (own > 1) value = "json_extract(" + value + ",'$[" + std::to_string(i) + "]')";
    const data::Form form = data::form_of(arena_.info(relation->columns[i]).type);
    const bool packed = form == data::Form::real || form == data::Form::blob;
    names_[relation->columns[i].value] = packed ? "spar_unpack(" + value + ")" : value;
  }
  if (node.ordinality) names_[relation->columns.back().value] = "(" + name_ + ".key+1)";
  return "json_each(" + list + ") AS " + name_;
}

}  // namespace spar::query::dialect
