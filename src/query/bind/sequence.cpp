#include "query/bind/sequence.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "query/bind/sequence_call.h"
#include "query/bind/table_editor.h"

namespace spar::query::bind {
namespace {

using grammar::Node;

struct Bounds {
  std::int64_t minimum, maximum;
};

Bounds bounds_of(TypeId type) {
  if (type == TypeId::int2) {
    return {std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max()};
  }
  if (type == TypeId::int4) {
    return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
  }
  return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
}

Failure invalid(std::string message) {
  return sql_error("22023", std::move(message));
}

std::string shown(std::int64_t value) {
  return "(" + std::to_string(value) + ")";
}

// One pass over the list, then PostgreSQL's order of checks.
class OptionReader {
 public:
  OptionReader(Binding& binding, data::Sequence& sequence, bool is_new)
      : binding_(binding), sequence_(sequence), is_new_(is_new) {}

  Result<SequenceOptions> read(grammar::Nodes options) {
    for (const Node* node : options) SPAR_TRY(take(*node->def_elem));
    SPAR_TRY(type());
    SPAR_TRY(increment());
    if (cycle_ != nullptr) sequence_.cycle = grammar::option_bool(*cycle_).value_or(true);
    SPAR_TRY(maximum());
    SPAR_TRY(minimum());
    if (sequence_.minimum >= sequence_.maximum) {
      return invalid("MINVALUE " + shown(sequence_.minimum) + " must be less than MAXVALUE " +
                     shown(sequence_.maximum));
    }
    SPAR_TRY(start());
    SPAR_TRY(restart());
    SPAR_TRY(cache());
    return std::move(result_);
  }

 private:
  using Option = const PgQuery__DefElem*;

  Result<void> take(const PgQuery__DefElem& option) {
    const std::string_view name = option.defname;
    if (name == "owned_by") {
      if (result_.owner) return repeated(option);
      std::vector<std::string> names = grammar::names_of(GRAMMAR_LIST(*option.arg->list, items));
      if (names.size() == 1 && names[0] == "none") names.clear();
      if (names.size() == 1) {
        Failure failure = sql_error("42601", "invalid OWNED BY option");
        failure.error().hint = "Specify OWNED BY table.column or OWNED BY NONE.";
        return failure;
      }
      result_.owner = std::move(names);
      return {};
    }
    const std::pair<std::string_view, Option*> slots[] = {
        {"as", &as_},        {"increment", &increment_}, {"start", &start_}, {"restart", &restart_},
        {"maxvalue", &max_}, {"minvalue", &min_},        {"cache", &cache_}, {"cycle", &cycle_}};
    for (const auto& [known, slot] : slots) {
      if (known != name) continue;
      if (*slot != nullptr) return repeated(option);
      *slot = &option;
      return {};
    }
    return binding_.missing("sequence option " + std::string(name), option.location);
  }
  Failure repeated(const PgQuery__DefElem& option) const {
    return binding_.error("42601", "conflicting or redundant options", option.location);
  }

  static Result<std::int64_t> value(Option option) {
    const std::string text = grammar::option_text(*option);
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return number;
    if (text.find_first_not_of("-0123456789") == std::string::npos) {
      return sql_error("22003", "value \"" + text + "\" is out of range for type bigint");
    }
    return sql_error("22P02", "invalid input syntax for type bigint: \"" + text + "\"");
  }

  Result<void> type() {
    const Bounds before = bounds_of(sequence_.type.id);
    if (as_ != nullptr) {
      const PgQuery__TypeName& name = *as_->arg->type_name;
      SPAR_ASSIGN(const Type type, binding_.located(resolve_type_name(name), name.location));
      if (type.id != TypeId::int2 && type.id != TypeId::int4 && type.id != TypeId::int8) {
        return invalid("sequence type must be smallint, integer, or bigint");
      }
      sequence_.type = type;
    }
    own_ = bounds_of(sequence_.type.id);
    // Bounds that were the old type's follow the type.
    reset_max_ = !is_new_ && as_ != nullptr && sequence_.maximum == before.maximum;
    reset_min_ = !is_new_ && as_ != nullptr && sequence_.minimum == before.minimum;
    return {};
  }
  Result<void> increment() {
    if (is_new_) sequence_.increment = 1;
    if (increment_ == nullptr) return {};
    SPAR_ASSIGN(sequence_.increment, value(increment_));
    if (sequence_.increment == 0) return invalid("INCREMENT must not be zero");
    return {};
  }
  std::string type_name() const { return name_of(sequence_.type.id); }

  Result<void> maximum() {
    if (max_ != nullptr && max_->arg != nullptr) {
      SPAR_ASSIGN(sequence_.maximum, value(max_));
    } else if (is_new_ || max_ != nullptr || reset_max_) {
      const bool up = sequence_.increment > 0 || reset_max_;
      sequence_.maximum = up ? own_.maximum : -1;
    }
    if (sequence_.maximum >= own_.minimum && sequence_.maximum <= own_.maximum) return {};
    return invalid("MAXVALUE " + shown(sequence_.maximum) +
                   " is out of range for sequence data type " + type_name());
  }
  Result<void> minimum() {
    if (min_ != nullptr && min_->arg != nullptr) {
      SPAR_ASSIGN(sequence_.minimum, value(min_));
    } else if (is_new_ || min_ != nullptr || reset_min_) {
      const bool down = sequence_.increment < 0 || reset_min_;
      sequence_.minimum = down ? own_.minimum : 1;
    }
    if (sequence_.minimum >= own_.minimum && sequence_.minimum <= own_.maximum) return {};
    return invalid("MINVALUE " + shown(sequence_.minimum) +
                   " is out of range for sequence data type " + type_name());
  }
  Result<void> start() {
    if (start_ != nullptr) {
      SPAR_ASSIGN(sequence_.start, value(start_));
    } else if (is_new_) {
      sequence_.start = sequence_.increment > 0 ? sequence_.minimum : sequence_.maximum;
    }
    return within("START", sequence_.start);
  }
  Result<void> restart() {
    if (restart_ == nullptr) return {};
    result_.restart = sequence_.start;
    if (restart_->arg != nullptr) {
      SPAR_ASSIGN(result_.restart, value(restart_));
    }
    return within("RESTART", *result_.restart);
  }
  Result<void> within(const std::string& what, std::int64_t number) const {
    if (number < sequence_.minimum) {
      return invalid(what + " value " + shown(number) + " cannot be less than MINVALUE " +
                     shown(sequence_.minimum));
    }
    if (number > sequence_.maximum) {
      return invalid(what + " value " + shown(number) + " cannot be greater than MAXVALUE " +
                     shown(sequence_.maximum));
    }
    return {};
  }
  Result<void> cache() {
    if (cache_ == nullptr) return {};
    SPAR_ASSIGN(sequence_.cache, value(cache_));
    if (sequence_.cache > 0) return {};
    return invalid("CACHE " + shown(sequence_.cache) + " must be greater than zero");
  }

  Binding& binding_;
  data::Sequence& sequence_;
  bool is_new_;
  SequenceOptions result_;
  Option as_ = nullptr, increment_ = nullptr, start_ = nullptr, restart_ = nullptr, max_ = nullptr,
         min_ = nullptr, cache_ = nullptr, cycle_ = nullptr;
  Bounds own_{};
  bool reset_max_ = false, reset_min_ = false;
};

Result<void> set_owner(Binding& binding, const std::vector<std::string>& names,
                       data::Table& sequence) {
  sequence.sequence->owner = {};
  sequence.sequence->owner_column = 0;
  if (names.empty()) return {};
  const std::vector<std::string> table_names(names.begin(), names.end() - 1);
  SPAR_ASSIGN(const data::Table* table, binding.find_table(table_names));
  if (table == nullptr) {
    std::string shown;
    for (const std::string& name : table_names) shown += (shown.empty() ? "" : ".") + name;
    return sql_error("42P01", "relation \"" + shown + "\" does not exist");
  }
  if (table->sequence) {
    Failure failure =
        sql_error("42809", "sequence cannot be owned by relation \"" + table->name + "\"");
    failure.error().detail = "This operation is not supported for sequences.";
    return failure;
  }
  if (table->schema != sequence.schema) {
    return sql_error("55000", "sequence must be in same schema as table it is linked to");
  }
  const data::Column* column = table->column(names.back());
  if (column == nullptr) {
    return sql_error("42703", "column \"" + names.back() + "\" of relation \"" + table->name +
                                  "\" does not exist");
  }
  sequence.sequence->owner = table->id;
  sequence.sequence->owner_column = column->number;
  return {};
}

bool is_identity_sequence(const Binding& binding, const data::Table& sequence) {
  const data::Table* owner = binding.catalogue().table(sequence.sequence->owner);
  const data::Column* column =
      owner == nullptr ? nullptr : owner->column(sequence.sequence->owner_column);
  return column != nullptr && column->sequence == sequence.id;
}

Plan plain_update(const data::Table& table, PlanKind kind, std::string sql) {
  Plan plan;
  plan.kind = kind;
  plan.sql = std::move(sql);
  plan.tables = {table.id};
  plan.target = table.id;
  return plan;
}

}  // namespace

Result<SequenceOptions> read_sequence_options(Binding& binding, grammar::Nodes options,
                                              data::Sequence& sequence, bool is_new) {
  return OptionReader(binding, sequence, is_new).read(options);
}

data::Table sequence_table(const data::Sequence& sequence) {
  data::Table table;
  table.columns = {{1, "last_value", {TypeId::int8, -1}, true, {}},
                   {2, "log_cnt", {TypeId::int8, -1}, true, {}},
                   {3, "is_called", {TypeId::boolean, -1}, true, {}}};
  table.sequence = sequence;
  return table;
}

Plan first_row(const data::Table& sequence) {
  const std::string name = "t" + std::to_string(sequence.id.value);
  return plain_update(sequence, PlanKind::insert,
                      "INSERT INTO " + name + "(c1,c2,c3) VALUES(" +
                          std::to_string(sequence.sequence->start) + ",0,0)");
}

Plan restarted(const data::Table& sequence, std::int64_t value) {
  return plain_update(sequence, PlanKind::update,
                      "UPDATE t" + std::to_string(sequence.id.value) +
                          " SET c1=" + std::to_string(value) + ",c2=0,c3=0");
}

std::vector<SchemaChange::Verify> verify_bounds(const data::Table& sequence) {
  const data::Sequence& options = *sequence.sequence;
  const std::string from = " FROM t" + std::to_string(sequence.id.value) + " WHERE c1";
  const auto raise = [&](const std::string& tail) {
    return "SELECT spar_raise('22023','RESTART value ('||c1||') cannot be " + tail + ")')" + from;
  };
  return {{raise("less than MINVALUE (" + std::to_string(options.minimum)) + "<" +
               std::to_string(options.minimum),
           {}},
          {raise("greater than MAXVALUE (" + std::to_string(options.maximum)) + ">" +
               std::to_string(options.maximum),
           {}}};
}

std::vector<const data::Table*> owned_sequences(const data::Catalogue& catalogue, ObjectId table,
                                                data::ColumnNumber column) {
  std::vector<const data::Table*> owned;
  for (const auto& [id, other] : catalogue.tables()) {
    if (!other.sequence || other.sequence->owner != table) continue;
    if (column == 0 || other.sequence->owner_column == column) owned.push_back(&other);
  }
  return owned;
}

Result<SchemaChange> create_sequence(Binding& binding, const PgQuery__CreateSeqStmt& statement) {
  const PgQuery__RangeVar& name = *statement.sequence;
  if (std::string_view(name.relpersistence) == "t") {
    return binding.missing("a temporary sequence", name.location);
  }
  SchemaChange change;
  data::Sequence options;
  Result<std::string> schema = binding.schema_for(name);
  if (!schema) schema.error().position = 0;
  if (!schema) return Failure(std::move(schema.error()));
  const data::Table nothing{ObjectId{}, binding.context().database, *schema};
  if (relation_exists(binding, nothing, name.relname)) {
    const std::string message = "relation \"" + std::string(name.relname) + "\" already exists";
    if (!statement.if_not_exists) return sql_error("42P07", message);
    change.notices.push_back(message + ", skipping");
    return change;
  }
  SPAR_ASSIGN(const SequenceOptions read,
              read_sequence_options(binding, GRAMMAR_LIST(statement, options), options, true));
  data::Table table = sequence_table(options);
  table.id = binding.catalogue().next_id();
  table.database = binding.context().database;
  table.schema = *schema;
  table.name = name.relname;
  if (read.owner) SPAR_TRY(set_owner(binding, *read.owner, table));
  change.changes.push_back(data::put_object(table));
  change.writes.push_back(first_row(table));
  return change;
}

Result<SchemaChange> alter_sequence(Binding& binding, const PgQuery__AlterSeqStmt& statement) {
  SchemaChange change;
  SPAR_ASSIGN(const data::Table* found, binding.find_table(*statement.sequence));
  if (found == nullptr && statement.missing_ok) {
    change.notices.push_back("relation \"" + std::string(statement.sequence->relname) +
                             "\" does not exist, skipping");
    return change;
  }
  SPAR_ASSIGN(found, binding.named_table(*statement.sequence));
  if (!found->sequence) return sql_error("42809", "\"" + found->name + "\" is not a sequence");
  data::Table table = *found;
  SPAR_ASSIGN(
      const SequenceOptions read,
      read_sequence_options(binding, GRAMMAR_LIST(statement, options), *table.sequence, false));
  if (read.owner) {
    if (is_identity_sequence(binding, table)) {
      Failure failure = sql_error("0A000", "cannot change ownership of identity sequence");
      failure.error().detail = "Sequence \"" + table.name + "\" is linked to table \"" +
                               binding.catalogue().table(table.sequence->owner)->name + "\".";
      return failure;
    }
    SPAR_TRY(set_owner(binding, *read.owner, table));
  }
  change.changes.push_back(data::put_object(table));
  if (read.restart) change.writes.push_back(restarted(table, *read.restart));
  change.verify = verify_bounds(table);
  return change;
}

}  // namespace spar::query::bind
