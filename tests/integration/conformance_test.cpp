// Every statement of tests/conformance on an embedded cluster and on PostgreSQL 15, side by side over
// the wire: rows (NULL told from ''), column names and types, errors with SQLSTATE, position and
// hint. What PostgreSQL answers must also be what the files say it answered when they were written.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "tests/support/answers.h"
#include "tests/support/subprocess.h"
#include "tests/support/test_node.h"

namespace spar::test {
namespace {

namespace fs = std::filesystem;

const fs::path kAnswers = fs::path(SPAR_SOURCE_DIR) / "tests/conformance";

class Connection {
 public:
  explicit Connection(const app::SqlAddress& address)
      : handle_(PQconnectdb(("host=" + address.host + " port=" + address.port +
                             " dbname=" + address.database + " user=demo")
                                .c_str())) {
    PQsetNoticeProcessor(handle_, [](void*, const char*) {}, nullptr);
  }
  ~Connection() { PQfinish(handle_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool is_open() const { return PQstatus(handle_) == CONNECTION_OK; }
  std::string trouble() const { return PQerrorMessage(handle_); }
  PGresult* run(const std::string& sql) { return PQexec(handle_, sql.c_str()); }

 private:
  PGconn* handle_;
};

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

// As record.py writes it; with `whole`, nulls and the columns' names and types are told, too.
std::vector<std::string> answered(PGresult* raw, bool whole) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(raw, &PQclear);
  const ExecStatusType status = PQresultStatus(raw);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    const std::string position = field(raw, PG_DIAG_STATEMENT_POSITION);
    std::vector<std::string> lines = {field(raw, PG_DIAG_SQLSTATE) +
                                      (position.empty() ? "" : "@" + position) + " " +
                                      field(raw, PG_DIAG_MESSAGE_PRIMARY)};
    const std::string hint = field(raw, PG_DIAG_MESSAGE_HINT);
    if (!hint.empty()) lines.push_back("HINT " + hint);
    return lines;
  }
  std::vector<std::string> lines = {"OK"};
  if (whole) {
    for (int column = 0; column < PQnfields(raw); ++column) {
      lines[0] += std::string(" ") + PQfname(raw, column) + ":" +
                  std::to_string(PQftype(raw, column)) + "/" + std::to_string(PQfmod(raw, column));
    }
    lines[0] += std::string(" ") + PQcmdStatus(raw);
  }
  for (int row = 0; row < PQntuples(raw); ++row) {
    std::string line;
    for (int column = 0; column < PQnfields(raw); ++column) {
      if (column != 0) line += "|";
      const bool null = PQgetisnull(raw, row, column) != 0;
      line += null ? (whole ? "\\N" : "") : PQgetvalue(raw, row, column);
    }
    lines.push_back(line);
  }
  return lines;
}

// What is known to differ, and why. An entry that differs no more fails: it has to go.
struct Difference {
  std::string_view file, statement;  // how it begins
  std::string_view reason;
};
constexpr std::string_view kNoRegtype = "pg_typeof gives text: there is no regtype yet";
constexpr std::string_view kTypmod = "the type modifier that is told";
constexpr Difference kKnown[] = {
    {"arrays", "select pg_typeof(", kNoRegtype},
    {"json", "select pg_typeof(", kNoRegtype},
    {"numbers", "select 5::int2 + 5::int4, pg_typeof(", kNoRegtype},
    {"texts", "select pg_typeof(", kNoRegtype},
    {"arrays", "select id, tags[1], nums[2]", kTypmod},
    {"arrays", "select array[interval '1 day'", kTypmod},
    {"moments", "select interval '1 year 2 months", kTypmod},
    {"shop", "select -salary, +salary", kTypmod},
    {"writes", "insert into part values (7, 'a', true, 1000)",
     "two unique indexes are violated: which of them is named"},
};

const Difference* known_difference(const fs::path& file, const std::string& statement) {
  const auto* found = std::ranges::find_if(kKnown, [&](const Difference& one) {
    return one.file == file.stem().string() && statement.starts_with(one.statement);
  });
  return found == std::end(kKnown) ? nullptr : found;
}

std::string without_whole(std::string text) {
  return text.substr(0, text.find(' '));
}

class Conformance : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = PostgresServer::start();
    if (!started) GTEST_SKIP() << "SKIPPED: " << started.error().message;
    postgres_ = std::move(*started);
    auto node = start_process_node(directory_.path());
    ASSERT_TRUE(node) << node.error().message;
    spar_ = std::move(*node);
  }

  void create(const std::string& database) {
    for (const app::SqlAddress& at : {postgres_->address("postgres"), spar_->address("shop")}) {
      Connection connection(at);
      ASSERT_TRUE(connection.is_open()) << connection.trouble();
      ASSERT_EQ(answered(connection.run("create database " + database), false)[0], "OK");
    }
  }

  void compare(const fs::path& file) {
    const std::string name = "c_" + file.stem().string();
    create(name);
    Connection postgres(postgres_->address(name)), spar(spar_->address(name));
    ASSERT_TRUE(postgres.is_open() && spar.is_open());
    for (Connection* connection : {&postgres, &spar}) {
      ASSERT_EQ(answered(connection->run("set timezone = 'UTC'"), false)[0], "OK");
      if (file.stem() != "chinook") continue;
      ASSERT_EQ(answered(connection->run(chinook_script()), false)[0], "OK");
    }
    const std::vector<Recorded> all = recorded_answers(file);
    ASSERT_FALSE(all.empty()) << file;
    for (const Recorded& item : all) {
      const std::vector<std::string> truth = answered(postgres.run(item.statement), true);
      const std::vector<std::string> got = answered(spar.run(item.statement), true);
      ++compared_;
      const std::string where =
          file.filename().string() + ":" + std::to_string(item.line) + "\n" + item.statement;
      EXPECT_TRUE(same_answer(item.statement, plain(truth), item.answer))
          << "the file is not what PostgreSQL says: " << where << joined(truth);
      if (const Difference* known = known_difference(file, item.statement)) {
        EXPECT_FALSE(same_answer(item.statement, truth, got)) << "differs no more: " << where;
        std::cout << "SKIPPED: " << file.stem().string() << ", " << known->statement << ": "
                  << known->reason << "\n";
        continue;
      }
      EXPECT_TRUE(same_answer(item.statement, truth, got))
          << where << "PostgreSQL: " << joined(truth) << "Spar: " << joined(got);
    }
  }

  // As the files have it.
  static std::vector<std::string> plain(std::vector<std::string> lines) {
    if (!lines[0].starts_with("OK")) return lines;
    lines[0] = without_whole(lines[0]);
    for (std::size_t i = 1; i < lines.size(); ++i) {
      std::string& line = lines[i];
      for (std::size_t at = 0; (at = line.find("\\N", at)) != line.npos;) line.erase(at, 2);
    }
    return lines;
  }

  TempDirectory directory_;
  std::unique_ptr<PostgresServer> postgres_;
  std::unique_ptr<TestNode> spar_;
  int compared_ = 0;
};

TEST_F(Conformance, AnswersAsPostgres) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(kAnswers)) {
    if (entry.path().extension() == ".answers") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) compare(file);
  std::cout << compared_ << " statements of " << files.size() << " files\n";
}

}  // namespace
}  // namespace spar::test
