#include "gateway/portal.h"

namespace spar::gateway {

void Portal::reset() {
  rows.reset();
  statement.reset();
  meaning.reset();
  parameters.clear();
  formats.clear();
  kept.clear();
  state = State::ready;
}

Result<Portal*> Portals::open(std::string_view name) {
  if (name.empty()) {
    unnamed_.reset();
    unnamed_open_ = true;
    return &unnamed_;
  }
  if (named_.contains(name)) {
    return sql_error("42P03", "cursor \"" + std::string(name) + "\" already exists");
  }
  if (named_.size() >= portals_max_) return sql_error("54000", "too many portals");
  return &named_[std::string(name)];
}

Portal* Portals::find(std::string_view name) {
  if (name.empty()) return unnamed_open_ ? &unnamed_ : nullptr;
  auto found = named_.find(name);
  return found == named_.end() ? nullptr : &found->second;
}

void Portals::close(std::string_view name) {
  if (name.empty()) {
    unnamed_.reset();
    unnamed_open_ = false;
  } else if (auto found = named_.find(name); found != named_.end()) {
    named_.erase(found);
  }
}

void Portals::close_all() {
  close("");
  named_.clear();
}

void Portals::break_all() {
  auto end = [](Portal& portal) {
    portal.rows.reset();
    portal.kept.clear();
    portal.state = Portal::State::failed;
  };
  end(unnamed_);
  for (auto& [name, portal] : named_) end(portal);
}

}  // namespace spar::gateway
