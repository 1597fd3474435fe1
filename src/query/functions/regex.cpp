#include "query/functions/regex.h"

#include <optional>
#include <string>

#include "query/functions/regex_program.h"

namespace spar::query::functions {
namespace {

constexpr char32_t kNone = kNoCharacter;

// The places in the program that are reached by the text so far, each once.
class Threads {
 public:
  explicit Threads(std::size_t program_size) : entered_(program_size, 0) {}

  void clear() {
    reached_.clear();
    ++round_;
  }
  bool enter(std::uint32_t at) {
    if (entered_[at] == round_) return false;
    entered_[at] = round_;
    return true;
  }
  void add(std::uint32_t at) { reached_.push_back(at); }
  const std::vector<std::uint32_t>& reached() const { return reached_; }

 private:
  std::vector<std::uint64_t> entered_;
  std::uint64_t round_ = 1;
  std::vector<std::uint32_t> reached_;
};

class Search {
 public:
  explicit Search(const RegexProgram& program)
      : program_(program), now_(program.instructions.size()), next_(program.instructions.size()) {}

  bool matches(std::string_view text) {
    char32_t current = text.empty() ? kNone : take_character(text);
    now_.clear();
    for (;;) {
      follow(0, now_, current);  // a match may begin anywhere
      if (matched_) return true;
      if (current == kNone) return false;
      const char32_t ahead = text.empty() ? kNone : take_character(text);
      before_ = current;
      next_.clear();
      for (const std::uint32_t at : now_.reached()) {
        const Instruction& instruction = program_.instructions[at];
        if (program_.sets[instruction.first].contains(current)) follow(at + 1, next_, ahead);
      }
      if (matched_) return true;
      std::swap(now_, next_);
      current = ahead;
    }
  }

 private:
  // Adds what is reached from `at` without a character, with `ahead` the next one.
  void follow(std::uint32_t at, Threads& threads, char32_t ahead) {
    matched_ |= functions::follow(
        program_, at, pending_, [&](std::uint32_t place) { return threads.enter(place); },
        [&](Place where) { return is_at_place(where, before_, ahead); },
        [&](std::uint32_t place) { threads.add(place); });
  }

  const RegexProgram& program_;
  Threads now_, next_;
  std::vector<std::uint32_t> pending_;
  char32_t before_ = kNone;
  bool matched_ = false;
};

struct Compiled {
  std::string pattern;
  Case letters = Case::respected;
  RegexProgram program;
};

}  // namespace

Result<bool> regex_matches(std::string_view text, std::string_view pattern, Case letters) {
  thread_local std::optional<Compiled> last;  // a scan asks for the same one in every row
  if (!last || last->pattern != pattern || last->letters != letters) {
    SPAR_ASSIGN(RegexProgram program,
                compile_regex(pattern, {.ignore_case = letters == Case::ignored}));
    last = Compiled{std::string(pattern), letters, std::move(program)};
  }
  return Search(last->program).matches(text);
}

}  // namespace spar::query::functions
