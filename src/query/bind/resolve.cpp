#include "query/bind/resolve.h"

#include <algorithm>

namespace spar::query::bind {
namespace {

using Signature = std::span<const TypeId>;

class Selection {
 public:
  explicit Selection(std::span<const TypeId> arguments) : arguments_(arguments) {}

  void add(std::size_t index, Signature signature) {
    if (accepts(signature)) left_.push_back({index, signature});
  }
  std::expected<std::size_t, Failing> best() {
    if (left_.empty()) return std::unexpected(Failing::none_fits);
    keep_most([&](std::size_t i, TypeId type) { return type == arguments_[i]; });
    keep_most([&](std::size_t i, TypeId type) {
      return type == arguments_[i] ||
             (is_preferred(type) && category(type) == category(arguments_[i]));
    });
    if (left_.size() > 1) resolve_unknowns();
    if (left_.size() > 1) assume_one_type();
    if (left_.size() > 1) return std::unexpected(Failing::ambiguous);
    return left_.front().index;
  }

 private:
  struct Entry {
    std::size_t index;
    Signature signature;
  };

  bool accepts(Signature signature) const {
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      if (!can_cast(arguments_[i], signature[i], CastContext::implicit)) return false;
    }
    return true;
  }

  template <class Counts>
  void keep_most(Counts&& counts) {
    if (left_.size() < 2) return;
    const auto score = [&](const Entry& entry) {
      int matches = 0;
      for (std::size_t i = 0; i < arguments_.size(); ++i) {
        if (arguments_[i] != TypeId::unknown && counts(i, entry.signature[i])) ++matches;
      }
      return matches;
    };
    const int most = score(*std::ranges::max_element(left_, {}, score));
    std::erase_if(left_, [&](const Entry& entry) { return score(entry) < most; });
  }

  // Untyped literals like to be strings where any overload takes one.
  void resolve_unknowns() {
    std::vector<std::pair<std::size_t, Category>> wanted;
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      if (arguments_[i] != TypeId::unknown) continue;
      Category agreed = category(left_.front().signature[i]);
      bool conflict = false;
      for (const Entry& entry : left_) {
        const Category own = category(entry.signature[i]);
        if (own == Category::string) agreed = Category::string;
        conflict = conflict || own != category(left_.front().signature[i]);
      }
      if (conflict && agreed != Category::string) return;
      wanted.emplace_back(i, agreed);
    }
    const auto fits = [&](const Entry& entry) {
      return std::ranges::all_of(wanted, [&](const auto& slot) {
        const TypeId type = entry.signature[slot.first];
        return category(type) == slot.second &&
               (is_preferred(type) || !any_preferred(slot.first, slot.second));
      });
    };
    std::vector<Entry> kept;
    std::ranges::copy_if(left_, std::back_inserter(kept), fits);
    if (!kept.empty()) left_ = std::move(kept);
  }
  bool any_preferred(std::size_t slot, Category wanted) const {
    return std::ranges::any_of(left_, [&](const Entry& entry) {
      const TypeId type = entry.signature[slot];
      return category(type) == wanted && is_preferred(type);
    });
  }

  // Last: the untyped arguments are of the same type as all the typed ones.
  void assume_one_type() {
    TypeId known = TypeId::unknown;
    for (const TypeId type : arguments_) {
      if (type == TypeId::unknown) continue;
      if (known != TypeId::unknown && known != type) return;
      known = type;
    }
    if (known == TypeId::unknown) return;
    std::vector<Entry> kept;
    std::ranges::copy_if(left_, std::back_inserter(kept), [&](const Entry& entry) {
      return std::ranges::all_of(entry.signature, [&](TypeId type) {
        return can_cast(known, type, CastContext::implicit);
      });
    });
    if (kept.size() == 1) left_ = std::move(kept);
  }

  std::span<const TypeId> arguments_;
  std::vector<Entry> left_;
};

}  // namespace

Failure no_overload(std::string_view kind, std::string_view name, std::span<const TypeId> arguments,
                    Failing why) {
  std::string shown = std::string(kind) + " " + std::string(name) + "(";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    shown += (i == 0 ? "" : ", ") + name_of(arguments[i]);
  }
  shown += ")";
  const bool ambiguous = why == Failing::ambiguous;
  Failure failure = sql_error(ambiguous ? "42725" : "42883",
                              shown + (ambiguous ? " is not unique" : " does not exist"));
  failure.error().hint =
      ambiguous ? "Could not choose a best candidate function. You might need to add explicit type "
                  "casts."
                : "No function matches the given name and argument types. You might need to add "
                  "explicit type casts.";
  return failure;
}

std::expected<std::size_t, Failing> best_overload(
    std::span<const TypeId> arguments, const std::vector<std::span<const TypeId>>& candidates) {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (std::ranges::equal(candidates[i], arguments)) return i;
  }
  Selection selection(arguments);
  for (std::size_t i = 0; i < candidates.size(); ++i) selection.add(i, candidates[i]);
  return selection.best();
}

}  // namespace spar::query::bind
