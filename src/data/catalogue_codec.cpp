// Catalogue objects as bytes: docs/formats/catalogue.md.
#include "data/catalogue.h"

namespace spar::data {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kDatabaseKind = 1;
constexpr std::uint8_t kTableKind = 2;

// Writes and reads the same fields in the same order; `each` is called for both directions.
class Out {
 public:
  explicit Out(Bytes& bytes) : writer_(bytes) {}
  static constexpr bool reading = false;
  bool ok() const { return true; }
  void field(std::string& value) { writer_.sized(value); }
  void field(bool& value) { writer_.le(static_cast<std::uint8_t>(value)); }
  void field(ColumnNumber& value) { writer_.le(value); }
  void field(std::int32_t& value) { writer_.le(value); }
  void field(std::uint32_t& value) { writer_.le(value); }
  std::size_t count(std::size_t size) {
    writer_.varint(size);
    return size;
  }

 private:
  ByteWriter writer_;
};

class In {
 public:
  explicit In(std::string_view bytes) : reader_(bytes) {}
  static constexpr bool reading = true;
  bool ok() const { return reader_.ok(); }
  bool at_end() const { return reader_.at_end(); }
  void field(std::string& value) { value = std::string(reader_.sized()); }
  void field(bool& value) { value = reader_.le<std::uint8_t>() != 0; }
  void field(ColumnNumber& value) { value = reader_.le<ColumnNumber>(); }
  void field(std::int32_t& value) { value = reader_.le<std::int32_t>(); }
  void field(std::uint32_t& value) { value = reader_.le<std::uint32_t>(); }
  std::size_t count(std::size_t) {
    std::uint64_t size = reader_.varint();
    return size > reader_.remaining() ? 0 : static_cast<std::size_t>(size);
  }

 private:
  ByteReader reader_;
};

template <class Stream>
void visit(Stream& stream, std::string& value) {
  stream.field(value);
}
template <class Stream>
void visit(Stream& stream, ObjectId& id) {
  stream.field(id.value);
}
template <class Stream>
void visit(Stream& stream, ColumnNumber& number) {
  stream.field(number);
}
template <class Stream, class T>
void visit(Stream& stream, std::vector<T>& items) {
  std::size_t size = stream.count(items.size());
  if constexpr (Stream::reading) items.resize(size);
  for (T& item : items) visit(stream, item);
}
template <class Stream, class T>
void visit(Stream& stream, std::optional<T>& item) {
  bool present = item.has_value();
  stream.field(present);
  if constexpr (Stream::reading) {
    if (present) item.emplace();
  }
  if (present) visit(stream, *item);
}
template <class Stream, class E>
void visit_enum(Stream& stream, E& value) {
  auto number = static_cast<std::uint32_t>(value);
  stream.field(number);
  value = static_cast<E>(number);
}
template <class Stream>
void visit(Stream& stream, Column& column) {
  stream.field(column.number);
  stream.field(column.name);
  visit_enum(stream, column.type.id);
  stream.field(column.type.typmod);
  stream.field(column.not_null);
  visit(stream, column.default_sql);
}
template <class Stream>
void visit(Stream& stream, Key& key) {
  visit(stream, key.id);
  stream.field(key.name);
  stream.field(key.primary);
  visit(stream, key.columns);
}
template <class Stream>
void visit(Stream& stream, ForeignKey& key) {
  visit(stream, key.id);
  stream.field(key.name);
  visit(stream, key.columns);
  visit(stream, key.parent);
  visit(stream, key.parent_columns);
  visit_enum(stream, key.on_delete);
  visit_enum(stream, key.on_update);
  stream.field(key.deferrable);
  stream.field(key.initially_deferred);
}
template <class Stream>
void visit(Stream& stream, Check& check) {
  visit(stream, check.id);
  stream.field(check.name);
  stream.field(check.expression_sql);
}
template <class Stream>
void visit(Stream& stream, IndexColumn& column) {
  stream.field(column.number);
  stream.field(column.descending);
}
template <class Stream>
void visit(Stream& stream, Index& index) {
  visit(stream, index.id);
  stream.field(index.name);
  stream.field(index.unique);
  visit(stream, index.columns);
}
template <class Stream>
void visit(Stream& stream, Table& table) {
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
}
template <class Stream>
void visit(Stream& stream, Database& database) {
  visit(stream, database.id);
  stream.field(database.name);
}

template <class T>
Result<Object> decode_as(std::string_view bytes) {
  In in(bytes);
  T object;
  visit(in, object);
  if (!in.ok() || !in.at_end()) return failure(Code::corrupt, "a catalogue object is damaged");
  return Object(std::move(object));
}

}  // namespace

Bytes encode_object(const Object& object) {
  Bytes bytes;
  bytes.push_back(static_cast<char>(kVersion));
  bytes.push_back(static_cast<char>(object.index() == 0 ? kDatabaseKind : kTableKind));
  Out out(bytes);
  Object copy = object;
  std::visit([&](auto& value) { visit(out, value); }, copy);
  return bytes;
}

Result<Object> decode_object(std::string_view bytes) {
  if (bytes.size() < 2 || bytes[0] != static_cast<char>(kVersion)) {
    return failure(Code::corrupt, "a catalogue object of an unknown version");
  }
  if (bytes[1] == static_cast<char>(kDatabaseKind)) return decode_as<Database>(bytes.substr(2));
  if (bytes[1] == static_cast<char>(kTableKind)) return decode_as<Table>(bytes.substr(2));
  return failure(Code::corrupt, "a catalogue object of an unknown kind");
}

}  // namespace spar::data
