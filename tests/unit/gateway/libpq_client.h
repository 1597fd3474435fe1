// libpq as a client of the tests.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

namespace spar::gateway::test {

class PqClient {
 public:
  explicit PqClient(const std::string& conninfo)
      : connection_(PQconnectdb(conninfo.c_str()), PQfinish) {
    auto take = [](void* into, const char* text) { *static_cast<std::string*>(into) += text; };
    PQsetNoticeProcessor(get(), take, notices_.get());
  }

  bool connected() const { return PQstatus(get()) == CONNECTION_OK; }
  PGconn* get() const { return connection_.get(); }
  std::string message() const { return PQerrorMessage(get()); }
  // All that came unasked: also the last words of a server to an idle client.
  const std::string& notices() const { return *notices_; }

  // The first value, the command tag of what returns no rows, or the SQLSTATE of an error.
  std::string ask(const std::string& sql) const { return answer(PQexec(get(), sql.c_str())); }
  std::string ask(const std::string& sql, const std::vector<std::string>& parameters) const {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    return answer(PQexecParams(get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                               values.data(), nullptr, nullptr, 0));
  }
  static std::string answer(PGresult* raw) {
    std::unique_ptr<PGresult, void (*)(PGresult*)> result(raw, PQclear);
    switch (PQresultStatus(raw)) {
      case PGRES_TUPLES_OK:
        return PQntuples(raw) == 0 ? "no rows" : PQgetvalue(raw, 0, 0);
      case PGRES_COMMAND_OK:
        return PQcmdStatus(raw);
      case PGRES_COPY_IN:
        return "copy in";
      case PGRES_COPY_OUT:
        return "copy out";
      default: {
        const char* state = PQresultErrorField(raw, PG_DIAG_SQLSTATE);
        return state != nullptr ? state : "lost";
      }
    }
  }

 private:
  std::unique_ptr<std::string> notices_ = std::make_unique<std::string>();
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

}  // namespace spar::gateway::test
