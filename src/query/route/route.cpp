#include "query/route/route.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace spar::query::route {
namespace {

template <class Enum, std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) {
  return names.at(static_cast<std::size_t>(value));
}

constexpr std::array<std::string_view, 4> kSites = {"none", "session", "any", "primary"};
constexpr std::array<std::string_view, 14> kKinds = {
    "query",   "transaction", "setting",  "show",    "discard", "cursor",  "prepared",
    "execute", "copy_in",     "copy_out", "channel", "code",    "utility", "unparsed"};
constexpr std::array<std::string_view, 10> kVerbs = {
    "begin",       "commit",  "rollback",        "savepoint",         "release",
    "rollback_to", "prepare", "commit_prepared", "rollback_prepared", "set_transaction"};
constexpr std::array<std::string_view, 5> kIsolations = {
    "read_uncommitted", "read_committed", "repeatable_read", "serializable", "other"};
constexpr std::array<std::string_view, 18> kReasons = {
    "none",          "data_change",  "locks_rows",   "volatile_function", "unknown_function",
    "node_function", "operation",    "type",         "relation",          "node_relation",
    "system_column", "node_setting", "unknown_node", "serializable",      "read_write",
    "snapshot",      "command",      "unparsed"};

struct NamedPin {
  Pin pin;
  std::string_view name;
};
constexpr NamedPin kPins[] = {
    {Pin::temporary_object, "temporary_object"},
    {Pin::listen, "listen"},
    {Pin::advisory_lock, "advisory_lock"},
    {Pin::held_cursor, "held_cursor"},
    {Pin::prepared_statement, "prepared_statement"},
    {Pin::untracked_setting, "untracked_setting"},
    {Pin::library, "library"},
};

void add(std::string& out, std::string_view word, std::string_view value = {}) {
  out += ' ';
  out += word;
  out += value;
}

void add_pins(std::string& out, std::string_view word, Pins pins) {
  for (const NamedPin& named : kPins) {
    if (pins.has(named.pin)) add(out, word, named.name);
  }
}

void add_transaction(std::string& out, const Transaction& transaction) {
  add(out, name_of(kVerbs, transaction.verb));
  if (transaction.isolation) add(out, name_of(kIsolations, *transaction.isolation));
  if (transaction.read_only) add(out, *transaction.read_only ? "read_only" : "read_write");
  if (transaction.deferrable) add(out, *transaction.deferrable ? "deferrable" : "not_deferrable");
  if (transaction.chain) add(out, "chain");
  if (!transaction.name.empty()) add(out, "name=", transaction.name);
}

void add_setting(std::string& out, const Setting& setting) {
  add(out, setting.name.empty() ? "*" : setting.name);
  if (setting.value) out += "='" + *setting.value + "'";
  if (setting.local) add(out, "local");
  if (!setting.tracked) add(out, "untracked");
}

bool is_serializable(const Part& part) {
  const bool now = part.transaction && part.transaction->isolation.value_or(Isolation::other) ==
                                           Isolation::serializable;
  return now || std::ranges::any_of(part.settings, [](const Setting& setting) {
           return setting.name == "default_transaction_isolation" &&
                  setting.value == "serializable";
         });
}

}  // namespace

void Route::add(Part part) {
  site = std::max(site, part.site);
  writes = writes || part.writes;
  opaque = opaque || part.opaque;
  serializable = serializable || is_serializable(part);
  pins |= part.pins;
  parts.push_back(std::move(part));
}

Route unparsed_route() {
  Route route;
  route.add({.kind = Kind::unparsed,
             .site = Site::primary,
             .writes = true,
             .opaque = true,
             .reason = Reason::unparsed});
  return route;
}

std::string describe(const Part& part) {
  std::string out(name_of(kSites, part.site));
  if (part.kind != Kind::query) add(out, name_of(kKinds, part.kind));
  if (part.transaction) add_transaction(out, *part.transaction);
  if (part.writes) add(out, "writes");
  if (part.opaque) add(out, "opaque");
  if (!part.name.empty()) add(out, "name=", part.name);
  for (const Setting& setting : part.settings) add_setting(out, setting);
  add_pins(out, "pins=", part.pins);
  add_pins(out, "releases=", part.released);
  if (part.reason != Reason::none) {
    add(out, "because ", name_of(kReasons, part.reason));
    if (!part.cause.empty()) add(out, part.cause);
  }
  return out;
}

std::string describe(const Route& route) {
  std::string out;
  for (const Part& part : route.parts) {
    if (!out.empty()) out += "; ";
    out += describe(part);
  }
  return out;
}

}  // namespace spar::query::route
