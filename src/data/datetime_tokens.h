// data/datetime_tokens.h: cuts the text of a moment into pieces, for data/datetime_fields.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spar::data {

struct DateTimeToken {
  enum class Kind {
    number,  // digits, perhaps with one point
    time,    // digits and colons
    date,    // digits, letters and separators
    word,
    zone,    // a sign, then digits
    special  // a sign, then letters
  };
  Kind kind;
  std::string text;  // lower case
};

// Nothing for characters that no moment has, or for more of them than one needs.
std::optional<std::vector<DateTimeToken>> cut_datetime(std::string_view text);

}  // namespace spar::data
