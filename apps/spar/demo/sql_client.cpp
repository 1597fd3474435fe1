#include "spar/demo/sql_client.h"

namespace spar::app {
namespace {

void ignore_notice(void*, const PGresult*) {}

std::string one_line(const char* text) {
  std::string line = text == nullptr ? "" : text;
  return line.substr(0, line.find('\n'));
}

struct Clearer {
  void operator()(PGresult* result) const { PQclear(result); }
};

void take_rows(const PGresult* result, SqlAnswer& answer) {
  for (int i = 0; i < PQntuples(result); ++i) {
    std::vector<std::string> row;
    for (int j = 0; j < PQnfields(result); ++j) row.emplace_back(PQgetvalue(result, i, j));
    answer.rows.push_back(std::move(row));
  }
}

}  // namespace

Result<void> SqlClient::connect() {
  const char* const names[] = {
      "host", "port", "dbname", "user", "connect_timeout", "sslmode", "application_name", nullptr};
  const char* const values[] = {address_.host.c_str(),
                                address_.port.c_str(),
                                address_.database.c_str(),
                                address_.user.c_str(),
                                "20",
                                "disable",
                                "spar demo",
                                nullptr};
  connection_.reset(PQconnectdbParams(names, values, 0));
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    return failure(Code::unavailable, one_line(PQerrorMessage(connection_.get())));
  }
  PQsetNoticeReceiver(connection_.get(), ignore_notice, nullptr);
  return {};
}

SqlAnswer SqlClient::run(const std::string& sql, const std::vector<std::string>& parameters) {
  PGconn* connection = connection_.get();
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  std::unique_ptr<PGresult, Clearer> result(
      values.empty() ? PQexec(connection, sql.c_str())
                     : PQexecParams(connection, sql.c_str(), static_cast<int>(values.size()),
                                    nullptr, values.data(), nullptr, nullptr, 0));
  SqlAnswer answer;
  ExecStatusType status = PQresultStatus(result.get());
  answer.ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  answer.lost = PQstatus(connection) != CONNECTION_OK;
  if (answer.ok) {
    take_rows(result.get(), answer);
  } else {
    const char* sqlstate = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    answer.error = std::string(sqlstate == nullptr ? "" : sqlstate) + " " +
                   one_line(PQerrorMessage(connection)) + " in: " + sql;
  }
  return answer;
}

}  // namespace spar::app
