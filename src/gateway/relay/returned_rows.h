// gateway/relay/returned_rows.h: the rows that an INSERT ... RETURNING gave, kept to give them again.
//
// A sequence goes on elsewhere on another server. What a client was told is repeated there as
// explicit values, by a text that somebody else makes of the statement and these rows.
//
// Contract    Takes RowDescription and DataRow as they came. rows() are text, integers also when
//             the client had them in binary; nothing when another type was in binary, or when no
//             description came.
// Threads     Value type and pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace spar::gateway::relay {

using ReturnedValues = std::vector<std::vector<std::optional<std::string>>>;
// The INSERT that gives these values to the columns that it left to their defaults; nothing: it
// cannot be told.
using ExplicitValues = std::function<std::optional<std::string>(
    std::string_view sql, std::span<const std::string> names, const ReturnedValues& rows)>;

class ReturnedRows {
 public:
  // `body` of a Parse behind its name, or a query's text.
  explicit ReturnedRows(std::string_view body) : body_(body) {}

  void describe(std::string_view row_description);  // bodies of messages
  // Of each column in turn, where the description is older than the Bind; one is for all.
  void use_formats(std::vector<std::uint16_t> formats) { formats_ = std::move(formats); }
  void add(std::string_view data_row);
  void finish() { finished_ = true; }

  std::size_t size() const { return body_.size() + bytes_; }
  // With the parameter types behind it, if there are any.
  std::optional<std::string> explicit_body(const ExplicitValues& make) const;

 private:
  struct Column {
    std::string name;
    std::uint32_t type = 0;
    std::uint16_t format = 0;
  };
  std::optional<std::string> text_of(std::size_t column, std::string_view value) const;
  std::optional<ReturnedValues> rows() const;

  std::string body_;
  std::vector<Column> columns_;
  std::vector<std::uint16_t> formats_;
  std::vector<std::string> rows_;
  std::size_t bytes_ = 0;
  bool finished_ = false;
};

// The result formats that a Bind asks for; nothing: it is not well formed.
std::optional<std::vector<std::uint16_t>> result_formats(std::string_view bind);

}  // namespace spar::gateway::relay
