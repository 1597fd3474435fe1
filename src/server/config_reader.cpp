#include "server/config_reader.h"

#include <charconv>
#include <filesystem>

namespace spar::server {
namespace {

std::string at_text(const std::string& file, const toml::source_position& place) {
  return file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr Unit kByteUnits[] = {
    {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}, {"", 1}};
constexpr Unit kTimeUnits[] = {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}};

// "10s" -> 10'000; nothing for what is no number with one of the units.
template <std::size_t N>
std::optional<std::int64_t> measure(std::string_view text, const Unit (&units)[N]) {
  std::int64_t number = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc{} || number < 0 || number > 1'000'000'000'000) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  for (const Unit& unit : units) {
    std::int64_t product = 0;
    if (text == unit.name && !__builtin_mul_overflow(number, unit.factor, &product)) return product;
  }
  return std::nullopt;
}

bool is_name(std::string_view text) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !text.empty() && text.size() <= 63 &&
         text.find_first_not_of(kLetters) == std::string_view::npos;
}

bool inside(std::int64_t value, IntegerRange range) {
  return value >= range.low && value <= range.high;
}

std::string between(IntegerRange range, std::string_view unit) {
  return std::to_string(range.low) + std::string(unit) + " to " + std::to_string(range.high) +
         std::string(unit);
}

}  // namespace

Result<toml::table> parse_toml(std::string_view text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        config_mistake(file, error.source().begin, std::string(error.description()), "TOML 1.0"));
  }
}

Error config_mistake(const std::string& file, const toml::source_position& place,
                     const std::string& message, const std::string& allowed) {
  Error error;
  error.code = Code::invalid;
  error.sqlstate = "F0000";  // config_file_error
  error.message = at_text(file, place) + ": " + message;
  if (!allowed.empty()) error.hint = "allowed: " + allowed;
  return error;
}

std::string absolute_from(const std::string& file, const std::string& path) {
  std::filesystem::path base = std::filesystem::absolute(file).parent_path();
  std::string out = (base / path).lexically_normal().string();
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

std::string enumerate(Reader::Names names) {
  std::string out;
  std::size_t left = names.size();
  for (std::string_view name : names) {
    out += name;
    --left;
    if (left > 0) out += left == 1 ? " or " : ", ";
  }
  return out;
}

void Reader::mistake(const toml::node& at, const std::string& message, const std::string& allowed) {
  mistake(at.source().begin, message, allowed);
}

void Reader::mistake(const toml::source_position& at, const std::string& message,
                     const std::string& allowed) {
  if (!error_) error_ = config_mistake(file_, at, message, allowed);
}

std::string Reader::place(const toml::table& table, std::string_view key) const {
  const toml::node* node = table.get(key);
  return at_text(file_, node == nullptr ? table.source().begin : node->source().begin);
}

void Reader::check_keys(const toml::table& table, std::string_view what, Names allowed) {
  for (auto&& [key, node] : table) {
    bool known = false;
    for (std::string_view name : allowed) known = known || key.str() == name;
    if (!known) {
      mistake(key.source().begin,
              "unknown key " + in_quotes(key.str()) + " in " + std::string(what),
              enumerate(allowed));
    }
  }
}

void Reader::wrong_type(const toml::node& node, std::string_view key, std::string_view expected) {
  mistake(node, std::string(key) + " has the wrong type", std::string(expected));
}

std::string Reader::text(const toml::table& table, std::string_view key,
                         std::string_view fallback) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return std::string(fallback);
  if (const auto* value = node->as_string()) return value->get();
  wrong_type(*node, key, "a text in quotes");
  return std::string(fallback);
}

std::string Reader::required_text(const toml::table& table, std::string_view what,
                                  std::string_view key) {
  const toml::node* node = table.get(key);
  if (node == nullptr) {
    mistake(table, std::string(what) + " lacks the key " + in_quotes(key), "a text in quotes");
    return {};
  }
  std::string value = text(table, key, "");
  if (value.empty()) mistake(*node, std::string(key) + " is empty", "a text of some length");
  return value;
}

std::string Reader::required_path(const toml::table& table, std::string_view what,
                                  std::string_view key) {
  std::string path = required_text(table, what, key);
  return ok() ? absolute_from(file_, path) : "";
}

std::string Reader::required_name(const toml::table& table, std::string_view what) {
  std::string name = required_text(table, what, "name");
  if (ok() && !is_name(name)) {
    mistake(*table.get("name"), in_quotes(name) + " is no name for " + std::string(what),
            "up to 63 of the letters a-z, A-Z, digits, \"_\" and \"-\"");
  }
  return name;
}

std::size_t Reader::choice(const toml::table& table, std::string_view key, Names allowed,
                           std::size_t fallback) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return fallback;
  std::string value = text(table, key, "");
  std::size_t index = 0;
  for (std::string_view name : allowed) {
    if (name == value) return index;
    ++index;
  }
  mistake(*node, std::string(key) + " cannot be " + in_quotes(value), enumerate(allowed));
  return fallback;
}

std::int64_t Reader::integer(const toml::table& table, std::string_view key, IntegerRange range,
                             std::int64_t fallback) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return fallback;
  const auto* value = node->as_integer();
  if (value == nullptr) {
    wrong_type(*node, key, "a whole number, " + between(range, ""));
    return fallback;
  }
  if (!inside(value->get(), range)) {
    mistake(*node, std::string(key) + " cannot be " + std::to_string(value->get()),
            between(range, ""));
  }
  return value->get();
}

std::uint64_t Reader::bytes(const toml::table& table, std::string_view key, IntegerRange range,
                            std::uint64_t fallback) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return fallback;
  std::optional<std::int64_t> value;
  if (const auto* number = node->as_integer()) value = number->get();
  if (const auto* words = node->as_string()) value = measure(words->get(), kByteUnits);
  if (!value || !inside(*value, range)) {
    mistake(*node, std::string(key) + " is no usable size",
            between(range, "") + " bytes, as a number or a text such as \"64MiB\"");
    return fallback;
  }
  return static_cast<std::uint64_t>(*value);
}

std::chrono::milliseconds Reader::duration(const toml::table& table, std::string_view key,
                                           IntegerRange range_ms,
                                           std::chrono::milliseconds fallback) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return fallback;
  std::optional<std::int64_t> value;
  if (const auto* words = node->as_string()) value = measure(words->get(), kTimeUnits);
  if (!value || !inside(*value, range_ms)) {
    mistake(*node, std::string(key) + " is no usable time",
            between(range_ms, "ms") + ", as a text such as \"500ms\", \"10s\", \"5min\" or \"1h\"");
    return fallback;
  }
  return std::chrono::milliseconds(*value);
}

std::vector<std::string> Reader::texts(const toml::table& table, std::string_view key) {
  std::vector<std::string> out;
  const toml::node* node = table.get(key);
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    wrong_type(*node, key, "a list of texts such as [\"shop\"]");
    return out;
  }
  for (const toml::node& element : *array) {
    if (const auto* value = element.as_string()) {
      out.push_back(value->get());
    } else {
      wrong_type(element, key, "a list of texts such as [\"shop\"]");
    }
  }
  return out;
}

const toml::table* Reader::child(const toml::table& table, std::string_view key) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return nullptr;
  if (const toml::table* value = node->as_table()) return value;
  wrong_type(*node, key, "a table");
  return nullptr;
}

std::vector<const toml::table*> Reader::children(const toml::table& table, std::string_view key) {
  std::vector<const toml::table*> out;
  const toml::node* node = table.get(key);
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    wrong_type(*node, key, "tables that each begin with [[...]]");
    return out;
  }
  for (const toml::node& element : *array) {
    if (const toml::table* value = element.as_table()) {
      out.push_back(value);
    } else {
      wrong_type(element, key, "tables that each begin with [[...]]");
    }
  }
  return out;
}

}  // namespace spar::server
