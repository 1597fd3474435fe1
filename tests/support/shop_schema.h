// tests/support/shop_schema.h: a small schema made by hand, for tests below the SQL front end.
#pragma once

#include "data/catalogue.h"
#include "query/statement.h"

namespace spar::test {

inline constexpr ObjectId kDatabase{16384};
inline constexpr ObjectId kAccounts{16385};  // (id int4 primary key, balance int8 not null)
inline constexpr ObjectId kPayments{
    16386};  // (account int4 references accounts, amount int8), no key

inline data::Table accounts_table() {
  data::Table table;
  table.id = kAccounts;
  table.database = kDatabase;
  table.name = "accounts";
  table.columns = {{1, "id", {data::TypeId::int4, -1}, true, {}},
                   {2, "balance", {data::TypeId::int8, -1}, true, {}}};
  table.keys = {{ObjectId(16390), "accounts_pkey", true, {1}}};
  table.identity_column = 1;
  return table;
}

inline data::Table payments_table() {
  data::Table table;
  table.id = kPayments;
  table.database = kDatabase;
  table.name = "payments";
  table.columns = {{1, "account", {data::TypeId::int4, -1}, false, {}},
                   {2, "amount", {data::TypeId::int8, -1}, false, {}}};
  data::ForeignKey key;
  key.id = ObjectId(16391);
  key.name = "payments_account_fkey";
  key.columns = {1};
  key.parent = kAccounts;
  key.parent_columns = {1};
  table.foreign_keys = {key};
  return table;
}

inline std::vector<data::ObjectChange> shop_schema() {
  return {data::put_object(data::Database{kDatabase, "shop"}), data::put_object(accounts_table()),
          data::put_object(payments_table())};
}

inline query::Plan plan(query::PlanKind kind, std::string sql) {
  query::Plan made;
  made.kind = kind;
  made.sql = std::move(sql);
  return made;
}

inline query::Plan insert_account() {
  return plan(query::PlanKind::insert, "INSERT INTO t16385(c1,c2) VALUES(?1,?2)");
}
inline query::Plan insert_payment() {
  return plan(query::PlanKind::insert, "INSERT INTO t16386(c1,c2) VALUES(?1,?2)");
}
inline query::Plan add_to_balance() {
  return plan(query::PlanKind::update, "UPDATE t16385 SET c2=c2+?2 WHERE c1=?1");
}
inline query::Plan read_balance() {
  query::Plan made = plan(query::PlanKind::select, "SELECT c2 FROM t16385 WHERE c1=?1");
  made.output = {{"balance", {data::TypeId::int8, -1}, kAccounts, 2}};
  return made;
}

}  // namespace spar::test
