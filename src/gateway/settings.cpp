#include "gateway/settings.h"

#include "base/assert.h"

namespace spar::gateway {
namespace {

Failure unknown(std::string_view name) {
  return sql_error("42704", "unrecognized configuration parameter \"" + std::string(name) + "\"");
}

}  // namespace

Settings::Settings(const std::string& user, const Limits& limits) : limits_(limits), user_(user) {
  for (const SettingDefinition& definition : setting_definitions()) {
    known_.push_back({.initial = std::string(definition.initial)});
  }
  find("session_authorization")->initial = user;
}

const std::string& Settings::current(const Value& value) {
  if (value.local) return *value.local;
  return value.session ? *value.session : value.initial;
}

Settings::Value* Settings::find(std::string_view name) {
  int index = find_setting(name);
  if (index >= 0) return &known_[static_cast<std::size_t>(index)];
  auto custom = custom_.find(lower_case(name));
  return custom == custom_.end() ? nullptr : &custom->second;
}

Result<Settings::Value*> Settings::find_or_make(std::string_view name) {
  if (Value* value = find(name)) return value;
  if (!is_custom_setting(name)) return unknown(name);
  if (lower_case(name).starts_with("spar.")) return unknown(name);  // a misspelt one of ours
  if (custom_.size() >= limits_.custom_settings_max) {
    return sql_error("54000", "too many custom configuration parameters");
  }
  return &custom_[lower_case(name)];
}

Result<std::string> Settings::checked(std::string_view name, std::string_view value) const {
  if (value.size() > limits_.setting_bytes_max) {
    return sql_error("54000", "value for parameter \"" + std::string(name) + "\" is too long");
  }
  int index = find_setting(name);
  if (index < 0) return std::string(value);
  const SettingDefinition& definition = setting_definitions()[static_cast<std::size_t>(index)];
  if (definition.name == "session_authorization" && value == user_) return user_;
  return definition.read(definition, value);
}

Result<void> Settings::set_default(std::string_view name, std::string_view value,
                                   std::string& warning) {
  SPAR_ASSIGN(Value * target, find_or_make(name));
  Result<std::string> text = checked(name, value);
  if (!text && find_setting(name) == find_setting("TimeZone")) {
    warning = "time zone \"" + std::string(value.substr(0, 100)) + "\" is not known, using UTC";
    text = "UTC";
  }
  if (!text) return Failure(text.error());
  target->initial = std::move(*text);
  changed(name);
  return {};
}

Result<void> Settings::set(std::string_view name, std::optional<std::string_view> value,
                           bool local) {
  SPAR_ASSIGN(Value * target, find_or_make(name));
  std::optional<std::string> text;
  if (value) {
    SPAR_ASSIGN(text, checked(name, *value));
  } else if (local) {
    text = target->initial;
  }
  change(name, *target, std::move(text), local);
  return {};
}

void Settings::change(std::string_view name, Value& value, std::optional<std::string> text,
                      bool local) {
  undo_.push_back({.name = std::string(name), .session = value.session, .local = value.local});
  if (local) {
    value.local = std::move(text);
    with_local_.emplace_back(name);
  } else {
    value.session = std::move(text);
    value.local.reset();
  }
  changed(name);
}

void Settings::changed(std::string_view name) {
  ++changes_;
  int index = find_setting(name);
  if (index < 0) return;
  if (setting_definitions()[static_cast<std::size_t>(index)].changes_meaning) ++meaning_changes_;
}

void Settings::reset_all() {
  const auto definitions = setting_definitions();
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].session || known_[i].local) {
      change(definitions[i].name, known_[i], std::nullopt, false);
    }
  }
  for (auto& [name, value] : custom_) {
    if (value.session || value.local) change(name, value, std::nullopt, false);
  }
}

Result<std::string> Settings::show(std::string_view name) const {
  const Value* value = const_cast<Settings*>(this)->find(name);
  if (value == nullptr) return unknown(name);
  return current(*value);
}

std::string Settings::canonical_name(std::string_view name) {
  int index = find_setting(name);
  if (index < 0) return lower_case(name);
  return std::string(setting_definitions()[static_cast<std::size_t>(index)].name);
}

const std::string& Settings::get(std::string_view name) const {
  int index = find_setting(name);
  SPAR_ASSERT(index >= 0);
  return current(known_[static_cast<std::size_t>(index)]);
}

void Settings::commit() {
  for (const std::string& name : with_local_) {
    Value* value = find(name);
    if (value == nullptr || !value->local) continue;
    value->local.reset();
    changed(name);
  }
  with_local_.clear();
  undo_.clear();
  savepoints_.clear();
}

void Settings::rollback() {
  undo_to(0);
  commit();
}

void Settings::undo_to(std::size_t size) {
  while (undo_.size() > size) {
    Undo& last = undo_.back();
    if (Value* value = find(last.name)) {
      value->session = std::move(last.session);
      value->local = std::move(last.local);
      changed(last.name);
    }
    undo_.pop_back();
  }
}

std::size_t Settings::mark_of(const std::string& name) {
  for (std::size_t i = savepoints_.size(); i-- > 0;) {
    if (savepoints_[i].first == name) return i;
  }
  return savepoints_.size();
}

void Settings::savepoint(const std::string& name) {
  savepoints_.emplace_back(name, undo_.size());
}

void Settings::release(const std::string& name) {
  savepoints_.resize(mark_of(name));
}

void Settings::rollback_to(const std::string& name) {
  std::size_t at = mark_of(name);
  if (at == savepoints_.size()) return;
  undo_to(savepoints_[at].second);
  savepoints_.resize(at + 1);
}

}  // namespace spar::gateway
