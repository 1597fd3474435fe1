// regexp_replace, regexp_match and their like; SIMILAR TO.
#include <algorithm>
#include <array>

#include "data/characters.h"
#include "query/functions/array_items.h"
#include "query/functions/families.h"
#include "query/functions/limits.h"
#include "query/functions/regex_match.h"
#include "query/functions/rows.h"

namespace spar::query::functions {
namespace {

struct Flags {
  RegexOptions options;
  bool global = false;
};

Result<Flags> parse_flags(std::string_view text) {
  Flags flags;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case 'g':
        flags.global = true;
        break;
      case 'c':
        flags.options.ignore_case = false;
        break;
      case 'i':
        flags.options.ignore_case = true;
        break;
      case 'n':
      case 'm':
        flags.options.lines = true;
        break;
      case 's':
        flags.options.lines = false;
        break;
      case 'q':
        flags.options.literal = true;
        break;
      case 'e':
      case 't':
        break;
      case 'b':
      case 'p':
      case 'w':
      case 'x':
        return not_supported("the regular expression option " + std::string(1, text[i]));
      default:
        return sql_error("22023", "invalid regular expression option: \"" +
                                      std::string(text.substr(i, data::character_bytes(text[i]))) +
                                      "\"");
    }
  }
  return flags;
}

Failure no_global(std::string_view function, std::string_view instead) {
  Failure failure =
      sql_error("22023", std::string(function) + "() does not support the \"global\" option");
  if (!instead.empty()) {
    failure.error().hint = "Use the " + std::string(instead) + " function instead.";
  }
  return failure;
}

// Each thread keeps the last expression it compiled: a scan asks for the same in every row.
Result<const RegexProgram*> compiled(std::string_view pattern, const RegexOptions& options) {
  struct Kept {
    std::string pattern;
    RegexOptions options;
    RegexProgram program;
  };
  thread_local std::optional<Kept> last;
  const bool same =
      last && last->pattern == pattern && last->options.ignore_case == options.ignore_case &&
      last->options.lines == options.lines && last->options.literal == options.literal;
  if (!same) {
    SPAR_ASSIGN(RegexProgram program, compile_regex(pattern, options));
    last = Kept{std::string(pattern), options, std::move(program)};
  }
  return &last->program;
}

std::string_view flags_at(Arguments arguments, std::size_t i) {
  return i < arguments.size() ? text_at(arguments, i) : "";
}

std::size_t behind(const RegexSpan& span) {
  return span.second + (span.first == span.second ? 1 : 0);
}

Datum group_text(const RegexText& text, const std::optional<RegexSpan>& span) {
  if (!span) return Datum{};
  return std::string(text.piece(span->first, span->second));
}

// ---- replace

void append_replacement(std::string_view with, const RegexText& text, const RegexGroups& groups,
                        std::string& out) {
  for (std::size_t i = 0; i < with.size(); ++i) {
    const char next = i + 1 < with.size() ? with[i + 1] : '\0';
    if (with[i] != '\\') {
      out += with[i];
    } else if (next >= '1' && next <= '9') {
      const auto number = static_cast<std::size_t>(next - '0');
      if (number < groups.size() && groups[number]) {
        out += text.piece(groups[number]->first, groups[number]->second);
      }
      ++i;
    } else if (next == '&') {
      out += text.piece(groups[0]->first, groups[0]->second);
      ++i;
    } else {
      out += '\\';
      if (next == '\\') ++i;
    }
  }
}

struct Replacement {
  std::string_view with;
  std::size_t start = 0;
  std::int64_t nth = 1;  // 0: all
};

Result<Datum> replaced(std::string_view given, std::string_view pattern, const Flags& flags,
                       const Replacement& replacement) {
  SPAR_ASSIGN(const RegexProgram* program, compiled(pattern, flags.options));
  const RegexText text(given);
  std::string out;
  std::size_t copied = 0, at = replacement.start;
  std::int64_t count = 0;
  while (at <= text.size()) {
    SPAR_ASSIGN(const auto groups, find_match(*program, text, at, replacement.with.contains('\\')));
    if (!groups) break;
    const RegexSpan span = *(*groups)[0];
    at = behind(span);
    if (replacement.nth > 0 && ++count != replacement.nth) continue;
    out += text.piece(copied, span.first);
    append_replacement(replacement.with, text, *groups, out);
    if (out.size() > kResultBytesMax) return sql_error("54000", "requested length too large");
    copied = span.second;
    if (replacement.nth > 0) break;
  }
  out += text.piece(std::min(copied, text.size()), text.size());
  return Datum(std::move(out));
}

Result<Datum> replace(Arguments arguments) {
  const std::string_view given = flags_at(arguments, 3);
  if (!given.empty() && data::is_digit(given[0])) {
    Failure failure = sql_error(
        "22023", "invalid regular expression option: \"" + std::string(given.substr(0, 1)) + "\"");
    failure.error().hint =
        "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to "
        "integer explicitly.";
    return failure;
  }
  SPAR_ASSIGN(const Flags flags, parse_flags(given));
  return replaced(text_at(arguments, 0), text_at(arguments, 1), flags,
                  {text_at(arguments, 2), 0, flags.global ? 0 : 1});
}

Result<std::int64_t> positive(Arguments arguments, std::size_t i, std::string_view what,
                              std::int64_t least = 1) {
  if (i >= arguments.size()) return std::int64_t{1};
  const std::int64_t value = integer_at(arguments, i);
  if (value < least) {
    return sql_error("22023", "invalid value for parameter \"" + std::string(what) +
                                  "\": " + std::to_string(value));
  }
  return value;
}

// regexp_replace(text, pattern, with, start[, n[, flags]])
Result<Datum> replace_from(Arguments arguments) {
  SPAR_ASSIGN(const std::int64_t start, positive(arguments, 3, "start"));
  std::int64_t nth = 1;
  if (arguments.size() > 4) {
    SPAR_ASSIGN(nth, positive(arguments, 4, "n", 0));
  }
  SPAR_ASSIGN(const Flags flags, parse_flags(flags_at(arguments, 5)));
  if (arguments.size() <= 4 && flags.global) nth = 0;
  return replaced(text_at(arguments, 0), text_at(arguments, 1), flags,
                  {text_at(arguments, 2), static_cast<std::size_t>(start - 1), nth});
}

// ---- match

Datum match_array(const RegexText& text, const RegexGroups& groups) {
  std::vector<Datum> values;
  for (std::size_t i = groups.size() > 1 ? 1 : 0; i < groups.size(); ++i) {
    values.push_back(group_text(text, groups[i]));
  }
  return array_datum(data::Array::list(std::move(values)));
}

Result<Datum> match(Arguments arguments) {
  SPAR_ASSIGN(const Flags flags, parse_flags(flags_at(arguments, 2)));
  if (flags.global) return no_global("regexp_match", "regexp_matches");
  SPAR_ASSIGN(const RegexProgram* program, compiled(text_at(arguments, 1), flags.options));
  const RegexText text(text_at(arguments, 0));
  SPAR_ASSIGN(const auto groups, find_match(*program, text, 0, true));
  return groups ? match_array(text, *groups) : Datum{};
}

Result<Datum> matches(Arguments arguments) {
  SPAR_ASSIGN(const Flags flags, parse_flags(flags_at(arguments, 2)));
  SPAR_ASSIGN(const RegexProgram* program, compiled(text_at(arguments, 1), flags.options));
  const RegexText text(text_at(arguments, 0));
  RowList rows;
  for (std::size_t at = 0; at <= text.size() && !rows.full();) {
    SPAR_ASSIGN(const auto groups, find_match(*program, text, at, true));
    if (!groups) break;
    rows.add(match_array(text, *groups));
    if (!flags.global) break;
    at = behind(*(*groups)[0]);
  }
  return rows.finish();
}

Result<Datum> like(Arguments arguments) {
  SPAR_ASSIGN(const Flags flags, parse_flags(flags_at(arguments, 2)));
  if (flags.global) return no_global("regexp_like", "");
  SPAR_ASSIGN(const RegexProgram* program, compiled(text_at(arguments, 1), flags.options));
  const RegexText text(text_at(arguments, 0));
  SPAR_ASSIGN(const auto groups, find_match(*program, text, 0, false));
  return std::int64_t{groups.has_value()};
}

Result<Datum> count(Arguments arguments) {
  SPAR_ASSIGN(const std::int64_t start, positive(arguments, 2, "start"));
  SPAR_ASSIGN(const Flags flags, parse_flags(flags_at(arguments, 3)));
  if (flags.global) return no_global("regexp_count", "");
  SPAR_ASSIGN(const RegexProgram* program, compiled(text_at(arguments, 1), flags.options));
  const RegexText text(text_at(arguments, 0));
  std::int64_t found = 0;
  for (auto at = static_cast<std::size_t>(start - 1); at <= text.size();) {
    SPAR_ASSIGN(const auto groups, find_match(*program, text, at, false));
    if (!groups) break;
    ++found;
    at = behind(*(*groups)[0]);
  }
  return found;
}

struct Nth {
  std::int64_t start = 1, number = 1, group = 0;
};

Result<std::optional<RegexSpan>> nth_match(const RegexProgram& program, const RegexText& text,
                                           const Nth& wanted) {
  std::int64_t left = wanted.number;
  for (auto at = static_cast<std::size_t>(wanted.start - 1); at <= text.size();) {
    SPAR_ASSIGN(const auto groups, find_match(program, text, at, wanted.group > 0));
    if (!groups) break;
    at = behind(*(*groups)[0]);
    if (--left > 0) continue;
    const auto group = static_cast<std::size_t>(wanted.group);
    return group < groups->size() ? (*groups)[group] : std::nullopt;
  }
  return std::optional<RegexSpan>();
}

// regexp_instr(text, pattern, start, n, end, flags, group)
Result<Datum> instr(Arguments arguments) {
  Nth wanted;
  SPAR_ASSIGN(wanted.start, positive(arguments, 2, "start"));
  SPAR_ASSIGN(wanted.number, positive(arguments, 3, "n"));
  const std::int64_t end = arguments.size() > 4 ? integer_at(arguments, 4) : 0;
  if (end != 0 && end != 1) {
    return sql_error("22023", "invalid value for parameter \"endoption\": " + std::to_string(end));
  }
  SPAR_ASSIGN(const Flags flags, parse_flags(flags_at(arguments, 5)));
  if (flags.global) return no_global("regexp_instr", "");
  if (arguments.size() > 6) {
    SPAR_ASSIGN(wanted.group, positive(arguments, 6, "subexpr", 0));
  }
  SPAR_ASSIGN(const RegexProgram* program, compiled(text_at(arguments, 1), flags.options));
  const RegexText text(text_at(arguments, 0));
  SPAR_ASSIGN(const auto span, nth_match(*program, text, wanted));
  if (!span) return std::int64_t{0};
  return static_cast<std::int64_t>(end == 1 ? span->second : span->first) + 1;
}

// regexp_substr(text, pattern, start, n, flags, group)
Result<Datum> substr(Arguments arguments) {
  Nth wanted;
  SPAR_ASSIGN(wanted.start, positive(arguments, 2, "start"));
  SPAR_ASSIGN(wanted.number, positive(arguments, 3, "n"));
  SPAR_ASSIGN(const Flags flags, parse_flags(flags_at(arguments, 4)));
  if (flags.global) return no_global("regexp_substr", "");
  if (arguments.size() > 5) {
    SPAR_ASSIGN(wanted.group, positive(arguments, 5, "subexpr", 0));
  }
  SPAR_ASSIGN(const RegexProgram* program, compiled(text_at(arguments, 1), flags.options));
  const RegexText text(text_at(arguments, 0));
  SPAR_ASSIGN(const auto span, nth_match(*program, text, wanted));
  return group_text(text, span);
}

// substring(text FROM pattern): its first group, or all of it.
Result<Datum> substring(Arguments arguments) {
  SPAR_ASSIGN(const RegexProgram* program, compiled(text_at(arguments, 1), {}));
  const RegexText text(text_at(arguments, 0));
  SPAR_ASSIGN(const auto groups, find_match(*program, text, 0, true));
  if (!groups) return Datum{};
  return group_text(text, groups->size() > 1 ? (*groups)[1] : (*groups)[0]);
}

// ---- split

Result<std::vector<std::string>> pieces(Arguments arguments, std::string_view function,
                                        std::string_view) {
  SPAR_ASSIGN(const Flags flags, parse_flags(flags_at(arguments, 2)));
  if (flags.global) return no_global(function, "");
  SPAR_ASSIGN(const RegexProgram* program, compiled(text_at(arguments, 1), flags.options));
  const RegexText text(text_at(arguments, 0));
  std::vector<std::string> found;
  std::size_t from = 0;
  for (std::size_t at = 0; at <= text.size();) {
    SPAR_ASSIGN(const auto groups, find_match(*program, text, at, false));
    if (!groups) break;
    const RegexSpan span = *(*groups)[0];
    at = behind(span);
    // Nothing at the end or right behind the last match splits nothing.
    if (span.first >= text.size() || span.second <= from) continue;
    found.emplace_back(text.piece(from, span.first));
    from = span.second;
  }
  found.emplace_back(text.piece(from, text.size()));
  return found;
}
Result<Datum> split_to_array(Arguments arguments) {
  SPAR_ASSIGN(const auto found, pieces(arguments, "regexp_split_to_array", ""));
  return array_datum(data::Array::list({found.begin(), found.end()}));
}
Result<Datum> split_to_rows(Arguments arguments) {
  SPAR_ASSIGN(const auto found, pieces(arguments, "regexp_split_to_table", ""));
  RowList rows;
  for (const std::string& piece : found) rows.add(Datum(piece));
  return rows.finish();
}

// ---- SIMILAR TO

// The pattern as a regular expression: between ^(?: and )$.
Result<std::string> similar_pattern(std::string_view pattern, std::string_view escape) {
  if (data::character_count(escape) > 1) {
    Failure failure = sql_error("22025", "invalid escape string");
    failure.error().hint = "Escape string must be empty or one character.";
    return failure;
  }
  std::string out = "^(?:";
  bool in_class = false;
  int quotes = 0;
  while (!pattern.empty()) {
    const std::string_view c = pattern.substr(0, data::character_bytes(pattern[0]));
    pattern.remove_prefix(std::min(pattern.size(), c.size()));
    if (!escape.empty() && c == escape && !pattern.empty()) {
      const std::string_view next = pattern.substr(0, data::character_bytes(pattern[0]));
      pattern.remove_prefix(std::min(pattern.size(), next.size()));
      if (next == "\"" && !in_class) {
        if (quotes == 2) {
          return sql_error("2200C",
                           "SQL regular expression may not contain more than two "
                           "escape-double-quote separators");
        }
        out += quotes++ == 0 ? "){1,1}?(" : "){1,1}(?:";
      } else {
        out += "\\" + std::string(next);
      }
    } else if (!escape.empty() && c == escape) {
      continue;  // at the end it stands for nothing
    } else if (in_class) {
      if (c == "\\") out += '\\';
      out += c;
      in_class = c != "]";
    } else if (c == "[") {
      out += c;
      in_class = true;
    } else if (c == "%") {
      out += ".*";
    } else if (c == "_") {
      out += '.';
    } else if (c == "(") {
      out += "(?:";
    } else {
      if (c == "\\" || c == "." || c == "^" || c == "$") out += '\\';
      out += c;
    }
  }
  return out + ")$";
}

Result<Datum> similar_to(Arguments arguments) {
  SPAR_ASSIGN(const std::string pattern,
              similar_pattern(text_at(arguments, 1), text_at(arguments, 2)));
  SPAR_ASSIGN(const RegexProgram* program, compiled(pattern, {}));
  const RegexText text(text_at(arguments, 0));
  SPAR_ASSIGN(const auto groups, find_match(*program, text, 0, false));
  return std::int64_t{groups.has_value()};
}

// substring(text SIMILAR pattern ESCAPE c)
Result<Datum> similar_substring(Arguments arguments) {
  SPAR_ASSIGN(const std::string pattern,
              similar_pattern(text_at(arguments, 1), text_at(arguments, 2)));
  const std::array<Datum, 2> pair = {arguments[0], Datum(pattern)};
  return substring(pair);
}

constexpr ScalarEntry kEntries[] = {
    {"spar_regexp_replace", 3, false, replace},
    {"spar_regexp_replace", 4, false, replace},
    {"spar_regexp_replace_from", 4, false, replace_from},
    {"spar_regexp_replace_from", 5, false, replace_from},
    {"spar_regexp_replace_from", 6, false, replace_from},
    {"spar_regexp_match", 2, false, match},
    {"spar_regexp_match", 3, false, match},
    {"spar_rows_regexp_matches", 2, false, matches},
    {"spar_rows_regexp_matches", 3, false, matches},
    {"spar_regexp_like", 2, false, like},
    {"spar_regexp_like", 3, false, like},
    {"spar_regexp_count", -1, false, count},
    {"spar_regexp_instr", -1, false, instr},
    {"spar_regexp_substr", -1, false, substr},
    {"spar_regexp_substring", 2, false, substring},
    {"spar_regexp_split_to_array", 2, false, split_to_array},
    {"spar_regexp_split_to_array", 3, false, split_to_array},
    {"spar_rows_regexp_split", 2, false, split_to_rows},
    {"spar_rows_regexp_split", 3, false, split_to_rows},
    {"spar_similar_to", 3, false, similar_to},
    {"spar_similar_substring", 3, false, similar_substring},
};

}  // namespace

std::span<const ScalarEntry> regex_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
