#include "gateway/relay/returned_rows.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/client_bytes.h"

namespace spar::gateway::relay {
namespace {

using test::be16;
using test::be32;
using test::text;

std::string column(std::string_view name, std::uint32_t type, std::uint16_t format) {
  return text(name) + be32(0) + be16(0) + be32(type) + be16(8) + be32(0) + be16(format);
}
std::string value(std::string_view bytes) {
  return be32(static_cast<std::uint32_t>(bytes.size())) + std::string(bytes);
}

// "INSERT|a=1,b=NULL|a=2,b=x", whatever the statement.
std::optional<std::string> told(std::string_view sql, std::span<const std::string> names,
                                const ReturnedValues& rows) {
  std::string out(sql);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      out += (i == 0 ? "|" : ",") + names[i] + "=" + row[i].value_or("NULL");
    }
  }
  return out;
}

TEST(ReturnedRows, AreTextAlsoFromBinaryIntegers) {
  ReturnedRows rows(std::string_view("INSERT\0\0\1types", 14));
  rows.describe(be16(3) + column("a", 20, 1) + column("b", 23, 1) + column("c", 25, 0));
  rows.add(be16(3) + value(be32(0xffffffff) + be32(0xfffffffe)) + value(be32(7)) + value("x"));
  rows.add(be16(3) + value(be32(0) + be32(5)) + be32(0xffffffff) + value(""));
  EXPECT_EQ(rows.explicit_body(told), std::nullopt) << "not finished";
  rows.finish();
  EXPECT_EQ(rows.explicit_body(told),
            std::string("INSERT|a=-2,b=7,c=x|a=5,b=NULL,c=") + std::string("\0\0\1types", 8));
  EXPECT_EQ(rows.explicit_body(nullptr), std::nullopt);
}

TEST(ReturnedRows, FollowTheFormatsOfTheBind) {
  const std::string bind = text("") + text("s") + be16(1) + be16(1) + be16(2) + value("1234") +
                           be32(0xffffffff) + be16(1) + be16(1);
  ASSERT_EQ(result_formats(bind), std::vector<std::uint16_t>({1}));
  EXPECT_EQ(result_formats(bind.substr(0, bind.size() - 1)), std::nullopt);
  ReturnedRows rows("INSERT");
  rows.use_formats(*result_formats(bind));
  rows.describe(be16(1) + column("a", 21, 0));  // of the statement: it knows no formats
  rows.add(be16(1) + value(be16(300)));
  rows.finish();
  EXPECT_EQ(rows.explicit_body(told), "INSERT|a=300");
}

TEST(ReturnedRows, GiveUpWhatTheyCannotRead) {
  for (const std::string& row :
       {be16(1) + value("12345678"), be16(2) + value("x") + value("y"), be16(1) + be32(9)}) {
    ReturnedRows rows("INSERT");
    rows.describe(be16(1) + column("a", 1114, 1));
    rows.add(row);
    rows.finish();
    EXPECT_EQ(rows.explicit_body(told), std::nullopt);
  }
  ReturnedRows undescribed("INSERT");
  undescribed.add(be16(1) + value("x"));
  undescribed.finish();
  EXPECT_EQ(undescribed.explicit_body(told), std::nullopt);
}

}  // namespace
}  // namespace spar::gateway::relay
