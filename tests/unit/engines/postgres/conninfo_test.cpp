#include "engines/postgres/conninfo.h"

#include <gtest/gtest.h>

#include "engines/postgres/lsn.h"
#include "engines/postgres/server_control.h"

namespace spar::engines::postgres {
namespace {

TEST(Conninfo, AnyValueComesBackAsItWas) {
  for (const char* value :
       {"simple", "with space", "it's", R"(back\slash)", R"(\')", "= , \"", "'"}) {
    Conninfo info;
    info.set("host", "127.0.0.1");
    info.set("password", value);
    auto again = Conninfo::parse(info.text());
    ASSERT_TRUE(again) << value;
    EXPECT_EQ(again->get("password"), value);
    EXPECT_EQ(again->get("host"), "127.0.0.1");
    auto shown = Conninfo::parse(info.without_password());
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->get("password"), "");
  }
}

TEST(Conninfo, SetReplacesAndAnEmptyValueRemoves) {
  Conninfo info = Conninfo::parse("host=a port=1").value();
  info.set("port", "2");
  info.set("host", "");
  EXPECT_EQ(info.text(), "port='2'");
  EXPECT_EQ(Conninfo::parse("postgresql://u@h:7/d")->get("port"), "7");
}

TEST(Conninfo, AnErrorRepeatsNothing) {
  auto wrong = Conninfo::parse("host=a secret password=other");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::invalid);
  EXPECT_EQ((wrong.error().message + wrong.error().detail).find("secret"), std::string::npos);
}

TEST(Lsn, TextAndNumberAreTheSame) {
  EXPECT_EQ(parse_lsn("16/B374D848"), Lsn(0x16B374D848));
  EXPECT_EQ(to_string(Lsn(0x16B374D848)), "16/B374D848");
  EXPECT_EQ(to_string(Lsn(0)), "0/0");
  EXPECT_EQ(parse_lsn("FFFFFFFF/FFFFFFFF"), Lsn(~std::uint64_t{0}));
  EXPECT_EQ(to_string(Lsn(~std::uint64_t{0})), "FFFFFFFF/FFFFFFFF");
  for (const char* bad :
       {"", "/", "1/", "/1", "1", "1/2/3", "-1/0", "0/-1", "123456789/0", "x/1", "1/ 2"}) {
    EXPECT_FALSE(parse_lsn(bad)) << bad;
  }
}

TEST(SynchronousNames, AreQuotedAndCounted) {
  EXPECT_EQ(synchronous_names({"b", "two words", "a\"b"}, 2).value(),
            R"(ANY 2 ("b", "two words", "a""b"))");
  EXPECT_EQ(synchronous_names({}, 0).value(), "");
  EXPECT_EQ(synchronous_names({"b"}, 2).error().code, Code::invalid);
  EXPECT_EQ(synchronous_names({"b"}, 0).error().code, Code::invalid);
}

TEST(SlotNames, AreOursAndValid) {
  EXPECT_EQ(slot_name(CopyId(7)), "spar_7");
}

}  // namespace
}  // namespace spar::engines::postgres
