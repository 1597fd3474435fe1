#include "gateway/runner.h"

#include <charconv>

#include "gateway/copy_writer.h"
#include "gateway/values.h"

namespace spar::gateway {
namespace {

std::string counted(std::string_view tag, std::uint64_t count) {
  std::string out(tag);
  out += tag == "INSERT" ? " 0 " : " ";
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, count).ptr);
  return out;
}

Outcome complete(const query::Statement& statement) {
  return {.kind = Outcome::Kind::complete, .tag = statement.tag, .copy = {}};
}

}  // namespace

Failure Runner::in_failed_transaction() {
  return sql_error(
      "25P02", "current transaction is aborted, commands ignored until end of transaction block");
}

Result<void> Runner::check_allowed(const query::Statement& statement) const {
  if (!parts_.transactions.failed()) return {};
  const query::Body& body = statement.body;
  bool leads_out = std::holds_alternative<query::Commit>(body) ||
                   std::holds_alternative<query::Rollback>(body) ||
                   std::holds_alternative<query::RollbackToSavepoint>(body);
  if (leads_out) return {};
  return in_failed_transaction();
}

Result<Outcome> Runner::run(Portal& portal, const RunOptions& options) {
  const Meaning meaning = portal.meaning;  // outlives the portal, which COMMIT closes
  SPAR_TRY(check_allowed(*meaning));
  return std::visit([&](const auto& body) { return run_body(portal, body, options); },
                    meaning->body);
}

Executable Runner::executable(Portal& portal, bool last) const {
  Executable out{.statement = portal.meaning,
                 .analyze = parts_.statements.again(*portal.statement, portal.meaning),
                 .parameters = std::move(portal.parameters),
                 .last = last};
  portal.parameters.clear();
  return out;
}

Result<void> Runner::start(Portal& portal, const query::Plan& plan, bool last) {
  const bool reads = plan.kind == query::PlanKind::select && !plan.counts;
  parts_.transactions.before_run(reads ? Transactions::Effect::read : Transactions::Effect::write);
  portal.state = Portal::State::failed;  // until it has gone well
  SPAR_ASSIGN(portal.rows, parts_.backend.run(executable(portal, last)));
  portal.state = Portal::State::running;
  return {};
}

Result<Outcome> Runner::run_body(Portal& portal, const query::Plan& plan,
                                 const RunOptions& options) {
  const bool selects = plan.kind == query::PlanKind::select;
  if (portal.state == Portal::State::failed || (portal.state == Portal::State::done && !selects)) {
    return sql_error("55000", "portal cannot be run");
  }
  if (portal.state == Portal::State::done) {
    return Outcome{.tag = counted(portal.meaning->tag, 0), .copy = {}};
  }
  if (portal.state == Portal::State::ready) {
    SPAR_TRY(start(portal, plan, options.last));
    if (options.rows_max > 0 && !selects && !plan.output.empty()) SPAR_TRY(keep_rows(portal));
  }
  if (options.tell_columns && !plan.output.empty()) {
    SPAR_TRY(describe(*portal.meaning, portal.formats));
  }
  std::int64_t rows = 0;
  for (;; ++rows) {
    if (options.rows_max > 0 && rows == options.rows_max) {
      return Outcome{.kind = Outcome::Kind::suspended, .tag = {}, .copy = {}};
    }
    SPAR_ASSIGN(bool more, next_row(portal));
    if (!more) return finished(portal, plan, static_cast<std::uint64_t>(rows));
    write_row(portal, plan);
    SPAR_TRY(parts_.output.pour());
  }
}

// Rows of a writing statement are all taken at once: it must have run whole.
Result<void> Runner::keep_rows(Portal& portal) {
  std::size_t bytes = 0;
  for (;;) {
    data::Row row;
    SPAR_ASSIGN(bool more, portal.rows->next(row));
    if (!more) return {};
    bytes += row.size() * sizeof(data::Datum);
    for (const data::Datum& value : row) {
      if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
      if (const auto* blob = std::get_if<data::Blob>(&value)) bytes += blob->bytes.size();
    }
    if (bytes > parts_.limits.held_output_bytes_max) {
      return sql_error("54000", "the returned rows of one statement are too large");
    }
    portal.kept.push_back(std::move(row));
  }
}

Result<bool> Runner::next_row(Portal& portal) {
  if (portal.kept.empty()) return portal.rows->next(row_);
  row_ = std::move(portal.kept.front());
  portal.kept.pop_front();
  return true;
}

void Runner::write_row(const Portal& portal, const query::Plan& plan) {
  wire::Encoder& encoder = parts_.output.encode();
  encoder.row_begin(plan.output.size());
  for (std::size_t i = 0; i < plan.output.size(); ++i) {
    write_value(row_[i], plan.output[i].type, format_at(portal.formats, i), text_, encoder);
  }
  encoder.row_end();
}

Result<Outcome> Runner::finished(Portal& portal, const query::Plan& plan, std::uint64_t rows) {
  const bool selects = plan.kind == query::PlanKind::select;
  std::uint64_t count = selects ? rows : portal.rows->affected();
  portal.rows.reset();
  portal.state = Portal::State::done;
  return Outcome{.tag = counted(portal.meaning->tag, count), .copy = {}};
}

Result<void> Runner::describe(const query::Statement& statement,
                              std::span<const wire::Format> formats) {
  if (const auto* execute = std::get_if<query::ExecuteStatement>(&statement.body)) {
    SPAR_ASSIGN(SharedStatement target, parts_.statements.prepared(execute->name));
    SPAR_ASSIGN(Meaning meaning, parts_.statements.meaning(*target));
    if (std::holds_alternative<query::ExecuteStatement>(meaning->body)) {
      return not_supported("EXECUTE of EXECUTE");
    }
    return describe(*meaning, formats);
  }
  columns_.clear();
  std::string name;
  if (const auto* show = std::get_if<query::ShowParameter>(&statement.body)) {
    constexpr data::Type kText{.id = data::TypeId::text};
    name = show->name == "all" ? "name" : Settings::canonical_name(show->name);
    columns_.push_back({.name = name, .type = kText, .format = format_at(formats, 0)});
    if (show->name == "all") {
      columns_.push_back({.name = "setting", .type = kText, .format = format_at(formats, 0)});
      columns_.push_back({.name = "description", .type = kText, .format = format_at(formats, 0)});
    }
  }
  std::size_t at = 0;
  for (const query::OutputColumn& column : output_of(statement)) {
    columns_.push_back({.name = column.name,
                        .table = column.table.value,
                        .number = column.number,
                        .type = column.type,
                        .format = format_at(formats, at++),
                        .typmod = column.shown_typmod});
  }
  if (columns_.empty()) {
    parts_.output.encode().no_data();
  } else {
    parts_.output.encode().row_description(columns_);
  }
  return {};
}

Result<void> Runner::read_result_formats(Portal& portal, std::span<const std::int16_t> codes) {
  const query::Statement* statement = portal.meaning.get();
  Meaning target;
  if (const auto* execute = std::get_if<query::ExecuteStatement>(&statement->body)) {
    SPAR_ASSIGN(SharedStatement prepared, parts_.statements.prepared(execute->name));
    SPAR_ASSIGN(target, parts_.statements.meaning(*prepared));
    statement = target.get();
  }
  std::size_t columns = output_of(*statement).size();
  if (const auto* show = std::get_if<query::ShowParameter>(&statement->body)) {
    columns = show->name == "all" ? 3 : 1;
  }
  return read_formats(codes, columns, portal.formats);
}

Result<Outcome> Runner::run_body(Portal& portal, const query::CopyIn&, Options) {
  parts_.transactions.before_run(Transactions::Effect::write);
  portal.state = Portal::State::done;
  return Outcome{
      .kind = Outcome::Kind::copy_in, .tag = portal.meaning->tag, .copy = executable(portal)};
}

Result<Outcome> Runner::run_body(Portal& portal, const query::CopyOut& copy, Options) {
  parts_.transactions.before_run(copy.select.counts ? Transactions::Effect::write
                                                    : Transactions::Effect::read);
  SPAR_ASSIGN(portal.rows, parts_.backend.run(executable(portal)));
  wire::Encoder& encoder = parts_.output.encode();
  encoder.copy_out_response(copy.select.output.size());
  CopyWriter writer(copy, text_);
  if (copy.format.header) {
    encoder.copy_data_begin();
    writer.header(encoder.out());
    encoder.copy_data_end();
  }
  std::uint64_t rows = 0;
  for (;; ++rows) {
    SPAR_ASSIGN(bool more, portal.rows->next(row_));
    if (!more) break;
    encoder.copy_data_begin();
    writer.row(row_, encoder.out());
    encoder.copy_data_end();
    SPAR_TRY(parts_.output.pour());
  }
  encoder.copy_done();
  portal.rows.reset();
  portal.state = Portal::State::done;
  return Outcome{.tag = counted("COPY", rows), .copy = {}};
}

Result<void> Runner::only_alone(const query::Statement& statement, Options options) const {
  if (options.alone && !parts_.transactions.in_block()) return {};
  return sql_error("25001", statement.tag + " cannot run inside a transaction block");
}

Result<std::string> Runner::run_schema(Portal& portal, Transactions::Effect effect) {
  parts_.transactions.before_run(effect);
  SPAR_ASSIGN(Meaning ran, parts_.backend.run_schema(executable(portal)));
  if (const auto* change = std::get_if<query::SchemaChange>(&ran->body)) {
    for (const std::string& notice : change->notices) parts_.notices.notice(notice);
  }
  return ran->tag;
}

Result<Outcome> Runner::run_body(Portal& portal, const query::SchemaChange& change,
                                 Options options) {
  const Meaning meaning = portal.meaning;
  if (change.own_transaction) SPAR_TRY(only_alone(*meaning, options));
  SPAR_ASSIGN(std::string tag, run_schema(portal, Transactions::Effect::schema));
  return Outcome{.tag = std::move(tag), .copy = {}};
}

Result<Outcome> Runner::run_body(Portal& portal, const query::Truncate&, Options) {
  SPAR_TRY(run_schema(portal, Transactions::Effect::write));
  return complete(*portal.meaning);
}

Result<Outcome> Runner::run_body(Portal& portal, const query::NoOperation& body, Options options) {
  if (body.forgets_sequences) parts_.backend.forget_sequences();
  if (portal.meaning->tag == "VACUUM") SPAR_TRY(only_alone(*portal.meaning, options));
  return complete(*portal.meaning);
}

}  // namespace spar::gateway
