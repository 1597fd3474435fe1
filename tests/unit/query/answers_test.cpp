// What PostgreSQL 15 answered to the statements of tests/conformance is what parse, analyze, the
// rendered SQL and the registered functions answer on SQLite. conformance_test asks both servers.
#include "tests/support/answers.h"

#include <gtest/gtest.h>

#include "tests/unit/query/support/mini_server.h"

namespace spar::query::test {
namespace {

namespace fs = std::filesystem;
using spar::test::chinook_script;
using spar::test::joined;
using spar::test::Recorded;
using spar::test::recorded_answers;

std::vector<fs::path> files() {
  const fs::path folder =
      fs::path(__FILE__).parent_path().parent_path().parent_path() / "conformance";
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {  // what lies deeper needs a session
    if (entry.path().extension() == ".answers") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

std::vector<std::string> answered(const Result<Answer>& result) {
  std::vector<std::string> lines;
  if (result) {
    std::stringstream stream(shown(*result));
    lines.emplace_back("OK");
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }
  lines.push_back(outcome(result));
  if (!result.error().hint.empty()) lines.push_back("HINT " + result.error().hint);
  return lines;
}

bool agree(const Recorded& wanted, const std::vector<std::string>& got) {
  if (wanted.answer.front().starts_with(
          "23")) {  // constraint violations get their text in engines/
    return got.front().substr(0, 5) == wanted.answer.front().substr(0, 5);
  }
  return spar::test::same_answer(wanted.statement, wanted.answer, got);
}

class Answers : public ::testing::TestWithParam<fs::path> {};

TEST_P(Answers, AreThoseOfPostgres) {
  MiniServer server;
  if (GetParam().stem() == "chinook") {
    const std::string script = chinook_script();
    if (script.empty()) GTEST_SKIP() << "SKIPPED: no Chinook script";
    const Result<Answer> loaded = server.run(script);
    ASSERT_TRUE(loaded) << outcome(loaded);
    EXPECT_EQ(server.catalogue().tables().size(), 11u);
  }
  const std::vector<Recorded> all = recorded_answers(GetParam());
  ASSERT_FALSE(all.empty());
  for (const Recorded& item : all) {
    const std::vector<std::string> got = answered(server.run(item.statement));
    EXPECT_TRUE(agree(item, got)) << GetParam().filename().string() << ":" << item.line << "\n"
                                  << item.statement << "PostgreSQL: " << joined(item.answer)
                                  << "Spar: " << joined(got);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Answers, ::testing::ValuesIn(files()),
                         [](const auto& file) { return file.param.stem().string(); });

}  // namespace
}  // namespace spar::query::test
