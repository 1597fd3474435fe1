// What statements leave behind: settings that follow the session, and what holds it.
#include "gateway/relay/relay_session.h"

namespace spar::gateway::relay {

using query::SessionEffect;
using query::SessionEffects;

void RelaySession::expect_effects(Owed& owed, const EffectsPtr& effects) {
  if (effects == nullptr) return;
  owed.effects = true;
  effects_.push(effects);
  // A session lock stays when its statement or transaction fails later: hold from now on.
  for (const SessionEffect& effect : effects->list) {
    if (effect.kind == SessionEffect::Kind::hold) holds_ |= effect.holds & query::kHoldLock;
    sets_read_only_ |= effect.name == kReadOnlySetting;
  }
}

void RelaySession::apply(const SessionEffects& effects) {
  for (const SessionEffect& effect : effects.list) apply(effect);
}

void RelaySession::apply(const SessionEffect& effect) {
  using Kind = SessionEffect::Kind;
  switch (effect.kind) {
    case Kind::set:
      set_in_transaction_ = true;
      // What the server reports is known better from there.
      if (server_->defaults->find(effect.name) != nullptr) return;
      changes_.push_back({.name = effect.name, .statement = effect.statement});
      return;
    case Kind::reset:
      set_in_transaction_ = touches_server_ = true;
      return reset_setting(effect.name);
    case Kind::reset_all:
      set_in_transaction_ = touches_server_ = true;
      if (!startup_->empty()) server_->must_reset = true;
      changes_.push_back({});
      return;
    case Kind::hold:
      holds_ |= effect.holds;
      return;
    case Kind::let_go:
      holds_ &= static_cast<std::uint8_t>(~effect.holds);
      return;
    case Kind::discard_all:
      return discard_all();
    case Kind::deallocate:
      if (auto known = names_.find(effect.name); known != names_.end()) names_.erase(known);
      return;
    case Kind::deallocate_all:
      touches_server_ = true;
      names_.clear();
      server_->statements.clear();
      holds_ &= static_cast<std::uint8_t>(~query::kHoldPrepared);
      return;
    case Kind::rollback_to:
      if (set_in_transaction_) holds_ |= query::kHoldSetting;
      return;
  }
}

// To what the client said at its start, which the connection does not know.
void RelaySession::reset_setting(const std::string& name) {
  const std::string* startup = startup_->find(name);
  if (startup != nullptr) {
    server_->must_reset = true;
    changes_.push_back({.name = name, .statement = *startup});
  } else if (server_->defaults->find(name) == nullptr) {
    changes_.push_back({.name = name, .statement = {}});
  }
}

void RelaySession::discard_all() {
  settings_ = startup_;
  server_->must_reset = !startup_->empty();
  changes_.clear();
  holds_ = 0;
  names_.clear();
  unnamed_.clear();
  server_->statements.clear();
}

void RelaySession::commit_changes() {
  for (Change& change : changes_) {
    settings_ = change.name.empty()
                    ? startup_
                    : SessionSettings::with(settings_, change.name, std::move(change.statement));
  }
  changes_.clear();
}

}  // namespace spar::gateway::relay
