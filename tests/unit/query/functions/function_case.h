// Calls a registered function with arguments given as text, and shows its answer as text.
#pragma once

#include <gtest/gtest.h>

#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/text_format.h"
#include "query/functions/registry.h"

namespace spar::query::functions {

struct Argument {
  data::TypeId type = data::TypeId::void_;  // void_: there is none; TypeId::none: null
  std::string_view text = {};
};

// What PostgreSQL 15 answers; "NULL", or "ERR sqlstate message" where it refuses. All literal
// types: a long table of them must not cost the compiler minutes.
struct FunctionCase {
  std::string_view name;
  Argument arguments[12];
  data::TypeId result = data::TypeId::text;
  std::string_view expected = {};

  std::span<const Argument> given() const {
    std::size_t count = 0;
    while (count < std::size(arguments) && arguments[count].type != data::TypeId::void_) ++count;
    return {arguments, count};
  }
};

inline std::string refused(const Error& error) {
  return "ERR " + error.sqlstate + " " + error.message;
}

inline std::string answer(const FunctionCase& sample) {
  std::vector<data::Datum> arguments;
  for (const Argument& argument : sample.given()) {
    if (argument.type == data::TypeId::none) {
      arguments.emplace_back();
      continue;
    }
    auto value = data::parse_text(argument.text, {argument.type, -1}, {});
    if (!value) return refused(value.error());
    arguments.push_back(std::move(*value));
  }
  for (const ScalarEntry& entry : scalars()) {
    const bool fits = entry.arity < 0 || entry.arity == static_cast<int>(arguments.size());
    if (entry.name != sample.name || !fits) continue;
    auto result = entry.call(arguments);
    if (!result) return refused(result.error());
    if (data::is_null(*result)) return "NULL";
    std::string out;
    data::format_text(*result, {sample.result, -1}, {}, out);
    return out;
  }
  return "no function " + std::string(sample.name);
}

template <class Cases>
void expect_answers(const Cases& cases) {
  for (const FunctionCase& sample : cases) {
    std::string call = std::string(sample.name) + "(";
    for (const Argument& argument : sample.given()) {
      call += "'" + std::string(argument.text) + "',";
    }
    EXPECT_EQ(answer(sample), sample.expected) << call << ")";
  }
}

}  // namespace spar::query::functions
