// Arrays to and from text: {1,2,NULL}, [0:1]={...}, {{"a b",c},{d,e}}.
#include <charconv>
#include <optional>
#include <utility>

#include "data/array.h"
#include "data/characters.h"
#include "data/decimal.h"

namespace spar::data {
namespace {

bool must_quote(std::string_view text) {
  if (text.empty() || equals_ignoring_case(text, "null")) return true;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '{' || c == '}' || c == ',' || is_blank(c)) return true;
  }
  return false;
}

void append_element(const Datum& element, const Type& type, const TextContext& context,
                    std::string& out) {
  if (is_null(element)) {
    out += "NULL";
    return;
  }
  std::string text;
  format_text(element, type, context, text);
  if (!must_quote(text)) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

class Writer {
 public:
  Writer(const Array& array, const Type& element, const TextContext& context, std::string& out)
      : array_(array), element_(element), context_(context), out_(out) {}

  void level(std::size_t depth) {
    out_ += '{';
    for (std::int32_t i = 0; i < array_.dimensions[depth].length; ++i) {
      if (i > 0) out_ += ',';
      if (depth + 1 < array_.dimensions.size()) {
        level(depth + 1);
      } else {
        append_element(array_.elements[next_++], element_, context_, out_);
      }
    }
    out_ += '}';
  }

 private:
  const Array& array_;
  const Type& element_;
  const TextContext& context_;
  std::string& out_;
  std::size_t next_ = 0;
};

// As PostgreSQL 15's ArrayCount and ReadArrayStr, in one pass.
class Reader {
 public:
  Reader(std::string_view text, const Type& element, const TextContext& context)
      : whole_(text), text_(text), element_(element), context_(context) {}

  Result<Array> run() {
    skip_blanks();
    std::vector<Array::Dimension> given;
    while (peek() == '[') {
      SPAR_ASSIGN(const Array::Dimension dimension, bounds());
      if (given.size() == kArrayDimensionsMax) return too_many(given.size() + 1);
      given.push_back(dimension);
      skip_blanks();
    }
    if (given.empty() && peek() != '{') {
      return malformed("Array value must start with \"{\" or dimension information.");
    }
    if (!given.empty()) {
      if (peek() != '=') return malformed("Missing \"=\" after array dimensions.");
      ++at_;
      skip_blanks();
      if (peek() != '{') return malformed("Array contents must start with \"{\".");
    }
    SPAR_TRY(level(0));
    skip_blanks();
    if (at_ < text_.size()) return malformed("Junk after closing right brace.");
    if (array_.elements.empty()) array_.dimensions.clear();
    if (given.empty()) return std::move(array_);
    if (given.size() != array_.dimensions.size()) return mismatch();
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (given[i].length != array_.dimensions[i].length) return mismatch();
      array_.dimensions[i].lower = given[i].lower;
    }
    return std::move(array_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  Failure malformed(std::string_view detail) const {
    Failure failure =
        sql_error("22P02", "malformed array literal: \"" + std::string(whole_) + "\"");
    failure.error().detail = std::string(detail);
    return failure;
  }
  Failure mismatch() const {
    return malformed("Specified array dimensions do not match array contents.");
  }
  static Failure too_many(std::size_t count) {
    return sql_error("54000", "number of array dimensions (" + std::to_string(count) +
                                  ") exceeds the maximum allowed (" +
                                  std::to_string(kArrayDimensionsMax) + ")");
  }

  std::optional<std::int32_t> number() {
    std::size_t start = at_;
    if (peek() == '+') ++start;
    std::int32_t value = 0;
    const auto read = std::from_chars(text_.data() + start, text_.data() + text_.size(), value);
    if (read.ec != std::errc()) return std::nullopt;
    at_ = static_cast<std::size_t>(read.ptr - text_.data());
    return value;
  }
  // [lower:upper] or [upper]
  Result<Array::Dimension> bounds() {
    ++at_;
    const auto first = number();
    if (!first) return malformed("\"[\" must introduce explicitly-specified array dimensions.");
    std::int32_t lower = 1, upper = *first;
    if (peek() == ':') {
      ++at_;
      const auto second = number();
      if (!second) return malformed("Missing array dimension value.");
      lower = *first;
      upper = *second;
    }
    if (peek() != ']') return malformed("Missing \"]\" after array dimensions.");
    ++at_;
    if (upper < lower) return sql_error("2202E", "upper bound cannot be less than lower bound");
    const std::int64_t length = std::int64_t{upper} - lower + 1;
    if (length > kArrayElementsMax) {
      return sql_error("54000", "array size exceeds the maximum allowed (134217727)");
    }
    return Array::Dimension{static_cast<std::int32_t>(length), lower};
  }

  // At a brace: everything up to its partner.
  Result<void> level(std::size_t depth) {
    if (depth >= kArrayDimensionsMax) return too_many(depth + 1);
    if (leaf_depth_ && depth > *leaf_depth_) return malformed("Unexpected \"{\" character.");
    if (array_.dimensions.size() <= depth) array_.dimensions.push_back({-1, 1});
    ++at_;
    skip_blanks();
    std::int32_t count = 0;
    if (peek() != '}') {
      for (;;) {
        skip_blanks();
        if (peek() == '{') {
          if (leaf_depth_ && *leaf_depth_ <= depth) {
            return malformed("Unexpected \"{\" character.");
          }
          SPAR_TRY(level(depth + 1));
        } else {
          if (array_.dimensions.size() > depth + 1) {
            return malformed("Unexpected array element.");
          }
          leaf_depth_ = depth;
          SPAR_TRY(item());
        }
        ++count;
        skip_blanks();
        if (peek() == ',') {
          ++at_;
          continue;
        }
        if (peek() == '}') break;
        return at_ >= text_.size() ? malformed("Unexpected end of input.")
                                   : malformed("Unexpected array element.");
      }
    } else if (depth > 0 || array_.dimensions.size() > 1) {
      // {{},{}} is an empty array; a brace beside others must hold as many as they do.
      empty_inside_ = true;
    }
    ++at_;
    std::int32_t& length = array_.dimensions[depth].length;
    if (length >= 0 && length != count) {
      return malformed("Multidimensional arrays must have sub-arrays with matching dimensions.");
    }
    length = count;
    return {};
  }

  Result<void> item() {
    std::string text;
    bool quoted = false;
    std::size_t kept = 0;  // trailing blanks behind it go
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (quoted || !text.empty()) return malformed("Unexpected array element.");
        quoted = true;
        SPAR_TRY(string(text));
        kept = text.size();
        skip_blanks();
        break;
      }
      if (c == ',' || c == '}') break;
      if (c == '{') return malformed("Unexpected \"{\" character.");
      if (c == '\\') {
        ++at_;
        if (at_ >= text_.size()) return malformed("Unexpected end of input.");
        quoted_part_ = true;
      }
      text += text_[at_];
      if (c == '\\' || !is_blank(c)) kept = text.size();
      ++at_;
    }
    text.resize(kept);
    const bool plain = !quoted && !std::exchange(quoted_part_, false);
    if (plain && text.empty()) {
      if (at_ >= text_.size()) return malformed("Unexpected end of input.");
      return malformed("Unexpected \"" + std::string(1, peek()) + "\" character.");
    }
    if (array_.elements.size() >= static_cast<std::size_t>(kArrayElementsMax)) {
      return sql_error("54000", "array size exceeds the maximum allowed (134217727)");
    }
    if (plain && equals_ignoring_case(text, "null")) {
      array_.elements.emplace_back();
      return {};
    }
    SPAR_ASSIGN(Datum value, parse_text(text, element_, context_));
    array_.elements.push_back(std::move(value));
    return {};
  }
  Result<void> string(std::string& text) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return {};
      }
      if (text_[at_] == '\\' && ++at_ >= text_.size()) break;
      text += text_[at_];
    }
    return malformed("Unexpected end of input.");
  }

  std::string_view whole_, text_;
  std::size_t at_ = 0;
  Type element_;
  const TextContext& context_;
  Array array_;
  std::optional<std::size_t> leaf_depth_;
  bool quoted_part_ = false;
  bool empty_inside_ = false;
};

}  // namespace

void format_array(std::string_view blob, const Type& type, const TextContext& context,
                  std::string& out) {
  const Result<Array> array = array_from_blob(blob);
  if (!array || array->dimensions.empty()) {
    out += "{}";
    return;
  }
  bool plain = true;
  for (const Array::Dimension& d : array->dimensions) plain = plain && d.lower == 1;
  for (const Array::Dimension& d : array->dimensions) {
    if (plain) break;
    out += '[' + std::to_string(d.lower) + ':' + std::to_string(d.lower + d.length - 1) + ']';
  }
  if (!plain) out += '=';
  const Type element = element_type(type);
  Writer(*array, element, context, out).level(0);
}

Result<Datum> parse_array(std::string_view text, const Type& type, const TextContext& context) {
  Type element = element_type(type);
  SPAR_ASSIGN(Array array, Reader(text, element, context).run());
  const auto shape = numeric_shape({element.id, type.typmod});
  for (Datum& value : array.elements) {
    if (!shape || is_null(value)) continue;
    SPAR_ASSIGN(const Decimal decimal, Decimal::from_blob(std::get<Blob>(value).bytes));
    SPAR_ASSIGN(const Decimal fitting, decimal.with_shape(*shape));
    value = Blob{fitting.to_blob()};
  }
  return Datum(Blob{array_to_blob(array)});
}

}  // namespace spar::data
