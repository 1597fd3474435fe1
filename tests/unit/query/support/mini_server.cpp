#include "tests/unit/query/support/mini_server.h"

#include <algorithm>

#include "query/dialect/check.h"
#include "query/functions/frame.h"
#include "query/functions/registry.h"

namespace spar::query::test {

using data::Datum;

struct Trampoline {
  static Datum datum(sqlite3_value* value) {
    const auto bytes = [&](const void* data) {
      const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
      return std::string(static_cast<const char*>(data), data == nullptr ? 0 : size);
    };
    switch (sqlite3_value_type(value)) {
      case SQLITE_INTEGER:
        return std::int64_t{sqlite3_value_int64(value)};
      case SQLITE_FLOAT:
        return sqlite3_value_double(value);
      case SQLITE_TEXT:
        return bytes(sqlite3_value_text(value));
      case SQLITE_BLOB:
        return data::Blob{bytes(sqlite3_value_blob(value))};
      default:
        return Datum{};
    }
  }
  static void give(sqlite3_context* context, const Datum& value) {
    if (const auto* i = std::get_if<std::int64_t>(&value)) return sqlite3_result_int64(context, *i);
    if (const auto* d = std::get_if<double>(&value)) return sqlite3_result_double(context, *d);
    if (const auto* t = std::get_if<std::string>(&value)) {
      return sqlite3_result_text(context, t->data(), static_cast<int>(t->size()), SQLITE_TRANSIENT);
    }
    if (const auto* b = std::get_if<data::Blob>(&value)) {
      return sqlite3_result_blob(context, b->bytes.data(), static_cast<int>(b->bytes.size()),
                                 SQLITE_TRANSIENT);
    }
    sqlite3_result_null(context);
  }
  static std::vector<Datum> list(int count, sqlite3_value** values) {
    std::vector<Datum> arguments;
    for (int i = 0; i < count; ++i) arguments.push_back(datum(values[i]));
    return arguments;
  }
  static bool any_null(const std::vector<Datum>& arguments) {
    return std::ranges::any_of(arguments, data::is_null);
  }

  MiniServer* server;
  const functions::ScalarEntry* scalar;
  const functions::AggregateEntry* aggregate;
  const functions::SequenceEntry* sequence = nullptr;

  static Trampoline& of(sqlite3_context* context) {
    return *static_cast<Trampoline*>(sqlite3_user_data(context));
  }
  void finish(sqlite3_context* context, Result<Datum> value) {
    if (value) return give(context, *value);
    server->raised_ = value.error();
    sqlite3_result_error(context, value.error().message.c_str(), -1);
  }
  static void call(sqlite3_context* context, int count, sqlite3_value** values) {
    Trampoline& self = of(context);
    const std::vector<Datum> arguments = list(count, values);
    if (!self.scalar->sees_nulls && any_null(arguments)) return sqlite3_result_null(context);
    self.finish(context, self.scalar->call(arguments));
  }
  static void count(sqlite3_context* context, int count, sqlite3_value** values) {
    Trampoline& self = of(context);
    const std::vector<Datum> arguments = list(count, values);
    self.finish(context, ((*self.server->sequence_calls_).*self.sequence->call)(arguments));
  }
  static functions::Accumulator* state(sqlite3_context* context) {
    auto** slot = static_cast<functions::Accumulator**>(
        sqlite3_aggregate_context(context, sizeof(functions::Accumulator*)));
    if (*slot == nullptr) *slot = of(context).aggregate->make().release();
    return *slot;
  }
  static void step(sqlite3_context* context, int count, sqlite3_value** values) {
    const std::vector<Datum> arguments = list(count, values);
    functions::Accumulator* accumulator = state(context);
    if (!of(context).aggregate->sees_nulls && any_null(arguments)) return;
    const Result<void> done = accumulator->step(arguments);
    if (!done) of(context).finish(context, std::unexpected(done.error()));
  }
  static void final(sqlite3_context* context) {
    const std::unique_ptr<functions::Accumulator> accumulator(state(context));
    of(context).finish(context, accumulator->finish());
  }
  static functions::FrameAccumulator* frame(sqlite3_context* context) {
    auto** slot = static_cast<functions::FrameAccumulator**>(
        sqlite3_aggregate_context(context, sizeof(functions::FrameAccumulator*)));
    if (*slot == nullptr) *slot = new functions::FrameAccumulator(*of(context).aggregate);
    return *slot;
  }
  static void step_frame(sqlite3_context* context, int count, sqlite3_value** values) {
    const std::vector<Datum> arguments = list(count, values);
    functions::FrameAccumulator* rows = frame(context);
    if (!of(context).aggregate->sees_nulls && any_null(arguments)) return;
    const Result<void> done = rows->step(arguments);
    if (!done) of(context).finish(context, std::unexpected(done.error()));
  }
  static void inverse_frame(sqlite3_context* context, int count, sqlite3_value** values) {
    const std::vector<Datum> arguments = list(count, values);
    if (of(context).aggregate->sees_nulls || !any_null(arguments)) frame(context)->inverse();
  }
  static void value_frame(sqlite3_context* context) {
    of(context).finish(context, frame(context)->value());
  }
  static void final_frame(sqlite3_context* context) {
    const std::unique_ptr<functions::FrameAccumulator> rows(frame(context));
    of(context).finish(context, rows->value());
  }
  static void drop(void* self) { delete static_cast<Trampoline*>(self); }
};

std::string shown(const Answer& answer) {
  std::string text;
  for (const auto& row : answer.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += (i == 0 ? "" : "|") + row[i].value_or("");
    }
    text += '\n';
  }
  return text;
}

std::string outcome(const Result<Answer>& answer) {
  if (answer) return "OK " + shown(*answer);
  const Error& error = answer.error();
  const std::string at = error.position > 0 ? "@" + std::to_string(error.position) : "";
  return error.sqlstate + at + " " + error.message;
}

MiniServer::MiniServer() {
  sqlite3_open(":memory:", &db_);
  plain("PRAGMA foreign_keys=ON");
  for (const functions::ScalarEntry& entry : functions::scalars()) {
    sqlite3_create_function_v2(db_, std::string(entry.name).c_str(), entry.arity,
                               SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                               new Trampoline{this, &entry, nullptr}, Trampoline::call, nullptr,
                               nullptr, Trampoline::drop);
  }
  for (const functions::AggregateEntry& entry : functions::aggregates()) {
    sqlite3_create_function_v2(db_, std::string(entry.name).c_str(), entry.arity, SQLITE_UTF8,
                               new Trampoline{this, nullptr, &entry}, nullptr, Trampoline::step,
                               Trampoline::final, Trampoline::drop);
    sqlite3_create_window_function(
        db_, functions::over_name(entry).c_str(), entry.arity, SQLITE_UTF8,
        new Trampoline{this, nullptr, &entry}, Trampoline::step_frame, Trampoline::final_frame,
        Trampoline::value_frame, Trampoline::inverse_frame, Trampoline::drop);
  }
  for (const functions::SequenceEntry& entry : functions::sequence_functions()) {
    sqlite3_create_function_v2(db_, std::string(entry.name).c_str(), entry.arity, SQLITE_UTF8,
                               new Trampoline{this, nullptr, nullptr, &entry}, Trampoline::count,
                               nullptr, nullptr, Trampoline::drop);
  }
  const data::Catalogue empty;
  context_.database = empty.next_id();
  context_.database_name = "shop";
  context_.user = "app";
  catalogue_ = *empty.apply({data::put_object(data::Database{context_.database, "shop"})});
}

MiniServer::~MiniServer() {
  sqlite3_close(db_);
}

Error MiniServer::sqlite_error() {
  if (!raised_.message.empty()) return std::exchange(raised_, Error{});
  const std::string message = sqlite3_errmsg(db_);
  const int code = sqlite3_extended_errcode(db_);
  std::string_view state = "XX000";
  if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) state = "23505";
  if (code == SQLITE_CONSTRAINT_NOTNULL) state = "23502";
  if (code == SQLITE_CONSTRAINT_CHECK) state = "23514";
  if (code == SQLITE_CONSTRAINT_FOREIGNKEY) state = "23503";
  return sql_error(state, message).error();
}

Result<void> MiniServer::plain(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return Failure(sqlite_error());
}

Result<std::shared_ptr<const Statement>> MiniServer::analyze_one(
    std::string_view sql, std::vector<data::Type> parameters) {
  SPAR_ASSIGN(const std::vector<ParsedStatement> parsed, parse(sql, ParseLimits{}));
  if (parsed.empty()) return failure(Code::invalid, "no statement");
  AnalyzeContext context = context_;
  context.parameter_types = std::move(parameters);
  return analyze(parsed.back(), *catalogue_, context);
}

std::vector<std::shared_ptr<const Statement>> MiniServer::analyze_all(std::string_view sql) {
  std::vector<std::shared_ptr<const Statement>> statements;
  const auto parsed = parse(sql, ParseLimits{});
  if (!parsed) return statements;
  for (const ParsedStatement& statement : *parsed) {
    auto analyzed = analyze(statement, *catalogue_, context_);
    if (analyzed) statements.push_back(std::move(*analyzed));
  }
  return statements;
}

Result<Answer> MiniServer::run(std::string_view sql) {
  return run(sql, {});
}

Result<Answer> MiniServer::run(std::string_view sql,
                               const std::vector<std::optional<std::string>>& parameters) {
  SPAR_ASSIGN(const std::vector<ParsedStatement> parsed, parse(sql, ParseLimits{}));
  Answer last;
  for (const ParsedStatement& statement : parsed) {
    SPAR_ASSIGN(const auto analyzed, analyze(statement, *catalogue_, context_));
    SPAR_ASSIGN(last, execute(*analyzed, parameters));
  }
  return last;
}

namespace {

Datum session_value(BoundValue value) {
  if (value == BoundValue::random) return 0.25;
  return std::int64_t{700'000'000'000'000};  // 2022-03-07 20:26:40 UTC
}

void bind_value(sqlite3_stmt* statement, int index, const Datum& value) {
  if (const auto* i = std::get_if<std::int64_t>(&value)) sqlite3_bind_int64(statement, index, *i);
  if (const auto* d = std::get_if<double>(&value)) sqlite3_bind_double(statement, index, *d);
  if (const auto* t = std::get_if<std::string>(&value)) {
    sqlite3_bind_text(statement, index, t->data(), static_cast<int>(t->size()), SQLITE_TRANSIENT);
  }
  if (const auto* b = std::get_if<data::Blob>(&value)) {
    sqlite3_bind_blob(statement, index, b->bytes.data(), static_cast<int>(b->bytes.size()),
                      SQLITE_TRANSIENT);
  }
}

}  // namespace

Result<functions::SequenceState> MiniServer::sequence_state(ObjectId sequence) {
  Plan plan;
  plan.sql = "SELECT c1,c3 FROM t" + std::to_string(sequence.value);
  sqlite3_stmt* prepared = nullptr;
  sqlite3_prepare_v2(db_, plan.sql.c_str(), -1, &prepared, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> guard(prepared, sqlite3_finalize);
  if (sqlite3_step(prepared) != SQLITE_ROW) return Failure(sqlite_error());
  return functions::SequenceState{sqlite3_column_int64(prepared, 0),
                                  sqlite3_column_int64(prepared, 1) != 0};
}

Result<void> MiniServer::store_sequences() {
  for (const auto& [id, state] : sequence_calls_->changed()) {
    SPAR_TRY(plain("UPDATE t" + std::to_string(id.value) + " SET c1=" + std::to_string(state.last) +
                   ",c3=" + std::to_string(state.called ? 1 : 0)));
  }
  return {};
}

Result<Answer> MiniServer::run_plan(const Plan& plan, const std::vector<Datum>& parameters) {
  sequence_calls_.emplace(session_sequences_,
                          [this](ObjectId sequence) { return sequence_state(sequence); });
  Result<Answer> answer = step_plan(plan, parameters);
  if (answer) SPAR_TRY(store_sequences());
  return answer;
}

Result<Answer> MiniServer::step_plan(const Plan& plan, const std::vector<Datum>& parameters) {
  sqlite3_stmt* prepared = nullptr;
  raised_ = Error{};
  if (sqlite3_prepare_v2(db_, plan.sql.c_str(), -1, &prepared, nullptr) != SQLITE_OK) {
    Error error = sqlite_error();
    error.detail = plan.sql;
    return Failure(std::move(error));
  }
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> guard(prepared, sqlite3_finalize);
  int index = 0;
  for (const Datum& value : parameters) bind_value(prepared, ++index, value);
  for (const BoundValue value : plan.bound) bind_value(prepared, ++index, session_value(value));
  Answer answer;
  for (const OutputColumn& column : plan.output) answer.names.push_back(column.name);
  int code = sqlite3_step(prepared);
  for (; code == SQLITE_ROW; code = sqlite3_step(prepared)) {
    auto& row = answer.rows.emplace_back();
    for (std::size_t i = 0; i < plan.output.size(); ++i) {
      const Datum value = Trampoline::datum(sqlite3_column_value(prepared, static_cast<int>(i)));
      if (data::is_null(value)) {
        row.emplace_back();
        continue;
      }
      std::string text;
      data::format_text(value, plan.output[i].type, {}, text);
      row.emplace_back(std::move(text));
    }
  }
  if (code != SQLITE_DONE) return Failure(sqlite_error());
  return answer;
}

Result<Answer> MiniServer::execute(const Statement& statement,
                                   const std::vector<std::optional<std::string>>& parameters) {
  Answer answer;
  if (const auto* plan = std::get_if<Plan>(&statement.body)) {
    std::vector<Datum> values;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (!parameters[i]) {
        values.emplace_back();
        continue;
      }
      SPAR_ASSIGN(Datum value, data::parse_text(*parameters[i], statement.parameters[i], {}));
      values.push_back(std::move(value));
    }
    SPAR_ASSIGN(answer, run_plan(*plan, values));
  } else if (const auto* change = std::get_if<SchemaChange>(&statement.body)) {
    SPAR_TRY(change_schema(*change));
    answer.notices = change->notices;
  } else if (const auto* truncate = std::get_if<Truncate>(&statement.body)) {
    for (const ObjectId id : truncate->tables) {
      SPAR_TRY(plain("DELETE FROM t" + std::to_string(id.value)));
    }
    for (const Plan& write : truncate->writes) SPAR_TRY(run_plan(write, {}));
  } else if (const auto* out = std::get_if<CopyOut>(&statement.body)) {
    SPAR_ASSIGN(answer, run_plan(out->select, {}));
  }
  answer.tag = statement.tag;
  return answer;
}

Result<void> MiniServer::copy(const CopyIn& body, std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    std::vector<Datum> values;
    for (const data::Type& type : body.types) {
      const std::size_t tab = std::min(line.find(body.format.delimiter), line.size());
      const std::string_view field = line.substr(0, tab);
      line.remove_prefix(std::min(tab + 1, line.size()));
      if (field == body.format.null_text) {
        values.emplace_back();
        continue;
      }
      SPAR_ASSIGN(Datum value, data::parse_text(field, type, {}));
      values.push_back(std::move(value));
    }
    SPAR_TRY(run_plan(body.insert, values));
  }
  return {};
}

Result<void> MiniServer::change_schema(const SchemaChange& change) {
  if (change.changes.empty()) return {};
  SPAR_ASSIGN(const auto next, catalogue_->apply(change.changes));
  SPAR_TRY(
      plain("PRAGMA foreign_keys=OFF; PRAGMA legacy_alter_table=ON;"
            "PRAGMA ignore_check_constraints=ON; BEGIN"));
  Result<void> done = change_tables(change, *next);
  if (done) catalogue_ = next;
  SPAR_TRY(plain(done ? "COMMIT" : "ROLLBACK"));
  SPAR_TRY(plain("PRAGMA foreign_keys=ON; PRAGMA ignore_check_constraints=OFF"));
  return done;
}

Result<void> MiniServer::change_tables(const SchemaChange& change, const data::Catalogue& next) {
  for (const data::ObjectChange& object : change.changes) {
    SPAR_TRY(remake(catalogue_->table(object.id), next.table(object.id), false));
  }
  for (const Plan& write : change.writes) SPAR_TRY(run_plan(write, {}));
  for (const SchemaChange::Verify& verify : change.verify) {
    Plan probe;
    probe.sql = verify.sql;
    SPAR_ASSIGN(const Answer found, run_plan(probe, {}));
    if (!found.rows.empty()) return Failure(verify.error);
  }
  for (const data::ObjectChange& object : change.changes) {
    const data::Table* table = next.table(object.id);
    if (table != nullptr) SPAR_TRY(remake(table, table, true));
  }
  return {};
}

namespace {

std::string columns_sql(const std::vector<data::ColumnNumber>& numbers) {
  std::string text;
  for (const data::ColumnNumber number : numbers) {
    text += (text.empty() ? "c" : ",c") + std::to_string(number);
  }
  return text;
}

}  // namespace

// Made anew with the rows it had: good enough for tests.
Result<void> MiniServer::remake(const data::Table* before, const data::Table* after, bool strict) {
  if (before != nullptr && before->view) before = nullptr;
  if (after != nullptr && after->view) after = nullptr;
  if (before == nullptr && after == nullptr) return {};
  const std::string name = "t" + std::to_string((before ? before : after)->id.value);
  if (before != nullptr) SPAR_TRY(plain("ALTER TABLE " + name + " RENAME TO old"));
  if (after != nullptr) {
    std::string sql = "CREATE TABLE " + name + "(";
    std::string kept;
    for (const data::Column& column : after->columns) {
      const std::string c = "c" + std::to_string(column.number);
      if (sql.back() != '(') sql += ',';
      sql += c + (after->identity_column == column.number ? " INTEGER PRIMARY KEY"
                  : strict && column.not_null             ? " NOT NULL"
                                                          : "");
      if (before != nullptr && before->column(column.number) != nullptr) {
        kept += (kept.empty() ? "" : ",") + c;
      }
    }
    for (const data::Check& check : after->checks) {
      SPAR_ASSIGN(const std::string expression, render_check(*after, check));
      sql += ",CHECK(" + expression + ")";
    }
    for (const data::ForeignKey& key : after->foreign_keys) {
      sql += ",FOREIGN KEY(" + columns_sql(key.columns) + ") REFERENCES t" +
             std::to_string(key.parent.value) + "(" + columns_sql(key.parent_columns) + ")";
    }
    SPAR_TRY(plain(sql + ")"));
    if (!kept.empty()) {
      SPAR_TRY(plain("INSERT INTO " + name + "(" + kept + ") SELECT " + kept + " FROM old"));
    }
  }
  if (before != nullptr) SPAR_TRY(plain("DROP TABLE old"));
  if (after != nullptr && strict) {
    for (const data::Key& key : after->keys) {
      SPAR_ASSIGN(const std::string over, render_key(*after, key));
      SPAR_TRY(
          plain("CREATE UNIQUE INDEX k" + std::to_string(key.id.value) + " ON " + name + over));
    }
    for (const data::Index& index : after->indexes) {
      SPAR_ASSIGN(const std::string over, render_index(*after, index));
      SPAR_TRY(plain(std::string("CREATE ") + (index.unique ? "UNIQUE " : "") + "INDEX i" +
                     std::to_string(index.id.value) + " ON " + name + over));
    }
  }
  return {};
}

std::vector<std::string> MiniServer::query_plan(const std::string& sql) {
  sqlite3_stmt* prepared = nullptr;
  std::vector<std::string> lines;
  if (sqlite3_prepare_v2(db_, ("EXPLAIN QUERY PLAN " + sql).c_str(), -1, &prepared, nullptr) !=
      SQLITE_OK) {
    return {sqlite3_errmsg(db_)};
  }
  while (sqlite3_step(prepared) == SQLITE_ROW) {
    lines.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(prepared, 3)));
  }
  sqlite3_finalize(prepared);
  return lines;
}

}  // namespace spar::query::test
