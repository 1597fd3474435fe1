#include "server/password.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/temp_directory.h"

namespace spar::server {
namespace {

constexpr const char* kSecret = "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy";

UserConfig user(const std::string& text) {
  return {"app", classify_password(text)};
}

TEST(Password, PlainAndScramStandForThemselves) {
  EXPECT_EQ(resolve_password(user("x y"))->kind, Password::Kind::plain);
  EXPECT_EQ(resolve_password(user(kSecret))->kind, Password::Kind::scram);
}

TEST(Password, ScramNeedsAllItsParts) {
  EXPECT_TRUE(is_usable(classify_password(kSecret)));
  for (const char* text : {"SCRAM-SHA-256$", "SCRAM-SHA-256$4096:a$b", "SCRAM-SHA-256$x:a$b:c",
                           "SCRAM-SHA-256$4096:a$b:", "SCRAM-SHA-256$4096:$b:c"}) {
    EXPECT_FALSE(is_usable(classify_password(text))) << text;
  }
}

TEST(Password, ComesFromTheEnvironment) {
  ::setenv("SPAR_TEST_PASSWORD", kSecret, 1);
  EXPECT_EQ(resolve_password(user("env:SPAR_TEST_PASSWORD"))->kind, Password::Kind::scram);
  ::unsetenv("SPAR_TEST_PASSWORD");
  auto missing = resolve_password(user("env:SPAR_TEST_PASSWORD"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::invalid);
}

TEST(Password, ComesFromAFileWithoutItsNewline) {
  test::TempDirectory directory;
  std::ofstream(directory / "secret") << "open sesame\n";
  EXPECT_EQ(resolve_password(user("file:" + (directory / "secret")))->value, "open sesame");
  EXPECT_EQ(resolve_password(user("file:" + (directory / "none"))).error().code, Code::io);
}

}  // namespace
}  // namespace spar::server
