#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include "engines/sqlite/capture.h"

#include <sqlite3.h>

#include <charconv>
#include <cstring>

#include "base/assert.h"
#include "engines/sqlite/connection.h"

namespace spar::engines::sqlite {
namespace {

// t<id> -> id; 0 for the copy's own tables.
std::uint32_t table_id(const char* name) {
  if (name[0] != 't') return 0;
  std::uint32_t id = 0;
  const char* end = name + std::strlen(name);
  auto parsed = std::from_chars(name + 1, end, id);
  return parsed.ec == std::errc() && parsed.ptr == end ? id : 0;
}

void hook(void* context, sqlite3*, int operation, const char*, const char* table,
          sqlite3_int64 old_key, sqlite3_int64 new_key) {
  static_cast<Capture*>(context)->on_change(operation, table, old_key, new_key);
}

}  // namespace

void Capture::start() {
  sqlite3_preupdate_hook(db_, hook, this);
  active_ = true;
}

void Capture::stop() {
  if (active_) sqlite3_preupdate_hook(db_, nullptr, nullptr);
  active_ = false;
}

void Capture::clear() {
  changes_.clear();
}

void Capture::encode_row(bool new_values, Bytes& out) {
  out.clear();
  int columns = sqlite3_preupdate_count(db_);
  for (int i = 0; i < columns; ++i) {
    sqlite3_value* value = nullptr;
    int code =
        new_values ? sqlite3_preupdate_new(db_, i, &value) : sqlite3_preupdate_old(db_, i, &value);
    if (code != SQLITE_OK || value == nullptr) {
      data::encode_datum(std::monostate{}, out);
      continue;
    }
    data::encode_datum(datum_of(value), out);
  }
}

void Capture::on_change(int operation, const char* table, std::int64_t old_key,
                        std::int64_t new_key) {
  std::uint32_t id = table_id(table);
  if (id == 0) return;
  ObjectId object(id);
  if (operation == SQLITE_INSERT) {
    encode_row(true, after_);
    changes_.insert(object, new_key, after_);
  } else if (operation == SQLITE_DELETE) {
    encode_row(false, before_);
    changes_.erase(object, old_key, before_);
  } else {
    encode_row(false, before_);
    encode_row(true, after_);
    changes_.update(object, old_key, new_key, before_, after_);
  }
}

Result<std::map<ObjectId, data::ContentHash>> contents_after(
    std::string_view changes, const std::map<ObjectId, data::ContentHash>& contents) {
  std::map<ObjectId, data::ContentHash> touched;
  auto current = [&](ObjectId table) -> data::ContentHash& {
    auto [it, fresh] = touched.try_emplace(table);
    if (fresh) {
      auto known = contents.find(table);
      if (known != contents.end()) it->second = known->second;
    }
    return it->second;
  };
  changelog::ChangeReader reader(changes);
  while (true) {
    SPAR_ASSIGN(std::optional<changelog::Change> change, reader.next());
    if (!change) return touched;
    switch (change->kind) {
      case changelog::ChangeKind::insert:
        current(change->table).add(change->table, change->after);
        break;
      case changelog::ChangeKind::erase:
        current(change->table).remove(change->table, change->before);
        break;
      case changelog::ChangeKind::update: {
        data::ContentHash& hash = current(change->table);
        hash.remove(change->table, change->before);
        hash.add(change->table, change->after);
        break;
      }
      case changelog::ChangeKind::truncate:
        current(change->table) = {};
        break;
      case changelog::ChangeKind::content:
        current(change->table) = change->content;
        break;
      case changelog::ChangeKind::catalogue:
        break;
    }
  }
}

}  // namespace spar::engines::sqlite
