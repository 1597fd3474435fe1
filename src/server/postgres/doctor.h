// server/postgres/doctor.h: whether PostgreSQL servers are fit to be the copies of a cluster, and what
// mends it where they are not.
//
// Contract    examine() asks each server itself, as the user of its address, and changes nothing.
//             findings_of() judges what one server said.
// Threads     Any.
#pragma once

#include <string>
#include <vector>

#include "engines/postgres/server_control.h"
#include "server/config.h"

namespace spar::server::postgres {

enum class Severity { good, warning, problem };

struct Finding {
  std::string copy;
  std::string what;  // "wal_level"
  Severity severity = Severity::good;
  std::string found;
  std::string remedy;  // a command, or what a person has to do
};

// `copies`: how many the cluster has.
std::vector<Finding> findings_of(const std::string& copy,
                                 const engines::postgres::Identity& identity, int copies);
// What a client says to a server on another machine must not be read, nor the server be another.
Finding encryption_of(const CopyConfig& copy);
std::vector<Finding> examine(const ClusterConfig& cluster, Monotonic deadline);

}  // namespace spar::server::postgres
