#include "query/replay/explicit_values.h"

#include <algorithm>
#include <array>

#include "query/parse/children.h"
#include "query/parse/deparse.h"
#include "query/parse/nodes.h"
#include "query/parse/scanner.h"
#include "query/replay/insert_text.h"

namespace spar::query::replay {
namespace {

using grammar::Node;
using grammar::Nodes;

constexpr std::array<std::string_view, 6> kSystemColumns = {"cmax",     "cmin", "ctid",
                                                            "tableoid", "xmax", "xmin"};

bool among(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

// Of no type, so that the column decides; alike whatever standard_conforming_strings says.
std::string literal(const std::optional<std::string>& value) {
  if (!value) return "NULL";
  std::string out = value->contains('\\') ? "E'" : "'";
  for (const char c : *value) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + '\'';
}

// Whether a node of one of these kinds is in the tree.
template <std::size_t N>
bool holds(const Node* tree, const std::array<const ProtobufCMessageDescriptor*, N>& kinds) {
  std::vector<const ProtobufCMessage*> pending = {&tree->base};
  while (!pending.empty()) {
    const ProtobufCMessage* const message = pending.back();
    pending.pop_back();
    if (std::ranges::find(kinds, message->descriptor) != kinds.end()) return true;
    grammar::for_each_child(message,
                            [&](const ProtobufCMessage* child) { pending.push_back(child); });
  }
  return false;
}

// Of a different value on every run, as far as the text tells; one with a parameter stays, for a
// parameter that the text no longer has has no type.
bool is_made_up(const Node* value) {
  if (value->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) return true;
  static const std::array kCalls = {&pg_query__func_call__descriptor,
                                    &pg_query__sqlvalue_function__descriptor};
  static const std::array kParameters = {&pg_query__param_ref__descriptor};
  return holds(value, kCalls) && !holds(value, kParameters);
}

struct Returned {
  std::string column;
  std::size_t at = 0;  // in the answer
};

// The columns of the target that the answer shows, each once; nothing when that is not certain.
class ReturnedColumns {
 public:
  ReturnedColumns(const PgQuery__InsertStmt& insert, std::span<const std::string> names)
      : insert_(insert), names_(names) {}

  std::optional<std::vector<Returned>> find() {
    const Nodes targets = GRAMMAR_LIST(insert_, returning_list);
    const auto stars = static_cast<std::size_t>(std::ranges::count_if(targets, is_star));
    if (stars > 1 || names_.size() + stars < targets.size()) return std::nullopt;
    const std::size_t star_width = names_.size() + stars - targets.size();
    for (const Node* target : targets) {
      if (is_star(target)) {
        has_star_ = true;
        for (std::size_t i = 0; i < star_width; ++i) star_.push_back(names_[at_ + i]);
        for (std::size_t i = 0; i < star_width; ++i, ++at_) add(names_[at_]);
      } else if (!column(*target->res_target)) {
        return std::nullopt;
      }
    }
    return std::move(found_);
  }
  bool has_star() const { return has_star_; }
  const std::vector<std::string>& star() const { return star_; }  // the table's columns in order

 private:
  static bool is_star(const Node* target) {
    const Node* value = target->res_target->val;
    return value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
           GRAMMAR_LIST(*value->column_ref, fields).back()->node_case ==
               PG_QUERY__NODE__NODE_A_STAR;
  }
  bool column(const PgQuery__ResTarget& target) {
    if (target.val->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return false;
    const Nodes fields = GRAMMAR_LIST(*target.val->column_ref, fields);
    const std::string_view name = grammar::last_name(fields);
    const std::string_view shown = *target.name != '\0' ? target.name : name;
    if (shown != names_[at_] || (fields.size() == 1 && names_table(name))) return false;
    add(name);
    ++at_;
    return true;
  }
  // The table's row as one value, unless it has a column of that name.
  bool names_table(std::string_view name) const {
    const PgQuery__RangeVar& table = *insert_.relation;
    return name == (table.alias != nullptr ? table.alias->aliasname : table.relname);
  }
  void add(std::string_view name) {
    if (std::ranges::binary_search(kSystemColumns, name)) return;
    if (std::ranges::find(found_, name, &Returned::column) != found_.end()) return;
    found_.push_back({std::string(name), at_});
  }

  const PgQuery__InsertStmt& insert_;
  std::span<const std::string> names_;
  std::size_t at_ = 0;
  bool has_star_ = false;
  std::vector<std::string> star_;
  std::vector<Returned> found_;
};

// SELECT expressions FROM (VALUES (...), ...) AS name(columns) ORDER BY column, where the column
// counts up: so the rows come as they are written.
class OrderedRows {
 public:
  static std::optional<OrderedRows> of(const PgQuery__SelectStmt& select) {
    if (select.n_from_clause != 1 || select.n_sort_clause != 1 || !is_bare(select)) return {};
    const Node& from = *select.from_clause[0];
    if (from.node_case != PG_QUERY__NODE__NODE_RANGE_SUBSELECT) return {};
    const PgQuery__RangeSubselect& sub = *from.range_subselect;
    if (sub.lateral != 0 || sub.alias == nullptr) return {};
    const PgQuery__SelectStmt& values = *sub.subquery->select_stmt;
    if (values.n_values_lists == 0 || values.n_sort_clause != 0 || !is_bare(values)) return {};
    OrderedRows rows(select, *sub.alias, values);
    if (!rows.counts_up()) return {};
    return rows;
  }

  std::size_t size() const { return values_->n_values_lists; }
  std::size_t width() const { return select_->n_target_list; }
  const Node* target(std::size_t i) const { return select_->target_list[i]->res_target->val; }

  // What the i-th expression gives in that row; nothing when it cannot be written there.
  std::optional<std::string> value(std::size_t row, std::size_t i) const {
    const Node* expression = target(i);
    const bool casts = expression->node_case == PG_QUERY__NODE__NODE_TYPE_CAST;
    const Node* inner = casts ? expression->type_cast->arg : expression;
    static const std::array kColumns = {&pg_query__column_ref__descriptor};
    if (!holds(expression, kColumns)) return text_of(expression);
    if (inner->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return std::nullopt;
    const auto column = find(grammar::last_name(GRAMMAR_LIST(*inner->column_ref, fields)));
    if (!column) return std::nullopt;
    const auto item = typed_item(row, *column);
    if (!item || !casts) return item;
    return cast(*item, *expression->type_cast);
  }

 private:
  OrderedRows(const PgQuery__SelectStmt& select, const PgQuery__Alias& alias,
              const PgQuery__SelectStmt& values)
      : select_(&select), alias_(&alias), values_(&values) {}

  static bool is_bare(const PgQuery__SelectStmt& select) {
    return select.op == PG_QUERY__SET_OPERATION__SETOP_NONE && select.n_distinct_clause == 0 &&
           select.where_clause == nullptr && select.n_group_clause == 0 &&
           select.having_clause == nullptr && select.n_window_clause == 0 &&
           select.limit_offset == nullptr && select.limit_count == nullptr &&
           select.n_locking_clause == 0 && select.with_clause == nullptr;
  }
  std::optional<std::size_t> find(std::string_view column) const {
    for (std::size_t i = 0; i < alias_->n_colnames; ++i) {
      if (grammar::text_of(alias_->colnames[i]) == column) return i;
    }
    return std::nullopt;
  }
  Nodes row(std::size_t at) const { return GRAMMAR_LIST(*values_->values_lists[at]->list, items); }

  bool counts_up() const {
    const PgQuery__SortBy& sort = *select_->sort_clause[0]->sort_by;
    const bool plain = sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DEFAULT &&
                       sort.n_use_op == 0 &&
                       sort.node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
    if (!plain) return false;
    const auto column = find(grammar::last_name(GRAMMAR_LIST(*sort.node->column_ref, fields)));
    std::int64_t last = -1;
    for (std::size_t i = 0; column && i < size(); ++i) {
      const Nodes items = row(i);
      if (items.size() != alias_->n_colnames) return false;
      const Node& item = *items[*column];
      if (item.node_case != PG_QUERY__NODE__NODE_A_CONST ||
          item.a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL ||
          item.a_const->ival->ival <= last) {
        return false;
      }
      last = item.a_const->ival->ival;
    }
    return column.has_value();
  }

  // A column of VALUES that says nowhere what it is, is text; so is each item of it here. Where
  // only some items say it, the others take their type, which this does not follow.
  static bool is_untyped(const Node& item) {
    if (item.node_case == PG_QUERY__NODE__NODE_PARAM_REF) return true;
    if (item.node_case != PG_QUERY__NODE__NODE_A_CONST) return false;
    return item.a_const->isnull != 0 || item.a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
  }
  std::optional<std::string> typed_item(std::size_t at, std::size_t column) const {
    bool all = true, any_parameter = false;
    for (std::size_t i = 0; i < size(); ++i) {
      const Node& item = *row(i)[column];
      all = all && is_untyped(item);
      any_parameter = any_parameter || item.node_case == PG_QUERY__NODE__NODE_PARAM_REF;
    }
    if (!all && any_parameter) return std::nullopt;
    const auto text = text_of(row(at)[column]);
    return text && all ? "(" + *text + ")::text" : text;
  }

  static std::optional<std::string> text_of(const Node* expression) {
    const auto text = grammar::expression_text(expression);
    return text ? std::optional(*text) : std::nullopt;
  }
  // The type is written by the cast of a NULL to it.
  static std::optional<std::string> cast(const std::string& item, const PgQuery__TypeCast& to) {
    PgQuery__AConst null = PG_QUERY__A__CONST__INIT;
    null.isnull = 1;
    Node argument = PG_QUERY__NODE__INIT;
    argument.node_case = PG_QUERY__NODE__NODE_A_CONST;
    argument.a_const = &null;
    PgQuery__TypeCast copy = to;
    copy.arg = &argument;
    Node node = PG_QUERY__NODE__INIT;
    node.node_case = PG_QUERY__NODE__NODE_TYPE_CAST;
    node.type_cast = &copy;
    const auto text = text_of(&node);
    constexpr std::string_view kNull = "NULL::";
    if (!text || !text->starts_with(kNull)) return std::nullopt;
    return "(" + item + ")::" + text->substr(kNull.size());
  }

  const PgQuery__SelectStmt* select_;
  const PgQuery__Alias* alias_;
  const PgQuery__SelectStmt* values_;
};

class Rewrite {
 public:
  Rewrite(const PgQuery__InsertStmt& insert, std::string_view text, const AnsweredRows& rows,
          const TableColumns& table, Sequences sequences)
      : insert_(insert), text_(text), rows_(rows), table_(table), sequences_(sequences) {}

  std::optional<std::string> run(std::span<const std::string> names) {
    ReturnedColumns columns(insert_, names);
    auto returned = columns.find();
    if (!returned || !answers_fit(names.size())) return std::nullopt;
    std::erase_if(*returned,
                  [&](const Returned& each) { return among(table_.generated, each.column); });
    returned_ = std::move(*returned);
    if (insert_.override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_USER_VALUE) return std::nullopt;
    auto parts =
        find_parts(text_, static_cast<std::size_t>(insert_.relation->location), insert_.n_cols > 0);
    if (!parts) return std::nullopt;
    parts_ = std::move(*parts);
    if (!name_given(columns)) return std::nullopt;
    if (parts_.source == InsertText::Source::default_values) return default_values();
    return parts_.source == InsertText::Source::values ? values() : select();
  }

 private:
  bool answers_fit(std::size_t width) const {
    return std::ranges::all_of(rows_, [&](const auto& row) { return row.size() == width; });
  }

  // The names of the columns that the statement gives, in order.
  bool name_given(const ReturnedColumns& columns) {
    for (const Node* column : GRAMMAR_LIST(insert_, cols)) {
      given_.emplace_back(column->res_target->name);
    }
    if (!given_.empty() || parts_.source == InsertText::Source::default_values) return true;
    const auto& known = columns.has_star() ? columns.star() : table_.in_order;
    const PgQuery__SelectStmt& select = *insert_.select_stmt->select_stmt;
    const std::size_t width =
        select.n_values_lists > 0 ? select.values_lists[0]->list->n_items : select.n_target_list;
    if (known.size() < width) return false;
    given_.assign(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(width));
    return true;
  }
  std::vector<Returned> made_up() const {
    std::vector<Returned> more = returned_;
    std::erase_if(more, [&](const Returned& each) { return among(given_, each.column); });
    return more;
  }
  // The value in place of what was written, if there is one.
  std::optional<std::string> instead_of(const Node* item, std::size_t row, std::size_t i) const {
    const auto shown = std::ranges::find(returned_, given_[i], &Returned::column);
    if (shown == returned_.end() || !is_made_up(item)) return std::nullopt;
    return given(row, *shown);
  }

  // The value, and for one that a sequence may have given, the sequence moved past it. Its type is
  // still left to the column: a number fits wherever such a default does.
  std::string given(std::size_t row, const Returned& what) const {
    const std::optional<std::string>& value = rows_[row][what.at];
    if (sequences_ == Sequences::leave || !value || !is_count(*value)) return literal(value);
    std::string table = quoted(insert_.relation->relname);
    if (*insert_.relation->schemaname != '\0') {
      table = quoted(insert_.relation->schemaname) + "." + table;
    }
    return "(CASE WHEN (SELECT count(nextval(spar.s)) FROM (SELECT pg_get_serial_sequence(" +
           literal(table) + ", " + literal(what.column) +
           ")::regclass AS s) AS spar, generate_series(1, CASE WHEN spar.s IS NULL THEN 0 ELSE "
           "least(100000, " +
           *value + " - coalesce(pg_sequence_last_value(spar.s), 0)) END)) >= 0 THEN " + *value +
           " ELSE " + *value + " END)";
  }
  // As a sequence shows its values: positive, in canonical form, within bigint.
  static bool is_count(const std::string& value) {
    constexpr std::size_t kDigitsMax = 18;
    return !value.empty() && value.size() <= kDigitsMax && value.front() >= '1' &&
           std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  }

  // ON CONFLICT DO UPDATE must not see in `excluded` what the answer says of the row it updated.
  bool excluded_is_safe(const std::vector<std::string>& bound) const {
    return std::ranges::all_of(parts_.excluded, [&](Span word) {
      if (word.end == 0) return bound.empty();
      std::string name(text_.substr(word.begin, word.end - word.begin));
      if (name.front() == '"') name = name.substr(1, name.size() - 2);
      return std::ranges::none_of(bound, [&](const std::string& column) {
        return std::ranges::equal(column, name, {}, lower, lower);
      });
    });
  }
  static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

  std::optional<std::string> default_values() {
    const auto more = made_up();
    if (rows_.size() != 1) return std::nullopt;
    if (more.empty()) return std::string(text_);
    std::string list, values;
    for (const Returned& each : more) {
      list += (list.empty() ? "" : ", ") + quoted(each.column);
      values += (values.empty() ? "" : ", ") + given(0, each);
    }
    const bool overriding = insert_.override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE;
    replace({parts_.target_end, parts_.target_end}, " (" + list + ")");
    replace(parts_.source_text,
            (overriding ? "VALUES (" : "OVERRIDING SYSTEM VALUE VALUES (") + values + ")");
    for (const Returned& each : more) bound_.push_back(each.column);
    return finished();
  }

  std::optional<std::string> values() {
    const PgQuery__SelectStmt& select = *insert_.select_stmt->select_stmt;
    const bool plain = select.n_values_lists == parts_.rows.size() && select.n_sort_clause == 0 &&
                       select.limit_count == nullptr && select.limit_offset == nullptr;
    if (!plain || rows_.size() != parts_.rows.size()) return std::nullopt;
    const auto more = made_up();
    std::vector<Span> places;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const Nodes items = GRAMMAR_LIST(*select.values_lists[row]->list, items);
      const InsertText::Row& written = parts_.rows[row];
      if (items.size() != written.items.size() || items.size() != given_.size()) return {};
      for (std::size_t i = 0; i < items.size(); ++i) {
        auto value = instead_of(items[i], row, i);
        if (!value) continue;
        bound_.push_back(given_[i]);
        places.push_back(written.items[i]);
        texts_.push_back(std::move(*value));
      }
      std::string appended;
      for (const Returned& each : more) appended += ", " + given(row, each);
      places.push_back({written.close, written.close});
      texts_.push_back(std::move(appended));
    }
    return with_columns(more, places);
  }

  std::optional<std::string> select() {
    const auto source = OrderedRows::of(*insert_.select_stmt->select_stmt);
    if (!source || source->size() != rows_.size() || source->width() != given_.size()) return {};
    const auto more = made_up();
    std::string values = "VALUES ";
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      values += row == 0 ? "(" : ", (";
      for (std::size_t i = 0; i < given_.size(); ++i) {
        auto value = instead_of(source->target(i), row, i);
        if (value) bound_.push_back(given_[i]);
        if (!value) value = source->value(row, i);
        if (!value) return std::nullopt;
        values += (i == 0 ? "" : ", ") + *value;
      }
      for (const Returned& each : more) values += ", " + given(row, each);
      values += ')';
    }
    texts_.push_back(std::move(values));
    return with_columns(more, {parts_.source_text});
  }

  // The column list with `more`, and then texts_ at `places`.
  std::optional<std::string> with_columns(const std::vector<Returned>& more,
                                          const std::vector<Span>& places) {
    for (const Returned& each : more) bound_.push_back(each.column);
    if (bound_.empty()) return std::string(text_);
    std::string list;
    if (!parts_.columns_close) {
      for (const std::string& each : given_) list += (list.empty() ? " (" : ", ") + quoted(each);
    }
    for (const Returned& each : more) list += ", " + quoted(each.column);
    list += ')';
    if (insert_.override != PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE) {
      list += " OVERRIDING SYSTEM VALUE";
    }
    const std::size_t at = parts_.columns_close.value_or(parts_.target_end);
    const std::size_t behind = parts_.columns_close ? at + 1 : at;
    if (text_[behind] != ' ') list += ' ';  // (a)VALUES(1)
    replace({at, behind}, list);
    for (std::size_t i = 0; i < places.size(); ++i) replace(places[i], texts_[i]);
    return finished();
  }

  // Ascending.
  void replace(Span place, const std::string& with) {
    out_ += text_.substr(copied_, place.begin - copied_);
    out_ += with;
    copied_ = place.end;
  }
  std::optional<std::string> finished() {
    if (!excluded_is_safe(bound_)) return std::nullopt;
    return out_ + std::string(text_.substr(copied_));
  }

  const PgQuery__InsertStmt& insert_;
  std::string_view text_;
  const AnsweredRows& rows_;
  const TableColumns& table_;
  Sequences sequences_;
  std::vector<Returned> returned_;
  InsertText parts_;
  std::vector<std::string> given_, bound_, texts_;
  std::string out_;
  std::size_t copied_ = 0;
};

}  // namespace

std::optional<std::string> with_explicit_values(std::string_view sql,
                                                std::span<const std::string> returned_names,
                                                const AnsweredRows& rows, const TableColumns& table,
                                                Sequences sequences) {
  const auto statements = parse(sql, {});
  if (!statements || statements->size() != 1) return std::nullopt;
  const ParsedStatement::Tree& tree = (*statements)[0].tree();
  if (tree.node->node_case != PG_QUERY__NODE__NODE_INSERT_STMT) return std::nullopt;
  const PgQuery__InsertStmt& insert = *tree.node->insert_stmt;
  if (insert.n_returning_list == 0) return std::nullopt;
  return Rewrite(insert, tree.source->text, rows, table, sequences).run(returned_names);
}

bool may_return_inserted(std::string_view sql) {
  const auto is = [](std::string_view word, std::string_view lower) {
    return std::ranges::equal(word, lower, [](char a, char b) { return (a | 0x20) == b; });
  };
  grammar::Scanner scanner(sql);
  if (scanner.next() != grammar::Token::word) return false;
  bool inserts = is(scanner.lexeme(), "insert");
  if (!inserts && !is(scanner.lexeme(), "with")) return false;
  for (auto token = scanner.next(); token != grammar::Token::end; token = scanner.next()) {
    if (token != grammar::Token::word) continue;
    inserts = inserts || is(scanner.lexeme(), "insert");
    if (inserts && is(scanner.lexeme(), "returning")) return true;
  }
  return false;
}

}  // namespace spar::query::replay
