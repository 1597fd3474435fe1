// format() and the quoting of names and literals; overlay, translate, to_hex.
#include <algorithm>
#include <charconv>
#include <optional>

#include "data/characters.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/limits.h"
#include "query/parse/keywords.h"

namespace spar::query::functions {
namespace {

using data::character_bytes;
using data::prefix_bytes;

std::string quoted_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const bool safe = !name.empty() && plain(name[0]) && std::ranges::all_of(name, [&](char c) {
    return plain(c) || data::is_digit(c);
  });
  if (safe && !grammar::is_reserved_word(name)) return std::string(name);
  std::string result = "\"";
  for (const char c : name) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

std::string quoted_literal(std::string_view text) {
  std::string result = text.contains('\\') ? "E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += c;
    result += c;
  }
  return result + "'";
}

Result<Datum> quote_ident(Arguments arguments) {
  return Datum(quoted_name(text_at(arguments, 0)));
}
Result<Datum> quote_literal(Arguments arguments) {
  return Datum(quoted_literal(text_at(arguments, 0)));
}
Result<Datum> quote_nullable(Arguments arguments) {
  return Datum(null_at(arguments, 0) ? "NULL" : quoted_literal(text_at(arguments, 0)));
}

Failure bad_format(std::string message, bool hint = false) {
  Failure failure = sql_error("22023", std::move(message));
  if (hint) failure.error().hint = "For a single \"%\" use \"%%\".";
  return failure;
}

// format(text, ...): the arguments in their text form.
class Formatter {
 public:
  explicit Formatter(Arguments arguments)
      : rest_(text_at(arguments, 0)), values_(arguments.subspan(1)) {}

  Result<std::string> run() {
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c != '%') {
        out_ += c;
        continue;
      }
      if (rest_.empty()) return ended();
      if (rest_[0] == '%') {
        out_ += '%';
        rest_.remove_prefix(1);
        continue;
      }
      SPAR_TRY(specifier());
      if (out_.size() > kResultBytesMax) return sql_error("54000", "requested length too large");
    }
    return std::move(out_);
  }

 private:
  static Failure ended() { return bad_format("unterminated format() type specifier", true); }

  Result<std::optional<int>> number() {
    if (rest_.empty() || !data::is_digit(rest_[0])) return std::optional<int>();
    int value = 0;
    const auto read = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (read.ec != std::errc()) return sql_error("22003", "number is out of range");
    rest_.remove_prefix(static_cast<std::size_t>(read.ptr - rest_.data()));
    if (rest_.empty()) return ended();
    return std::optional(value);
  }
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Result<void> specifier() {
    std::optional<int> position, width;
    bool left = false, have_width = false;
    SPAR_ASSIGN(std::optional<int> first, number());
    if (first && take('$')) {
      position = first;
    } else if (first) {
      width = first;
      have_width = true;
    }
    if (position && *position == 0) return numbered_from_one();
    if (rest_.empty()) return ended();
    if (!have_width) {
      while (take('-')) {
        left = true;
        if (rest_.empty()) return ended();
      }
      if (take('*')) {
        if (rest_.empty()) return ended();
        SPAR_ASSIGN(const std::optional<int> from, number());
        if (from && !take('$')) return bad_format("width argument position must be ended by \"$\"");
        if (from && *from == 0) return numbered_from_one();
        if (rest_.empty()) return ended();
        SPAR_ASSIGN(width, width_from(from));
      } else {
        SPAR_ASSIGN(width, number());
      }
    }
    if (!std::string_view("sIL").contains(rest_[0])) {
      const std::string_view bad = rest_.substr(0, character_bytes(rest_[0]));
      return bad_format("unrecognized format() type specifier \"" + std::string(bad) + "\"", true);
    }
    const char kind = rest_[0];
    rest_.remove_prefix(1);
    SPAR_ASSIGN(const Datum* value, argument(position));
    return put(kind, *value, width.value_or(0), left);
  }
  static Failure numbered_from_one() {
    return bad_format("format specifies argument 0, but arguments are numbered from 1");
  }

  Result<const Datum*> argument(std::optional<int> position) {
    const std::size_t index = position ? static_cast<std::size_t>(*position) - 1 : next_;
    if (index >= values_.size()) return bad_format("too few arguments for format()");
    next_ = index + 1;
    return &values_[index];
  }
  Result<std::optional<int>> width_from(std::optional<int> position) {
    SPAR_ASSIGN(const Datum* value, argument(position));
    if (data::is_null(*value)) return std::optional(0);
    const auto* text = std::get_if<std::string>(value);
    int width = 0;
    const auto read = std::from_chars(text->data(), text->data() + text->size(), width);
    if (read.ec != std::errc() || read.ptr != text->data() + text->size()) {
      return sql_error("22P02", "invalid input syntax for type integer: \"" + *text + "\"");
    }
    return std::optional(width);
  }

  Result<void> put(char kind, const Datum& value, int width, bool left) {
    std::string text;
    if (data::is_null(value)) {
      if (kind == 'I') {
        return sql_error("22004", "null values cannot be formatted as an SQL identifier");
      }
      text = kind == 'L' ? "NULL" : "";
    } else {
      const auto& given = std::get<std::string>(value);
      text = kind == 'I' ? quoted_name(given) : kind == 'L' ? quoted_literal(given) : given;
    }
    if (width < 0) left = true;
    const auto wide = static_cast<std::size_t>(std::abs(std::int64_t{width}));
    const std::size_t have = data::character_count(text);
    if (wide > kResultBytesMax) return sql_error("54000", "requested length too large");
    const std::string blanks(wide > have ? wide - have : 0, ' ');
    out_ += left ? text + blanks : blanks + text;
    return {};
  }

  std::string_view rest_;
  Arguments values_;
  std::size_t next_ = 0;
  std::string out_;
};

Result<Datum> format(Arguments arguments) {
  if (null_at(arguments, 0)) return Datum{};
  SPAR_ASSIGN(std::string text, Formatter(arguments).run());
  return Datum(std::move(text));
}

Result<Datum> overlay(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0), put = text_at(arguments, 1);
  const std::int64_t first = integer_at(arguments, 2);
  const std::int64_t count = arguments.size() > 3
                                 ? integer_at(arguments, 3)
                                 : static_cast<std::int64_t>(data::character_count(put));
  if (first <= 0) return sql_error("22011", "negative substring length not allowed");
  const auto prefix = [&](std::int64_t characters) {
    return prefix_bytes(text, static_cast<std::size_t>(std::max<std::int64_t>(characters, 0)));
  };
  std::string result(text.substr(0, prefix(first - 1)));
  result += put;
  result += text.substr(prefix(first - 1 + count));
  return Datum(std::move(result));
}

Result<Datum> translate(Arguments arguments) {
  std::string_view text = text_at(arguments, 0);
  std::string result;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, character_bytes(text[0]));
    text.remove_prefix(character.size());
    std::string_view from = text_at(arguments, 1), to = text_at(arguments, 2);
    bool found = false;
    while (!from.empty() && !found) {
      const std::string_view candidate = from.substr(0, character_bytes(from[0]));
      found = candidate == character;
      if (found) result += to.empty() ? to : to.substr(0, character_bytes(to[0]));
      from.remove_prefix(candidate.size());
      if (!to.empty()) to.remove_prefix(std::min(to.size(), character_bytes(to[0])));
    }
    if (!found) result += character;
  }
  return Datum(std::move(result));
}

template <class Unsigned>
Result<Datum> to_hex(Arguments arguments) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer,
                                 static_cast<Unsigned>(integer_at(arguments, 0)), 16)
                       .ptr;
  return Datum(std::string(buffer, end));
}

Result<Datum> bit_length(Arguments arguments) {
  const auto* text = std::get_if<std::string>(&arguments[0]);
  const std::size_t bytes = text != nullptr ? text->size() : blob_at(arguments, 0).size();
  return static_cast<std::int64_t>(bytes * 8);
}

template <bool nulls>
Result<Datum> count_nulls(Arguments arguments) {
  return static_cast<std::int64_t>(
      std::ranges::count_if(arguments, [](const Datum& d) { return data::is_null(d) == nulls; }));
}

constexpr ScalarEntry kEntries[] = {
    {"spar_quote_ident", 1, false, quote_ident},
    {"spar_quote_literal", 1, false, quote_literal},
    {"spar_quote_nullable", 1, true, quote_nullable},
    {"spar_format_text", -1, true, format},
    {"spar_overlay", 3, false, overlay},
    {"spar_overlay", 4, false, overlay},
    {"spar_translate", 3, false, translate},
    {"spar_to_hex_int4", 1, false, to_hex<std::uint32_t>},
    {"spar_to_hex_int8", 1, false, to_hex<std::uint64_t>},
    {"spar_bit_length", 1, false, bit_length},
    {"spar_num_nulls", -1, true, count_nulls<true>},
    {"spar_num_nonnulls", -1, true, count_nulls<false>},
};

}  // namespace

std::span<const ScalarEntry> text_quoting_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
