// gateway/setting_table.h: the session parameters that Spar knows, and how each reads a value.
//
// Contract    A Reader gives the value in the form that SHOW prints, or 22023 in PostgreSQL's words
//             (0A000 for what PostgreSQL has and Spar does not). Names compare without case.
// Threads     Constants and pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/characters.h"

namespace spar::gateway {

struct SettingDefinition;
using SettingReader = Result<std::string> (*)(const SettingDefinition&, std::string_view);

struct SettingDefinition {
  std::string_view name;  // as SHOW ALL spells it
  std::string_view initial;
  SettingReader read;
  bool reported = false;          // by ParameterStatus
  bool changes_meaning = false;   // statements must be analysed again
  std::string_view choices = {};  // of an enumeration: "a, b, c"
  std::int64_t min = 0, max = 0;  // of a number
};

std::span<const SettingDefinition> setting_definitions();
// Its place in setting_definitions(), or -1.
int find_setting(std::string_view name);

// PostgreSQL's: letters, digits, _ and $ in parts divided by single dots, at least two parts.
bool is_custom_setting(std::string_view name);

// "250ms", "5s", "1 min", "100": the number alone counts milliseconds. Nothing: not a time.
Result<std::chrono::milliseconds> read_milliseconds(const SettingDefinition& definition,
                                                    std::string_view value);
// From the form that SHOW prints.
std::chrono::milliseconds milliseconds_of(std::string_view shown);

// The names of a list such as "$user", public.
std::vector<std::string> identifier_list(std::string_view value);

// True for UTC under its many names and for fixed offsets.
bool is_known_time_zone(std::string_view value);
// What TimeZone means, as data::TextContext has it: "UTC", or how far east ("+05:30").
std::string zone_offset(std::string_view setting);

Failure invalid_setting(std::string_view name, std::string_view value, std::string hint = {});
using data::lower_case;

}  // namespace spar::gateway
