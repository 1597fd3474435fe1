// Point 9 of the main job: what is wrong is refused with its reason, and everyone else goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "tests/support/raw_client.h"
#include "tests/support/subprocess.h"
#include "tests/support/test_node.h"

namespace spar::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

class BadInputTest : public ::testing::Test {
 protected:
  void start(const std::string& more_configuration = "") {
    auto started = start_process_node(directory_.path(), more_configuration);
    ASSERT_TRUE(started) << started.error().message;
    node_ = std::move(*started);
    address_ = node_->address("shop");
  }

  void expect_alive() {
    app::SqlClient client(address_);
    auto connected = client.connect();
    ASSERT_TRUE(connected) << connected.error().message;
    EXPECT_TRUE(client.run("SELECT 1").ok);
  }

  TempDirectory directory_;
  std::unique_ptr<TestNode> node_;
  app::SqlAddress address_;
};

// --- statements ---

struct Wrong {
  const char* sql;
  const char* sqlstate;
};

constexpr const char* kTables[] = {
    "CREATE TABLE city (id integer PRIMARY KEY, name text NOT NULL, size numeric(4,2))",
    "CREATE TABLE street (city integer REFERENCES city (id), number integer UNIQUE)",
    "INSERT INTO city VALUES (1, 'Brno', 1.5)",
    "INSERT INTO street VALUES (1, 7)",
    "CREATE TABLE weight (kg numeric PRIMARY KEY, held interval, UNIQUE (held))",
    "INSERT INTO weight VALUES (1.0, '24 hours')",
    "INSERT INTO weight VALUES (1.000, '1 hour') ON CONFLICT (kg) DO NOTHING",
    "INSERT INTO weight VALUES (2, '1 day') ON CONFLICT (held) DO UPDATE SET kg = 1.50",
    "CREATE TABLE load (kg numeric, held interval)",
    "INSERT INTO load VALUES (7.0, '1 day'), (7.00, '24 hours')",
};

constexpr Wrong kWrong[] = {
    {"SELEC 1", "42601"},
    {"SELECT FROM WHERE", "42601"},
    {"SELECT * FROM nowhere", "42P01"},
    {"SELECT * FROM nowhere.city", "42P01"},
    {"SELECT nothing FROM city", "42703"},
    {"SELECT nothing(1)", "42883"},
    {"SELECT id FROM city, city", "42712"},
    {"SELECT id, count(*) FROM city", "42803"},
    {"SELECT $1", "42P02"},
    {"INSERT INTO city VALUES (1, 'a', 1, 1)", "42601"},
    {"CREATE TABLE city (id integer)", "42P07"},
    {"DROP TABLE nowhere", "42P01"},
    {"SELECT 'x'::integer", "22P02"},
    {"SELECT 1 + true", "42883"},
    {"SELECT '2024-02-30'::date", "22008"},
    {"SELECT 2147483647 + 1", "22003"},
    {"INSERT INTO city VALUES ('x', 'y')", "22P02"},
    {"INSERT INTO city VALUES (99999999999, 'y')", "22003"},
    {"INSERT INTO city VALUES (2, 'y', 12345)", "22003"},
    {"INSERT INTO city VALUES (1, 'again')", "23505"},
    {"INSERT INTO street VALUES (1, 7)", "23505"},
    {"INSERT INTO street VALUES (5, 8)", "23503"},
    {"DELETE FROM city", "23503"},
    {"INSERT INTO city (id) VALUES (3)", "23502"},
    {"INSERT INTO weight VALUES (1.5, '1 hour')", "23505"},
    {"INSERT INTO weight VALUES (3, '1440 minutes')", "23505"},
    {"CREATE UNIQUE INDEX ON load (kg)", "23505"},
    {"ALTER TABLE load ADD UNIQUE (held)", "23505"},
    {"CREATE TABLE parcel (kg numeric REFERENCES weight (kg))", "0A000"},
    {"SELECT 1 / 0", "22012"},
    {"SELECT 1.5 / 0", "22012"},
    {"SELECT 1 % 0", "22012"},
    {"SELECT (SELECT 1 UNION ALL SELECT 2)", "21000"},
};

TEST_F(BadInputTest, StatementsAreRefusedWithTheirSqlstate) {
  ASSERT_NO_FATAL_FAILURE(start());
  app::SqlClient client(address_);
  ASSERT_TRUE(client.connect());
  for (const char* sql : kTables) {
    auto made = client.run(sql);
    ASSERT_TRUE(made.ok) << made.error;
  }
  for (const Wrong& wrong : kWrong) {
    app::SqlAnswer answer = client.run(wrong.sql);
    EXPECT_FALSE(answer.ok) << wrong.sql;
    EXPECT_EQ(answer.error.substr(0, 5), wrong.sqlstate) << answer.error;
    app::SqlAnswer after = client.run("SELECT name FROM city WHERE id = 1");
    ASSERT_TRUE(after.ok) << after.error << " after " << wrong.sql;
    EXPECT_EQ(after.rows.size(), 1u);
  }
}

std::string repeated(const std::string& first, const std::string& next, int count) {
  std::string text = first;
  text.reserve(first.size() + next.size() * static_cast<std::size_t>(count));
  for (int i = 1; i < count; ++i) text += next;
  return text;
}

TEST_F(BadInputTest, StatementsTooLargeAreRefusedAndTheSessionGoesOn) {
  ASSERT_NO_FATAL_FAILURE(start());
  app::SqlClient client(address_);
  ASSERT_TRUE(client.connect());
  auto refused = [&](const std::string& sql, const std::string& sqlstate) {
    app::SqlAnswer answer = client.run(sql);
    EXPECT_FALSE(answer.ok);
    EXPECT_EQ(answer.error.substr(0, 5), sqlstate) << answer.error.substr(0, 300);
    app::SqlAnswer after = client.run("SELECT 1");
    EXPECT_TRUE(after.ok) << after.error;
  };
  refused(repeated("SELECT 1", "+1", 80'000), "54001");
  refused("SELECT " + std::string(80'000, '(') + "1" + std::string(80'000, ')'), "54001");
  refused(repeated("VALUES (1)", ",(1)", 4'000'000), "54001");
  refused("SELECT '" + std::string(64u << 20, 'x') + "'", "54000");
}

TEST_F(BadInputTest, AnUnknownDatabaseIsRefused) {
  ASSERT_NO_FATAL_FAILURE(start());
  app::SqlClient client(node_->address("nowhere"));
  auto connected = client.connect();
  ASSERT_FALSE(connected);
  EXPECT_NE(connected.error().message.find("database \"nowhere\" does not exist"),
            std::string::npos)
      << connected.error().message;
}

// --- bytes ---

// Literals with zero bytes in them, without the last one.
template <std::size_t size>
std::string bytes_of(const char (&literal)[size]) {
  return std::string(literal, size - 1);
}

TEST_F(BadInputTest, GarbageInsteadOfAStartUpPacketHarmsNobody) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string garbage[] = {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      std::string(1000, '\0'),
      std::string(1000, '\xff'),
      bytes_of("\x00\x00\x00\x04"),
      bytes_of("\x7f\xff\xff\xff\x00\x03\x00\x00"),
      bytes_of("\x00\x00\x00\x08\x00\x09\x00\x00"),
      bytes_of("\x00\x00\x00\x0c\x00\x03\x00\x00user"),
  };
  for (const std::string& bytes : garbage) {
    RawClient client(address_);
    client.send(bytes);
    client.finish_sending();
    EXPECT_TRUE(client.wait_for_end()) << "the server keeps a connection of garbage";
  }
  expect_alive();
}

std::string whole_conversation() {
  return RawClient::start_up("demo", "shop") + RawClient::message('Q', bytes_of("SELECT 41+1\0")) +
         RawClient::message('P', bytes_of("\0SELECT 'extended'\0\0\0")) +
         RawClient::message('B', bytes_of("\0\0\0\0\0\0\0\0")) +
         RawClient::message('E', bytes_of("\0\0\0\0\0")) + RawClient::message('S', "") +
         RawClient::message('X', "");
}

TEST_F(BadInputTest, AMessageCutAtEveryByteHarmsNobody) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string all = whole_conversation();
  for (std::size_t cut = 0; cut < all.size(); ++cut) {
    RawClient client(address_);
    client.send(all.substr(0, cut));
    client.finish_sending();
    EXPECT_TRUE(client.wait_for_end()) << "cut after " << cut << " bytes";
  }
  expect_alive();
}

TEST_F(BadInputTest, AMessageInTwoPartsIsUnderstoodWhereverItIsCut) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string all = whole_conversation();
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    RawClient client(address_);
    client.send(all.substr(0, cut));
    client.send(all.substr(cut));
    ASSERT_TRUE(client.wait_for_end()) << "cut after " << cut << " bytes";
    EXPECT_NE(client.received().find("42"), std::string::npos) << "cut after " << cut;
    EXPECT_NE(client.received().find("extended"), std::string::npos) << "cut after " << cut;
  }
}

// --- login ---

struct Refusal {
  std::string message;
  double ms = 0;
};

Refusal refused_login(const app::SqlAddress& address, const std::string& user) {
  auto begun = steady_clock::now();
  std::string target = "host=" + address.host + " port=" + address.port +
                       " dbname=shop user=" + user + " password=wrong sslmode=disable";
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(target.c_str()), PQfinish);
  EXPECT_NE(PQstatus(connection.get()), CONNECTION_OK);
  Refusal refusal{PQerrorMessage(connection.get()), 0};
  refusal.ms = std::chrono::duration<double, std::milli>(steady_clock::now() - begun).count();
  return refusal;
}

double median_ms(const app::SqlAddress& address, const std::string& user) {
  std::vector<double> all;
  for (int i = 0; i < 9; ++i) all.push_back(refused_login(address, user).ms);
  std::nth_element(all.begin(), all.begin() + 4, all.end());
  return all[4];
}

TEST_F(BadInputTest, AWrongPasswordLooksLikeAnUnknownUser) {
  ASSERT_NO_FATAL_FAILURE(
      start("\n[[user]]\nname = \"somebody\"\npassword = \"env:SPAR_TEST_PASSWORD\"\n"));
  std::string known = refused_login(address_, "somebody").message;
  std::string unknown = refused_login(address_, "nonebody").message;
  EXPECT_NE(known.find("password authentication failed for user \"somebody\""), std::string::npos)
      << known;
  std::size_t at = unknown.find("nonebody");
  ASSERT_NE(at, std::string::npos) << unknown;
  EXPECT_EQ(unknown.replace(at, 8, "somebody"), known);
  double known_ms = median_ms(address_, "somebody"), unknown_ms = median_ms(address_, "nonebody");
  std::cout << "refused after " << known_ms << " ms (known), " << unknown_ms << " ms (unknown)\n";
  // Wide enough for a busy machine; a look-up that gives up early would be many times faster.
  EXPECT_LT(std::max(known_ms, unknown_ms), 3 * std::min(known_ms, unknown_ms) + 5);
}

// --- the node ---

TEST_F(BadInputTest, ASecondServerOnTheSameDataIsRefused) {
  ASSERT_NO_FATAL_FAILURE(start());
  Ran second = run_program({SPAR_PROGRAM, "serve", directory_.path() + "/spar.toml"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.output.find("another server"), std::string::npos) << second.output;
  EXPECT_NE(second.output.find("stop it first"), std::string::npos) << second.output;
  expect_alive();
}

struct Mistake {
  std::string from, to;     // replaced in the file that `spar init` makes
  std::string at, allowed;  // what the message must hold
};

TEST_F(BadInputTest, ConfigurationErrorsNameThePlaceAndWhatIsAllowed) {
  Ran made = run_program({SPAR_PROGRAM, "init", directory_.path()});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  std::string file = directory_.path() + "/spar.toml";
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  const Mistake mistakes[] = {
      {"[node]", "[node", "spar.toml:3:", "allowed: TOML 1.0"},
      {"mirrors = 1", "mirrors = 99", "spar.toml:10:11", "allowed: 0 to 2"},
      {"mirrors = 1", "mirrors = \"1\"", "spar.toml:10:11", "allowed: "},
      {"engine = \"sqlite\"", "engine = \"abacus\"", "spar.toml:15:10", "allowed: sqlite"},
      {"durability", "durabilty", "spar.toml:9:1", "allowed: name, durability"},
      {"\"mirrored\"", "\"maybe\"", "spar.toml:9:14", "mirrored-strict"},
      {"127.0.0.1:6432", "example.com:1", "spar.toml:5:19", "allowed: \"ADDRESS:PORT\""},
      {"127.0.0.1:6432", "0.0.0.0:6432", "spar.toml:5:19", "at least one [[user]]"},
      {"name = \"b\"", "name = \"a\"", "spar.toml:19:8", "a name of its own"},
  };
  for (const Mistake& mistake : mistakes) {
    std::string wrong = text.str();
    std::size_t place = wrong.find(mistake.from);
    ASSERT_NE(place, std::string::npos) << mistake.from;
    std::ofstream(file) << wrong.replace(place, mistake.from.size(), mistake.to);
    Ran ran = run_program({SPAR_PROGRAM, "serve", file});
    EXPECT_EQ(ran.exit_code, 2) << ran.output;
    EXPECT_NE(ran.output.find(mistake.at), std::string::npos) << mistake.to << ": " << ran.output;
    EXPECT_NE(ran.output.find(mistake.allowed), std::string::npos) << ran.output;
  }
}

}  // namespace
}  // namespace spar::test

int main(int argc, char** argv) {
  ::setenv("SPAR_TEST_PASSWORD", "correct horse", 1);  // before any thread; the server inherits it
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
