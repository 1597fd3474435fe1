#include "data/catalogue.h"

#include <gtest/gtest.h>

namespace spar::data {
namespace {

constexpr ObjectId kShop{16384};

Table orders(ObjectId id, std::string name) {
  Table table;
  table.id = id;
  table.database = kShop;
  table.name = std::move(name);
  table.columns = {{1, "id", {TypeId::int4, -1}, true, std::nullopt},
                   {3, "total", numeric_type(10, 2), false, "0.00"}};
  table.keys = {{ObjectId{id.value + 1}, "pk", true, {1}}};
  table.foreign_keys = {{ObjectId{id.value + 2},
                         "fk",
                         {3},
                         id,
                         {1},
                         ReferentialAction::cascade,
                         ReferentialAction::set_default,
                         true,
                         false}};
  table.checks = {{ObjectId{id.value + 3}, "positive", "total > 0"}};
  table.indexes = {{ObjectId{id.value + 4}, "by_total", false, {{3, true}}}};
  table.identity_column = 1;
  return table;
}

std::shared_ptr<const Catalogue> with(const std::vector<Object>& objects) {
  std::vector<ObjectChange> changes;
  for (const Object& object : objects) changes.push_back(put_object(object));
  auto after = Catalogue().apply(changes);
  EXPECT_TRUE(after);
  return after ? *after : nullptr;
}

TEST(Catalogue, ObjectsRoundTrip) {
  const Bytes bytes = encode_object(orders(ObjectId{16400}, "orders"));
  auto object = decode_object(bytes);
  ASSERT_TRUE(object);
  EXPECT_EQ(encode_object(*object), bytes);
  const auto& table = std::get<Table>(*object);
  EXPECT_EQ(table.columns[1].type, numeric_type(10, 2));
  EXPECT_EQ(table.columns[1].default_sql, "0.00");
  EXPECT_EQ(table.foreign_keys[0].on_update, ReferentialAction::set_default);
  EXPECT_TRUE(table.foreign_keys[0].deferrable);
  EXPECT_TRUE(table.indexes[0].columns[0].descending);
  EXPECT_EQ(table.identity_column, 1);
}

// As the first version wrote it: without what came later.
TEST(Catalogue, ReadsTheFirstVersion) {
  Bytes bytes("\x01\x02", 2);
  ByteWriter out(bytes);
  out.le(std::uint32_t{16400});
  out.le(std::uint32_t{16384});
  out.sized("public");
  out.sized("old");
  out.varint(1);  // column
  out.le(std::int16_t{4});
  out.sized("id");
  out.le(static_cast<std::uint32_t>(TypeId::int4));
  out.le(std::int32_t{-1});
  out.le(std::uint8_t{1});
  out.le(std::uint8_t{0});
  for (int list = 0; list < 4; ++list) out.varint(0);
  out.le(std::uint8_t{1});
  out.le(std::int16_t{4});
  auto object = decode_object(bytes);
  ASSERT_TRUE(object) << object.error().message;
  const auto& table = std::get<Table>(*object);
  EXPECT_EQ(table.name, "old");
  EXPECT_EQ(table.identity_column, 4);
  EXPECT_TRUE(table.is_plain());
  EXPECT_EQ(table.next_number(), 5);
}

TEST(Catalogue, SequencesViewsAndSchemasRoundTrip) {
  Table table = orders(ObjectId{16400}, "s");
  table.sequence = Sequence{{TypeId::int4, -1}, 5, -7, 70, -2, 3, true, ObjectId{16384}, 2};
  table.view = View{"SELECT 1", {ObjectId{16385}}, {"app", "public"}, true};
  table.comments = {{3, "a column"}};
  table.last_number = 9;
  table.columns[0].identity = Identity::by_default;
  table.columns[0].sequence = ObjectId{16410};
  table.columns[1].generated_sql = "id + 1";
  table.indexes[0].predicate_sql = "id > 1";
  const Bytes bytes = encode_object(table);
  auto object = decode_object(bytes);
  ASSERT_TRUE(object);
  EXPECT_EQ(encode_object(*object), bytes);
  const auto& read = std::get<Table>(*object);
  EXPECT_EQ(read.sequence->minimum, -7);
  EXPECT_EQ(read.view->search_path.size(), 2u);
  EXPECT_EQ(read.next_number(), 10);
  const auto catalogue = with({Schema{ObjectId{16420}, kShop, "app"}});
  EXPECT_TRUE(catalogue->has_schema(kShop, "app"));
  EXPECT_FALSE(catalogue->has_schema(kShop, "nope"));
}

TEST(Catalogue, DamagedObjectsAreRefused) {
  const Bytes bytes = encode_object(orders(ObjectId{16400}, "orders"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_object(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_object(bytes + "x"));
  for (std::size_t at = 0; at < bytes.size(); ++at) {  // no byte makes it crash
    Bytes damaged = bytes;
    damaged[at] = static_cast<char>(0xff);
    auto object = decode_object(damaged);
    if (object) {
      EXPECT_EQ(encode_object(*object), damaged) << at;
    }
  }
}

TEST(Catalogue, FindsByNameAndId) {
  auto catalogue = with({Database{kShop, "shop"}, orders(ObjectId{16400}, "orders")});
  EXPECT_EQ(catalogue->database("shop")->id, kShop);
  EXPECT_EQ(catalogue->database("Shop"), nullptr);
  EXPECT_EQ(catalogue->table(kShop, "public", "orders")->id, ObjectId{16400});
  EXPECT_EQ(catalogue->table(kShop, "other", "orders"), nullptr);
  EXPECT_EQ(catalogue->table(ObjectId{1}), nullptr);
  const Table* table = catalogue->table(ObjectId{16400});
  EXPECT_EQ(table->column("total")->number, 3);
  EXPECT_EQ(table->column(ColumnNumber{2}), nullptr);
  EXPECT_EQ(table->primary_key()->name, "pk");
  EXPECT_EQ(catalogue->referencing(ObjectId{16400}), std::vector<const Table*>{table});
}

TEST(Catalogue, ApplyMakesAnotherOne) {
  auto before = with({Database{kShop, "shop"}, orders(ObjectId{16400}, "orders")});
  auto after = before->apply({{ObjectId{16400}, std::nullopt}});
  ASSERT_TRUE(after);
  EXPECT_EQ((*after)->version(), before->version() + 1);
  EXPECT_EQ((*after)->table(kShop, "public", "orders"), nullptr);
  EXPECT_NE(before->table(kShop, "public", "orders"), nullptr);
  EXPECT_EQ((*after)->next_id(), ObjectId{16405});  // parts of dropped objects count too
}

TEST(Catalogue, TablesMaySwapNames) {
  auto before = with({orders(ObjectId{16400}, "a"), orders(ObjectId{16500}, "b")});
  auto after = before->apply(
      {put_object(orders(ObjectId{16500}, "a")), put_object(orders(ObjectId{16400}, "b"))});
  ASSERT_TRUE(after);
  EXPECT_EQ((*after)->table(kShop, "public", "a")->id, ObjectId{16500});
  EXPECT_EQ((*after)->table(kShop, "public", "b")->id, ObjectId{16400});
}

TEST(Catalogue, ApplyRefusesForeignBodies) {
  auto before = with({Database{kShop, "shop"}});
  auto other_id = before->apply({{ObjectId{5}, encode_object(Database{kShop, "shop"})}});
  ASSERT_FALSE(other_id);
  EXPECT_EQ(other_id.error().code, Code::corrupt);
  EXPECT_FALSE(before->apply({{ObjectId{5}, Bytes("noise")}}));
}

TEST(Catalogue, LoadKeepsTheCounters) {
  auto loaded =
      Catalogue::load({encode_object(orders(ObjectId{16400}, "orders"))}, 7, ObjectId{17000});
  ASSERT_TRUE(loaded);
  EXPECT_EQ((*loaded)->version(), 7u);
  EXPECT_EQ((*loaded)->next_id(), ObjectId{17000});
  EXPECT_NE((*loaded)->table(kShop, "public", "orders"), nullptr);
}

}  // namespace
}  // namespace spar::data
