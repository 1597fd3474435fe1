#include "gateway/relay/statement_book.h"

#include <algorithm>

namespace spar::gateway::relay {

void append_parse(std::string_view name, std::string_view body, Bytes& out) {
  out += 'P';
  ByteWriter(out).be(static_cast<std::uint32_t>(4 + name.size() + 1 + body.size()));
  out += name;
  out += '\0';
  out += body;
}

void append_query(std::string_view sql, Bytes& out) {
  out += 'Q';
  ByteWriter(out).be(static_cast<std::uint32_t>(4 + sql.size() + 1));
  out += sql;
  out += '\0';
}

StatementPtr StatementBook::intern(std::string_view body) {
  auto found = statements_.find(body);
  if (found != statements_.end()) {
    if (StatementPtr statement = found->second.lock()) return statement;
    statements_.erase(found);
  }
  forget_unused();
  auto statement = std::make_shared<Statement>();
  statement->id = next_id_++;
  statement->server_name = std::string(kServerNamePrefix) + std::to_string(statement->id);
  statement->body = std::string(body);
  Judgement judgement = judge(body.substr(0, body.find('\0')));
  statement->effects = std::move(judgement.effects);
  statement->traits = judgement.traits;
  statements_.emplace(body, statement);
  return statement;
}

namespace {

bool may_change_schema(const query::route::Route& route) {
  using query::route::Kind;
  return route.writes && std::ranges::any_of(route.parts, [](const query::route::Part& part) {
           return part.kind == Kind::utility || part.kind == Kind::code ||
                  part.kind == Kind::unparsed;
         });
}

}  // namespace

// What all texts of one template have in common.
struct StatementBook::Judged {
  Traits traits;
  bool changes_schema;  // may
  bool leaves;          // may
};

const StatementBook::Judged& StatementBook::judged(const query::route::Route& route,
                                                   std::string_view sql) {
  std::shared_ptr<const void>& made = route.note.made;
  if (made == nullptr) {
    made = std::make_shared<const Judged>(traits_of(route, sql), may_change_schema(route),
                                          query::may_leave_effects(sql));
  }
  return *static_cast<const Judged*>(made.get());
}

StatementBook::Judged StatementBook::judged(std::string_view sql, bool standard_strings) {
  const Judged judged = this->judged(router_.route(sql, standard_strings), sql);
  if (judged.changes_schema) {
    touched_ = true;
    renew(std::make_shared<query::route::BuiltInObjects>());
  }
  return judged;
}

StatementBook::Judgement StatementBook::judge(std::string_view sql, bool standard_strings) {
  const Judged judged = this->judged(sql, standard_strings);
  return {judged.traits, judged.leaves ? effects(sql) : nullptr};
}

Traits StatementBook::traits(std::string_view sql, bool standard_strings) {
  return judged(sql, standard_strings).traits;
}

Bytes StatementBook::stand_in_body(std::string_view body) {
  const std::size_t text_end = body.find('\0');
  return stand_in(body.substr(0, text_end)) + std::string(body.substr(text_end));
}

void StatementBook::renew(std::shared_ptr<const query::route::Objects> objects) {
  if (objects == nullptr || objects == objects_) return;
  objects_ = std::move(objects);
  router_.renew(objects_, ++epoch_);
  for (auto& [body, known] : statements_) {
    if (StatementPtr statement = known.lock()) {
      const std::string_view sql = std::string_view(body).substr(0, body.find('\0'));
      statement->traits = judged(router_.route(sql), sql).traits;
    }
  }
}

const StatementPtr& StatementBook::own(Own which) {
  constexpr std::array<std::string_view, 3> kTexts = {
      "BEGIN", "COMMIT", "SELECT pg_catalog.pg_current_xact_id_if_assigned()"};
  StatementPtr& statement = own_[static_cast<std::size_t>(which)];
  if (statement == nullptr) {
    const std::string_view text = kTexts[static_cast<std::size_t>(which)];
    statement = intern(std::string(text) + std::string(3, '\0'));
  }
  return statement;
}

void StatementBook::forget_unused() {
  if (statements_.size() < forget_at_) return;
  std::erase_if(statements_, [](const auto& entry) { return entry.second.expired(); });
  forget_at_ = std::max<std::size_t>(64, statements_.size() * 2);
}

EffectsPtr StatementBook::effects(std::string_view sql) {
  constexpr std::size_t kTextsMax = 256, kTextBytesMax = 4096;
  if (sql.size() > kTextBytesMax) return query::session_effects(sql, limits_);
  auto found = effects_.find(sql);
  if (found != effects_.end()) return found->second;
  if (effects_.size() >= kTextsMax) effects_.clear();
  EffectsPtr effects = query::session_effects(sql, limits_);
  effects_.emplace(sql, effects);
  return effects;
}

bool ServerStatements::touch(std::uint64_t id) {
  auto found = places_.find(id);
  if (found == places_.end()) return false;
  if (found->second != used_.begin()) used_.splice(used_.begin(), used_, found->second);
  return true;
}

std::optional<std::string> ServerStatements::add(const StatementPtr& statement) {
  forget(statement->id);
  used_.push_front(statement);
  places_[statement->id] = used_.begin();
  if (used_.size() <= prepared_max_) return std::nullopt;
  const StatementPtr last = used_.back();
  places_.erase(last->id);
  used_.pop_back();
  return last->server_name;
}

void ServerStatements::forget(std::uint64_t id) {
  auto found = places_.find(id);
  if (found == places_.end()) return;
  used_.erase(found->second);
  places_.erase(found);
}

void ServerStatements::clear() {
  used_.clear();
  places_.clear();
}

}  // namespace spar::gateway::relay
