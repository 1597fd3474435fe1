// gateway/relay/session_settings.h: the settings that follow a session from connection to
// connection.
//
// Contract    An immutable map from a setting's name (lower case) to the statement that repeats it.
//             Sessions and connections share them by pointer, so that the usual question "is this
//             connection as I left it?" is one comparison.
// Threads     Immutable; share freely.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/characters.h"

namespace spar::gateway::relay {

class SessionSettings;
using SettingsPtr = std::shared_ptr<const SessionSettings>;

class SessionSettings {
 public:
  using Map = std::map<std::string, std::string, std::less<>>;

  static const SettingsPtr& none();
  // Of a start-up packet, in its order; later ones win.
  static SettingsPtr of(const std::vector<std::pair<std::string, std::string>>& parameters);
  // The statement of a value that is one string.
  static std::string statement(std::string_view name, std::string_view value);

  // `before` with one setting changed; an empty statement takes it out. `before` itself when that
  // changes nothing.
  static SettingsPtr with(const SettingsPtr& before, std::string_view name, std::string statement);

  // Nothing: not set.
  const std::string* find(std::string_view name) const;
  const Map& map() const { return map_; }
  bool empty() const { return map_.empty(); }

 private:
  Map map_;
};

// Statements that turn a connection that has `from` into one that has `to`; "" when it is that
// already. `defaults` are values that a connection has without any SET.
std::string settings_difference(const SettingsPtr& from, const SettingsPtr& to,
                                const SessionSettings& defaults);

// Names of ParameterStatus that no SET changes, or that follow from others.
bool is_settable(std::string_view name);

using data::lower_case;

}  // namespace spar::gateway::relay
