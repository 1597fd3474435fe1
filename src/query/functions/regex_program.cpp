// Regular expressions: text to tree to program.
#include "query/functions/regex_program.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "data/characters.h"

namespace spar::query::functions {
namespace {

constexpr std::size_t kInstructionsMax = 20'000;
constexpr int kNestingMax = 250;
constexpr int kRepeatMax = 255;  // DUPMAX
constexpr int kUnbounded = -1;
constexpr char32_t kLastCharacter = 0x10ffff;

Failure invalid(std::string_view why) {
  return sql_error("2201B", "invalid regular expression: " + std::string(why));
}

using Node = RegexNode;

using Ranges = std::vector<CharacterSet::Range>;

struct NamedClass {
  std::string_view name;
  Ranges ranges;
};

const std::vector<NamedClass>& named_classes() {
  static const std::vector<NamedClass> kClasses = {
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"digit", {{'0', '9'}}},
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"upper", {{'A', 'Z'}}},
      {"lower", {{'a', 'z'}}},
      {"space", {{'\t', '\r'}, {' ', ' '}}},
      {"blank", {{'\t', '\t'}, {' ', ' '}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
      {"cntrl", {{0, 31}, {127, 127}}},
      {"print", {{' ', '~'}}},
      {"graph", {{'!', '~'}}},
      {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
  };
  return kClasses;
}

const Ranges* named_class(std::string_view name) {
  for (const NamedClass& known : named_classes()) {
    if (known.name == name) return &known.ranges;
  }
  return nullptr;
}

class Parser {
 public:
  Parser(std::string_view pattern, const RegexOptions& options, std::vector<CharacterSet>& sets)
      : rest_(pattern), ignore_case_(options.ignore_case), lines_(options.lines), sets_(sets) {}

  std::uint32_t groups() const { return groups_; }

  Result<Node> parse() {
    SPAR_TRY(options());
    SPAR_ASSIGN(Node node, choice(0));
    if (!rest_.empty()) return invalid("parentheses () not balanced");
    return node;
  }

 private:
  bool take(std::string_view prefix) {
    if (!rest_.starts_with(prefix)) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }

  // (?i) and the like at the very start.
  Result<void> options() {
    if (rest_.starts_with("***")) return not_supported("a regular expression's *** prefix");
    if (rest_.size() < 3 || !rest_.starts_with("(?") || !data::is_letter(rest_[2])) return {};
    const std::size_t end = rest_.find(')');
    if (end == std::string_view::npos) return invalid("invalid embedded option");
    for (const char option : rest_.substr(2, end - 2)) {
      if (option == 'i') ignore_case_ = true;
      if (option == 'c') ignore_case_ = false;
      if (option == 'n' || option == 'm') lines_ = true;
      if (option == 's') lines_ = false;
      if (std::string_view("icestnm").find(option) == std::string_view::npos) {
        return not_supported("a regular expression's option " + std::string(1, option));
      }
    }
    rest_.remove_prefix(end + 1);
    return {};
  }

  Result<Node> choice(int depth) {
    if (depth > kNestingMax) return invalid("regular expression is too complex");
    Node node{.kind = Node::choice};
    do {
      SPAR_ASSIGN(Node branch, sequence(depth));
      node.children.push_back(std::move(branch));
    } while (take("|"));
    node.greed = Greed::longest;
    if (node.children.size() > 1) return node;
    return std::move(node.children[0]);
  }

  Result<Node> sequence(int depth) {
    Node node{.kind = Node::sequence};
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      SPAR_ASSIGN(Node piece, atom(depth));
      SPAR_TRY(quantify(piece));
      if (node.greed == Greed::none) node.greed = piece.greed;
      node.children.push_back(std::move(piece));
    }
    return node;
  }

  Result<void> quantify(Node& piece) {
    int least = 0, most = kUnbounded;
    bool passes = false;  // {m} leaves the piece its own greed
    if (take("*")) {
    } else if (take("+")) {
      least = 1;
    } else if (take("?")) {
      most = 1;
    } else if (starts_bound()) {
      SPAR_TRY(bound(least, most, passes));
    } else {
      return {};
    }
    if (piece.kind == Node::place) return invalid("quantifier operand invalid");
    Greed greed = take("?") ? Greed::shortest : Greed::longest;
    if (passes) greed = piece.greed;
    if (!rest_.empty() && std::string_view("*+?").contains(rest_[0])) {
      return invalid("quantifier operand invalid");
    }
    Node repeat{.kind = Node::repeat, .least = least, .most = most, .greed = greed};
    repeat.children.push_back(std::move(piece));
    piece = std::move(repeat);
    return {};
  }
  bool starts_bound() const {
    return rest_.size() > 1 && rest_[0] == '{' && data::is_digit(rest_[1]);
  }
  Result<void> bound(int& least, int& most, bool& passes) {
    take("{");
    least = number();
    most = least;
    passes = !rest_.starts_with(",");
    if (take(",")) most = rest_.empty() || !data::is_digit(rest_[0]) ? kUnbounded : number();
    if (least > kRepeatMax || most > kRepeatMax || (most != kUnbounded && most < least)) {
      return invalid("invalid repetition count(s)");
    }
    if (!take("}"))
      return invalid(rest_.empty() ? "braces {} not balanced" : "invalid repetition count(s)");
    return {};
  }
  int number() {
    int value = 0;
    for (; !rest_.empty() && data::is_digit(rest_[0]); rest_.remove_prefix(1)) {
      value = std::min(value * 10 + (rest_[0] - '0'), kRepeatMax + 1);
    }
    return value;
  }

  Result<Node> atom(int depth) {
    switch (rest_[0]) {
      case '(':
        return group(depth);
      case '[':
        return bracket();
      case '\\':
        return escape();
      case '*':
      case '+':
      case '?':
        return invalid("quantifier operand invalid");
      case '{':
        if (starts_bound()) return invalid("quantifier operand invalid");
        break;
      case '^':
        rest_.remove_prefix(1);
        return at(lines_ ? Place::line_start : Place::start);
      case '$':
        rest_.remove_prefix(1);
        return at(lines_ ? Place::line_end : Place::end);
      case '.':
        rest_.remove_prefix(1);
        if (lines_) return one_of({{U'\n', U'\n'}}, true);
        return one_of({{0, kLastCharacter}}, false);
      default:
        break;
    }
    return literal(take_character(rest_));
  }

  Result<Node> group(int depth) {
    take("(");
    if (rest_.starts_with("?=") || rest_.starts_with("?!") || rest_.starts_with("?<")) {
      return not_supported("look-around in a regular expression");
    }
    const bool captures = !take("?:");
    if (captures && rest_.starts_with("?")) return invalid("quantifier operand invalid");
    const std::uint32_t number = captures ? ++groups_ : 0;
    SPAR_ASSIGN(Node node, choice(depth + 1));
    if (!take(")")) return invalid("parentheses () not balanced");
    Node group{.kind = Node::sequence};  // so that (^)* is a repetition of something
    group.greed = node.greed;
    group.group = number;
    group.children.push_back(std::move(node));
    return group;
  }

  // ---- sets of characters

  static Node at(Place place) { return Node{.kind = Node::place, .where = place}; }

  Node one_of(Ranges ranges, bool negated) {
    if (ignore_case_) add_other_case(ranges);
    sets_.push_back({std::move(ranges), negated});
    return Node{.kind = Node::set, .set_number = static_cast<std::uint32_t>(sets_.size() - 1)};
  }
  Node literal(char32_t c) { return one_of({{c, c}}, false); }

  static void add_other_case(Ranges& ranges) {
    const std::size_t count = ranges.size();
    for (std::size_t i = 0; i < count; ++i) {
      const CharacterSet::Range range = ranges[i];
      add_shifted(range, 'A', 'Z', 32, ranges);
      add_shifted(range, 'a', 'z', -32, ranges);
    }
  }
  static void add_shifted(CharacterSet::Range range, char32_t low, char32_t high, int by,
                          Ranges& out) {
    const char32_t first = std::max(range.first, low), last = std::min(range.last, high);
    if (first > last) return;
    out.push_back({first + static_cast<char32_t>(by), last + static_cast<char32_t>(by)});
  }

  Result<Node> bracket() {
    take("[");
    const bool negated = take("^");
    Ranges ranges;
    for (bool first = true; first || !take("]"); first = false) {
      if (rest_.empty()) return invalid("brackets [] not balanced");
      if (rest_.starts_with("[.") || rest_.starts_with("[=")) {
        return not_supported("a collating element in a regular expression");
      }
      if (take("[:")) {
        SPAR_TRY(add_class(ranges));
        continue;
      }
      SPAR_TRY(add_range(ranges));
    }
    if (negated && lines_) ranges.push_back({U'\n', U'\n'});
    return one_of(std::move(ranges), negated);
  }
  Result<void> add_class(Ranges& ranges) {
    const std::size_t end = rest_.find(":]");
    if (end == std::string_view::npos) return invalid("brackets [] not balanced");
    const Ranges* known = named_class(rest_.substr(0, end));
    if (known == nullptr) return invalid("invalid character class");
    rest_.remove_prefix(end + 2);
    ranges.insert(ranges.end(), known->begin(), known->end());
    return {};
  }
  Result<void> add_range(Ranges& ranges) {
    if (rest_.size() > 1 && rest_[0] == '\\') {
      if (const Ranges* known = shorthand(rest_[1])) {
        rest_.remove_prefix(2);
        ranges.insert(ranges.end(), known->begin(), known->end());
        return {};
      }
    }
    SPAR_ASSIGN(const char32_t first, bracket_character());
    char32_t last = first;
    if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
      rest_.remove_prefix(1);
      SPAR_ASSIGN(last, bracket_character());
    }
    if (last < first) return invalid("invalid character range");
    ranges.push_back({first, last});
    return {};
  }
  Result<char32_t> bracket_character() {
    if (rest_.empty()) return invalid("brackets [] not balanced");
    if (rest_[0] != '\\') return take_character(rest_);
    rest_.remove_prefix(1);
    return escaped_character();
  }

  // ---- escapes

  static const Ranges* shorthand(char letter) {
    if (letter == 'd') return named_class("digit");
    if (letter == 's') return named_class("space");
    if (letter == 'w') return named_class("word");
    return nullptr;
  }
  static std::optional<Place> place_of(char letter) {
    switch (letter) {
      case 'A':
        return Place::start;
      case 'Z':
        return Place::end;
      case 'm':
        return Place::word_start;
      case 'M':
        return Place::word_end;
      case 'y':
        return Place::word_edge;
      case 'Y':
        return Place::no_word_edge;
      default:
        return std::nullopt;
    }
  }
  Result<Node> escape() {
    take("\\");
    if (rest_.empty()) return invalid("invalid escape \\ sequence");
    const char letter = rest_[0];
    if (const auto place = place_of(letter)) {
      rest_.remove_prefix(1);
      return at(*place);
    }
    if (const Ranges* known = shorthand(data::to_lower(letter))) {
      rest_.remove_prefix(1);
      return one_of(*known, data::to_lower(letter) != letter);
    }
    if (letter >= '1' && letter <= '9') {
      return not_supported("a back reference in a regular expression");
    }
    SPAR_ASSIGN(const char32_t c, escaped_character());
    return literal(c);
  }
  // Behind the backslash.
  Result<char32_t> escaped_character() {
    if (rest_.empty()) return invalid("invalid escape \\ sequence");
    const char letter = rest_[0];
    if (!data::is_letter(letter) && letter != '0') return take_character(rest_);
    rest_.remove_prefix(1);
    constexpr std::string_view kLetters = "abefnrtv0";
    constexpr char32_t kValues[] = {7, 8, 27, 12, 10, 13, 9, 11, 0};
    const std::size_t known = kLetters.find(letter);
    if (known != std::string_view::npos) return kValues[known];
    if (letter == 'B') return U'\\';
    if (letter == 'u') return hexadecimal(4);
    if (letter == 'U') return hexadecimal(8);
    if (letter == 'x') return hexadecimal(2);
    return invalid("invalid escape \\ sequence");
  }
  Result<char32_t> hexadecimal(std::size_t digits) {
    char32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const int digit = i < rest_.size() ? data::hex_value(rest_[i]) : -1;
      if (digit < 0) return invalid("invalid escape \\ sequence");
      value = value * 16 + static_cast<char32_t>(digit);
    }
    rest_.remove_prefix(digits);
    return value;
  }

  std::string_view rest_;
  bool ignore_case_, lines_;
  std::vector<CharacterSet>& sets_;
  std::uint32_t groups_ = 0;
};

class Writer {
 public:
  explicit Writer(std::vector<Instruction>& out) : out_(out) {}

  Result<void> write(const Node& node) {
    if (out_.size() > kInstructionsMax) return invalid("regular expression is too complex");
    switch (node.kind) {
      case Node::empty:
        return {};
      case Node::set:
        out_.push_back({.kind = Instruction::set, .first = node.set_number});
        return {};
      case Node::place:
        out_.push_back({.kind = Instruction::place, .where = node.where});
        return {};
      case Node::sequence:
        for (const Node& child : node.children) SPAR_TRY(write(child));
        return {};
      case Node::choice:
        return choice(node.children);
      case Node::repeat:
        return repeat(node);
    }
    return {};
  }

 private:
  std::uint32_t here() const { return static_cast<std::uint32_t>(out_.size()); }
  std::uint32_t open(Instruction::Kind kind) {
    out_.push_back({.kind = kind, .first = here() + 1});
    return here() - 1;
  }

  Result<void> choice(const std::vector<Node>& branches) {
    std::vector<std::uint32_t> ends;
    for (std::size_t i = 0; i < branches.size(); ++i) {
      const bool last = i + 1 == branches.size();
      const std::uint32_t split = last ? 0 : open(Instruction::split);
      SPAR_TRY(write(branches[i]));
      if (last) break;
      ends.push_back(open(Instruction::jump));
      out_[split].second = here();
    }
    for (const std::uint32_t end : ends) out_[end].first = here();
    return {};
  }

  Result<void> repeat(const Node& node) {
    const Node& child = node.children[0];
    const std::uint32_t start = here();
    for (int i = 0; i < node.least; ++i) {
      SPAR_TRY(write(child));
      if (here() == start) return {};  // nothing, however often
    }
    if (node.most == kUnbounded) {
      const std::uint32_t split = open(Instruction::split);
      SPAR_TRY(write(child));
      out_.push_back({.kind = Instruction::jump, .first = split});
      out_[split].second = here();
      return {};
    }
    std::vector<std::uint32_t> splits;
    for (int i = node.least; i < node.most; ++i) {
      splits.push_back(open(Instruction::split));
      SPAR_TRY(write(child));
    }
    for (const std::uint32_t split : splits) out_[split].second = here();
    return {};
  }

  std::vector<Instruction>& out_;
};

}  // namespace

bool CharacterSet::contains(char32_t c) const {
  const bool found = std::ranges::any_of(
      ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
  return found != negated;
}

bool is_word_character(char32_t c) {
  return c < 128 && (data::is_letter(static_cast<char>(c)) ||
                     data::is_digit(static_cast<char>(c)) || c == '_');
}

char32_t take_character(std::string_view& text) {
  const std::size_t size = std::min(data::character_bytes(text[0]), text.size());
  const auto lead = static_cast<unsigned char>(text[0]);
  char32_t c = size == 1 ? lead : lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    c = c << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  text.remove_prefix(size);
  return c;
}

bool is_at_place(Place place, char32_t before, char32_t ahead) {
  const bool word_before = before != kNoCharacter && is_word_character(before);
  const bool word_ahead = ahead != kNoCharacter && is_word_character(ahead);
  switch (place) {
    case Place::start:
      return before == kNoCharacter;
    case Place::end:
      return ahead == kNoCharacter;
    case Place::word_start:
      return !word_before && word_ahead;
    case Place::word_end:
      return word_before && !word_ahead;
    case Place::word_edge:
      return word_before != word_ahead;
    case Place::no_word_edge:
      return word_before == word_ahead;
    case Place::line_start:
      return before == kNoCharacter || before == U'\n';
    case Place::line_end:
      return ahead == kNoCharacter || ahead == U'\n';
  }
  return false;
}

Result<RegexProgram> compile_regex(std::string_view pattern, const RegexOptions& options) {
  RegexProgram program;
  std::string escaped;
  if (options.literal) {
    for (const char c : pattern) {
      if (static_cast<unsigned char>(c) < 0x80 && !data::is_letter(c) && !data::is_digit(c)) {
        escaped += '\\';
      }
      escaped += c;
    }
    pattern = escaped;
  }
  Parser parser(pattern, options, program.sets);
  SPAR_ASSIGN(program.tree, parser.parse());
  program.groups = parser.groups();
  SPAR_TRY(Writer(program.instructions).write(program.tree));
  program.instructions.push_back({.kind = Instruction::match});
  return program;
}

}  // namespace spar::query::functions
