#include "query/route/legacy_strings.h"

#include "query/route/lexer.h"

namespace spar::query::route {
namespace {

class Rewriter {
 public:
  explicit Rewriter(std::string_view text)
      : copied_(text.data()), end_(text.data() + text.size()) {}

  bool word(const char*, const char*) { return true; }
  bool national(const char*, const char*) { return true; }
  bool quoted(const char*, const char*) { return true; }
  bool parameter(const char*, const char*) { return true; }
  bool operation(const char*, const char*) { return true; }
  bool punctuation(const char*, const char*) { return true; }
  bool literal(Literal, const char* begin, const char*) {
    if (*begin != '\'') return true;
    result_.append(copied_, begin);
    result_ += " E";  // the space keeps it apart from a word before it
    copied_ = begin;
    return true;
  }
  std::string finish() {
    result_.append(copied_, end_);
    return std::move(result_);
  }

 private:
  const char* copied_;
  const char* end_;
  std::string result_;
};

}  // namespace

std::optional<std::string> with_escape_strings(std::string_view text) {
  Rewriter rewriter(text);
  Lexer<Rewriter> lexer(text, false, rewriter);
  if (!lexer.run()) return std::nullopt;
  return rewriter.finish();
}

}  // namespace spar::query::route
