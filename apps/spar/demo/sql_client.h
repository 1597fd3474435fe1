// spar/demo/sql_client.h: one connection of the demo to the server, over libpq.
//
// Contract    run() never throws; a lost connection is told apart from an answer that is an error.
//             After a lost connection only connect() helps.
// Threads     One thread a client.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace spar::app {

struct SqlAddress {
  std::string host, port, database;
  std::string user = "demo";
};

struct SqlAnswer {
  bool ok = false;
  bool lost = false;  // the connection broke: nobody knows whether the statement happened
  std::string error;  // SQLSTATE and message
  std::vector<std::vector<std::string>> rows;
};

class SqlClient {
 public:
  explicit SqlClient(SqlAddress address) : address_(std::move(address)) {}

  Result<void> connect();
  // Simple protocol without parameters, extended protocol with them.
  SqlAnswer run(const std::string& sql, const std::vector<std::string>& parameters = {});

 private:
  struct Closer {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  SqlAddress address_;
  std::unique_ptr<PGconn, Closer> connection_;
};

}  // namespace spar::app
