// Functions of regular expressions.

#include "query/bind/routine_rows.h"

namespace spar::query::bind {

using enum TypeId;

namespace {

const Routine kRegexes[] = {
    {"regexp_replace", "spar_regexp_replace", text, {text, text, text}},
    {"regexp_replace", "spar_regexp_replace", text, {text, text, text, text}},
    {"regexp_replace", "spar_regexp_replace_from", text, {text, text, text, int4}},
    {"regexp_replace", "spar_regexp_replace_from", text, {text, text, text, int4, int4}},
    {"regexp_replace", "spar_regexp_replace_from", text, {text, text, text, int4, int4, text}},
    {"regexp_match", "spar_regexp_match", text_array, {text, text}},
    {"regexp_match", "spar_regexp_match", text_array, {text, text, text}},
    {"regexp_like", "spar_regexp_like", boolean, {text, text}},
    {"regexp_like", "spar_regexp_like", boolean, {text, text, text}},
    {"regexp_count", "spar_regexp_count", int4, {text, text}},
    {"regexp_count", "spar_regexp_count", int4, {text, text, int4}},
    {"regexp_count", "spar_regexp_count", int4, {text, text, int4, text}},
    {"regexp_split_to_array", "spar_regexp_split_to_array", text_array, {text, text}},
    {"regexp_split_to_array", "spar_regexp_split_to_array", text_array, {text, text, text}},
    {"substring", "spar_regexp_substring", text, {text, text}},
    {"substring", "spar_similar_substring", text, {text, text, text}},
};

}  // namespace

void add_regex_routines(std::vector<Routine>& rows) {
  rows.insert(rows.end(), std::begin(kRegexes), std::end(kRegexes));
  const std::vector<TypeId> instr = {text, text, int4, int4, int4, text, int4};
  const std::vector<TypeId> substr = {text, text, int4, int4, text, int4};
  for (std::size_t count = 2; count <= instr.size(); ++count) {
    const std::vector<TypeId> given(instr.begin(), instr.begin() + static_cast<long>(count));
    rows.push_back({"regexp_instr", "spar_regexp_instr", int4, given});
  }
  for (std::size_t count = 2; count <= substr.size(); ++count) {
    const std::vector<TypeId> given(substr.begin(), substr.begin() + static_cast<long>(count));
    rows.push_back({"regexp_substr", "spar_regexp_substr", text, given});
  }
}

}  // namespace spar::query::bind
