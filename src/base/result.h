// base/result.h: the one error type and the Result that carries it.
//
// Contract    Every call that can fail returns Result<T>. A code exists only where someone reacts
//             to it; SQL errors all share Code::sql and differ by SQLSTATE.
// Threads     Value types; no synchronisation.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace spar {

enum class Code {
  sql,              // the statement or its data is at fault; sqlstate says how
  copy_lost,        // the copy under this call can no longer be used: go to another and repeat
  unknown_outcome,  // a commit was sent and nobody knows yet whether it happened
  deadline,         // the time given ran out before the call had any effect
  cancelled,        // someone asked for the work to stop
  io,               // an operating-system call failed
  corrupt,          // stored bytes are not what was written
  unavailable,      // no copy can serve this now
  invalid,          // wrong use: configuration, command line, or a caller's argument
};

struct Error {
  Code code = Code::io;
  std::string sqlstate = "XX000";  // five characters, PostgreSQL appendix A
  std::string message;             // one line, no trailing full stop
  std::string detail;
  std::string hint;  // what to do next
  int position = 0;  // 1-based character of the statement, 0 when there is none
  // What a constraint violation names, for the fields s, t, c and n of an ErrorResponse.
  std::string schema, table, column, constraint;
  std::string context = {};  // where in the client's data: "COPY t, line 3"; field W
};

template <class T>
using Result = std::expected<T, Error>;

using Failure = std::unexpected<Error>;

// An SQL error: `sqlstate` from PostgreSQL's appendix A, `position` 1-based or 0.
inline Failure sql_error(std::string_view sqlstate, std::string message, int position = 0) {
  Error error;
  error.code = Code::sql;
  error.sqlstate = std::string(sqlstate);
  error.message = std::move(message);
  error.position = position;
  return Failure(std::move(error));
}

inline Failure failure(Code code, std::string message, std::string_view sqlstate = "XX000") {
  Error error;
  error.code = code;
  error.sqlstate = std::string(sqlstate);
  error.message = std::move(message);
  return Failure(std::move(error));
}

// 0A000 for a feature that Spar does not have: names the feature.
inline Failure not_supported(std::string_view feature, int position = 0) {
  return sql_error("0A000", std::string(feature) + " is not supported yet", position);
}

#define SPAR_CONCAT_(a, b) a##b
#define SPAR_CONCAT(a, b) SPAR_CONCAT_(a, b)

// SPAR_TRY(expression);            returns the error of a Result<void> or ignored Result<T>
#define SPAR_TRY(...)                                                           \
  do {                                                                          \
    auto spar_result_ = (__VA_ARGS__);                                          \
    if (!spar_result_) return std::unexpected(std::move(spar_result_.error())); \
  } while (false)

// SPAR_ASSIGN(auto x, expression); returns the error, or moves the value into x
#define SPAR_ASSIGN(target, ...) \
  SPAR_ASSIGN_(SPAR_CONCAT(spar_result_, __LINE__), target, __VA_ARGS__)
#define SPAR_ASSIGN_(name, target, ...)                       \
  auto name = (__VA_ARGS__);                                  \
  if (!name) return std::unexpected(std::move(name.error())); \
  target = std::move(*name)

}  // namespace spar
