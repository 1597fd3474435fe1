// Names that PostgreSQL chooses when the user does not.

#include <algorithm>

#include "query/bind/table_editor.h"

namespace spar::query::bind {
namespace {

constexpr std::size_t kNameMax = 63;

// Cuts before a UTF-8 continuation byte.
void cut(std::string& text, std::size_t size) {
  while (size > 0 && size < text.size() &&
         (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) {
    --size;
  }
  if (size < text.size()) text.resize(size);
}

std::string object_name(std::string first, std::string second, const std::string& label) {
  const std::size_t overhead = label.size() + 1 + (second.empty() ? 0 : 1);
  std::size_t a = first.size(), b = second.size();
  while (a + b + overhead > kNameMax) --(a > b ? a : b);
  cut(first, a);
  cut(second, b);
  return first + (second.empty() ? "" : "_" + second) + "_" + label;
}

std::string column_part(const data::Table& table, const std::vector<data::ColumnNumber>& columns) {
  std::string text;
  for (const data::ColumnNumber number : columns) {
    if (!text.empty()) text += '_';
    text += table.column(number)->name;
    if (text.size() >= kNameMax) break;
  }
  return text;
}

bool has_constraint(const data::Table& table, std::string_view name) {
  const auto is = [&](const auto& item) { return item.name == name; };
  return std::ranges::any_of(table.keys, is) || std::ranges::any_of(table.foreign_keys, is) ||
         std::ranges::any_of(table.checks, is);
}

bool owns_relation(const data::Table& table, std::string_view name) {
  const auto is = [&](const auto& item) { return item.name == name; };
  return table.name == name || std::ranges::any_of(table.keys, is) ||
         std::ranges::any_of(table.indexes, is);
}

template <class Taken>
std::string free_name(const std::string& table, const std::string& columns, std::string_view label,
                      Taken&& taken) {
  std::string name = object_name(table, columns, std::string(label));
  for (int pass = 1; taken(name); ++pass) {
    name = object_name(table, columns, std::string(label) + std::to_string(pass));
  }
  return name;
}

}  // namespace

bool relation_exists(const Binding& binding, const data::Table& beside, std::string_view name) {
  if (owns_relation(beside, name)) return true;
  return std::ranges::any_of(binding.catalogue().tables(), [&](const auto& entry) {
    const data::Table& other = entry.second;
    return other.id != beside.id && other.database == beside.database &&
           other.schema == beside.schema && owns_relation(other, name);
  });
}

std::string choose_relation_name(const Binding& binding, const data::Table& table,
                                 const std::vector<data::ColumnNumber>& columns,
                                 std::string_view label) {
  return free_name(table.name, column_part(table, columns), label, [&](const std::string& name) {
    return relation_exists(binding, table, name) || has_constraint(table, name);
  });
}

std::string choose_index_name(const Binding& binding, const data::Table& table,
                              const std::string& columns) {
  return free_name(table.name, columns, "idx", [&](const std::string& name) {
    return relation_exists(binding, table, name) || has_constraint(table, name);
  });
}

std::string choose_sequence_name(const Binding& binding, const data::Table& table,
                                 const std::string& column, const std::vector<data::Table>& made) {
  return free_name(table.name, column, "seq", [&](const std::string& name) {
    return relation_exists(binding, table, name) ||
           std::ranges::find(made, name, &data::Table::name) != made.end();
  });
}

std::string choose_constraint_name(const data::Table& table,
                                   const std::vector<data::ColumnNumber>& columns,
                                   std::string_view label) {
  return free_name(table.name, column_part(table, columns), label,
                   [&](const std::string& name) { return has_constraint(table, name); });
}

}  // namespace spar::query::bind
