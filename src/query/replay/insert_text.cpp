#include "query/replay/insert_text.h"

#include <algorithm>

#include "query/route/lexer.h"

namespace spar::query::replay {
namespace {

struct Token {
  enum class Kind { word, quoted, punctuation, other } kind;
  Span at;
};

struct Tokens {
  const char* base;
  std::vector<Token> list = {};

  bool add(Token::Kind kind, const char* begin, const char* end) {
    list.push_back(
        {kind, {static_cast<std::size_t>(begin - base), static_cast<std::size_t>(end - base)}});
    return true;
  }
  bool word(const char* b, const char* e) { return add(Token::Kind::word, b, e); }
  bool national(const char* b, const char* e) { return add(Token::Kind::other, b, e); }
  bool quoted(const char* b, const char* e) { return add(Token::Kind::quoted, b, e); }
  bool parameter(const char* b, const char* e) { return add(Token::Kind::other, b, e); }
  bool literal(route::Literal, const char* b, const char* e) {
    return add(Token::Kind::other, b, e);
  }
  bool operation(const char* b, const char* e) { return add(Token::Kind::other, b, e); }
  bool punctuation(const char* b, const char* e) { return add(Token::Kind::punctuation, b, e); }
};

bool same_word(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
  });
}

class Finder {
 public:
  Finder(std::string_view text, const std::vector<Token>& tokens) : text_(text), tokens_(tokens) {}

  std::optional<InsertText> run(std::size_t target, bool has_columns) {
    at_ = static_cast<std::size_t>(
        std::ranges::lower_bound(tokens_, target, {}, [](const Token& t) { return t.at.begin; }) -
        tokens_.begin());
    if (!name()) return std::nullopt;
    if (has_columns && !columns()) return std::nullopt;
    if (is_word("overriding")) at_ += 3;  // SYSTEM or USER, VALUE
    if (done() || !source()) return std::nullopt;
    find_excluded();
    return std::move(parts_);
  }

 private:
  bool done() const { return at_ >= tokens_.size(); }
  std::string_view token() const {
    if (done()) return {};
    return text_.substr(tokens_[at_].at.begin, tokens_[at_].at.end - tokens_[at_].at.begin);
  }
  bool is(std::string_view punctuation) const {
    return !done() && tokens_[at_].kind == Token::Kind::punctuation && token() == punctuation;
  }
  bool is_word(std::string_view word) const {
    return !done() && tokens_[at_].kind == Token::Kind::word && same_word(token(), word);
  }
  bool identifier() {
    if (done()) return false;
    const Token::Kind kind = tokens_[at_].kind;
    if (kind != Token::Kind::word && kind != Token::Kind::quoted) return false;
    parts_.target_end = tokens_[at_++].at.end;
    return true;
  }

  bool name() {
    if (!identifier()) return false;
    while (is(".")) {
      ++at_;
      if (!identifier()) return false;
    }
    if (!is_word("as")) return true;
    ++at_;
    return identifier();
  }
  bool columns() {
    if (!is("(")) return false;
    const auto row = list();
    if (!row) return false;
    parts_.columns_close = row->close;
    return true;
  }

  // At "(": what stands between the commas, up to the ")" that belongs to it.
  std::optional<InsertText::Row> list() {
    InsertText::Row row;
    std::size_t depth = 0, begin = tokens_[at_].at.end;
    for (; !done(); ++at_) {
      if (tokens_[at_].kind != Token::Kind::punctuation) continue;
      const bool ends = depth == 1 && (is(",") || is(")"));
      if (ends) row.items.push_back(trimmed({begin, tokens_[at_].at.begin}));
      if (ends && is(",")) begin = tokens_[at_].at.end;
      if (is("(") || is("[")) ++depth;
      if (is(")") || is("]")) --depth;
      if (depth == 0) {
        row.close = tokens_[at_++].at.begin;
        return row;
      }
    }
    return std::nullopt;
  }
  Span trimmed(Span span) const {
    const auto first = std::ranges::lower_bound(tokens_, span.begin, {},
                                                [](const Token& t) { return t.at.begin; });
    std::size_t end = span.begin;
    for (auto each = first; each != tokens_.end() && each->at.begin < span.end; ++each) {
      end = each->at.end;
    }
    return first == tokens_.end() ? span : Span{std::min(first->at.begin, end), end};
  }

  bool source() {
    parts_.source_text.begin = tokens_[at_].at.begin;
    if (is_word("default")) return default_values();
    if (is_word("values")) return values();
    return is_word("select") && select();
  }
  bool default_values() {
    parts_.source = InsertText::Source::default_values;
    ++at_;
    if (!is_word("values")) return false;
    parts_.source_text.end = tokens_[at_++].at.end;
    return ends();
  }
  bool values() {
    do {
      ++at_;
      if (!is("(")) return false;
      auto row = list();
      if (!row) return false;
      parts_.source_text.end = row->close + 1;
      parts_.rows.push_back(std::move(*row));
    } while (is(","));
    return ends();
  }
  bool select() {
    parts_.source = InsertText::Source::select;
    for (std::size_t depth = 0; !done(); ++at_) {
      if (is("(") || is("[")) ++depth;
      if (is(")") || is("]")) --depth;
      if (depth == 0 && ends()) return true;
      parts_.source_text.end = tokens_[at_].at.end;
    }
    return false;
  }
  bool ends() const {
    return is_word("returning") ||
           (is_word("on") && at_ + 1 < tokens_.size() &&
            same_word(text_.substr(tokens_[at_ + 1].at.begin, 8), "conflict"));
  }

  void find_excluded() {
    for (; !done(); ++at_) {
      if (!is_word("excluded") && token() != "\"excluded\"") continue;
      const bool column = at_ + 2 < tokens_.size() && text_[tokens_[at_ + 1].at.begin] == '.';
      parts_.excluded.push_back(column ? tokens_[at_ + 2].at : Span{});
    }
  }

  std::string_view text_;
  const std::vector<Token>& tokens_;
  std::size_t at_ = 0;
  InsertText parts_;
};

}  // namespace

std::optional<InsertText> find_parts(std::string_view text, std::size_t target, bool has_columns) {
  Tokens tokens{text.data()};
  if (!route::Lexer<Tokens>(text, true, tokens).run()) return std::nullopt;
  return Finder(text, tokens.list).run(target, has_columns);
}

}  // namespace spar::query::replay
