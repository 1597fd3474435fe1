// COPY table FROM STDIN, COPY table TO STDOUT, COPY (query) TO STDOUT.

#include <algorithm>

#include "data/characters.h"
#include "query/bind/dml.h"
#include "query/bind/utility.h"

namespace spar::query::bind {
namespace {

using grammar::Node;

class CopyOptions {
 public:
  CopyOptions(Binding& binding, bool from) : binding_(binding), from_(from) {}

  Result<CopyFormat> read(grammar::Nodes options) {
    for (const Node* node : options) SPAR_TRY(option(*node->def_elem));
    if (format_.csv) {
      if (!delimiter_) format_.delimiter = ',';
      if (!null_) format_.null_text = "";
      if (!escape_) format_.escape = format_.quote;
    } else if (quote_ || escape_) {
      return sql_error("0A000", std::string("COPY ") + (quote_ ? "quote" : "escape") +
                                    " available only in CSV mode");
    }
    if (format_.delimiter == '\n' || format_.delimiter == '\r') {
      return sql_error("22023", "COPY delimiter cannot be newline or carriage return");
    }
    if (format_.csv && format_.delimiter == format_.quote) {
      return sql_error("22023", "COPY delimiter and quote must be different");
    }
    if (format_.null_text.find_first_of("\r\n") != std::string::npos) {
      return sql_error("22023", "COPY null representation cannot use newline or carriage return");
    }
    return format_;
  }

 private:
  Result<void> option(const PgQuery__DefElem& option) {
    const std::string name = option.defname;
    const std::string value = grammar::option_text(option);
    if (name == "format") return format(value, option.location);
    if (name == "delimiter") return character(format_.delimiter, delimiter_, value, "delimiter");
    if (name == "quote") return character(format_.quote, quote_, value, "quote");
    if (name == "escape") return character(format_.escape, escape_, value, "escape");
    if (name == "null") {
      null_ = true;
      format_.null_text = value;
      return {};
    }
    if (name == "header") {
      const std::optional<bool> on = grammar::option_bool(option);
      if (!on) return binding_.missing("HEADER MATCH", option.location);
      format_.header = *on;
      return {};
    }
    if (name == "freeze" && from_) return {};
    if (name == "encoding") return encoding(value, option.location);
    if (name == "force_quote" || name == "force_not_null" || name == "force_null") {
      return binding_.missing("COPY " + name, option.location);
    }
    return binding_.error("42601", "option \"" + name + "\" not recognized", option.location);
  }
  Result<void> format(const std::string& value, int location) {
    if (value == "binary") return binding_.missing("COPY in binary format", location);
    if (value != "text" && value != "csv") {
      return binding_.error("22023", "COPY format \"" + value + "\" not recognized", location);
    }
    format_.csv = value == "csv";
    return {};
  }
  Result<void> character(char& slot, bool& given, const std::string& value, const char* what) {
    if (value.size() != 1) {
      return sql_error("0A000",
                       std::string("COPY ") + what + " must be a single one-byte character");
    }
    slot = value[0];
    given = true;
    return {};
  }
  Result<void> encoding(std::string value, int location) {
    value = data::lower_case(value);
    if (value == "utf8" || value == "utf-8" || value == "unicode") return {};
    return binding_.missing("COPY in encoding " + value, location);
  }

  Binding& binding_;
  bool from_;
  CopyFormat format_;
  bool delimiter_ = false, null_ = false, quote_ = false, escape_ = false;
};

// Generated columns are left out, and cannot be named.
Result<std::vector<const data::Column*>> copied_columns(Binding& binding, const data::Table& table,
                                                        grammar::Nodes names) {
  SPAR_ASSIGN(std::vector<const data::Column*> columns, target_columns(binding, table, names));
  if (names.empty()) {
    std::erase_if(columns, [](const data::Column* c) { return c->generated_sql.has_value(); });
  }
  for (const data::Column* column : columns) {
    if (!column->generated_sql) continue;
    Failure failure = sql_error("42P10", "column \"" + column->name + "\" is a generated column");
    failure.error().detail = "Generated columns cannot be used in COPY.";
    return failure;
  }
  return columns;
}

Result<Body> copy_in(Binding& binding, const PgQuery__CopyStmt& statement, CopyFormat format) {
  SPAR_ASSIGN(const data::Table* table, binding.named_table(*statement.relation));
  if (!table->is_plain()) {
    return sql_error("42809", std::string("cannot copy to ") +
                                  (table->sequence ? "sequence" : "view") + " \"" + table->name +
                                  "\"");
  }
  SPAR_ASSIGN(const auto columns,
              copied_columns(binding, *table, GRAMMAR_LIST(statement, attlist)));
  CopyIn body;
  body.table = table->id;
  body.format = std::move(format);
  int number = 0;
  for (const data::Column* column : columns) {
    body.types.push_back(column->type);
    body.column_names.push_back(column->name);
    SPAR_TRY(binding.parameter_type(++number, -1));
    SPAR_TRY(binding.decide_parameter(number, column->type.id, -1));
  }
  SPAR_ASSIGN(const BoundDml bound, bind_copy_insert(binding, *table, columns));
  SPAR_ASSIGN(body.insert, make_plan(binding, {bound.relation, PlanKind::insert, {}, table->id}));
  return body;
}

Result<Body> copy_out(Binding& binding, const PgQuery__CopyStmt& statement, CopyFormat format) {
  CopyOut body;
  body.format = std::move(format);
  if (statement.query != nullptr) {
    if (statement.query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
      return not_supported("COPY of a data-modifying statement");
    }
    SPAR_ASSIGN(const BoundQuery bound, bind_query(binding, *statement.query->select_stmt, {}));
    SPAR_ASSIGN(
        body.select,
        make_plan(binding, {bound.relation, PlanKind::select, bound.names, {}, bound.ordered}));
    return body;
  }
  SPAR_ASSIGN(const data::Table* table, binding.named_table(*statement.relation));
  if (!table->is_plain()) {
    Failure failure = sql_error("42809", std::string("cannot copy from ") +
                                             (table->sequence ? "sequence" : "view") + " \"" +
                                             table->name + "\"");
    if (table->view) failure.error().hint = "Try the COPY (SELECT ...) TO variant.";
    return failure;
  }
  SPAR_ASSIGN(const auto columns,
              copied_columns(binding, *table, GRAMMAR_LIST(statement, attlist)));
  SPAR_ASSIGN(const BoundTable bound,
              bind_table(binding, *table, table->name, binding.next_block()));
  std::vector<Target> targets;
  std::vector<std::string> names;
  for (const data::Column* column : columns) {
    const auto found = std::ranges::find(bound.item.columns, column->name, &NamedColumn::name);
    targets.push_back({column->name, found->value});
    names.push_back(column->name);
  }
  const RelationRef relation = project(binding, bound.scan, targets);
  SPAR_ASSIGN(body.select, make_plan(binding, {relation, PlanKind::select, names}));
  return body;
}

}  // namespace

Result<Body> copy(Binding& binding, const PgQuery__CopyStmt& statement) {
  if (statement.is_program || *statement.filename != '\0') {
    return not_supported("COPY to or from a file or program on the server");
  }
  if (statement.where_clause != nullptr) return not_supported("COPY FROM ... WHERE");
  CopyOptions options(binding, statement.is_from != 0);
  SPAR_ASSIGN(CopyFormat format, options.read(GRAMMAR_LIST(statement, options)));
  if (statement.is_from) return copy_in(binding, statement, std::move(format));
  return copy_out(binding, statement, std::move(format));
}

}  // namespace spar::query::bind
