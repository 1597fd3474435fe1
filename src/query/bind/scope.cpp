#include "query/bind/scope.h"

#include <algorithm>
#include <numeric>

namespace spar::query::bind {
namespace {

ScalarRef referenced(Binding& binding, ScalarRef value, int location) {
  const auto column = algebra::as_column(value);
  return column ? binding.arena().column_ref(*column, location) : value;
}

Failure ambiguous(Binding& binding, const ColumnName& name) {
  return binding.error("42702", "column reference \"" + name.parts.back() + "\" is ambiguous",
                       name.location);
}

bool names_item(const NamespaceItem& item, const std::vector<std::string>& qualifier) {
  if (!item.table_visible || item.alias.empty() || item.alias != qualifier.back()) return false;
  if (qualifier.size() == 1) return true;
  return item.table != nullptr && item.table->name == item.alias &&
         item.table->schema == qualifier[qualifier.size() - 2];
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// The names nearest to a column that does not exist, at most two that are equally near.
class Suggestion {
 public:
  Suggestion(std::string_view wanted, std::string_view qualifier)
      : wanted_(wanted), qualifier_(qualifier), best_(wanted.size() / 2) {
    best_ = std::min<std::size_t>(best_, 3);
  }
  void offer(const NamespaceItem& item) {
    if (item.alias.empty() || !item.table_visible) return;
    const std::size_t away = qualifier_.empty() ? 0 : edit_distance(qualifier_, item.alias);
    for (const NamedColumn& column : item.columns) {
      if (column.name.size() + 3 < wanted_.size() || column.name.size() > wanted_.size() + 3) {
        continue;
      }
      take(away + edit_distance(wanted_, column.name), item.alias + "." + column.name);
    }
  }
  std::string hint() const {
    if (names_.empty() || names_.size() > 2) return "";
    std::string text = "Perhaps you meant to reference the column \"" + names_[0] + "\"";
    if (names_.size() == 2) text += " or the column \"" + names_[1] + "\"";
    return text + ".";
  }

 private:
  void take(std::size_t distance, std::string name) {
    if (distance > best_) return;
    if (distance < best_) names_.clear();
    best_ = distance;
    names_.push_back(std::move(name));
  }
  std::string_view wanted_, qualifier_;
  std::size_t best_;
  std::vector<std::string> names_;
};

Failure no_column(Binding& binding, const Scope& scope, const ColumnName& name) {
  const std::string& column = name.parts.back();
  const bool qualified = name.parts.size() > 1;
  const std::string qualifier = qualified ? name.parts[name.parts.size() - 2] : "";
  Failure failure =
      binding.error("42703",
                    qualified ? "column " + qualifier + "." + column + " does not exist"
                              : "column \"" + column + "\" does not exist",
                    name.location);
  Suggestion suggestion(column, qualifier);
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    for (const NamespaceItem& item : level->items) suggestion.offer(item);
  }
  failure.error().hint = suggestion.hint();
  return failure;
}

Result<ScalarRef> find_unqualified(Binding& binding, const Scope& scope, const ColumnName& name) {
  const std::string& wanted = name.parts.back();
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    ScalarRef found = nullptr;
    for (const NamespaceItem& item : level->items) {
      if (!item.columns_visible) continue;
      for (const NamedColumn& column : item.columns) {
        if (column.name != wanted) continue;
        if (found != nullptr) return ambiguous(binding, name);
        found = column.value;
      }
    }
    if (found != nullptr) return referenced(binding, found, name.location);
  }
  for (const NamespaceItem& item : scope.items) {
    if (item.is_value && item.table_visible && item.alias == wanted) {
      return referenced(binding, item.columns.front().value, name.location);
    }
  }
  const bool whole_row = std::ranges::any_of(
      scope.items, [&](const NamespaceItem& item) { return item.alias == wanted; });
  if (whole_row) return binding.missing("a whole row as a value", name.location);
  return no_column(binding, scope, name);
}

Failure no_item(Binding& binding, const Scope& scope, const std::string& alias, int location) {
  const auto named = [&](const NamespaceItem& item) {
    return item.alias == alias || (item.table != nullptr && item.table->name == alias);
  };
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    const auto hidden = std::ranges::find_if(level->items, named);
    if (hidden == level->items.end()) continue;
    Failure failure = binding.error(
        "42P01", "invalid reference to FROM-clause entry for table \"" + alias + "\"", location);
    failure.error().hint =
        hidden->alias == alias
            ? "There is an entry for table \"" + alias +
                  "\", but it cannot be referenced from this part of the query."
            : "Perhaps you meant to reference the table alias \"" + hidden->alias + "\".";
    return failure;
  }
  return binding.error("42P01", "missing FROM-clause entry for table \"" + alias + "\"", location);
}

}  // namespace

Result<const NamespaceItem*> find_item(Binding& binding, const Scope& scope,
                                       const std::vector<std::string>& qualifier, int location) {
  if (qualifier.size() > 3) {
    return binding.error("42601", "improper qualified name (too many dotted names)", location);
  }
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    for (const NamespaceItem& item : level->items) {
      if (names_item(item, qualifier)) return &item;
    }
  }
  return no_item(binding, scope, qualifier.back(), location);
}

Result<ScalarRef> find_column(Binding& binding, const Scope& scope, const ColumnName& name) {
  if (name.parts.size() == 1) return find_unqualified(binding, scope, name);
  const std::vector<std::string> qualifier(name.parts.begin(), name.parts.end() - 1);
  SPAR_ASSIGN(const NamespaceItem* item, find_item(binding, scope, qualifier, name.location));
  ScalarRef found = nullptr;
  for (const NamedColumn& column : item->columns) {
    if (column.name != name.parts.back()) continue;
    if (found != nullptr) return ambiguous(binding, name);
    found = column.value;
  }
  if (found == nullptr) return no_column(binding, scope, name);
  return referenced(binding, found, name.location);
}

bool has_column(const Scope& scope, std::string_view name) {
  return std::ranges::any_of(scope.items, [&](const NamespaceItem& item) {
    return item.columns_visible &&
           std::ranges::find(item.columns, name, &NamedColumn::name) != item.columns.end();
  });
}

}  // namespace spar::query::bind
