#include "engines/postgres/server_link.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "engines/postgres/limits.h"

namespace spar::engines::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Clearer {
  void operator()(PGresult* result) const { PQclear(result); }
};
using OwnedResult = std::unique_ptr<PGresult, Clearer>;

void ignore_notice(void*, const PGresult*) {}

enum class Ready { yes, late, broken };

// Until `fd` is ready for `events`; rounds up, so that it never spins. Looks once more when the
// time is over: it may be we who were late.
Ready wait_for(int fd, short events, Monotonic deadline) {
  while (true) {
    auto now = steady_clock::now();
    auto left = std::clamp(std::chrono::ceil<milliseconds>(deadline - now), milliseconds(0),
                           milliseconds(60'000));
    pollfd waiting{fd, events, 0};
    int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return Ready::yes;
    if (ready < 0 && errno != EINTR) return Ready::broken;
    if (now >= deadline) return Ready::late;
  }
}

std::string first_line(const char* text) {
  std::string line = text == nullptr ? "" : text;
  return line.substr(0, std::min(line.find('\n'), kMessageBytesMax));
}

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// A refused login gives no result whose fields could be asked, but says its SQLSTATE when errors
// are verbose: "connection to server ... failed: FATAL:  57P03: the database system is starting up"
std::string sqlstate_in(std::string_view message) {
  for (std::size_t at = message.find(":  "); at != std::string_view::npos;
       at = message.find(":  ", at + 1)) {
    std::string_view word = message.substr(at + 3, 5);
    if (is_sqlstate(word) && message.substr(at + 8, 2) == ": ") return std::string(word);
  }
  return "08006";
}

std::string field(const PGresult* result, int which) {
  const char* text = PQresultErrorField(result, which);
  return text == nullptr ? "" : std::string(text).substr(0, kMessageBytesMax);
}

Failure refused(const PGresult* result) {
  std::string sqlstate = field(result, PG_DIAG_SQLSTATE);
  Failure failed = sql_error(sqlstate.empty() ? "XX000" : sqlstate,
                             first_line(field(result, PG_DIAG_MESSAGE_PRIMARY).c_str()));
  // The server goes down: 57P01 to 57P03, and 57P04 when its database is dropped.
  if (sqlstate.starts_with("57P")) failed.error().code = Code::copy_lost;
  failed.error().hint = field(result, PG_DIAG_MESSAGE_HINT);
  return failed;
}

Rows rows_of(const PGresult* result) {
  Rows rows(static_cast<std::size_t>(PQntuples(result)));
  for (int i = 0; i < PQntuples(result); ++i) {
    for (int j = 0; j < PQnfields(result); ++j) {
      Field value;
      if (!PQgetisnull(result, i, j)) value = PQgetvalue(result, i, j);
      rows[static_cast<std::size_t>(i)].push_back(std::move(value));
    }
  }
  return rows;
}

Conninfo completed(Conninfo address) {
  if (address.get("dbname").empty()) address.set("dbname", "postgres");
  if (address.get("gssencmode").empty()) address.set("gssencmode", "disable");
  address.set("application_name", kControlApplication);
  address.set("client_encoding", "UTF8");
  return address;
}

pg_conn* begin_connecting(const Conninfo& address) {
  std::vector<const char*> keywords, values;
  for (const auto& [keyword, value] : address.values()) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectStartParams(keywords.data(), values.data(), 0);
}

}  // namespace

void ServerLink::Closer::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

Failure ServerLink::lost() {
  std::string message = first_line(connection_ ? PQerrorMessage(connection_.get()) : "");
  connection_.reset();
  if (message.empty()) message = "the connection to the server is closed";
  std::string sqlstate = sqlstate_in(message);
  return failure(Code::copy_lost, std::move(message), sqlstate);
}

Failure ServerLink::late(const char* what) {
  connection_.reset();
  return failure(Code::deadline, std::string("the server did not ") + what + " in time", "57014");
}

Result<ServerLink> ServerLink::connect(const Conninfo& address, Monotonic deadline) {
  ServerLink link;
  link.connection_.reset(begin_connecting(completed(address)));
  if (!link.connection_) return failure(Code::io, "no memory for a connection", "53200");
  SPAR_TRY(link.finish_connecting(deadline));
  PQsetnonblocking(link.connection_.get(), 1);
  PQsetNoticeReceiver(link.connection_.get(), ignore_notice, nullptr);
  return link;
}

Result<void> ServerLink::finish_connecting(Monotonic deadline) {
  pg_conn* connection = connection_.get();
  if (PQstatus(connection) == CONNECTION_BAD) return lost();
  PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);  // for sqlstate_in()
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED) return lost();
    short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    Ready ready = wait_for(PQsocket(connection), events, deadline);
    if (ready == Ready::late) return late("let us in");
    if (ready == Ready::broken) return lost();
    status = PQconnectPoll(connection);
  }
  PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
  return {};
}

Result<Rows> ServerLink::run(const std::string& sql, const std::vector<std::string>& parameters,
                             Monotonic deadline) {
  if (!usable()) return lost();
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  int count = static_cast<int>(values.size());
  if (PQsendQueryParams(connection_.get(), sql.c_str(), count, nullptr, values.data(), nullptr,
                        nullptr, 0) == 0) {
    return lost();
  }
  SPAR_TRY(flush(deadline));
  return take_results(deadline);
}

// What the server says meanwhile is read, or both would wait for each other.
Result<void> ServerLink::flush(Monotonic deadline) {
  while (true) {
    int left = PQflush(connection_.get());
    if (left == 0) return {};
    if (left < 0) return lost();
    Ready ready = wait_for(PQsocket(connection_.get()), POLLIN | POLLOUT, deadline);
    if (ready == Ready::late) return late("take the statement");
    if (ready == Ready::broken || PQconsumeInput(connection_.get()) == 0) return lost();
  }
}

// At the end of the stream libpq has closed the socket, and PQgetResult(), which cannot block then,
// gives what the server said last: that it shuts down, or that it ends this session.
Result<void> ServerLink::wait_for_result(Monotonic deadline) {
  while (PQisBusy(connection_.get()) != 0) {
    Ready ready = wait_for(PQsocket(connection_.get()), POLLIN, deadline);
    if (ready == Ready::late) return late("answer");
    if (ready == Ready::broken) return lost();
    bool read = PQconsumeInput(connection_.get()) != 0;
    if (PQstatus(connection_.get()) == CONNECTION_BAD) return {};
    if (!read) return lost();
  }
  return {};
}

Result<Rows> ServerLink::take_results(Monotonic deadline) {
  Result<Rows> answer = Rows{};
  while (true) {
    SPAR_TRY(wait_for_result(deadline));
    OwnedResult result(PQgetResult(connection_.get()));
    if (!result) break;
    ExecStatusType status = PQresultStatus(result.get());
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (good && answer) answer = rows_of(result.get());
    if (!good && answer) answer = refused(result.get());
  }
  if (PQstatus(connection_.get()) == CONNECTION_BAD) {
    if (answer) return lost();
    answer.error().code = Code::copy_lost;
    connection_.reset();
  }
  return answer;
}

// Nobody is asked anything, so that all a server can say is a notice, or its last word.
bool ServerLink::lost_before(Monotonic deadline) {
  while (usable()) {
    Ready ready = wait_for(PQsocket(connection_.get()), POLLIN, deadline);
    if (ready == Ready::late) return false;
    bool read = ready == Ready::yes && PQconsumeInput(connection_.get()) != 0;
    if (!read || PQstatus(connection_.get()) == CONNECTION_BAD) connection_.reset();
  }
  return true;
}

Result<std::string> ServerLink::literal(const std::string& text) const {
  if (!usable()) return failure(Code::copy_lost, "the connection to the server is closed", "08006");
  char* escaped = PQescapeLiteral(connection_.get(), text.data(), text.size());
  if (escaped == nullptr) return failure(Code::invalid, "a value is no valid UTF-8", "22021");
  std::string literal = escaped;
  PQfreemem(escaped);
  return literal;
}

std::string quoted_identifier(const std::string& name) {
  std::string out = "\"";
  for (char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace spar::engines::postgres
