#include "tests/support/linearizability.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <unordered_set>

namespace spar::test {
namespace {

using Kind = RegisterOperation::Kind;
using Operations = std::vector<RegisterOperation>;

std::string describe(const RegisterOperation& operation) {
  std::ostringstream out;
  out << "client " << operation.client << (operation.kind == Kind::read ? " read " : " wrote ")
      << operation.value << " in key " << operation.key << " during [" << operation.invoked << ", ";
  if (operation.returned == kNeverReturned) {
    out << "?]";
  } else {
    out << operation.returned << ']';
  }
  return out.str();
}

std::optional<Judgement> find_malformed(const Operations& operations, std::int64_t initial) {
  std::set<std::int64_t> written{initial};
  for (const RegisterOperation& each : operations) {
    if (each.returned < each.invoked) {
      return Judgement{Verdict::malformed, describe(each) + ": ends before it begins"};
    }
    if (each.kind == Kind::write && !written.insert(each.value).second) {
      return Judgement{Verdict::malformed, describe(each) + ": not a unique value"};
    }
  }
  return {};
}

// A write of unknown outcome that nobody read may as well not have happened; that it did not keeps
// every other answer possible.
void drop_unread_unknowns(Operations& operations) {
  std::set<std::int64_t> seen;
  for (const RegisterOperation& each : operations) {
    if (each.kind == Kind::read) seen.insert(each.value);
  }
  std::erase_if(operations, [&](const RegisterOperation& each) {
    return each.returned == kNeverReturned && (each.kind == Kind::read || !seen.count(each.value));
  });
}

// Wing and Gong's search: choose, among the operations that may be next because none that is left
// ended before they began, one that the register allows; go back when there is none. Lowe's memory
// of configurations (what is done, what the register holds) visits none of them twice.
class Search {
 public:
  Search(Operations operations, std::int64_t initial, std::size_t limit)
      : operations_(std::move(operations)),
        done_(operations_.size()),
        value_(initial),
        limit_(limit) {
    std::stable_sort(operations_.begin(), operations_.end(),
                     [](const auto& a, const auto& b) { return a.invoked < b.invoked; });
  }

  Judgement run() {
    std::size_t from = 0;
    while (taken_.size() < operations_.size()) {
      if (std::optional<std::size_t> next = candidate(from)) {
        take(*next);
        if (seen_.size() > limit_) return {Verdict::gave_up, "too many configurations"};
        from = first_;
      } else if (!undo_to_a_choice(from)) {
        return {Verdict::violated, stuck_};
      }
    }
    return {};
  }

 private:
  struct Taken {
    std::size_t operation;
    std::int64_t value_before;
    std::size_t first_before;
  };

  // The next operation to try, at or behind `from`.
  std::optional<std::size_t> candidate(std::size_t from) {
    // A read that fits is best taken at once, as it changes nothing.
    if (from == first_) {
      auto read = find([&](std::size_t i) {
        return operations_[i].kind == Kind::read && operations_[i].value == value_;
      });
      if (read) return read;
    }
    return find([&](std::size_t i) {
      return i >= from && operations_[i].kind == Kind::write && is_new(i);
    });
  }

  // The first operation that is wanted, of those before which none that is left ended.
  template <class Wanted>
  std::optional<std::size_t> find(Wanted wanted) const {
    std::int64_t earliest_end = kNeverReturned;
    for (std::size_t i = first_; i < operations_.size(); ++i) {
      if (operations_[i].invoked > earliest_end) break;
      if (done_[i]) continue;
      if (wanted(i)) return i;
      earliest_end = std::min(earliest_end, operations_[i].returned);
    }
    return {};
  }

  bool is_new(std::size_t operation) {
    done_[operation] = true;
    bool fresh = seen_.insert(configuration(operations_[operation].value)).second;
    done_[operation] = false;
    return fresh;
  }

  // Few are done behind the first that is not, so that these are named one by one.
  std::string configuration(std::int64_t value) const {
    std::size_t first = first_;
    while (first < done_.size() && done_[first]) ++first;
    std::string key;
    append(key, static_cast<std::uint64_t>(value));
    append(key, first);
    std::size_t left = undone_before_frontier(first);
    for (std::size_t i = first; i < left; ++i) {
      if (done_[i]) append(key, i);
    }
    return key;
  }

  // One past the last operation that may be done while `first` is not.
  std::size_t undone_before_frontier(std::size_t first) const {
    if (first >= operations_.size()) return first;
    std::int64_t end = operations_[first].returned;
    auto behind = std::upper_bound(
        operations_.begin() + static_cast<std::ptrdiff_t>(first), operations_.end(), end,
        [](std::int64_t time, const RegisterOperation& each) { return time < each.invoked; });
    return static_cast<std::size_t>(behind - operations_.begin());
  }

  static void append(std::string& key, std::uint64_t number) {
    key.append(reinterpret_cast<const char*>(&number), sizeof number);
  }

  void take(std::size_t operation) {
    taken_.push_back({operation, value_, first_});
    done_[operation] = true;
    if (operations_[operation].kind == Kind::write) value_ = operations_[operation].value;
    while (first_ < done_.size() && done_[first_]) ++first_;
  }

  // Back to the last write that was chosen; `from` is where its alternatives begin.
  bool undo_to_a_choice(std::size_t& from) {
    remember_where();
    while (!taken_.empty()) {
      Taken last = taken_.back();
      taken_.pop_back();
      done_[last.operation] = false;
      value_ = last.value_before;
      first_ = last.first_before;
      from = last.operation + 1;
      if (operations_[last.operation].kind == Kind::write) return true;
    }
    return false;
  }

  // The furthest that any order came.
  void remember_where() {
    if (taken_.size() < deepest_ || first_ >= operations_.size()) return;
    deepest_ = taken_.size();
    stuck_ = "after " + std::to_string(deepest_) + " of " + std::to_string(operations_.size()) +
             " operations the register holds " + std::to_string(value_) + ", but " +
             describe(operations_[first_to_end()]);
  }
  std::size_t first_to_end() const {
    std::size_t found = first_;
    for (std::size_t i = first_; i < operations_.size(); ++i) {
      if (!done_[i] && operations_[i].returned < operations_[found].returned) found = i;
    }
    return found;
  }

  Operations operations_;  // by the time they began
  std::vector<bool> done_;
  std::size_t first_ = 0;  // not done yet
  std::int64_t value_;
  std::vector<Taken> taken_;
  std::unordered_set<std::string> seen_;
  std::size_t limit_;
  std::size_t deepest_ = 0;
  std::string stuck_ = "no operation may be first";
};

}  // namespace

Judgement check_registers(const std::vector<RegisterOperation>& history, std::int64_t initial,
                          std::size_t limit) {
  std::map<std::int64_t, Operations> keys;
  for (const RegisterOperation& each : history) keys[each.key].push_back(each);
  for (auto& [key, operations] : keys) {
    if (auto malformed = find_malformed(operations, initial)) return *malformed;
    drop_unread_unknowns(operations);
    Judgement judgement = Search(std::move(operations), initial, limit).run();
    if (judgement.verdict != Verdict::linearizable) return judgement;
  }
  return {};
}

}  // namespace spar::test
