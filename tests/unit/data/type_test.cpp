#include "data/type.h"

#include <gtest/gtest.h>

namespace spar::data {
namespace {

TEST(Type, NamesAreWhatFormatTypeGives) {
  EXPECT_EQ(type_name({TypeId::int4, -1}), "integer");
  EXPECT_EQ(type_name({TypeId::varchar, 44}), "character varying(40)");
  EXPECT_EQ(type_name({TypeId::bpchar, 5}), "character(1)");
  EXPECT_EQ(type_name(numeric_type(10, 2)), "numeric(10,2)");
  EXPECT_EQ(type_name({TypeId::timestamptz, 3}), "timestamp(3) with time zone");
  EXPECT_EQ(type_name({TypeId::time, -1}), "time without time zone");
  EXPECT_EQ(type_name({TypeId::character, -1}), "\"char\"");
}

TEST(Type, NumericTypmodsAreTheOnesOfPostgreSQL) {
  EXPECT_EQ(numeric_type(10, 2).typmod, 655366);
  EXPECT_EQ(numeric_type(3, -2).typmod, 198658);
  EXPECT_EQ(numeric_shape(numeric_type(3, -2))->scale, -2);
  EXPECT_FALSE(numeric_shape({TypeId::numeric, -1}));
}

TEST(Type, FormsFollowPrecision) {
  EXPECT_EQ(form_of(numeric_type(18, 18)), Form::integer);
  EXPECT_EQ(form_of(numeric_type(19, 2)), Form::blob);
  EXPECT_EQ(form_of(numeric_type(5, 19)), Form::blob);
  EXPECT_EQ(form_of({TypeId::numeric, -1}), Form::blob);
  EXPECT_EQ(form_of({TypeId::interval, -1}), Form::blob);
  EXPECT_EQ(form_of({TypeId::bpchar, -1}), Form::text);
  EXPECT_EQ(form_of({TypeId::float4, -1}), Form::real);
}

TEST(Type, SpellingsFindTheirType) {
  EXPECT_EQ(type_by_name("character varying"), TypeId::varchar);
  EXPECT_EQ(type_by_name("int"), TypeId::int4);
  EXPECT_EQ(type_by_name("timestamp with time zone"), TypeId::timestamptz);
  EXPECT_FALSE(type_by_name("money"));
}

}  // namespace
}  // namespace spar::data
