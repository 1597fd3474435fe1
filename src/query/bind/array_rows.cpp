// Operators of arrays, one row a type.

#include "query/bind/routine_rows.h"

namespace spar::query::bind {

using enum TypeId;

void add_array_operators(std::vector<Operator>& rows) {
  constexpr TypeId kElements[] = {boolean, bytea, character, name,    int2,      int4,
                                  int8,    text,  bpchar,    varchar, oid,       float4,
                                  float8,  date,  time,      uuid,    timestamp, timestamptz,
                                  numeric, json,  jsonb,     interval};
  for (const TypeId element : kElements) {
    const TypeId array = data::array_of(element);
    rows.push_back({"||", {array, array}, array, "spar_array_cat"});
    rows.push_back({"||", {array, element}, array, "spar_array_append"});
    rows.push_back({"||", {element, array}, array, "spar_array_prepend"});
    if (element == json) continue;
    for (const std::string_view symbol : {"=", "<>", "<", "<=", ">", ">="}) {
      rows.push_back({symbol, {array, array}, boolean, symbol});
    }
    if (element == jsonb) continue;  // equal ones may differ as texts
    rows.push_back({"@>", {array, array}, boolean, "array_contains"});
    rows.push_back({"<@", {array, array}, boolean, "array_contained"});
    rows.push_back({"&&", {array, array}, boolean, "array_shares"});
  }
}

}  // namespace spar::query::bind
