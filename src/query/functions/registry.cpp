#include "query/functions/registry.h"

#include <vector>

#include "query/functions/array_items.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

template <class Entry>
std::vector<Entry> joined(std::initializer_list<std::span<const Entry>> families) {
  std::vector<Entry> all;
  for (std::span<const Entry> family : families)
    all.insert(all.end(), family.begin(), family.end());
  return all;
}

}  // namespace

std::span<const ScalarEntry> scalars() {
  static const std::vector<ScalarEntry> kAll = joined<ScalarEntry>({
      arithmetic_scalars(),
      cast_scalars(),
      chain_scalars(),
      choice_scalars(),
      date_arithmetic_scalars(),
      date_cast_scalars(),
      date_field_scalars(),
      date_trunc_scalars(),
      numeric_scalars(),
      pattern_form_scalars(),
      pattern_scalars(),
      real_scalars(),
      text_making_scalars(),
      text_scalars(),
      text_quoting_scalars(),
      bytes_scalars(),
      trigonometry_scalars(),
      number_theory_scalars(),
      date_making_scalars(),
      row_scalars(),
      array_scalars(),
      array_row_scalars(),
      json_scalars(),
      json_row_scalars(),
      regex_scalars(),
  });
  return kAll;
}

std::span<const AggregateEntry> aggregates() {
  static const std::vector<AggregateEntry> kAll = joined<AggregateEntry>({
      extreme_aggregates(),
      ordered_aggregates(),
      regression_aggregates(),
      spread_aggregates(),
      total_aggregates(),
      collecting_aggregates(),
  });
  return kAll;
}

}  // namespace spar::query::functions
