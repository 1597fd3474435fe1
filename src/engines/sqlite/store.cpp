#include "engines/sqlite/store.h"

#include <cstring>

#include "engines/sqlite/physical.h"

namespace spar::engines::sqlite {
namespace {

constexpr std::int64_t kCatalogueRow = 1;

std::string_view sum_bytes(const data::UInt128& sum) {
  return {reinterpret_cast<const char*>(&sum), sizeof(sum)};
}

Result<void> upsert_state(Connection& connection, std::int64_t id, std::int64_t a,
                          std::string_view b_blob) {
  SPAR_ASSIGN(StatementUse use,
              connection.prepare("INSERT INTO spar_state(id,a,b) VALUES(?1,?2,?3) ON CONFLICT(id) "
                                 "DO UPDATE SET a=?2,b=?3"));
  use.bind_integer(1, id);
  use.bind_integer(2, a);
  use.bind_blob(3, b_blob);
  return use.run();
}

}  // namespace

Result<void> make_store(Connection& connection) {
  SPAR_TRY(
      connection.run("BEGIN IMMEDIATE;"
                     "CREATE TABLE IF NOT EXISTS spar_state(id INTEGER PRIMARY KEY, a, b);"
                     "CREATE TABLE IF NOT EXISTS spar_object(id INTEGER PRIMARY KEY, body);"
                     "INSERT OR IGNORE INTO spar_state VALUES(0, 0, 0), (1, 0, 16384);"
                     "COMMIT"));
  return {};
}

Result<Position> read_position(Connection& connection) {
  SPAR_ASSIGN(StatementUse use, connection.prepare("SELECT a,b FROM spar_state WHERE id=0"));
  SPAR_ASSIGN(bool row, use.step());
  if (!row) return failure(Code::corrupt, "the copy has no position");
  return Position{Epoch(static_cast<std::uint64_t>(use.integer(0))),
                  Sequence(static_cast<std::uint64_t>(use.integer(1)))};
}

Result<void> write_position(Connection& connection, const Position& position) {
  SPAR_ASSIGN(StatementUse use, connection.prepare("UPDATE spar_state SET a=?1,b=?2 WHERE id=0"));
  use.bind_integer(1, static_cast<std::int64_t>(position.epoch.value));
  use.bind_integer(2, static_cast<std::int64_t>(position.sequence.value));
  return use.run();
}

Result<Contents> read_contents(Connection& connection) {
  SPAR_ASSIGN(StatementUse use, connection.prepare("SELECT id,a,b FROM spar_state WHERE id>?1"));
  use.bind_integer(1, kCatalogueRow);
  Contents contents;
  while (true) {
    SPAR_ASSIGN(bool row, use.step());
    if (!row) return contents;
    data::ContentHash hash;
    hash.rows = use.integer(1);
    std::string_view sum = use.bytes(2);
    if (sum.size() != sizeof(hash.sum)) return failure(Code::corrupt, "a content hash is damaged");
    std::memcpy(&hash.sum, sum.data(), sizeof(hash.sum));
    contents[ObjectId(static_cast<std::uint32_t>(use.integer(0)))] = hash;
  }
}

Result<void> write_content(Connection& connection, ObjectId table, const data::ContentHash& hash) {
  return upsert_state(connection, table.value, hash.rows, sum_bytes(hash.sum));
}

Result<void> remove_content(Connection& connection, ObjectId table) {
  SPAR_ASSIGN(StatementUse use, connection.prepare("DELETE FROM spar_state WHERE id=?1"));
  use.bind_integer(1, table.value);
  return use.run();
}

Result<std::shared_ptr<const data::Catalogue>> read_catalogue(Connection& connection) {
  std::vector<Bytes> bodies;
  {
    SPAR_ASSIGN(StatementUse use, connection.prepare("SELECT body FROM spar_object ORDER BY id"));
    while (true) {
      SPAR_ASSIGN(bool row, use.step());
      if (!row) break;
      bodies.emplace_back(use.bytes(0));
    }
  }
  SPAR_ASSIGN(StatementUse use, connection.prepare("SELECT a,b FROM spar_state WHERE id=1"));
  SPAR_ASSIGN(bool row, use.step());
  if (!row) return failure(Code::corrupt, "the copy has no catalogue");
  return data::Catalogue::load(bodies, static_cast<std::uint64_t>(use.integer(0)),
                               ObjectId(static_cast<std::uint32_t>(use.integer(1))));
}

Result<void> write_catalogue(Connection& connection, const data::Catalogue& after,
                             const std::vector<data::ObjectChange>& changes) {
  for (const data::ObjectChange& change : changes) {
    SPAR_ASSIGN(
        StatementUse use,
        connection.prepare(change.body ? "INSERT OR REPLACE INTO spar_object(id,body) VALUES(?1,?2)"
                                       : "DELETE FROM spar_object WHERE id=?1"));
    use.bind_integer(1, change.id.value);
    if (change.body) use.bind_blob(2, *change.body);
    SPAR_TRY(use.run());
  }
  SPAR_ASSIGN(StatementUse use, connection.prepare("UPDATE spar_state SET a=?1,b=?2 WHERE id=1"));
  use.bind_integer(1, static_cast<std::int64_t>(after.version()));
  use.bind_integer(2, after.next_id().value);
  return use.run();
}

Result<data::ContentHash> scan_content(Connection& connection, const data::Table& table) {
  data::ContentHash hash;
  if (table.columns.empty()) {
    SPAR_ASSIGN(hash.rows, connection.integer("SELECT count(*) FROM " + table_name(table.id)));
    return hash;
  }
  SPAR_ASSIGN(StatementUse use,
              connection.prepare("SELECT " + column_list(table) + " FROM " + table_name(table.id)));
  Bytes bytes;
  data::Row row;
  while (true) {
    SPAR_ASSIGN(bool more, use.step());
    if (!more) return hash;
    row.clear();
    for (int i = 0; i < use.column_count(); ++i) row.push_back(use.column(i));
    bytes.clear();
    data::encode_row(row, bytes);
    hash.add(table.id, bytes);
  }
}

}  // namespace spar::engines::sqlite
