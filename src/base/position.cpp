#include "base/position.h"

#include <algorithm>
#include <charconv>

namespace spar {

Sequence common_prefix(const Position& position, const History& history) {
  Sequence shared = position.sequence;
  for (const Fork& fork : history) {
    if (fork.epoch > position.epoch) shared = std::min(shared, fork.after);
  }
  return shared;
}

namespace {

// Whether `a` lies on the history that leads to `b`: every fork between their epochs is past it.
bool leads_to(const Position& a, const Position& b, const History& history) {
  return std::none_of(history.begin(), history.end(), [&](const Fork& fork) {
    return fork.epoch > a.epoch && fork.epoch <= b.epoch && fork.after < a.sequence;
  });
}

}  // namespace

Order compare(const Position& a, const Position& b, const History& history) {
  if (a.epoch > b.epoch) {
    Order order = compare(b, a, history);
    if (order == Order::before) return Order::after;
    if (order == Order::after) return Order::before;
    return order;
  }
  if (!leads_to(a, b, history)) return Order::diverged;
  if (a.sequence == b.sequence) return Order::equal;
  return a.sequence < b.sequence ? Order::before : Order::after;
}

std::string to_string(const Position& position) {
  return std::to_string(position.epoch.value) + "/" + std::to_string(position.sequence.value);
}

bool parse_position(std::string_view text, Position& position) {
  const char* end = text.data() + text.size();
  auto first = std::from_chars(text.data(), end, position.epoch.value);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '/') return false;
  auto second = std::from_chars(first.ptr + 1, end, position.sequence.value);
  return second.ec == std::errc() && second.ptr == end;
}

}  // namespace spar
