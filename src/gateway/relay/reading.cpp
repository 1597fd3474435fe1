#include "gateway/relay/reading.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

#include "base/mutant.h"
#include "gateway/setting_table.h"

namespace spar::gateway::relay {
namespace {

constexpr std::string_view kRead = "spar.read";
constexpr std::string_view kStaleness = "spar.max_staleness";
constexpr std::string_view kAfter = "spar.after";

template <class Number>
bool read_number(std::string_view text, Number& number, int base) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  return !text.empty() && error == std::errc() && stop == end;
}

// The value in a statement that repeats a setting: SET name TO value, or set_config(name, value,
// false). Nothing: it is more than one plain constant.
std::optional<std::string> value_in(std::string_view statement) {
  constexpr std::string_view kTo = " TO ", kEnd = ", false)";
  std::string_view text;
  if (statement.starts_with("SET ")) {
    const std::size_t to = statement.find(kTo);
    if (to != statement.npos) text = statement.substr(to + kTo.size());
  } else if (statement.ends_with(kEnd)) {
    const std::size_t comma = statement.find(", ");
    text = statement.substr(comma + 2);
    text.remove_suffix(std::min(text.size(), kEnd.size()));
  }
  if (!text.starts_with('\'')) {
    return text.empty() || text.contains('\'') ? std::nullopt : std::optional(std::string(text));
  }
  if (text.size() < 2 || !text.ends_with('\'')) return std::nullopt;
  const std::string_view inside = text.substr(1, text.size() - 2);
  if (inside.contains('\'') || inside.contains('\\')) return std::nullopt;
  return std::string(inside);
}

std::optional<std::string> value_of(const SessionSettings& settings, std::string_view name) {
  const std::string* statement = settings.find(name);
  return statement == nullptr ? std::nullopt : value_in(*statement);
}

Result<std::string> read_as(std::string_view name, std::string_view value) {
  const int place = find_setting(name);
  if (place < 0) {
    return sql_error("42704", "unrecognized configuration parameter \"" + std::string(name) + "\"");
  }
  const SettingDefinition& definition = setting_definitions()[static_cast<std::size_t>(place)];
  return definition.read(definition, value);
}

std::optional<ReadMode> mode_of(std::string_view name) {
  if (name == "strict") return ReadMode::strict;
  if (name == "session") return ReadMode::session;
  if (name == "bounded") return ReadMode::bounded;
  return std::nullopt;
}

}  // namespace

ReadSettings read_settings(const SessionSettings& settings) {
  ReadSettings out;
  const std::optional<std::string> mode = value_of(settings, kRead);
  if (!mode) return out;
  const Result<std::string> word = read_as(kRead, *mode);
  out.mode = word ? mode_of(*word).value_or(ReadMode::strict) : ReadMode::strict;
  if (settings.find(kStaleness) != nullptr) {
    const auto text = value_of(settings, kStaleness);
    const Result<std::string> time = read_as(kStaleness, text.value_or("?"));
    out.max_staleness = time ? milliseconds_of(*time) : std::chrono::milliseconds(0);
  }
  if (const auto after = value_of(settings, kAfter); after && !after->empty()) {
    out.after = parse_read_position(*after);
  }
  return out;
}

Result<void> check_read_setting(std::string_view name, std::string_view value) {
  if (name == kAfter) {
    if (value.empty() || parse_read_position(value)) return {};
    return invalid_setting(name, value,
                           "A position looks like 3/0/16B3748; SHOW spar.position tells one.");
  }
  SPAR_TRY(read_as(name, value));
  return {};
}

Result<void> check_read_settings(
    const std::vector<std::pair<std::string, std::string>>& parameters) {
  for (const auto& [name, value] : parameters) {
    const std::string key = lower_case(name);
    if (key.starts_with(kReadSettingPrefix)) SPAR_TRY(check_read_setting(key, value));
  }
  return {};
}

std::optional<Position> parse_read_position(std::string_view text) {
  const std::size_t first = text.find('/');
  const std::size_t second = first == text.npos ? text.npos : text.find('/', first + 1);
  if (second == text.npos) return std::nullopt;
  std::uint64_t epoch = 0;
  std::uint32_t high = 0, low = 0;
  const bool read = read_number(text.substr(0, first), epoch, 10) &&
                    read_number(text.substr(first + 1, second - first - 1), high, 16) &&
                    read_number(text.substr(second + 1), low, 16);
  if (!read) return std::nullopt;
  return Position{Epoch(epoch), Sequence((std::uint64_t{high} << 32) | low)};
}

std::string read_position_text(const Position& position) {
  std::array<char, 20> text{};
  const std::uint64_t sequence = position.sequence.value;
  std::snprintf(text.data(), text.size(), "%X/%X", static_cast<unsigned>(sequence >> 32),
                static_cast<unsigned>(sequence));
  return std::to_string(position.epoch.value) + "/" + text.data();
}

// --- ReadTrail ---

void ReadTrail::was_at_primary(Epoch epoch, Monotonic when) {
  home_.reset();
  mark_ = Mark{.where = {}, .epoch = epoch, .when = when};
}

// What was seen before at another place, and is not known either, is known with the primary's word.
void ReadTrail::was_at(CopyId copy, const Placing& placing, Monotonic when) {
  const Where here{.copy = copy, .placing = placing};
  if (home_ && home_ != here) home_.reset();
  const bool elsewhere = mark_ && mark_->where != here;
  mark_ = Mark{.where = elsewhere ? std::nullopt : std::optional(here),
               .epoch = Epoch(placing.epoch),
               .when = when};
}

void ReadTrail::include(const Position& position, const ReadMap& map) {
  Sequence sequence = common_prefix(position, *map.history);
  if (seen_) sequence = std::max(sequence, common_prefix(*seen_, *map.history));
  seen_ = Position{map.epoch, sequence};
}

void ReadTrail::settle(const ReadMap& map) {
  if (!mark_ || mark_->epoch > map.epoch) return;
  std::optional<Position> at;
  if (mark_->epoch < map.epoch) {  // all of that epoch that there is
    at = {mark_->epoch, Sequence(std::numeric_limits<std::uint64_t>::max())};
  } else if (map.asked > mark_->when) {
    at = {map.epoch, map.written};
  }
  for (const ReadCopy& copy : map.copies) {
    if (at || mark_->where != Where{copy.copy, copy.placing} || copy.asked <= mark_->when) continue;
    at = {map.epoch, copy.applied};
  }
  if (!at) return;
  include(*at, map);
  mark_.reset();
}

bool ReadTrail::will_do(const ReadCopy& copy, const ReadMap& map, const ReadSettings& settings,
                        Monotonic now) const {
  auto shows = [&](const std::optional<Position>& wanted) {
    return !wanted ||
           (wanted->epoch <= map.epoch && copy.applied >= common_prefix(*wanted, *map.history));
  };
  if (!shows(settings.after)) return false;
  if (settings.mode == ReadMode::bounded) {
    return copy.complete_to != Monotonic::min() && now - copy.complete_to <= settings.max_staleness;
  }
  if (home_ == Where{copy.copy, copy.placing}) return true;
  return (!mark_ || mutant(Mutant::read_unsettled)) && shows(seen_);
}

std::optional<std::size_t> ReadTrail::choose(const ReadMap& map, const ReadSettings& settings,
                                             Monotonic now, std::size_t spread) {
  if (settings.mode == ReadMode::strict) return std::nullopt;
  settle(map);
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < map.copies.size(); ++i) {
    const std::size_t place = (i + spread) % map.copies.size();
    const ReadCopy& copy = map.copies[place];
    if (!will_do(copy, map, settings, now)) continue;
    if (!found || copy.copy == last_) found = place;
  }
  if (!found) return std::nullopt;
  const ReadCopy& copy = map.copies[*found];
  last_ = copy.copy;
  home_.reset();
  if (settings.mode == ReadMode::session) home_ = Where{copy.copy, copy.placing};
  return found;
}

}  // namespace spar::gateway::relay
