// query/functions/families.h: the tables that the registry is put together from, one a file.
#pragma once

#include <span>

#include "query/functions/registry.h"

namespace spar::query::functions {

std::span<const ScalarEntry> arithmetic_scalars();
std::span<const ScalarEntry> cast_scalars();
std::span<const ScalarEntry> chain_scalars();
std::span<const ScalarEntry> choice_scalars();
std::span<const ScalarEntry> date_arithmetic_scalars();
std::span<const ScalarEntry> date_cast_scalars();
std::span<const ScalarEntry> date_field_scalars();
std::span<const ScalarEntry> date_trunc_scalars();
std::span<const ScalarEntry> numeric_scalars();
std::span<const ScalarEntry> pattern_form_scalars();
std::span<const ScalarEntry> pattern_scalars();
std::span<const ScalarEntry> real_scalars();
std::span<const ScalarEntry> text_making_scalars();
std::span<const ScalarEntry> text_scalars();
std::span<const ScalarEntry> text_quoting_scalars();
std::span<const ScalarEntry> bytes_scalars();
std::span<const ScalarEntry> trigonometry_scalars();
std::span<const ScalarEntry> number_theory_scalars();
std::span<const ScalarEntry> date_making_scalars();
std::span<const ScalarEntry> row_scalars();
std::span<const ScalarEntry> array_scalars();
std::span<const ScalarEntry> json_scalars();
std::span<const ScalarEntry> json_row_scalars();
std::span<const ScalarEntry> regex_scalars();

std::span<const AggregateEntry> extreme_aggregates();
std::span<const AggregateEntry> ordered_aggregates();
std::span<const AggregateEntry> regression_aggregates();
std::span<const AggregateEntry> spread_aggregates();
std::span<const AggregateEntry> total_aggregates();
std::span<const AggregateEntry> collecting_aggregates();

}  // namespace spar::query::functions
