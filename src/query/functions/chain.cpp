// spar_chain(type, operators, a, b, c, ...): a long a + b - c * ... of one type, from left to
// right. SQLite's parser holds about thirty calls inside each other; a sum that somebody generated
// is longer.

#include <algorithm>
#include <array>
#include <string>

#include "query/functions/arguments.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

std::string_view word(char symbol) {
  switch (symbol) {
    case '+':
      return "add";
    case '-':
      return "sub";
    case '*':
      return "mul";
    case '/':
      return "div";
    default:
      return "mod";
  }
}

const ScalarEntry* named(std::string_view symbol, std::string_view type) {
  const std::string name = "spar_" + std::string(symbol) + "_" + std::string(type);
  const auto all = scalars();
  const auto found = std::ranges::find(all, name, &ScalarEntry::name);
  return found == all.end() ? nullptr : &*found;
}

Result<Datum> chain(Arguments arguments) {
  const std::string_view type = text_at(arguments, 0), symbols = text_at(arguments, 1);
  SPAR_ASSERT(arguments.size() == symbols.size() + 3);
  Datum value = arguments[2];
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const ScalarEntry* step = named(word(symbols[i]), type);
    SPAR_ASSERT(step != nullptr);
    const std::array<Datum, 2> pair = {value, arguments[i + 3]};
    SPAR_ASSIGN(value, step->call(pair));
  }
  return value;
}

constexpr ScalarEntry kEntries[] = {{"spar_chain", -1, false, chain}};

}  // namespace

std::span<const ScalarEntry> chain_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
