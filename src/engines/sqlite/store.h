// engines/sqlite/store.h: what a copy's file holds beside the tables: its position, each table's
// content hash, and the catalogue. All of it changes in the same transaction as the rows it speaks
// of.
//
// Contract    spar_state holds one row a table (rows, sum of hashes) and two rows of its own: the
//             position and the catalogue's counters. spar_object holds every catalogue object's
//             body. The format is written down in docs/formats/embedded-copy.md.
#pragma once

#include <map>
#include <memory>

#include "base/position.h"
#include "base/result.h"
#include "data/catalogue.h"
#include "data/row_codec.h"
#include "engines/sqlite/connection.h"

namespace spar::engines::sqlite {

using Contents = std::map<ObjectId, data::ContentHash>;

Result<void> make_store(Connection& connection);  // IF NOT EXISTS, position 0/0

Result<Position> read_position(Connection& connection);
Result<void> write_position(Connection& connection, const Position& position);

Result<Contents> read_contents(Connection& connection);
Result<void> write_content(Connection& connection, ObjectId table, const data::ContentHash& hash);
Result<void> remove_content(Connection& connection, ObjectId table);

Result<std::shared_ptr<const data::Catalogue>> read_catalogue(Connection& connection);
Result<void> write_catalogue(Connection& connection, const data::Catalogue& after,
                             const std::vector<data::ObjectChange>& changes);

// By reading every row: what the content hash of `table` must be.
Result<data::ContentHash> scan_content(Connection& connection, const data::Table& table);

}  // namespace spar::engines::sqlite
