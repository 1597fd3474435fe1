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

enum class Place : std::uint8_t {
  start,
  end,
  word_start,
  word_end,
  word_edge,
  no_word_edge,
  line_start,  // with the option n: ^ and $ at each line
  line_end
};

// What a part of an expression would rather match, where it can choose: PostgreSQL's rules, 9.7.3.5.
enum class Greed : std::uint8_t { none, longest, shortest };

struct RegexNode {
  enum Kind : std::uint8_t { empty, set, place, sequence, choice, repeat } kind = empty;
  std::uint32_t set_number = 0;
  Place where = Place::start;
  int least = 0, most = 0;  // of a repeat; -1: without end
  Greed greed = Greed::none;
  std::uint32_t group = 0;  // the number of its parentheses, or 0
  std::vector<RegexNode> children;
};

struct Instruction {
  enum Kind : std::uint8_t { set, place, split, jump, match } kind;
  Place where = Place::start;
  std::uint32_t first = 0;   // set: its number; split, jump: where to go on
  std::uint32_t second = 0;  // split: the other one
};

struct RegexProgram {
  std::vector<Instruction> instructions;
  std::vector<CharacterSet> sets;
  RegexNode tree;
  std::uint32_t groups = 0;
};

struct RegexOptions {
  bool ignore_case = false;
  bool lines = false;    // n: . and [^x] do not match a newline, ^ and $ match at lines
  bool literal = false;  // q
};

// Whether the place lies between these characters; kNoCharacter at the text's ends.
inline constexpr char32_t kNoCharacter = 0xffffffff;
bool is_at_place(Place place, char32_t before, char32_t ahead);

// Follows what takes no character from `place` on, in the order of preference. `enter`: whether a
// place is new; `holds`: whether a Place is here; `wait`: a set, where a character is needed.
// Whether the program may end here. `pending` is scratch.
template <class Enter, class Holds, class Wait>
bool follow(const RegexProgram& program, std::uint32_t place, std::vector<std::uint32_t>& pending,
            Enter&& enter, Holds&& holds, Wait&& wait) {
  bool matched = false;
  pending.push_back(place);
  while (!pending.empty()) {
    place = pending.back();
    pending.pop_back();
    if (!enter(place)) continue;
    const Instruction& instruction = program.instructions[place];
    switch (instruction.kind) {
      case Instruction::set:
        wait(place);
        break;
      case Instruction::place:
        if (holds(instruction.where)) pending.push_back(place + 1);
        break;
      case Instruction::split:
        pending.push_back(instruction.second);
        [[fallthrough]];
      case Instruction::jump:
        pending.push_back(instruction.first);
        break;
      case Instruction::match:
        matched = true;
    }
  }
  return matched;
}

bool is_word_character(char32_t c);
// The character at the front of valid UTF-8, taken off.
char32_t take_character(std::string_view& text);

Result<RegexProgram> compile_regex(std::string_view pattern, const RegexOptions& options);

}  // namespace spar::query::functions
