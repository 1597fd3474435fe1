// Arrays to and from joined texts, and arrays as rows.
#include <algorithm>

#include "data/characters.h"
#include "query/functions/array_items.h"
#include "query/functions/families.h"
#include "query/functions/rows.h"
#include "query/functions/split_text.h"

namespace spar::query::functions {
namespace {

using data::Array;

data::TypeId type_at(Arguments arguments, std::size_t i) {
  return static_cast<data::TypeId>(integer_at(arguments, i));
}

// ---- texts

// spar_array_to_string(array, delimiter, null text or null, array's oid, typmod)
Result<Datum> to_string(Arguments arguments) {
  if (null_at(arguments, 0) || null_at(arguments, 1)) return Datum{};
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  const data::Type type = data::element_type(
      {type_at(arguments, 3), static_cast<std::int32_t>(integer_at(arguments, 4))});
  std::string text;
  bool any = false;
  for (const Datum& element : array.elements) {
    const bool null = data::is_null(element);
    if (null && null_at(arguments, 2)) continue;
    if (any) text += text_at(arguments, 1);
    any = true;
    if (null) {
      text += text_at(arguments, 2);
    } else {
      data::format_text(element, type, {}, text);
    }
  }
  return Datum(std::move(text));
}

// string_to_array(text, delimiter[, null text])
Result<Datum> from_string(Arguments arguments) {
  if (null_at(arguments, 0)) return Datum{};
  std::vector<Datum> pieces;
  split_text(arguments, [&](Datum piece) { pieces.push_back(std::move(piece)); });
  if (pieces.empty()) return array_datum(Array());
  return array_datum(Array::list(std::move(pieces)));
}

// ---- rows

Result<Datum> unnest(Arguments arguments) {
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  RowList rows;
  for (const Datum& element : array.elements) rows.add(element);
  return rows.finish();
}

// unnest(a, b, ...): the shorter ones are filled up with nulls.
Result<Datum> unnest_several(Arguments arguments) {
  std::vector<Array> arrays;
  std::size_t most = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    SPAR_ASSIGN(Array array, array_at(arguments, i));
    most = std::max(most, array.elements.size());
    arrays.push_back(std::move(array));
  }
  RowList rows;
  for (std::size_t row = 0; row < most && !rows.full(); ++row) {
    std::vector<Datum> values;
    for (const Array& array : arrays) {
      values.push_back(row < array.elements.size() ? array.elements[row] : Datum{});
    }
    rows.add_row(values);
  }
  return rows.finish();
}

// For ANY and ALL: a null array is as one unknown element.
Result<Datum> unnest_any(Arguments arguments) {
  RowList rows;
  if (null_at(arguments, 0)) {
    rows.add(Datum{});
    return rows.finish();
  }
  return unnest(arguments);
}

Result<Datum> subscripts(Arguments arguments) {
  RowList rows;
  if (null_at(arguments, 0) || null_at(arguments, 1)) return rows.finish();
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  const std::int64_t wanted = integer_at(arguments, 1);
  if (wanted < 1 || static_cast<std::size_t>(wanted) > array.dimensions.size()) {
    return rows.finish();
  }
  const Array::Dimension& d = array.dimensions[static_cast<std::size_t>(wanted) - 1];
  const bool reverse =
      arguments.size() > 2 && !null_at(arguments, 2) && integer_at(arguments, 2) != 0;
  if (arguments.size() > 2 && null_at(arguments, 2)) return rows.finish();
  for (std::int32_t i = 0; i < d.length; ++i) {
    rows.add(std::int64_t{d.lower} + (reverse ? d.length - 1 - i : i));
  }
  return rows.finish();
}

constexpr ScalarEntry kEntries[] = {
    {"spar_array_to_string", 5, true, to_string},
    {"spar_string_to_array", 2, true, from_string},
    {"spar_string_to_array", 3, true, from_string},
    {"spar_rows_unnest", 1, true, unnest},
    {"spar_rows_unnest_several", -1, true, unnest_several},
    {"spar_rows_any", 1, true, unnest_any},
    {"spar_rows_subscripts", 2, true, subscripts},
    {"spar_rows_subscripts", 3, true, subscripts},
};

}  // namespace

std::span<const ScalarEntry> array_row_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
