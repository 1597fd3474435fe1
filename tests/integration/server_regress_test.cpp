// psql says through Spar what it says directly on the primary, byte for byte: our own scripts in
// regress/, and PostgreSQL's regression suite where its files are.
//
// Both run as the superuser on fresh databases of the same server. Left out of ours: what names
// processes, transactions or times, and pg_prepared_statements, which shows Spar's statements too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
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

// Run first; directories on one server; a subscription that outlives its database's script.
const std::set<std::string> kLeftOut = {"test_setup", "tablespace", "subscription"};

// They look at what sessions share through Spar: pg_prepared_statements and a library that another
// session has loaded (guc), pg_cursors (portals), a server process and its counters (stats, temp).
const std::set<std::string> kDiffers = {"guc", "portals", "stats", "temp"};

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

// PostgreSQL's own suite, its scripts one after the other in one database.
class PostgresSuite {
 public:
  using Answers = std::map<std::string, std::string>;

  PostgresSuite(std::string directory, std::vector<std::string> names)
      : sql_(std::move(directory) + "/sql/"), names_(std::move(names)) {}

  Answers answers(bool through) {
    renew();
    Answers all;
    for (const std::string& name : names_) {
      if (kLeftOut.contains(name)) continue;
      all[name] =
          cluster().run_script(through ? cluster().through(kDatabase) : cluster().direct(kDatabase),
                               sql_ + name + ".sql");
    }
    return all;
  }

 private:
  static constexpr const char* kDatabase = "regression";

  // What was left to others goes too.
  void renew() {
    cluster().run_directly("drop database if exists regression with (force)");
    cluster().run_directly(
        "do $$ declare r name; begin for r in select rolname from pg_roles where rolname ~ "
        "'^(regress|test_)' loop execute format('drop owned by %I', r); execute format('drop role "
        "%I', r); end loop; end $$");
    cluster().make_database(kDatabase);
    (void)cluster().run_script(cluster().direct(kDatabase), setup());
    const Ran filled =
        cluster().psql(cluster().direct(kDatabase), {"-q", "-f", kSources + "/postgres_suite.sql"});
    if (filled.exit_code != 0) throw std::runtime_error(filled.output);
  }
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

  std::string sql_;
  std::vector<std::string> names_;
};

TEST(PostgresRegress, SaysTheSameThroughSpar) {
  if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  const char* named = std::getenv(kSuiteVariable);
  const std::string directory = named == nullptr ? kInstalledSuite : named;
  std::vector<std::string> names = scripts_in(directory + "/sql");
  if (names.empty()) {
    GTEST_SKIP() << "PostgreSQL's regression scripts are not in " << directory << "/sql; "
                 << kSuiteVariable << " names a directory that has them";
  }
  if (const char* only = std::getenv("SPAR_ONLY")) names = {only};
  PostgresSuite suite(directory, names);
  // Twice: what a script says may be something else each time.
  PostgresSuite::Answers direct = suite.answers(false), again = suite.answers(false);
  PostgresSuite::Answers through = suite.answers(true);
  std::string restless;
  int equal = 0;
  for (const auto& [name, expected] : direct) {
    if (expected != again[name]) {
      restless += " " + name;
      continue;
    }
    const std::string found = cluster().difference(expected, through[name]);
    equal += static_cast<int>(found.empty());
    if (kDiffers.contains(name)) continue;
    EXPECT_TRUE(found.empty()) << name << ":\n" << found.substr(0, 6000);
  }
  std::cout << equal << " of " << direct.size()
            << " scripts are equal; that vary by themselves:" << restless << "\n";
}

}  // namespace
}  // namespace spar::test
