#include "gateway/statements.h"

#include <algorithm>
#include <functional>

#include "gateway/setting_table.h"

namespace spar::gateway {
namespace {

// As a parameter's; 0 is one that is to be inferred.
bool is_type(std::uint32_t number) {
  const auto id = static_cast<data::TypeId>(number);
  return id == data::TypeId::none || (data::is_type(id) && id != data::TypeId::void_);
}

Result<std::vector<data::Type>> types_of(std::span<const std::uint32_t> oids) {
  std::vector<data::Type> types;
  types.reserve(oids.size());
  for (std::uint32_t oid : oids) {
    if (!is_type(oid)) {
      return not_supported("the parameter type with OID " + std::to_string(oid));
    }
    auto id = static_cast<data::TypeId>(oid);
    types.push_back({.id = id == data::TypeId::unknown ? data::TypeId::none : id});
  }
  return types;
}

Failure columns_changed() {
  return sql_error("0A000", "cached plan must not change result type");
}

}  // namespace

const query::Plan* plan_of(const query::Statement& statement) {
  return std::get_if<query::Plan>(&statement.body);
}

std::span<const query::OutputColumn> output_of(const query::Statement& statement) {
  if (const query::Plan* plan = plan_of(statement)) return plan->output;
  return {};
}

bool same_columns(const query::Statement& a, const query::Statement& b) {
  if (a.body.index() != b.body.index()) return false;
  auto same = [](const query::OutputColumn& x, const query::OutputColumn& y) {
    return x.name == y.name && x.type == y.type;
  };
  return std::ranges::equal(output_of(a), output_of(b), same);
}

Statements::Statements(Parts parts, const Limits& limits, Owner owner)
    : backend_(parts.backend),
      settings_(parts.settings),
      language_(parts.language),
      limits_(limits),
      owner_(std::move(owner)) {}

query::AnalyzeContext Statements::context(std::vector<data::Type> parameters) const {
  query::AnalyzeContext context;
  context.database_name = owner_.database;
  if (const data::Database* database = backend_.catalogue()->database(owner_.database)) {
    context.database = database->id;
  }
  context.user = owner_.user;
  context.search_path.clear();
  for (const std::string& name : identifier_list(settings_.get("search_path"))) {
    context.search_path.push_back(name == "$user" ? owner_.user : name);
  }
  context.text.time_zone = zone_offset(settings_.get("TimeZone"));
  context.parameter_types = std::move(parameters);
  return context;
}

SharedStatement Statements::make(const query::ParsedStatement& parsed,
                                 std::vector<data::Type> parameters) {
  auto statement = std::make_shared<MeantStatement>();
  statement->source = std::make_shared<const StatementSource>(
      StatementSource{.parsed = parsed, .context = context(std::move(parameters))});
  statement->generation = generation();
  return statement;
}

Result<std::vector<SharedStatement>> Statements::of_text(
    std::string_view text, std::span<const std::uint32_t> parameter_types) {
  const bool keepable = text.size() <= limits_.cached_text_bytes_max;
  if (keepable) {
    key_.assign(reinterpret_cast<const char*>(parameter_types.data()),
                parameter_types.size_bytes());
    key_ += '\0';
    key_ += text;
    if (auto found = by_key_.find(key_); found != by_key_.end()) {
      kept_.splice(kept_.begin(), kept_, found->second);
      return kept_.front().statements;
    }
  }
  SPAR_ASSIGN(std::vector<query::ParsedStatement> parsed, language_.parse(text, limits_.parse));
  SPAR_ASSIGN(std::vector<data::Type> types, types_of(parameter_types));
  std::vector<SharedStatement> statements;
  statements.reserve(parsed.size());
  for (const query::ParsedStatement& one : parsed) statements.push_back(make(one, types));
  if (keepable && seen_before(key_)) keep(key_, statements);
  return statements;
}

// A text is worth keeping from its second time on: most texts with literals come once.
bool Statements::seen_before(std::string_view key) {
  std::size_t hash = std::hash<std::string_view>()(key);
  std::size_t& slot = seen_[hash % seen_.size()];
  if (slot == hash) return true;
  slot = hash;
  return false;
}

void Statements::keep(std::string key, const std::vector<SharedStatement>& statements) {
  if (limits_.cached_texts_max == 0) return;
  while (kept_.size() >= limits_.cached_texts_max) {
    by_key_.erase(kept_.back().key);
    kept_.pop_back();
  }
  kept_.push_front({.key = std::move(key), .statements = statements});
  by_key_.emplace(kept_.front().key, kept_.begin());
}

Result<Meaning> Statements::meaning(MeantStatement& statement) {
  const std::shared_ptr<const data::Catalogue> catalogue = backend_.catalogue();
  const bool same_settings = statement.generation == generation();
  if (statement.meaning && same_settings &&
      statement.meaning->catalogue_version == catalogue->version()) {
    return statement.meaning;
  }
  if (!same_settings || statement.source->context.database == ObjectId()) {
    std::vector<data::Type> parameters = statement.source->context.parameter_types;
    statement.source = std::make_shared<const StatementSource>(StatementSource{
        .parsed = statement.source->parsed, .context = context(std::move(parameters))});
    statement.generation = generation();
  }
  SPAR_ASSIGN(Meaning meaning,
              language_.analyze(statement.source->parsed, *catalogue, statement.source->context));
  if (statement.columns_told && statement.meaning && !same_columns(*statement.meaning, *meaning)) {
    return columns_changed();
  }
  statement.meaning = meaning;
  return meaning;
}

std::function<Result<Meaning>(const data::Catalogue&)> Statements::again(
    const MeantStatement& statement, Meaning expected) const {
  return [analyze = language_.analyze, source = statement.source,
          expected = std::move(expected)](const data::Catalogue& catalogue) -> Result<Meaning> {
    SPAR_ASSIGN(Meaning meaning, analyze(source->parsed, catalogue, source->context));
    if (!same_columns(*expected, *meaning)) return columns_changed();
    return meaning;
  };
}

Result<void> Statements::prepare(std::string_view name, SharedStatement statement) {
  if (name.empty()) {
    unnamed_ = std::move(statement);
    return {};
  }
  if (named_.contains(name)) {
    return sql_error("42P05", "prepared statement \"" + std::string(name) + "\" already exists");
  }
  if (named_.size() >= limits_.prepared_statements_max) {
    return sql_error("54000", "too many prepared statements");
  }
  named_.emplace(name, std::move(statement));
  return {};
}

Result<SharedStatement> Statements::prepared(std::string_view name) const {
  if (name.empty()) {
    if (unnamed_) return unnamed_;
    return sql_error("26000", "unnamed prepared statement does not exist");
  }
  auto found = named_.find(name);
  if (found != named_.end()) return found->second;
  return sql_error("26000", "prepared statement \"" + std::string(name) + "\" does not exist");
}

bool Statements::erase(std::string_view name) {
  if (name.empty()) {
    unnamed_.reset();
    return true;
  }
  auto found = named_.find(name);
  if (found == named_.end()) return false;
  named_.erase(found);
  return true;
}

}  // namespace spar::gateway
