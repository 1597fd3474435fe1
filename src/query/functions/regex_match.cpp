#include "query/functions/regex_match.h"

#include <unordered_map>

namespace spar::query::functions {
namespace {

constexpr std::size_t kStepsMax = 50'000'000;

Failure too_long() {
  return sql_error("54000", "a regular expression takes too long to match");
}

// All threads of the program that began at one place.
class Scan {
 public:
  Scan(const RegexProgram& program, const RegexText& text, std::size_t& steps)
      : program_(program), text_(text), steps_(steps), entered_(program.instructions.size(), 0) {}

  // The end of the longest or shortest match from `start`.
  std::optional<std::size_t> run(std::size_t start, bool longest) {
    std::optional<std::size_t> found;
    std::vector<std::uint32_t> now, next;
    ++round_;
    follow(0, start, now);
    for (std::size_t at = start;; ++at) {
      if (std::exchange(matched_, false)) {
        found = at;
        if (!longest) return found;
      }
      if (now.empty() || at == text_.size()) return found;
      ++round_;
      next.clear();
      for (const std::uint32_t place : now) {
        ++steps_;
        const Instruction& instruction = program_.instructions[place];
        if (program_.sets[instruction.first].contains(text_.at(at))) {
          follow(place + 1, at + 1, next);
        }
      }
      std::swap(now, next);
    }
  }

 private:
  void follow(std::uint32_t place, std::size_t at, std::vector<std::uint32_t>& threads) {
    const auto enter = [&](std::uint32_t entered) {
      if (std::exchange(entered_[entered], round_) == round_) return false;
      ++steps_;
      return true;
    };
    const auto holds = [&](Place where) {
      return is_at_place(where, text_.before(at), text_.ahead(at));
    };
    const auto wait = [&](std::uint32_t set) { threads.push_back(set); };
    matched_ |= functions::follow(program_, place, pending_, enter, holds, wait);
  }

  const RegexProgram& program_;
  const RegexText& text_;
  std::size_t& steps_;
  std::vector<std::uint64_t> entered_;
  std::vector<std::uint32_t> pending_;
  std::uint64_t round_ = 0;
  bool matched_ = false;
};

// Takes a match apart: which piece of the text each part of the expression stands for.
class Dissection {
 public:
  Dissection(const RegexProgram& program, const RegexText& text, std::size_t& steps)
      : program_(program), text_(text), steps_(steps) {}

  // REQUIRES: the node matches [begin, end).
  void run(const RegexNode& node, std::size_t begin, std::size_t end, RegexGroups& groups) {
    switch (node.kind) {
      case RegexNode::sequence:
        sequence(node, begin, end, groups);
        break;
      case RegexNode::choice:
        for (const RegexNode& child : node.children) {
          if (!matches(child, begin, end)) continue;
          run(child, begin, end, groups);
          break;
        }
        break;
      case RegexNode::repeat:
        repeat(node, begin, end, groups);
        break;
      default:
        break;
    }
    if (node.group != 0) groups[node.group] = RegexSpan(begin, end);
  }

 private:
  struct Question {
    const RegexNode* node;
    std::size_t part, begin, end;
    friend bool operator==(const Question&, const Question&) = default;
  };
  struct Hash {
    std::size_t operator()(const Question& q) const {
      std::size_t value = reinterpret_cast<std::size_t>(q.node);
      for (const std::size_t more : {q.part, q.begin, q.end}) {
        value = value * 0x9e3779b97f4a7c15ULL + more;
      }
      return value ^ value >> 29;
    }
  };

  bool matches(const RegexNode& node, std::size_t begin, std::size_t end) {
    switch (node.kind) {
      case RegexNode::empty:
        return begin == end;
      case RegexNode::set:
        return begin + 1 == end && program_.sets[node.set_number].contains(text_.at(begin));
      case RegexNode::place:
        return begin == end && is_at_place(node.where, text_.before(begin), text_.ahead(begin));
      case RegexNode::choice:
        for (const RegexNode& child : node.children) {
          if (matches(child, begin, end)) return true;
        }
        return false;
      case RegexNode::sequence:
        return rest_matches(node, 0, begin, end);
      case RegexNode::repeat:
        return repeats(node, 0, begin, end);
    }
    return false;
  }

  template <class Find>
  bool known(const Question& question, Find find) {
    if (++steps_ > kStepsMax) return false;
    const auto found = answers_.find(question);
    if (found != answers_.end()) return found->second;
    const bool answer = find();
    answers_.emplace(question, answer);
    return answer;
  }

  // The children from `part` on.
  bool rest_matches(const RegexNode& node, std::size_t part, std::size_t begin, std::size_t end) {
    if (part == node.children.size()) return begin == end;
    if (part + 1 == node.children.size()) return matches(node.children[part], begin, end);
    return known({&node, part, begin, end}, [&] {
      for (std::size_t middle = begin; middle <= end; ++middle) {
        if (matches(node.children[part], begin, middle) &&
            rest_matches(node, part + 1, middle, end)) {
          return true;
        }
      }
      return false;
    });
  }

  // `done` repetitions lie before: the others. More than the least are not counted.
  bool repeats(const RegexNode& node, std::size_t done, std::size_t begin, std::size_t end) {
    const bool enough = static_cast<int>(done) >= node.least;
    if (begin == end && enough) return true;
    if (node.most >= 0 && static_cast<int>(done) >= node.most) return false;
    return known({&node, done, begin, end}, [&] {
      const RegexNode& child = node.children[0];
      const std::size_t next = node.most < 0 && enough ? done : done + 1;
      // An empty repetition only helps where one is still missing.
      if (!enough && matches(child, begin, begin) && repeats(node, next, begin, end)) return true;
      for (std::size_t middle = begin + 1; middle <= end; ++middle) {
        if (matches(child, begin, middle) && repeats(node, next, middle, end)) return true;
      }
      return false;
    });
  }

  // The places where a part may end, the preferred first.
  template <class Take>
  static void try_ends(Greed greed, std::size_t begin, std::size_t end, Take take) {
    if (greed == Greed::shortest) {
      for (std::size_t middle = begin; middle <= end; ++middle) {
        if (take(middle)) return;
      }
      return;
    }
    for (std::size_t middle = end + 1; middle-- > begin;) {
      if (take(middle)) return;
    }
  }

  void sequence(const RegexNode& node, std::size_t begin, std::size_t end, RegexGroups& groups) {
    for (std::size_t part = 0; part < node.children.size(); ++part) {
      const RegexNode& child = node.children[part];
      if (part + 1 == node.children.size()) return run(child, begin, end, groups);
      std::size_t taken = begin;
      try_ends(child.greed, begin, end, [&](std::size_t middle) {
        if (!matches(child, begin, middle) || !rest_matches(node, part + 1, middle, end)) {
          return false;
        }
        taken = middle;
        return true;
      });
      run(child, begin, taken, groups);
      begin = taken;
    }
  }

  void repeat(const RegexNode& node, std::size_t begin, std::size_t end, RegexGroups& groups) {
    const RegexNode& child = node.children[0];
    if (begin == end && node.least == 0) return;
    std::size_t done = 0;
    for (;;) {
      const bool enough = static_cast<int>(done) >= node.least;
      if (begin == end && enough) return;
      const std::size_t next = node.most < 0 && enough ? done : done + 1;
      std::optional<std::size_t> taken;
      // Within each repetition the longest, but for a part that wants the shortest.
      try_ends(child.greed == Greed::none ? node.greed : child.greed, begin, end,
               [&](std::size_t middle) {
                 if (middle == begin && begin != end && enough) return false;
                 if (!matches(child, begin, middle) || !repeats(node, next, middle, end)) {
                   return false;
                 }
                 taken = middle;
                 return true;
               });
      if (!taken) return;
      run(child, begin, *taken, groups);
      begin = *taken;
      done = next;
      if (begin == end && static_cast<int>(done) >= node.least) return;
    }
  }

  const RegexProgram& program_;
  const RegexText& text_;
  std::size_t& steps_;
  std::unordered_map<Question, bool, Hash> answers_;
};

}  // namespace

RegexText::RegexText(std::string_view text) : text_(text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    offsets_.push_back(text.size() - rest.size());
    characters_ += take_character(rest);
  }
  offsets_.push_back(text.size());
}

Result<std::optional<RegexGroups>> find_match(const RegexProgram& program, const RegexText& text,
                                              std::size_t from, bool groups) {
  std::size_t steps = 0;
  Scan scan(program, text, steps);
  const bool longest = program.tree.greed != Greed::shortest;
  for (std::size_t start = from; start <= text.size(); ++start) {
    const auto end = scan.run(start, longest);
    if (steps > kStepsMax) return too_long();
    if (!end) continue;
    RegexGroups found(program.groups + 1);
    if (groups && program.groups > 0) {
      Dissection(program, text, steps).run(program.tree, start, *end, found);
      if (steps > kStepsMax) return too_long();
    }
    found[0] = RegexSpan(start, *end);
    return std::optional(std::move(found));
  }
  return std::optional<RegexGroups>();
}

}  // namespace spar::query::functions
