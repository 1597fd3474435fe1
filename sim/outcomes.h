// sim/outcomes.h: reports of actions, and numbers from the environment, for both simulated worlds.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "control/event.h"

namespace spar::sim {

inline control::ActionDone failed(std::string text, bool diverged = false) {
  control::ActionDone done;
  done.result = control::ActionDone::Result::failed;
  done.text = std::move(text);
  done.diverged = diverged;
  return done;
}

inline control::ActionDone done_at(const Position& position) {
  control::ActionDone done;
  done.position = position;
  return done;
}

inline std::uint64_t number_from(const char* variable, std::uint64_t fallback) {
  const char* text = std::getenv(variable);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace spar::sim
