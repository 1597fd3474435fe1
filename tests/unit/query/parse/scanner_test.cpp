#include "query/parse/scanner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spar::query::grammar {
namespace {

std::vector<std::string> lexemes(std::string_view text) {
  Scanner scanner(text);
  std::vector<std::string> all;
  while (scanner.next() != Token::end) all.emplace_back(scanner.lexeme());
  return all;
}
using Words = std::vector<std::string>;

TEST(Scanner, CutsWhereTheGrammarDoes) {
  EXPECT_EQ(lexemes("select a.b, 1.5e3 from t"),
            (Words{"select", "a", ".", "b", ",", "1.5e3", "from", "t"}));
  EXPECT_EQ(lexemes("a<=b::int||-1"), (Words{"a", "<=", "b", "::", "int", "||-", "1"}));
  EXPECT_EQ(lexemes("'it''s' E'a\\'b' x'00' \"q\"\"q\" U&\"x\""),
            (Words{"'it''s'", "E'a\\'b'", "x'00'", "\"q\"\"q\"", "U&\"x\""}));
  EXPECT_EQ(lexemes("$1 $$a'b$$ $x$ $$ $x$"), (Words{"$1", "$$a'b$$", "$x$ $$ $x$"}));
  EXPECT_EQ(lexemes("1--2\n+/* /* */ */3"), (Words{"1", "+", "3"}));
  EXPECT_EQ(lexemes("1--2\r+3"), (Words{"1", "+", "3"}));  // a carriage return ends it too
}

TEST(Scanner, SurvivesWhatIsOpen) {
  for (const std::string_view text :
       {"'abc", "\"abc", "/* abc", "$a$ x", "E'\\", "--", "$", "u&'"}) {
    lexemes(text);
  }
  EXPECT_EQ(lexemes("'abc"), (Words{"'abc"}));
}

}  // namespace
}  // namespace spar::query::grammar
