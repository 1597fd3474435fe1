// query/functions/regex_program.h: a compiled regular expression; for regex.cpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace spar::query::functions {

struct CharacterSet {
  struct Range {
    char32_t first, last;
  };
  std::vector<Range> ranges;
  bool negated = false;

  bool contains(char32_t c) const;
};

enum class Place : std::uint8_t { start, end, word_start, word_end, word_edge, no_word_edge };

struct Instruction {
  enum Kind : std::uint8_t { set, place, split, jump, match } kind;
  Place where = Place::start;
  std::uint32_t first = 0;   // set: its number; split, jump: where to go on
  std::uint32_t second = 0;  // split: the other one
};

struct RegexProgram {
  std::vector<Instruction> instructions;
  std::vector<CharacterSet> sets;
};

bool is_word_character(char32_t c);
// The character at the front of valid UTF-8, taken off.
char32_t take_character(std::string_view& text);

Result<RegexProgram> compile_regex(std::string_view pattern, bool ignore_case);

}  // namespace spar::query::functions
