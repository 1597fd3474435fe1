// Catalogue objects as bytes: docs/formats/catalogue.md.
#include <type_traits>

#include "data/catalogue.h"

namespace spar::data {
namespace {

constexpr std::uint8_t kVersion = 2;  // 1: tables end with their identity column
constexpr std::uint8_t kDatabaseKind = 1;
constexpr std::uint8_t kTableKind = 2;
constexpr std::uint8_t kSchemaKind = 3;

// One visit() a type lists its fields once, for writing (Out) and for reading (In). In refuses what
// Out never writes: a flag that is not 0 or 1, a number outside its enumeration, a wrong count.
class Out {
 public:
  explicit Out(Bytes& bytes) : writer_(bytes) {}
  static constexpr bool reading = false;
  static constexpr std::uint8_t version = kVersion;
  void field(const std::string& value) { writer_.sized(value); }
  void field(bool value) { writer_.le(static_cast<std::uint8_t>(value)); }
  void field(ColumnNumber value) { writer_.le(value); }
  void field(std::int32_t value) { writer_.le(value); }
  void field(std::uint32_t value) { writer_.le(value); }
  void field(std::int64_t value) { writer_.le(value); }
  std::size_t count(std::size_t size) {
    writer_.varint(size);
    return size;
  }

 private:
  ByteWriter writer_;
};

class In {
 public:
  In(std::string_view bytes, std::uint8_t written) : version(written), reader_(bytes) {}
  static constexpr bool reading = true;
  const std::uint8_t version;
  bool complete() const { return sound_ && reader_.ok() && reader_.at_end(); }
  void refuse() { sound_ = false; }
  void field(std::string& value) { value = std::string(reader_.sized()); }
  void field(bool& value) {
    const auto byte = reader_.le<std::uint8_t>();
    if (byte > 1) refuse();
    value = byte != 0;
  }
  void field(ColumnNumber& value) { value = reader_.le<ColumnNumber>(); }
  void field(std::int32_t& value) { value = reader_.le<std::int32_t>(); }
  void field(std::uint32_t& value) { value = reader_.le<std::uint32_t>(); }
  void field(std::int64_t& value) { value = reader_.le<std::int64_t>(); }
  std::size_t count(std::size_t) {
    const std::uint64_t size = reader_.varint();
    if (size <= reader_.remaining()) return static_cast<std::size_t>(size);
    refuse();
    return 0;
  }

 private:
  ByteReader reader_;
  bool sound_ = true;
};

template <class Stream, class T>
using Of = std::conditional_t<Stream::reading, T, const T>;

template <class Stream>
void visit(Stream& stream, Of<Stream, std::string>& value) {
  stream.field(value);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, ObjectId>& id) {
  stream.field(id.value);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, ColumnNumber>& number) {
  stream.field(number);
}
template <class T>
void visit(Out& out, const std::vector<T>& items) {
  out.count(items.size());
  for (const T& item : items) visit(out, item);
}
template <class T>
void visit(In& in, std::vector<T>& items) {
  items.resize(in.count(0));
  for (T& item : items) visit(in, item);
}
template <class T>
void visit(Out& out, const std::optional<T>& item) {
  out.field(item.has_value());
  if (item) visit(out, *item);
}
template <class T>
void visit(In& in, std::optional<T>& item) {
  bool present = false;
  in.field(present);
  if (present) visit(in, item.emplace());
}
void visit(Out& out, TypeId id) {
  out.field(static_cast<std::uint32_t>(id));
}
void visit(In& in, TypeId& id) {
  std::uint32_t number = 0;
  in.field(number);
  id = static_cast<TypeId>(number);
}
void visit(Out& out, ReferentialAction action) {
  out.field(static_cast<std::uint32_t>(action));
}
void visit(In& in, ReferentialAction& action) {
  std::uint32_t number = 0;
  in.field(number);
  if (number > static_cast<std::uint32_t>(ReferentialAction::set_default)) return in.refuse();
  action = static_cast<ReferentialAction>(number);
}
void visit(Out& out, Identity identity) {
  out.field(static_cast<std::uint32_t>(identity));
}
void visit(In& in, Identity& identity) {
  std::uint32_t number = 0;
  in.field(number);
  if (number > static_cast<std::uint32_t>(Identity::by_default)) return in.refuse();
  identity = static_cast<Identity>(number);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, Column>& column) {
  stream.field(column.number);
  stream.field(column.name);
  visit(stream, column.type.id);
  stream.field(column.type.typmod);
  stream.field(column.not_null);
  visit(stream, column.default_sql);
  if (stream.version < 2) return;
  visit(stream, column.identity);
  visit(stream, column.sequence);
  visit(stream, column.generated_sql);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, Key>& key) {
  visit(stream, key.id);
  stream.field(key.name);
  stream.field(key.primary);
  visit(stream, key.columns);
  if (stream.version >= 2) stream.field(key.nulls_not_distinct);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, ForeignKey>& key) {
  visit(stream, key.id);
  stream.field(key.name);
  visit(stream, key.columns);
  visit(stream, key.parent);
  visit(stream, key.parent_columns);
  visit(stream, key.on_delete);
  visit(stream, key.on_update);
  stream.field(key.deferrable);
  stream.field(key.initially_deferred);
  if (stream.version >= 2) stream.field(key.validated);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, Check>& check) {
  visit(stream, check.id);
  stream.field(check.name);
  stream.field(check.expression_sql);
  if (stream.version >= 2) stream.field(check.validated);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, IndexColumn>& column) {
  stream.field(column.number);
  stream.field(column.descending);
  if (stream.version >= 2) visit(stream, column.expression_sql);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, Index>& index) {
  visit(stream, index.id);
  stream.field(index.name);
  stream.field(index.unique);
  visit(stream, index.columns);
  if (stream.version < 2) return;
  visit(stream, index.predicate_sql);
  stream.field(index.nulls_not_distinct);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, Sequence>& sequence) {
  visit(stream, sequence.type.id);
  stream.field(sequence.start);
  stream.field(sequence.minimum);
  stream.field(sequence.maximum);
  stream.field(sequence.increment);
  stream.field(sequence.cache);
  stream.field(sequence.cycle);
  visit(stream, sequence.owner);
  stream.field(sequence.owner_column);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, View>& view) {
  stream.field(view.query_sql);
  visit(stream, view.uses);
  visit(stream, view.search_path);
  stream.field(view.materialized);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, Comment>& comment) {
  stream.field(comment.column);
  stream.field(comment.text);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, Table>& table) {
  visit(stream, table.id);
  visit(stream, table.database);
  stream.field(table.schema);
  stream.field(table.name);
  visit(stream, table.columns);
  visit(stream, table.keys);
  visit(stream, table.foreign_keys);
  visit(stream, table.checks);
  visit(stream, table.indexes);
  visit(stream, table.identity_column);
  if (stream.version < 2) return;
  visit(stream, table.sequence);
  visit(stream, table.view);
  visit(stream, table.comments);
  stream.field(table.last_number);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, Database>& database) {
  visit(stream, database.id);
  stream.field(database.name);
}
template <class Stream>
void visit(Stream& stream, Of<Stream, Schema>& schema) {
  visit(stream, schema.id);
  visit(stream, schema.database);
  stream.field(schema.name);
}

template <class T>
Result<Object> decode_as(std::string_view bytes) {
  In in(bytes.substr(2), static_cast<std::uint8_t>(bytes[0]));
  T object;
  visit(in, object);
  if (!in.complete()) return failure(Code::corrupt, "a catalogue object is damaged");
  return Object(std::move(object));
}

}  // namespace

Bytes encode_object(const Object& object) {
  constexpr std::uint8_t kKinds[] = {kDatabaseKind, kTableKind, kSchemaKind};
  Bytes bytes;
  bytes.push_back(static_cast<char>(kVersion));
  bytes.push_back(static_cast<char>(kKinds[object.index()]));
  Out out(bytes);
  std::visit([&](const auto& value) { visit(out, value); }, object);
  return bytes;
}

Result<Object> decode_object(std::string_view bytes) {
  if (bytes.size() < 2 || bytes[0] < 1 || bytes[0] > static_cast<char>(kVersion)) {
    return failure(Code::corrupt, "a catalogue object of an unknown version");
  }
  if (bytes[1] == static_cast<char>(kDatabaseKind)) return decode_as<Database>(bytes);
  if (bytes[1] == static_cast<char>(kTableKind)) return decode_as<Table>(bytes);
  if (bytes[1] == static_cast<char>(kSchemaKind)) return decode_as<Schema>(bytes);
  return failure(Code::corrupt, "a catalogue object of an unknown kind");
}

}  // namespace spar::data
