// psql says through Spar what it says directly on the primary, byte for byte: our own scripts in
// regress/, and PostgreSQL's regression suite where its files are.
//
// Both run as the superuser on fresh databases of the same server. Left out of ours: what names
// processes, transactions or times, and pg_prepared_statements, which shows Spar's statements too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "tests/support/client_cluster.h"

namespace spar::test {
namespace {

namespace fs = std::filesystem;

const std::string kSources = SPAR_SOURCE_DIR "/tests/integration";
// Debian's packages have no part of the suite but its program; a directory with sql/, say of a
// source tree, can be named.
constexpr const char* kSuiteVariable = "SPAR_POSTGRES_REGRESS";
constexpr const char* kInstalledSuite = "/usr/lib/postgresql/15/lib/pgxs/src/test/regress";

// They make tablespaces, which are directories on one server.
const std::set<std::string> kLeftOut = {"test_setup", "tablespace"};

std::vector<std::string> scripts_in(const std::string& directory) {
  std::vector<std::string> names;
  if (!fs::exists(directory)) return names;
  for (const auto& file : fs::directory_iterator(directory)) {
    if (file.path().extension() == ".sql") names.push_back(file.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

// One cluster for all scripts.
ClientCluster& cluster() {
  static std::unique_ptr<ClientCluster> made = std::make_unique<ClientCluster>();
  static const bool ends = std::atexit([] { made.reset(); }) == 0;
  (void)ends;
  return *made;
}

class ServerRegress : public ::testing::TestWithParam<std::string> {};

TEST_P(ServerRegress, SaysTheSameThroughSpar) {
  if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  const std::string found = cluster().difference_in("regress_" + GetParam(),
                                                    kSources + "/regress/" + GetParam() + ".sql");
  EXPECT_TRUE(found.empty()) << found;
}

INSTANTIATE_TEST_SUITE_P(Scripts, ServerRegress,
                         ::testing::ValuesIn(scripts_in(kSources + "/regress")),
                         [](const auto& script) { return script.param; });

// PostgreSQL's own suite. Each script gets a copy of the database that test_setup makes; it counts
// when it says the same twice directly.
class PostgresSuite {
 public:
  explicit PostgresSuite(std::string directory) : sql_(std::move(directory) + "/sql/") {
    cluster().make_database(kTemplate);
    (void)cluster().run_script(cluster().direct(kTemplate), setup());
    const Ran filled =
        cluster().psql(cluster().direct(kTemplate), {"-q", "-f", kSources + "/postgres_suite.sql"});
    if (filled.exit_code != 0) throw std::runtime_error(filled.output);
  }
  std::string direct(const std::string& name) {
    renew();
    return cluster().run_script(cluster().direct(kDatabase), sql_ + name + ".sql");
  }
  std::string through(const std::string& name) {
    renew();
    return cluster().run_script(cluster().through(kDatabase), sql_ + name + ".sql");
  }

 private:
  static constexpr const char* kTemplate = "suite";
  static constexpr const char* kDatabase = "regression";

  // Without a tablespace inside of the data: a rewind cannot deal with one.
  std::string setup() {
    const std::string path = cluster().directory() + "/test_setup.sql";
    std::ifstream in(sql_ + "test_setup.sql");
    std::ofstream out(path);
    for (std::string line; std::getline(in, line);) {
      if (!line.contains("TABLESPACE")) out << line << '\n';
    }
    return path;
  }
  // What the last script left to others goes too.
  void renew() {
    cluster().run_directly("drop database if exists regression with (force)");
    cluster().run_directly(
        "do $$ declare r name; begin for r in select rolname from pg_roles where rolname ~ "
        "'^(regress|test_)' loop execute format('drop owned by %I', r); execute format('drop role "
        "%I', r); end loop; end $$");
    cluster().run_directly("create database regression template suite");
  }

  std::string sql_;
};

TEST(PostgresRegress, SaysTheSameThroughSpar) {
  if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  const char* named = std::getenv(kSuiteVariable);
  const std::string directory = named == nullptr ? kInstalledSuite : named;
  const std::vector<std::string> names = scripts_in(directory + "/sql");
  if (names.empty()) {
    GTEST_SKIP() << "PostgreSQL's regression scripts are not in " << directory << "/sql; "
                 << kSuiteVariable << " names a directory that has them";
  }
  const char* only = std::getenv("SPAR_ONLY");
  PostgresSuite suite(directory);
  int equal = 0, restless = 0;
  for (const std::string& name : names) {
    if (kLeftOut.contains(name) || (only != nullptr && name != only)) continue;
    const std::string expected = suite.direct(name);
    std::string found = cluster().difference(expected, suite.through(name));
    // Once more: the script itself may say something else each time.
    if (!found.empty() && suite.direct(name) != expected) {
      std::cout << "varies by itself: " << name << std::endl;
      ++restless;
      continue;
    }
    equal += static_cast<int>(found.empty());
    EXPECT_TRUE(found.empty()) << name << ":\n" << found.substr(0, 6000);
  }
  std::cout << equal << " of " << names.size() - kLeftOut.size() << " scripts are equal, "
            << restless << " vary by themselves\n";
}

}  // namespace
}  // namespace spar::test
