// data/catalogue.h: what databases and tables a cluster has, as one immutable value.
//
// Contract    A Catalogue is a snapshot: changing the schema makes another one by apply(). Objects
//             are stored and logged one by one (encode/decode), so that a schema change is a list
//             of ObjectChange in the change log. Names are case-sensitive and already folded.
//             Sequences and views are tables of another kind: they share the tables' names, and a
//             sequence's state is its one row.
// Threads     Immutable; share by shared_ptr<const Catalogue>.
// Invariants  C1 ids are unique over all kinds and never reused.  C2 a column keeps its number.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "data/type.h"

namespace spar::data {

using ColumnNumber = std::int16_t;  // 1 for the first, as pg_attribute.attnum

enum class Identity : std::uint8_t { none, always, by_default };

struct Column {
  ColumnNumber number = 0;
  std::string name;
  Type type;
  bool not_null = false;
  // PostgreSQL expression text; a sequence in it is called by its id: nextval('16400'::regclass).
  std::optional<std::string> default_sql;
  Identity identity = Identity::none;
  ObjectId sequence;                         // of an identity column
  std::optional<std::string> generated_sql;  // GENERATED ALWAYS AS (...) STORED
};

struct Key {  // PRIMARY KEY or UNIQUE
  ObjectId id;
  std::string name;
  bool primary = false;
  std::vector<ColumnNumber> columns;
  bool nulls_not_distinct = false;
};

enum class ReferentialAction : std::uint8_t { no_action, restrict, cascade, set_null, set_default };

struct ForeignKey {
  ObjectId id;
  std::string name;
  std::vector<ColumnNumber> columns;
  ObjectId parent;
  std::vector<ColumnNumber> parent_columns;
  ReferentialAction on_delete = ReferentialAction::no_action;
  ReferentialAction on_update = ReferentialAction::no_action;
  bool deferrable = false;
  bool initially_deferred = false;
  bool validated = true;
};

struct Check {
  ObjectId id;
  std::string name;
  std::string expression_sql;  // PostgreSQL expression text
  bool validated = true;
};

struct IndexColumn {
  ColumnNumber number = 0;  // 0: an expression
  bool descending = false;
  std::optional<std::string> expression_sql;
};

struct Index {
  ObjectId id;
  std::string name;
  bool unique = false;
  std::vector<IndexColumn> columns;
  std::optional<std::string> predicate_sql;  // of a partial index
  bool nulls_not_distinct = false;
};

struct Sequence {
  Type type{TypeId::int8, -1};
  std::int64_t start = 1, minimum = 1, maximum = 1, increment = 1, cache = 1;
  bool cycle = false;
  ObjectId owner;  // OWNED BY: this table's column
  ColumnNumber owner_column = 0;
};

struct View {
  std::string query_sql;
  std::vector<ObjectId> uses;            // tables and views that it reads
  std::vector<std::string> search_path;  // that its text was written for
  bool materialized = false;
};

struct Comment {
  ColumnNumber column = 0;  // 0: on the table
  std::string text;
};

struct Table {
  ObjectId id;
  ObjectId database;
  std::string schema = "public";
  std::string name;
  std::vector<Column> columns;  // in order; dropped ones are gone, numbers stay
  std::vector<Key> keys;
  std::vector<ForeignKey> foreign_keys;
  std::vector<Check> checks;
  std::vector<Index> indexes;
  // The column that is the row's identity in the change log when the table was made with a primary
  // key of one integer column; nothing: a hidden integer is (embedded copies: rowid).
  std::optional<ColumnNumber> identity_column;
  std::optional<Sequence> sequence;  // columns: last_value, log_cnt, is_called
  std::optional<View> view;
  std::vector<Comment> comments;
  ColumnNumber last_number = 0;  // the highest that a column has had; 0: the highest there is

  bool is_plain() const { return !sequence && !view; }
  ColumnNumber next_number() const;
  const Column* column(std::string_view column_name) const;
  const Column* column(ColumnNumber number) const;
  const Key* primary_key() const;
};

struct Database {
  ObjectId id;
  std::string name;
};

// "public" is there without one.
struct Schema {
  ObjectId id;
  ObjectId database;
  std::string name;
};

using Object = std::variant<Database, Table, Schema>;

// Puts (an encoded object) or removes the object of that id.
struct ObjectChange {
  ObjectId id;
  std::optional<Bytes> body;
  friend bool operator==(const ObjectChange&, const ObjectChange&) = default;
};

Bytes encode_object(const Object& object);
Result<Object> decode_object(std::string_view bytes);
ObjectId object_id(const Object& object);
ObjectChange put_object(const Object& object);

class Catalogue {
 public:
  // Counts schema changes; equal versions of one cluster's history have equal contents.
  std::uint64_t version() const { return version_; }
  // The smallest id that no object, and no part of one (key, index, ...), has ever had here.
  ObjectId next_id() const { return next_id_; }

  const Database* database(std::string_view name) const;
  const Database* database(ObjectId id) const;
  const Table* table(ObjectId database, std::string_view schema, std::string_view name) const;
  const Table* table(ObjectId id) const;
  bool has_schema(ObjectId database, std::string_view name) const;
  const std::map<ObjectId, Database>& databases() const { return databases_; }
  const std::map<ObjectId, Schema>& schemas() const { return schemas_; }
  const std::map<ObjectId, Table>& tables() const { return tables_; }
  // Tables with a foreign key to `parent`, itself among them.
  std::vector<const Table*> referencing(ObjectId parent) const;

  // The catalogue after these changes, all or none; version() grows by one. Refuses (Code::corrupt)
  // a body that does not decode or an object whose id differs from the change's.
  Result<std::shared_ptr<const Catalogue>> apply(const std::vector<ObjectChange>& changes) const;

  // From a copy's store: every object's body, and the two counters it kept.
  static Result<std::shared_ptr<const Catalogue>> load(const std::vector<Bytes>& bodies,
                                                       std::uint64_t version, ObjectId next_id);

 private:
  struct Name {
    ObjectId database;
    std::string schema, name;
  };
  struct NameView {
    ObjectId database;
    std::string_view schema, name;
  };
  struct NameLess {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return std::tuple(a.database, std::string_view(a.schema), std::string_view(a.name)) <
             std::tuple(b.database, std::string_view(b.schema), std::string_view(b.name));
    }
  };

  void claim(ObjectId id);
  void put(Object object);
  void erase(ObjectId id);

  std::uint64_t version_ = 0;
  ObjectId next_id_{16384};  // PostgreSQL's FirstNormalObjectId
  std::map<ObjectId, Database> databases_;
  std::map<ObjectId, Table> tables_;
  std::map<ObjectId, Schema> schemas_;
  std::map<Name, ObjectId, NameLess> by_name_;
};

}  // namespace spar::data
