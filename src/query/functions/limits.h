// query/functions/limits.h: how much one call may produce.
#pragma once

#include <cstddef>

namespace spar::query::functions {

// Bytes of a text that repeat, lpad, replace and their like may make; more is 54000.
inline constexpr std::size_t kResultBytesMax = std::size_t{256} << 20;

}  // namespace spar::query::functions
