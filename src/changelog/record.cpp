#include "changelog/record.h"

#include <limits>

namespace spar::changelog {
namespace {

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

void begin(ByteWriter& out, ChangeKind kind, ObjectId table) {
  out.le(static_cast<std::uint8_t>(kind));
  out.varint(table.value);
}

// The distance from the old key to the new one, modulo 2^64: zero, one byte, in the usual case.
std::int64_t key_step(std::int64_t from, std::int64_t to) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(to) -
                                   static_cast<std::uint64_t>(from));
}

std::int64_t key_after(std::int64_t from, std::int64_t step) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) +
                                   static_cast<std::uint64_t>(step));
}

// Reads the fields of a change and remembers whether any was not as ChangeWriter writes it.
class FieldReader {
 public:
  explicit FieldReader(ByteReader& in) : in_(in) {}

  bool ok() const { return in_.ok() && canonical_; }

  std::uint64_t varint() {
    ByteReader start = in_;
    std::uint64_t value = in_.varint();
    std::string_view bytes = start.raw(start.remaining() - in_.remaining());
    bool overlong = bytes.size() > 1 && bytes.back() == 0;
    bool overflows = bytes.size() == 10 && bytes.back() != 1;
    if (overlong || overflows) canonical_ = false;
    return value;
  }
  std::int64_t integer() { return unzigzag(varint()); }
  ObjectId object() {
    std::uint64_t value = varint();
    if (value > std::numeric_limits<std::uint32_t>::max()) canonical_ = false;
    return ObjectId{static_cast<std::uint32_t>(value)};
  }
  std::string_view sized() {
    std::uint64_t size = varint();
    if (size > in_.remaining()) canonical_ = false;
    return ok() ? in_.raw(static_cast<std::size_t>(size)) : std::string_view{};
  }
  data::ContentHash content() {
    data::ContentHash hash;
    hash.rows = integer();
    auto low = in_.le<std::uint64_t>();
    auto high = in_.le<std::uint64_t>();
    hash.sum = static_cast<data::UInt128>(high) << 64 | low;
    return hash;
  }
  std::vector<data::ObjectChange> objects() {
    std::vector<data::ObjectChange> list;
    for (std::uint64_t count = varint(); count > 0 && ok(); --count) list.push_back(one_object());
    return list;
  }

 private:
  data::ObjectChange one_object() {
    data::ObjectChange change;
    change.id = object();
    auto has_body = in_.le<std::uint8_t>();
    if (has_body > 1) canonical_ = false;
    if (has_body == 1) change.body = Bytes(sized());
    return change;
  }

  ByteReader& in_;
  bool canonical_ = true;
};

void read_fields(FieldReader& in, Change& change) {
  if (change.kind == ChangeKind::catalogue) {
    change.objects = in.objects();
    return;
  }
  change.table = in.object();
  if (change.kind == ChangeKind::truncate) return;
  if (change.kind == ChangeKind::content) {
    change.content = in.content();
    return;
  }
  change.key = change.new_key = in.integer();
  if (change.kind == ChangeKind::update) change.new_key = key_after(change.key, in.integer());
  if (change.kind != ChangeKind::insert) change.before = in.sized();
  if (change.kind != ChangeKind::erase) change.after = in.sized();
}

}  // namespace

void ChangeWriter::insert(ObjectId table, std::int64_t key, std::string_view after) {
  ByteWriter out(bytes_);
  begin(out, ChangeKind::insert, table);
  out.varint(zigzag(key));
  out.sized(after);
}

void ChangeWriter::update(ObjectId table, std::int64_t key, std::int64_t new_key,
                          std::string_view before, std::string_view after) {
  ByteWriter out(bytes_);
  begin(out, ChangeKind::update, table);
  out.varint(zigzag(key));
  out.varint(zigzag(key_step(key, new_key)));
  out.sized(before);
  out.sized(after);
}

void ChangeWriter::erase(ObjectId table, std::int64_t key, std::string_view before) {
  ByteWriter out(bytes_);
  begin(out, ChangeKind::erase, table);
  out.varint(zigzag(key));
  out.sized(before);
}

void ChangeWriter::truncate(ObjectId table) {
  ByteWriter out(bytes_);
  begin(out, ChangeKind::truncate, table);
}

void ChangeWriter::catalogue(const std::vector<data::ObjectChange>& objects) {
  ByteWriter out(bytes_);
  out.le(static_cast<std::uint8_t>(ChangeKind::catalogue));
  out.varint(objects.size());
  for (const data::ObjectChange& change : objects) {
    out.varint(change.id.value);
    out.le(static_cast<std::uint8_t>(change.body.has_value()));
    if (change.body) out.sized(*change.body);
  }
}

void ChangeWriter::content(ObjectId table, const data::ContentHash& hash) {
  ByteWriter out(bytes_);
  begin(out, ChangeKind::content, table);
  out.varint(zigzag(hash.rows));
  out.le(static_cast<std::uint64_t>(hash.sum));
  out.le(static_cast<std::uint64_t>(hash.sum >> 64));
}

Result<std::optional<Change>> ChangeReader::next() {
  if (reader_.ok() && reader_.at_end()) return std::nullopt;
  Change change;
  auto kind = reader_.le<std::uint8_t>();
  change.kind = static_cast<ChangeKind>(kind);
  bool known = kind >= static_cast<std::uint8_t>(ChangeKind::insert) &&
               kind <= static_cast<std::uint8_t>(ChangeKind::content);
  FieldReader in(reader_);
  if (known) read_fields(in, change);
  if (!known || !in.ok()) {
    reader_.raw(reader_.remaining() + 1);  // every later call fails too
    return failure(Code::corrupt, "a change record does not decode", "XX001");
  }
  return change;
}

}  // namespace spar::changelog
