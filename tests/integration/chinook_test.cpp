// Point 2 of the main job: Chinook's own script through psql, what it must hold, and forty queries
// that PostgreSQL 15 answers the same.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/subprocess.h"
#include "tests/support/test_node.h"

namespace spar::test {
namespace {

constexpr const char* kTables[] = {"album",    "artist",         "customer",     "employee",
                                   "genre",    "invoice",        "invoice_line", "media_type",
                                   "playlist", "playlist_track", "track"};

std::string script() {
  const char* shared = std::getenv("SPAR_SHARED");
  return (shared == nullptr ? std::string(SPAR_SOURCE_DIR) + "/../shared" : shared) +
         std::string("/data/chinook/Chinook_PostgreSql.sql");
}

Ran load(const app::SqlAddress& address) {
  return run_program({"psql", "-X", "-q", "-h", address.host, "-p", address.port, "-U", "demo",
                      "-d", address.database, "-v", "ON_ERROR_STOP=1", "-f", script()});
}

std::vector<std::string> queries() {
  std::ifstream file(std::string(SPAR_SOURCE_DIR) + "/tests/integration/chinook_queries.sql");
  std::vector<std::string> all;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && !line.starts_with("--")) all.push_back(line);
  }
  return all;
}

std::string as_text(const app::SqlAnswer& answer) {
  std::string text = answer.ok ? "" : answer.error;
  for (const auto& row : answer.rows) {
    for (const std::string& value : row) text += value + "|";
    text += '\n';
  }
  return text;
}

class ChinookTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(script())) GTEST_SKIP() << "no Chinook script at " << script();
    if (find_program("psql").empty()) GTEST_SKIP() << "psql is not installed";
    auto started = start_process_node(directory_.path());
    ASSERT_TRUE(started) << started.error().message;
    node_ = std::move(*started);
    Ran loaded = load(node_->address("shop"));
    ASSERT_EQ(loaded.exit_code, 0) << loaded.output;
    client_ = std::make_unique<app::SqlClient>(node_->address("chinook"));
    auto connected = client_->connect();
    ASSERT_TRUE(connected) << connected.error().message;
  }

  std::string ask(const std::string& sql) { return as_text(client_->run(sql)); }

  TempDirectory directory_;
  std::unique_ptr<TestNode> node_;
  std::unique_ptr<app::SqlClient> client_;
};

TEST_F(ChinookTest, HoldsEveryRowOfTheScript) {
  std::int64_t rows = 0;
  for (const char* table : kTables) {
    auto counted = client_->run("SELECT count(*) FROM " + std::string(table));
    ASSERT_TRUE(counted.ok) << counted.error;
    rows += std::atoll(counted.rows[0][0].c_str());
  }
  EXPECT_EQ(std::size(kTables), 11u);
  EXPECT_EQ(rows, 15'607);
  EXPECT_EQ(ask("SELECT sum(unit_price*quantity) FROM invoice_line"), "2328.60|\n");
  auto same = wait_until(*node_, "equal copies", std::chrono::seconds(30), all_equal);
  EXPECT_TRUE(same) << same.error().message;
}

TEST_F(ChinookTest, EnforcesItsKeys) {
  auto sqlstate = [&](const std::string& sql) { return client_->run(sql).error.substr(0, 5); };
  EXPECT_EQ(sqlstate("INSERT INTO genre (genre_id, name) VALUES (1, 'Twice')"), "23505");
  EXPECT_EQ(sqlstate("INSERT INTO playlist_track (playlist_id, track_id) VALUES (1, 3402)"),
            "23505");
  EXPECT_EQ(sqlstate("INSERT INTO album VALUES (9999, 'Nobody''s', 99999)"), "23503");
  EXPECT_EQ(sqlstate("DELETE FROM artist WHERE artist_id = 1"), "23503");
  EXPECT_EQ(sqlstate("UPDATE track SET media_type_id = 77 WHERE track_id = 1"), "23503");
  EXPECT_EQ(sqlstate("INSERT INTO artist (artist_id) VALUES (NULL)"), "23502");
}

TEST_F(ChinookTest, AnswersAsPostgresDoes) {
  auto postgres = PostgresServer::start();
  if (!postgres) GTEST_SKIP() << postgres.error().message;
  Ran loaded = load((*postgres)->address("postgres"));
  ASSERT_EQ(loaded.exit_code, 0) << loaded.output;
  app::SqlClient reference((*postgres)->address("chinook"));
  ASSERT_TRUE(reference.connect());
  std::vector<std::string> all = queries();
  ASSERT_EQ(all.size(), 40u);
  for (const std::string& sql : all) {
    app::SqlAnswer expected = reference.run(sql);
    ASSERT_TRUE(expected.ok) << expected.error;
    EXPECT_EQ(ask(sql), as_text(expected)) << sql;
  }
}

}  // namespace
}  // namespace spar::test
