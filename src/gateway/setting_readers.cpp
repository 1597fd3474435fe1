#include "gateway/setting_readers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/position.h"

namespace spar::gateway {
namespace {

constexpr std::int64_t kMillisecondsMax = 2147483647;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

template <class Range>
bool holds(const Range& range, std::string_view word) {
  return std::ranges::find(range, word) != std::ranges::end(range);
}

// Splits at commas, trims, lower-cases.
std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  while (true) {
    std::size_t comma = list.find(',');
    words.push_back(lower_case(trimmed(list.substr(0, comma))));
    if (comma == std::string_view::npos) return words;
    list.remove_prefix(comma + 1);
  }
}

std::optional<bool> boolean_of(std::string_view text) {
  std::string word = lower_case(trimmed(text));
  auto prefix_of = [&](std::string_view full, std::size_t least) {
    return word.size() >= least && full.starts_with(word);
  };
  if (prefix_of("true", 1) || prefix_of("yes", 1) || word == "on" || word == "1") return true;
  if (prefix_of("false", 1) || prefix_of("no", 1) || prefix_of("off", 2) || word == "0") {
    return false;
  }
  return std::nullopt;
}

struct Unit {
  std::string_view name;
  double milliseconds;
};
constexpr std::array<Unit, 6> kUnits{
    {{"us", 0.001}, {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

std::string show_milliseconds(std::int64_t value) {
  if (value == 0) return "0";
  for (std::size_t i = kUnits.size(); i-- > 1;) {
    auto unit = static_cast<std::int64_t>(kUnits[i].milliseconds);
    if (value % unit == 0) return std::to_string(value / unit) + std::string(kUnits[i].name);
  }
  return std::to_string(value) + "ms";
}

Failure out_of_range(const SettingDefinition& definition, const std::string& value,
                     std::string_view unit) {
  std::string text = value + (unit.empty() ? "" : " ") + std::string(unit);
  return sql_error("22023", text + " is outside the valid range for parameter \"" +
                                std::string(definition.name) + "\" (" +
                                std::to_string(definition.min) + " .. " +
                                std::to_string(definition.max) + ")");
}

}  // namespace

Failure invalid_setting(std::string_view name, std::string_view value, std::string hint) {
  Failure out = sql_error("22023", "invalid value for parameter \"" + std::string(name) + "\": \"" +
                                       std::string(value) + "\"");
  out.error().hint = std::move(hint);
  return out;
}

Result<std::string> read_text(const SettingDefinition&, std::string_view value) {
  return std::string(value);
}

Result<std::string> read_boolean(const SettingDefinition& definition, std::string_view value) {
  std::optional<bool> on = boolean_of(value);
  if (on) return *on ? "on" : "off";
  return sql_error("22023",
                   "parameter \"" + std::string(definition.name) + "\" requires a Boolean value");
}

Result<std::string> read_integer(const SettingDefinition& definition, std::string_view value) {
  std::string_view text = trimmed(value);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t number = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return invalid_setting(definition.name, value);
  }
  if (number < definition.min || number > definition.max) {
    return out_of_range(definition, std::to_string(number), "");
  }
  return std::to_string(number);
}

Result<std::chrono::milliseconds> read_milliseconds(const SettingDefinition& definition,
                                                    std::string_view value) {
  constexpr std::string_view kHint =
      "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".";
  std::string_view text = trimmed(value);
  double number = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc()) return invalid_setting(definition.name, value);
  std::string_view unit = trimmed(text.substr(static_cast<std::size_t>(read.ptr - text.data())));
  double factor = 1;
  if (!unit.empty()) {
    auto known = std::ranges::find(kUnits, unit, &Unit::name);
    if (known == kUnits.end()) return invalid_setting(definition.name, value, std::string(kHint));
    factor = known->milliseconds;
  }
  double result = number * factor;
  bool inside = result >= static_cast<double>(definition.min) &&
                result <= static_cast<double>(definition.max);
  if (!inside) return out_of_range(definition, std::string(text), unit.empty() ? "ms" : "");
  return std::chrono::milliseconds(std::llround(result));
}

Result<std::string> read_duration(const SettingDefinition& definition, std::string_view value) {
  SPAR_ASSIGN(std::chrono::milliseconds time, read_milliseconds(definition, value));
  return show_milliseconds(time.count());
}

std::chrono::milliseconds milliseconds_of(std::string_view shown) {
  const SettingDefinition any{
      .name = "", .initial = "", .read = nullptr, .min = 0, .max = kMillisecondsMax};
  return read_milliseconds(any, shown).value_or(std::chrono::milliseconds(0));
}

Result<std::string> read_choice(const SettingDefinition& definition, std::string_view value) {
  std::string word = lower_case(value);
  std::vector<std::string> choices = words_of(definition.choices);
  if (holds(choices, word)) return word;
  if (std::optional<bool> on = boolean_of(value)) {
    word = *on ? "on" : "off";
    if (holds(choices, word)) return word;
  }
  return invalid_setting(definition.name, value,
                         "Available values: " + std::string(definition.choices) + ".");
}

Result<std::string> read_only_choice(const SettingDefinition& definition, std::string_view value) {
  Result<std::string> choice = read_choice(definition, value);
  if (choice) return choice;
  Failure out = not_supported("setting \"" + std::string(definition.name) + "\" to \"" +
                              std::string(value) + "\"");
  out.error().hint = choice.error().hint;
  return out;
}

Result<std::string> read_encoding(const SettingDefinition& definition, std::string_view value) {
  std::string word;
  for (char c : lower_case(trimmed(value))) {
    if (c != '-' && c != '_' && c != ' ') word += c;
  }
  if (word == "utf8" || word == "unicode") return "UTF8";
  if (word == "sqlascii") return "SQL_ASCII";
  if (word.starts_with("latin") || word.starts_with("win") || word.starts_with("iso8859") ||
      word.starts_with("euc") || word.starts_with("gb") || word.starts_with("koi8") ||
      word.starts_with("big5") || word.starts_with("sjis")) {
    return not_supported("the client encoding \"" + std::string(value) + "\"");
  }
  return invalid_setting(definition.name, value);
}

Result<std::string> read_date_style(const SettingDefinition& definition, std::string_view value) {
  for (const std::string& word : words_of(value)) {
    if (word == "iso" || word == "mdy" || word == "us" || word.starts_with("noneuro") ||
        word == "default") {
      continue;
    }
    if (word == "dmy" || word == "ymd" || word == "german" || word == "sql" || word == "postgres" ||
        word.starts_with("euro")) {
      return not_supported("DateStyle \"" + std::string(value) + "\"");
    }
    return invalid_setting(definition.name, value);
  }
  return "ISO, MDY";
}

namespace {

// A number alone counts hours to the east, as people do; all else is POSIX, which counts to the west:
// +02:00 is two hours behind UTC.
bool is_hours(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// 2 is <+02>-02.
std::string posix_of_hours(std::string_view text) {
  const bool west = text.starts_with('-');
  if (west || text.starts_with('+')) text.remove_prefix(1);
  const std::string digits = (text.size() < 2 ? "0" : "") + std::string(text);
  if (digits == "00") return "<+00>+00";
  return std::string(west ? "<-" : "<+") + digits + (west ? ">+" : ">-") + digits;
}

bool is_offset(std::string_view text) {  // +02, -5:30, 8, <+02>-02
  if (text.starts_with('<')) {
    std::size_t close = text.find('>');
    if (close == std::string_view::npos) return false;
    text.remove_prefix(close + 1);
  }
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  std::size_t colon = text.find(':');
  std::string_view hours = text.substr(0, colon);
  auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 2 &&
           part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!digits(hours) || (hours.size() == 2 && hours > "15")) return false;
  return colon == std::string_view::npos ||
         (digits(text.substr(colon + 1)) && text.size() == colon + 3);
}

}  // namespace

bool is_known_time_zone(std::string_view value) {
  constexpr std::array<std::string_view, 14> kUtc{
      "utc",     "gmt",     "uct",           "zulu",     "z",         "universal",     "etc/utc",
      "etc/gmt", "etc/uct", "etc/universal", "etc/zulu", "greenwich", "etc/greenwich", "etc/gmt0"};
  return holds(kUtc, lower_case(trimmed(value))) || is_offset(trimmed(value));
}

Result<std::string> read_time_zone(const SettingDefinition& definition, std::string_view value) {
  std::string_view zone = trimmed(value);
  if (lower_case(zone) == "default" || lower_case(zone) == "local") return "UTC";
  if (is_known_time_zone(zone)) {
    if (is_hours(zone)) return posix_of_hours(zone);
    return is_offset(zone) || zone == "Etc/UTC" || zone == "GMT" ? std::string(zone) : "UTC";
  }
  return invalid_setting(definition.name, value,
                         "So far Spar knows UTC and fixed offsets such as 2, two hours east.");
}

std::string zone_offset(std::string_view setting) {
  if (!is_offset(setting)) return "UTC";
  if (setting.starts_with('<')) setting.remove_prefix(setting.find('>') + 1);
  const bool east = setting.starts_with('-');
  if (east || setting.starts_with('+')) setting.remove_prefix(1);
  return (east ? "+" : "-") + std::string(setting);
}

Result<std::string> read_position(const SettingDefinition& definition, std::string_view value) {
  Position position;
  if (value.empty() || parse_position(value, position)) return std::string(value);
  return invalid_setting(definition.name, value,
                         "A position looks like 3/1042; SHOW spar.position tells one.");
}

Result<std::string> read_fixed(const SettingDefinition& definition, std::string_view) {
  return sql_error("55P02", "parameter \"" + std::string(definition.name) + "\" cannot be changed");
}

std::vector<std::string> identifier_list(std::string_view value) {
  std::vector<std::string> names;
  std::string name;
  bool quoted = false, any = false;
  auto finish = [&] {
    if (any) names.push_back(std::move(name));
    name.clear();
    any = false;
  };
  for (char c : value) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (c == ',' && !quoted) {
      finish();
    } else if (quoted || !is_blank(c)) {
      name += quoted ? c : lower_case({&c, 1})[0];
      any = true;
    }
  }
  finish();
  return names;
}

}  // namespace spar::gateway
