// Functions of arrays. Elements come and go in their storage form, numerics as decimals.
#include <algorithm>

#include "data/array.h"
#include "data/calendar.h"
#include "query/functions/arguments.h"
#include "query/functions/array_items.h"
#include "query/functions/families.h"

namespace spar::query::functions {

using data::Array;

Result<Array> array_at(Arguments arguments, std::size_t i) {
  if (null_at(arguments, i)) return Array();
  return data::array_from_blob(blob_at(arguments, i));
}
Datum array_datum(const Array& array) {
  return data::Blob{data::array_to_blob(array)};
}

// Equal as SQL has it: numerics and intervals by their keys. jsonb is compared elsewhere.
bool same_element(const Datum& a, const Datum& b, data::TypeId element) {
  const auto *x = std::get_if<data::Blob>(&a), *y = std::get_if<data::Blob>(&b);
  if (x == nullptr || y == nullptr) return a == b;
  if (element == data::TypeId::numeric) {
    return data::numeric_key(x->bytes) == data::numeric_key(y->bytes);
  }
  if (element == data::TypeId::interval) {
    return data::interval_key(data::interval_from_blob(x->bytes)) ==
           data::interval_key(data::interval_from_blob(y->bytes));
  }
  return a == b;
}

namespace {

data::TypeId type_at(Arguments arguments, std::size_t i) {
  return static_cast<data::TypeId>(integer_at(arguments, i));
}

Failure too_large() {
  return sql_error("54000", "array size exceeds the maximum allowed (134217727)");
}

// spar_array(a, b, ...): ARRAY[a, b, ...]
Result<Datum> make(Arguments arguments) {
  return array_datum(Array::list({arguments.begin(), arguments.end()}));
}

// spar_array_of_arrays(a, b, ...): ARRAY[ARRAY[...], ...]
Result<Datum> make_nested(Arguments arguments) {
  Array made;
  bool any = false, empty = false;
  std::vector<Array::Dimension> shape;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (null_at(arguments, i)) {
      empty = true;
      continue;
    }
    SPAR_ASSIGN(Array part, array_at(arguments, i));
    if (part.dimensions.empty()) {
      empty = true;
      continue;
    }
    if (any && part.dimensions != shape) {
      return sql_error("2202E",
                       "multidimensional arrays must have array expressions with matching "
                       "dimensions");
    }
    any = true;
    shape = part.dimensions;
    std::ranges::move(part.elements, std::back_inserter(made.elements));
  }
  if (!any) return array_datum(Array());
  if (empty) {
    return sql_error(
        "2202E", "multidimensional arrays must have array expressions with matching dimensions");
  }
  if (shape.size() + 1 > data::kArrayDimensionsMax) {
    return sql_error("54000", "number of array dimensions (" + std::to_string(shape.size() + 1) +
                                  ") exceeds the maximum allowed (6)");
  }
  made.dimensions.push_back({static_cast<std::int32_t>(arguments.size()), 1});
  made.dimensions.insert(made.dimensions.end(), shape.begin(), shape.end());
  return array_datum(made);
}

// ---- subscripts

Result<Datum> get(Arguments arguments) {
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  if (array.dimensions.size() != arguments.size() - 1) return Datum{};
  std::size_t place = 0;
  for (std::size_t i = 0; i < array.dimensions.size(); ++i) {
    const Array::Dimension& d = array.dimensions[i];
    const std::int64_t offset = integer_at(arguments, i + 1) - d.lower;
    if (offset < 0 || offset >= d.length) return Datum{};
    place = place * static_cast<std::size_t>(d.length) + static_cast<std::size_t>(offset);
  }
  return array.elements[place];
}

struct Slice {
  std::vector<std::int64_t> first, count;  // offsets, beside the dimensions
};

// Copies the slice's elements in order.
void copy_slice(const Array& array, const Slice& slice, std::size_t depth, std::size_t base,
                std::vector<Datum>& out) {
  for (std::int64_t i = 0; i < slice.count[depth]; ++i) {
    const std::size_t place = base * static_cast<std::size_t>(array.dimensions[depth].length) +
                              static_cast<std::size_t>(slice.first[depth] + i);
    if (depth + 1 < array.dimensions.size()) {
      copy_slice(array, slice, depth + 1, place, out);
    } else {
      out.push_back(array.elements[place]);
    }
  }
}

// spar_array_slice(array, low, high, ...): a text stands for a bound that is not given.
Result<Datum> slice(Arguments arguments) {
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  const std::size_t given = (arguments.size() - 1) / 2;
  if (array.dimensions.size() < given || array.dimensions.empty()) return array_datum(Array());
  Slice wanted;
  Array made;
  for (std::size_t i = 0; i < array.dimensions.size(); ++i) {
    const Array::Dimension& d = array.dimensions[i];
    std::int64_t low = d.lower, high = std::int64_t{d.lower} + d.length - 1;
    if (i < given) {
      const auto* from = std::get_if<std::int64_t>(&arguments[1 + 2 * i]);
      const auto* to = std::get_if<std::int64_t>(&arguments[2 + 2 * i]);
      if (from != nullptr) low = std::max(low, *from);
      if (to != nullptr) high = std::min(high, *to);
    }
    if (low > high) return array_datum(Array());
    wanted.first.push_back(low - d.lower);
    wanted.count.push_back(high - low + 1);
    made.dimensions.push_back({static_cast<std::int32_t>(high - low + 1), 1});
  }
  copy_slice(array, wanted, 0, 0, made.elements);
  return array_datum(made);
}

// ---- sizes

template <class Give>
Result<Datum> of_dimension(Arguments arguments, Give give) {
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  const std::int64_t wanted = integer_at(arguments, 1);
  if (wanted < 1 || static_cast<std::size_t>(wanted) > array.dimensions.size()) return Datum{};
  return give(array.dimensions[static_cast<std::size_t>(wanted) - 1]);
}
Result<Datum> length(Arguments arguments) {
  return of_dimension(arguments,
                      [](const Array::Dimension& d) { return Datum(std::int64_t{d.length}); });
}
Result<Datum> lower(Arguments arguments) {
  return of_dimension(arguments,
                      [](const Array::Dimension& d) { return Datum(std::int64_t{d.lower}); });
}
Result<Datum> upper(Arguments arguments) {
  return of_dimension(arguments, [](const Array::Dimension& d) {
    return Datum(std::int64_t{d.lower} + d.length - 1);
  });
}
Result<Datum> dimension_count(Arguments arguments) {
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  if (array.dimensions.empty()) return Datum{};
  return static_cast<std::int64_t>(array.dimensions.size());
}
Result<Datum> cardinality(Arguments arguments) {
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  return static_cast<std::int64_t>(array.elements.size());
}
Result<Datum> dimensions(Arguments arguments) {
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  if (array.dimensions.empty()) return Datum{};
  std::string text;
  for (const Array::Dimension& d : array.dimensions) {
    text += "[" + std::to_string(d.lower) + ":" +
            std::to_string(std::int64_t{d.lower} + d.length - 1) + "]";
  }
  return Datum(std::move(text));
}

// ---- putting together

Failure not_one_dimension() {
  return sql_error("22000", "argument must be empty or one-dimensional array");
}

Result<Datum> append(Arguments arguments) {
  SPAR_ASSIGN(Array array, array_at(arguments, 0));
  if (array.dimensions.size() > 1) return not_one_dimension();
  if (array.dimensions.empty()) array.dimensions.push_back({0, 1});
  if (array.dimensions[0].length >= data::kArrayElementsMax) return too_large();
  ++array.dimensions[0].length;
  array.elements.push_back(arguments[1]);
  return array_datum(array);
}

Result<Datum> prepend(Arguments arguments) {
  SPAR_ASSIGN(Array array, array_at(arguments, 1));
  if (array.dimensions.size() > 1) return not_one_dimension();
  if (array.dimensions.empty()) array.dimensions.push_back({0, 1});
  if (array.dimensions[0].length >= data::kArrayElementsMax) return too_large();
  ++array.dimensions[0].length;
  array.elements.insert(array.elements.begin(), arguments[0]);
  return array_datum(array);
}

Failure incompatible(std::string_view detail) {
  Failure failure = sql_error("2202E", "cannot concatenate incompatible arrays");
  failure.error().detail = std::string(detail);
  return failure;
}

Result<Datum> concatenate(Arguments arguments) {
  if (null_at(arguments, 0)) return arguments[1];
  if (null_at(arguments, 1)) return arguments[0];
  SPAR_ASSIGN(Array a, array_at(arguments, 0));
  SPAR_ASSIGN(Array b, array_at(arguments, 1));
  if (a.dimensions.empty()) return arguments[1];
  if (b.dimensions.empty()) return arguments[0];
  const std::size_t m = a.dimensions.size(), n = b.dimensions.size();
  Array made;
  const auto tail_of = [](const Array& array, std::size_t from) {
    return std::vector<Array::Dimension>(
        array.dimensions.begin() + static_cast<std::ptrdiff_t>(from), array.dimensions.end());
  };
  if (m == n) {
    if (tail_of(a, 1) != tail_of(b, 1)) {
      return incompatible(
          "Arrays with differing element dimensions are not compatible for concatenation.");
    }
    made.dimensions = a.dimensions;
    made.dimensions[0].length += b.dimensions[0].length;
  } else if (m == n + 1 || n == m + 1) {
    const Array& outer = m > n ? a : b;
    const Array& inner = m > n ? b : a;
    if (tail_of(outer, 1) != inner.dimensions) {
      return incompatible("Arrays with differing dimensions are not compatible for concatenation.");
    }
    made.dimensions = outer.dimensions;
    ++made.dimensions[0].length;
  } else {
    return incompatible("Arrays of " + std::to_string(m) + " and " + std::to_string(n) +
                        " dimensions are not compatible for concatenation.");
  }
  made.elements = std::move(a.elements);
  std::ranges::move(b.elements, std::back_inserter(made.elements));
  if (made.elements.size() > static_cast<std::size_t>(data::kArrayElementsMax)) return too_large();
  return array_datum(made);
}

// ---- searching; the last argument is the element type's oid

Failure only_one_dimension(std::string_view what) {
  return sql_error("0A000", std::string(what));
}

Result<Datum> remove(Arguments arguments) {
  if (null_at(arguments, 0)) return Datum{};
  SPAR_ASSIGN(Array array, array_at(arguments, 0));
  if (array.dimensions.size() > 1) {
    return only_one_dimension("removing elements from multidimensional arrays is not supported");
  }
  const std::size_t before = array.elements.size();
  std::erase_if(array.elements, [&](const Datum& element) {
    return same_element(element, arguments[1], type_at(arguments, 2));
  });
  if (array.elements.size() == before) return arguments[0];
  if (array.elements.empty()) return array_datum(Array());
  array.dimensions[0].length = static_cast<std::int32_t>(array.elements.size());
  return array_datum(array);
}

Result<Datum> replace(Arguments arguments) {
  if (null_at(arguments, 0)) return Datum{};
  SPAR_ASSIGN(Array array, array_at(arguments, 0));
  for (Datum& element : array.elements) {
    if (same_element(element, arguments[1], type_at(arguments, 3))) element = arguments[2];
  }
  return array_datum(array);
}

// spar_array_position(array, element, first, type)
Result<Datum> position(Arguments arguments) {
  if (null_at(arguments, 0)) return Datum{};
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  if (array.dimensions.size() > 1) {
    return only_one_dimension("searching for elements in multidimensional arrays is not supported");
  }
  if (array.dimensions.empty()) return Datum{};
  if (null_at(arguments, 2)) return sql_error("22004", "initial position must not be null");
  const std::int64_t lower = array.dimensions[0].lower;
  // No start was given: a text.
  const auto* first = std::get_if<std::int64_t>(&arguments[2]);
  const std::int64_t start = first == nullptr ? 0 : std::max<std::int64_t>(*first - lower, 0);
  for (auto i = static_cast<std::size_t>(start); i < array.elements.size(); ++i) {
    if (same_element(array.elements[i], arguments[1], type_at(arguments, 3))) {
      return static_cast<std::int64_t>(i) + lower;
    }
  }
  return Datum{};
}

Result<Datum> positions(Arguments arguments) {
  if (null_at(arguments, 0)) return Datum{};
  SPAR_ASSIGN(const Array array, array_at(arguments, 0));
  if (array.dimensions.size() > 1) {
    return only_one_dimension("searching for elements in multidimensional arrays is not supported");
  }
  std::vector<Datum> found;
  for (std::size_t i = 0; i < array.elements.size(); ++i) {
    if (!same_element(array.elements[i], arguments[1], type_at(arguments, 2))) continue;
    found.emplace_back(static_cast<std::int64_t>(i) + array.dimensions[0].lower);
  }
  return array_datum(Array::list(std::move(found)));
}

// A null is in no array.
bool holds(const Array& array, const Datum& wanted, data::TypeId type) {
  return !data::is_null(wanted) && std::ranges::any_of(array.elements, [&](const Datum& element) {
    return same_element(element, wanted, type);
  });
}
Result<Datum> contains(Arguments arguments) {
  SPAR_ASSIGN(const Array a, array_at(arguments, 0));
  SPAR_ASSIGN(const Array b, array_at(arguments, 1));
  return std::int64_t{std::ranges::all_of(
      b.elements, [&](const Datum& wanted) { return holds(a, wanted, type_at(arguments, 2)); })};
}
Result<Datum> shares(Arguments arguments) {
  SPAR_ASSIGN(const Array a, array_at(arguments, 0));
  SPAR_ASSIGN(const Array b, array_at(arguments, 1));
  return std::int64_t{std::ranges::any_of(
      b.elements, [&](const Datum& wanted) { return holds(a, wanted, type_at(arguments, 2)); })};
}

Result<Datum> trim(Arguments arguments) {
  SPAR_ASSIGN(Array array, array_at(arguments, 0));
  const std::int64_t count = integer_at(arguments, 1);
  const std::int64_t length = array.dimensions.empty() ? 0 : array.dimensions[0].length;
  if (count < 0 || count > length) {
    return sql_error("2202E",
                     "number of elements to trim must be between 0 and " + std::to_string(length));
  }
  if (length == count) return array_datum(Array());
  array.elements.resize(array.elements.size() / static_cast<std::size_t>(length) *
                        static_cast<std::size_t>(length - count));
  array.dimensions[0].length = static_cast<std::int32_t>(length - count);
  for (Array::Dimension& d : array.dimensions) d.lower = 1;
  return array_datum(array);
}

// Numerics in the shape of a column: spar_array_shape(array, precision, scale)
Result<Datum> shaped(Arguments arguments) {
  SPAR_ASSIGN(Array array, array_at(arguments, 0));
  const data::NumericShape shape{static_cast<int>(integer_at(arguments, 1)),
                                 static_cast<int>(integer_at(arguments, 2))};
  for (Datum& element : array.elements) {
    const auto* blob = std::get_if<data::Blob>(&element);
    if (blob == nullptr) continue;
    SPAR_ASSIGN(const data::Decimal value, data::Decimal::from_blob(blob->bytes));
    SPAR_ASSIGN(const data::Decimal fitting, value.with_shape(shape));
    element = numeric_datum(fitting);
  }
  return array_datum(array);
}

Result<Datum> key(Arguments arguments) {
  SPAR_ASSIGN(std::string made, data::array_key(blob_at(arguments, 0), type_at(arguments, 1)));
  return Datum(data::Blob{std::move(made)});
}

constexpr ScalarEntry kEntries[] = {
    {"spar_array", -1, true, make},
    {"spar_array_of_arrays", -1, true, make_nested},
    {"spar_array_get", -1, false, get},
    {"spar_array_slice", -1, false, slice},
    {"spar_array_length", 2, false, length},
    {"spar_array_lower", 2, false, lower},
    {"spar_array_upper", 2, false, upper},
    {"spar_array_ndims", 1, false, dimension_count},
    {"spar_array_dims", 1, false, dimensions},
    {"spar_cardinality", 1, false, cardinality},
    {"spar_array_append", 2, true, append},
    {"spar_array_prepend", 2, true, prepend},
    {"spar_array_cat", 2, true, concatenate},
    {"spar_array_remove", 3, true, remove},
    {"spar_array_replace", 4, true, replace},
    {"spar_array_position", 4, true, position},
    {"spar_array_positions", 3, true, positions},
    {"spar_array_contains", 3, false, contains},
    {"spar_array_shares", 3, false, shares},
    {"spar_trim_array", 2, false, trim},
    {"spar_array_shape", 3, false, shaped},
    {"spar_array_key", 2, false, key},
};

}  // namespace

std::span<const ScalarEntry> array_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
