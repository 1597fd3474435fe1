#include "gateway/relay/statement_traits.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "data/characters.h"
#include "gateway/relay/reading.h"
#include "query/parse/scanner.h"
#include "query/session_effects.h"

namespace spar::gateway::relay {
namespace {

namespace route = query::route;
using query::grammar::Scanner;
using query::grammar::Token;
using Verb = Traits::Verb;

Verb verb_of(const route::Transaction& transaction) {
  switch (transaction.verb) {
    case route::Verb::begin:
      return Verb::begin;
    case route::Verb::commit:
      return transaction.chain ? Verb::mixed : Verb::commit;
    case route::Verb::rollback:
      return transaction.chain ? Verb::mixed : Verb::rollback;
    case route::Verb::savepoint:
    case route::Verb::release:
    case route::Verb::rollback_to:
    case route::Verb::set_transaction:
      return Verb::none;
    default:
      return Verb::mixed;
  }
}

// Several statements: a BEGIN in front and nothing after it is still one.
Verb verb_of(const route::Route& route) {
  Verb verb = Verb::none;
  for (std::size_t i = 0; i < route.parts.size(); ++i) {
    const route::Part& part = route.parts[i];
    if (part.kind == route::Kind::unparsed) return Verb::mixed;
    if (!part.transaction) continue;
    const Verb one = verb_of(*part.transaction);
    if (one == Verb::none) continue;
    const bool alone = route.parts.size() == 1 || (one == Verb::begin && i == 0);
    if (!alone || verb != Verb::none) return Verb::mixed;
    verb = one;
  }
  return verb;
}

// Commands that begin with one of these run in a transaction block, unless one of the others is
// somewhere in them (CREATE DATABASE, DROP INDEX CONCURRENTLY).
constexpr std::array<std::string_view, 15> kInBlock = {
    "alter", "comment", "copy",   "create", "delete", "drop",     "grant", "insert",
    "merge", "notify",  "revoke", "select", "table",  "truncate", "update"};
constexpr std::array<std::string_view, 6> kOutside = {"concurrently", "database",   "subscription",
                                                      "system",       "tablespace", "vacuum"};

bool commands_run_in_block(std::string_view sql) {
  Scanner scanner(sql);
  bool first = true;
  for (;;) {
    const Token token = scanner.next();
    if (token == Token::end) return true;
    if (token == Token::punctuation && scanner.lexeme() == ";") {
      first = true;
      continue;
    }
    if (token == Token::word) {
      const std::string word = data::lower_case(scanner.lexeme());
      if (std::ranges::find(kOutside, word) != kOutside.end()) return false;
      if (first && std::ranges::find(kInBlock, word) == kInBlock.end()) return false;
    }
    first = false;
  }
}

bool is_returning_insert(std::string_view sql) {
  Scanner scanner(sql);
  if (scanner.next() != Token::word || data::lower_case(scanner.lexeme()) != "insert") return false;
  for (Token token = scanner.next(); token != Token::end; token = scanner.next()) {
    if (token == Token::word && data::lower_case(scanner.lexeme()) == "returning") return true;
  }
  return false;
}

bool runs_in_block(const route::Route& route, std::string_view sql) {
  bool commands = false;
  for (const route::Part& part : route.parts) {
    switch (part.kind) {
      case route::Kind::query:
      case route::Kind::copy_out:
      case route::Kind::copy_in:
      case route::Kind::show:
      case route::Kind::setting:
      case route::Kind::execute:
        continue;
      case route::Kind::utility:
      case route::Kind::channel:
        commands = true;
        continue;
      default:
        return false;
    }
  }
  return !commands || commands_run_in_block(sql);
}

// Which copies a text may run on, of those that let no write in.
bool runs_anywhere(const route::Route& route) {
  if (route.site == route::Site::primary || route.writes || route.opaque || route.serializable ||
      !route.pins.empty()) {
    return false;
  }
  // What is set back with a savepoint could not be repeated on another connection.
  return std::ranges::none_of(route.parts, [](const route::Part& part) {
    return part.transaction && part.transaction->verb == route::Verb::rollback_to;
  });
}

bool shows_position(const route::Part& part) {
  return part.kind == route::Kind::show && part.name == "spar.position";
}

const route::Setting* refused(const route::Part& part) {
  for (const route::Setting& setting : part.settings) {
    const bool checked = setting.name.starts_with(kReadSettingPrefix) && setting.value;
    if (checked && !check_read_setting(setting.name, *setting.value)) return &setting;
  }
  return nullptr;
}

constexpr std::string_view kRefused = "__spar_refused:";

}  // namespace

Traits traits_of(const route::Route& route, std::string_view sql) {
  Traits traits{.verb = verb_of(route), .writes = route.writes || route.opaque};
  for (const route::Part& part : route.parts) {
    traits.copies_in |= part.kind == route::Kind::copy_in;
    traits.read_only |= part.transaction && part.transaction->read_only == true;
    traits.ours |= refused(part) != nullptr || (shows_position(part) && route.parts.size() == 1);
  }
  traits.anywhere = runs_anywhere(route);
  traits.plain_begin =
      traits.verb == Verb::begin && route.parts.size() == 1 && traits.anywhere && !traits.read_only;
  if (traits.verb == Verb::none && traits.writes) traits.wraps = runs_in_block(route, sql);
  traits.returns = route.parts.size() == 1 && route.parts[0].reason == route::Reason::data_change &&
                   is_returning_insert(sql);
  return traits;
}

std::string_view begin_tag(std::string_view sql) {
  Scanner scanner(sql);
  const bool starts =
      scanner.next() == Token::word && data::lower_case(scanner.lexeme()) == "start";
  return starts ? "START TRANSACTION" : "BEGIN";
}

std::string stand_in(const route::Route& route) {
  for (const route::Part& part : route.parts) {
    const route::Setting* setting = refused(part);
    if (setting == nullptr) continue;
    std::string what(kRefused);
    what += std::to_string(setting->value->size()) + ":" + setting->name + ":" + *setting->value;
    return "SET client_min_messages TO " + query::quoted_literal(what);
  }
  // At least what the session has seen, on whichever server it is.
  return "SELECT pg_catalog.current_setting('spar.epoch') || '/' || (CASE WHEN "
         "pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() ELSE "
         "pg_catalog.pg_current_wal_insert_lsn() END)::pg_catalog.text AS \"spar.position\"";
}

std::optional<Error> refusal_in(std::string_view error_message) {
  const std::size_t at = error_message.find(kRefused);
  if (at == error_message.npos) return std::nullopt;
  std::string_view rest = error_message.substr(at + kRefused.size());
  std::size_t size = 0;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), size);
  if (read.ec != std::errc()) return std::nullopt;
  rest.remove_prefix(std::min(rest.size(), rest.find(':') + 1));
  const std::size_t colon = rest.find(':');
  if (colon == rest.npos) return std::nullopt;
  const Result<void> checked =
      check_read_setting(rest.substr(0, colon), rest.substr(colon + 1, size));
  return checked ? std::nullopt : std::optional(checked.error());
}

}  // namespace spar::gateway::relay
