#include "changelog/record.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace spar::changelog {
namespace {

constexpr ObjectId kTable{16400};
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

Change next(ChangeReader& reader) {
  auto change = reader.next();
  EXPECT_TRUE(change && *change);
  return change && *change ? std::move(**change) : Change{};
}

Bytes all_kinds() {
  ChangeWriter writer;
  writer.insert(kTable, -1, "after");
  writer.update(kTable, kMin, kMax, "old", "new");
  writer.erase(kTable, kMax, "gone");
  writer.truncate(kTable);
  writer.catalogue({{ObjectId{1}, Bytes("body")}, {ObjectId{2}, std::nullopt}});
  writer.content(kTable, {.rows = 3, .sum = static_cast<data::UInt128>(7) << 64 | 9});
  return writer.take();
}

TEST(ChangeCodec, RowChangesRoundTrip) {
  Bytes bytes = all_kinds();
  ChangeReader reader(bytes);
  Change insert = next(reader);
  EXPECT_EQ(insert.kind, ChangeKind::insert);
  EXPECT_EQ(insert.table, kTable);
  EXPECT_EQ(insert.key, -1);
  EXPECT_EQ(insert.after, "after");
  Change update = next(reader);
  EXPECT_EQ(update.key, kMin);
  EXPECT_EQ(update.new_key, kMax);
  EXPECT_EQ(update.before, "old");
  EXPECT_EQ(update.after, "new");
  Change erase = next(reader);
  EXPECT_EQ(erase.key, kMax);
  EXPECT_EQ(erase.before, "gone");
}

TEST(ChangeCodec, OtherChangesRoundTrip) {
  Bytes bytes = all_kinds();
  ChangeReader reader(bytes);
  for (int i = 0; i < 3; ++i) next(reader);
  EXPECT_EQ(next(reader).kind, ChangeKind::truncate);
  Change catalogue = next(reader);
  ASSERT_EQ(catalogue.objects.size(), 2u);
  EXPECT_EQ(catalogue.objects[0].body, Bytes("body"));
  EXPECT_EQ(catalogue.objects[1].body, std::nullopt);
  Change content = next(reader);
  EXPECT_EQ(content.content.rows, 3);
  EXPECT_EQ(static_cast<std::uint64_t>(content.content.sum >> 64), 7u);
  auto end = reader.next();
  EXPECT_TRUE(end && !*end);
}

TEST(ChangeCodec, AnUnchangedKeyCostsOneByte) {
  ChangeWriter same, other;
  same.update(kTable, 1'000'000, 1'000'000, "a", "b");
  other.update(kTable, 1'000'000, 5'000'000, "a", "b");
  EXPECT_LT(same.bytes().size(), other.bytes().size());
}

TEST(ChangeCodec, RewindForgetsTheTail) {
  ChangeWriter writer;
  EXPECT_TRUE(writer.empty());
  writer.insert(kTable, 1, "kept");
  std::size_t mark = writer.mark();
  writer.insert(kTable, 2, "forgotten");
  writer.rewind(mark);
  Bytes bytes = writer.take();
  ChangeReader reader(bytes);
  EXPECT_EQ(next(reader).after, "kept");
  EXPECT_FALSE(reader.next().value());
}

// Decodes and encodes again: whatever decodes must be what the writer would write.
bool decodes(std::string_view bytes, Bytes& again) {
  ChangeReader reader(bytes);
  ChangeWriter writer;
  while (true) {
    auto change = reader.next();
    if (!change) {
      EXPECT_EQ(change.error().code, Code::corrupt);
      EXPECT_FALSE(reader.next());
      return false;
    }
    if (!*change) break;
    const Change& c = **change;
    if (c.kind == ChangeKind::insert) writer.insert(c.table, c.key, c.after);
    if (c.kind == ChangeKind::update) {
      writer.update(c.table, c.key, c.new_key, c.before, c.after);
    }
    if (c.kind == ChangeKind::erase) writer.erase(c.table, c.key, c.before);
    if (c.kind == ChangeKind::truncate) writer.truncate(c.table);
    if (c.kind == ChangeKind::catalogue) writer.catalogue(c.objects);
    if (c.kind == ChangeKind::content) writer.content(c.table, c.content);
  }
  again = writer.take();
  return true;
}

TEST(ChangeCodec, CutAtEveryByteDecodesOnlyAtABoundary) {
  Bytes bytes = all_kinds();
  int whole = 0;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    Bytes again;
    if (!decodes(std::string_view(bytes).substr(0, size), again)) continue;
    EXPECT_EQ(again, bytes.substr(0, size));
    ++whole;
  }
  EXPECT_EQ(whole, 7);  // nothing, and after each of the six changes
}

TEST(ChangeCodec, GarbageIsRefusedOrCanonical) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = all_kinds();
    for (int flips = static_cast<int>(random() % 4); flips >= 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    Bytes again;
    if (decodes(bytes, again)) {
      EXPECT_EQ(again, bytes) << "case " << i;
    }
  }
}

TEST(ChangeCodec, RefusesOverlongIntegersAndUnknownKinds) {
  using std::string_literals::operator""s;
  for (const Bytes& bytes : {"\x04\x81\x00"s, "\x04\xff\xff\xff\xff\x7f"s, "\x00\x01"s, "\x07\x01"s,
                             "\x05\x01\x01\x02"s, "\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,
                             "\x01\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x03\x00"s}) {
    Bytes again;
    EXPECT_FALSE(decodes(bytes, again));
  }
}

}  // namespace
}  // namespace spar::changelog
