// The bodies that concern the session itself: transactions, parameters, prepared statements.
#include <algorithm>

#include "gateway/runner.h"
#include "gateway/setting_table.h"
#include "gateway/values.h"

namespace spar::gateway {
namespace {

Outcome tagged(std::string tag) {
  return {.tag = std::move(tag), .copy = {}};
}

Freshness freshness_of(std::string_view name) {
  if (name == "session") return Freshness::session;
  return name == "bounded" ? Freshness::bounded : Freshness::strict;
}

}  // namespace

Result<Outcome> Runner::run_body(Portal& portal, const query::Begin& begin, Options) {
  const std::string tag = portal.meaning->tag;
  SPAR_TRY(parts_.transactions.begin(begin));
  return tagged(tag);
}

Result<Outcome> Runner::run_body(Portal&, const query::Commit&, Options) {
  SPAR_ASSIGN(std::string tag, parts_.transactions.commit());
  return tagged(std::move(tag));
}

Result<Outcome> Runner::run_body(Portal&, const query::Rollback&, Options) {
  SPAR_TRY(parts_.transactions.rollback());
  return tagged("ROLLBACK");
}

Result<Outcome> Runner::run_body(Portal&, const query::Savepoint& savepoint, Options) {
  SPAR_TRY(parts_.transactions.savepoint(savepoint.name));
  return tagged("SAVEPOINT");
}

Result<Outcome> Runner::run_body(Portal&, const query::ReleaseSavepoint& savepoint, Options) {
  SPAR_TRY(parts_.transactions.release(savepoint.name));
  return tagged("RELEASE");
}

Result<Outcome> Runner::run_body(Portal&, const query::RollbackToSavepoint& savepoint, Options) {
  SPAR_TRY(parts_.transactions.rollback_to(savepoint.name));
  return tagged("ROLLBACK");
}

// True when it was one of the parameters that belong to the transaction.
Result<bool> Runner::set_transaction(const query::SetParameter& set) {
  const bool isolation = set.name == "transaction_isolation";
  if (!isolation && set.name != "transaction_read_only") return false;
  if (!parts_.transactions.in_block()) {
    parts_.notices.warning("25P01", "SET TRANSACTION can only be used in transaction blocks");
    return true;
  }
  const BackendSettings& defaults = parts_.backend.settings();
  TransactionOptions options = parts_.backend.transaction_options();
  if (isolation) {
    options.isolation = defaults.default_isolation;
    if (set.value) {
      SPAR_ASSIGN(options.isolation, isolation_of(lower_case(*set.value)));
    }
  } else {
    const auto& definition =
        setting_definitions()[static_cast<std::size_t>(find_setting("transaction_read_only"))];
    SPAR_ASSIGN(std::string on, definition.read(definition, set.value.value_or("off")));
    options.read_only = on == "on";
  }
  SPAR_TRY(parts_.backend.set_transaction(options));
  return true;
}

Result<Outcome> Runner::run_body(Portal& portal, const query::SetParameter& set, Options) {
  const std::string tag = portal.meaning->tag;
  SPAR_ASSIGN(bool done, set_transaction(set));
  if (done) return tagged(tag);
  if (set.local && !parts_.transactions.in_block()) {
    parts_.notices.warning("25P01", "SET LOCAL can only be used in transaction blocks");
  }
  if (set.name == "all" && !set.value) {
    parts_.settings.reset_all();
  } else {
    SPAR_TRY(parts_.settings.set(set.name, set.value, set.local));
  }
  apply_settings();
  return tagged(tag);
}

void Runner::apply_settings() {
  const Settings& settings = parts_.settings;
  if (applied_changes_ == settings.changes()) return;
  applied_changes_ = settings.changes();
  text_.time_zone = zone_offset(settings.get("TimeZone"));
  BackendSettings& backend = parts_.backend.settings();
  backend.freshness = freshness_of(settings.get("spar.read"));
  backend.max_staleness = milliseconds_of(settings.get("spar.max_staleness"));
  backend.after = Position();
  parse_position(settings.get("spar.after"), backend.after);
  backend.default_isolation = isolation_of(settings.get("default_transaction_isolation"))
                                  .value_or(Isolation::read_committed);
  backend.default_read_only = settings.get("default_transaction_read_only") == "on";
  backend.statement_timeout = milliseconds_of(settings.get("statement_timeout"));
  backend.lock_timeout = milliseconds_of(settings.get("lock_timeout"));
}

Result<std::string> Runner::shown(const std::string& name) const {
  const BackendSettings& defaults = parts_.backend.settings();
  TransactionOptions options{.isolation = defaults.default_isolation,
                             .read_only = defaults.default_read_only};
  if (parts_.transactions.in_block()) options = parts_.backend.transaction_options();
  if (name == "transaction_isolation") return std::string(name_of(options.isolation));
  if (name == "transaction_read_only") return options.read_only ? "on" : "off";
  if (name == "spar.position") return to_string(parts_.backend.position());
  return parts_.settings.show(name);
}

void Runner::write_texts(std::initializer_list<std::string_view> texts) {
  wire::Encoder& encoder = parts_.output.encode();
  encoder.row_begin(texts.size());
  for (std::string_view text : texts) {
    encoder.value_begin();
    encoder.out().append(text);
    encoder.value_end();
  }
  encoder.row_end();
}

Result<Outcome> Runner::run_body(Portal& portal, const query::ShowParameter& show,
                                 Options options) {
  if (show.name != "all") {
    SPAR_ASSIGN(std::string value, shown(show.name));
    if (options.tell_columns) SPAR_TRY(describe(*portal.meaning, portal.formats));
    write_texts({value});
    return tagged("SHOW");
  }
  if (options.tell_columns) SPAR_TRY(describe(*portal.meaning, portal.formats));
  for (const SettingDefinition& definition : setting_definitions()) {
    SPAR_ASSIGN(std::string value, shown(lower_case(definition.name)));
    write_texts({definition.name, value, ""});
  }
  return tagged("SHOW");
}

Result<Outcome> Runner::run_body(Portal& portal, const query::DiscardAll&, Options options) {
  SPAR_TRY(only_alone(*portal.meaning, options));
  parts_.portals.close_all();
  parts_.statements.deallocate_all();
  parts_.backend.forget_sequences();
  parts_.settings.reset_all();
  apply_settings();
  return tagged("DISCARD ALL");
}

Result<Outcome> Runner::run_body(Portal&, const query::PrepareStatement& prepare, Options) {
  SharedStatement statement = parts_.statements.make(*prepare.statement, prepare.parameters);
  SPAR_TRY(parts_.statements.meaning(*statement));
  statement->columns_told = true;
  SPAR_TRY(parts_.statements.prepare(prepare.name, std::move(statement)));
  return tagged("PREPARE");
}

Result<Outcome> Runner::run_body(Portal&, const query::Deallocate& deallocate, Options) {
  if (deallocate.name.empty()) {
    parts_.statements.deallocate_all();
    return tagged("DEALLOCATE ALL");
  }
  if (!parts_.statements.deallocate(deallocate.name)) {
    return sql_error("26000", "prepared statement \"" + deallocate.name + "\" does not exist");
  }
  return tagged("DEALLOCATE");
}

namespace {

// A constant of one type as a value of another, by way of its text.
Result<data::Datum> converted(const std::pair<data::Datum, data::Type>& argument,
                              const data::Type& type, const data::TextContext& context) {
  const auto& [datum, from] = argument;
  if (data::is_null(datum) || from == type) return datum;
  std::string text;
  data::format_text(datum, from, context, text);
  return data::parse_text(text, type, context);
}

}  // namespace

Result<Portal> Runner::bind_arguments(const query::ExecuteStatement& execute) {
  Portal portal;
  SPAR_ASSIGN(portal.statement, parts_.statements.prepared(execute.name));
  SPAR_ASSIGN(portal.meaning, parts_.statements.meaning(*portal.statement));
  if (std::holds_alternative<query::ExecuteStatement>(portal.meaning->body)) {
    return not_supported("EXECUTE of EXECUTE");
  }
  const std::vector<data::Type>& types = portal.meaning->parameters;
  if (types.size() != execute.arguments.size()) {
    Failure out = sql_error(
        "42601", "wrong number of parameters for prepared statement \"" + execute.name + "\"");
    out.error().detail = "Expected " + std::to_string(types.size()) + " parameters but got " +
                         std::to_string(execute.arguments.size()) + ".";
    return out;
  }
  for (std::size_t i = 0; i < types.size(); ++i) {
    SPAR_ASSIGN(data::Datum value, converted(execute.arguments[i], types[i], text_));
    portal.parameters.push_back(std::move(value));
  }
  return portal;
}

Result<Outcome> Runner::run_body(Portal& portal, const query::ExecuteStatement& execute,
                                 Options options) {
  SPAR_ASSIGN(Portal target, bind_arguments(execute));
  const std::size_t columns = output_of(*target.meaning).size();
  target.formats = portal.formats;
  if (target.formats.size() != columns) target.formats.clear();
  portal.state = Portal::State::done;
  return run(target, {.rows_max = 0, .tell_columns = options.tell_columns, .alone = options.alone});
}

}  // namespace spar::gateway
