// spar/commands/init.h: a new node: its configuration file and empty directories for its copies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace spar::app {

struct InitOptions {
  std::string directory;
  int copies = 3;  // 1 to 26, named a, b, c, ...
  std::string engine = "sqlite";
  std::string database = "postgres";
  std::string listen = "127.0.0.1:6432";
};

// Of loopback, for servers that are to be made.
std::vector<std::uint16_t> free_ports(int count);
std::string copy_name(int index);                   // 0 -> "a"
std::string node_file(const InitOptions& options);  // the text of spar.toml
// Refuses (Code::io) a directory that holds a configuration or copies already.
Result<void> make_node(const InitOptions& options, bool dry_run);

}  // namespace spar::app
