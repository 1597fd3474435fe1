#include "gateway/relay/session_settings.h"

#include <algorithm>
#include <array>

#include "query/session_effects.h"

namespace spar::gateway::relay {

bool is_settable(std::string_view name) {
  constexpr std::array<std::string_view, 6> kFixed = {"in_hot_standby", "integer_datetimes",
                                                      "is_superuser",   "server_encoding",
                                                      "server_version", "session_authorization"};
  return std::ranges::find(kFixed, name) == kFixed.end();
}

const SettingsPtr& SessionSettings::none() {
  static const SettingsPtr kNone = std::make_shared<const SessionSettings>();
  return kNone;
}

std::string SessionSettings::statement(std::string_view name, std::string_view value) {
  // set_config takes a list as it is printed (search_path = 'a, b'), which SET would quote.
  return "SELECT pg_catalog.set_config(" + query::quoted_literal(name) + ", " +
         query::quoted_literal(value) + ", false)";
}

SettingsPtr SessionSettings::of(
    const std::vector<std::pair<std::string, std::string>>& parameters) {
  auto settings = std::make_shared<SessionSettings>();
  for (const auto& [name, value] : parameters) {
    std::string key = lower_case(name);
    std::string sql = statement(key, value);
    settings->map_.insert_or_assign(std::move(key), std::move(sql));
  }
  return settings->empty() ? none() : settings;
}

const std::string* SessionSettings::find(std::string_view name) const {
  auto found = map_.find(name);
  return found == map_.end() ? nullptr : &found->second;
}

SettingsPtr SessionSettings::with(const SettingsPtr& before, std::string_view name,
                                  std::string statement) {
  const std::string* old = before->find(name);
  if (statement.empty() ? old == nullptr : old != nullptr && *old == statement) return before;
  auto after = std::make_shared<SessionSettings>(*before);
  if (statement.empty()) {
    after->map_.erase(after->map_.find(name));
  } else {
    after->map_.insert_or_assign(std::string(name), std::move(statement));
  }
  return after;
}

std::string settings_difference(const SettingsPtr& from, const SettingsPtr& to,
                                const SessionSettings& defaults) {
  if (from == to) return {};
  std::string out;
  auto say = [&](const std::string& statement) {
    if (!out.empty()) out += "; ";
    out += statement;
  };
  for (const auto& [name, statement] : from->map()) {
    if (to->find(name) == nullptr) say("RESET " + query::quoted_setting_name(name));
  }
  for (const auto& [name, statement] : to->map()) {
    const std::string* has = from->find(name);
    if (has == nullptr) has = defaults.find(name);
    if (has == nullptr || *has != statement) say(statement);
  }
  return out;
}

}  // namespace spar::gateway::relay
