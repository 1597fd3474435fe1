// data/text_format.h: values to and from PostgreSQL's text representation.
//
// Contract    format_text gives what PostgreSQL's output function gives with DateStyle ISO, MDY,
//             IntervalStyle postgres, extra_float_digits 1 and bytea_output hex; it never fails for
//             a datum in the type's form. parse_text takes what the input function takes and gives
//             the datum in the form and range of `type`, typmod applied as in an assignment
//             (22001 too long, 22003 out of range); bad syntax is 22P02, or 22007/22008 for dates,
//             with PostgreSQL's message text.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "data/datum.h"
#include "data/type.h"

namespace spar::data {

// How a session shows and reads values that depend on its settings.
struct TextContext {
  std::string time_zone = "UTC";  // only UTC and fixed offsets such as +02:00 for now
  bool is_utc() const { return !time_zone.starts_with('+') && !time_zone.starts_with('-'); }
};

void format_text(const Datum& datum, const Type& type, const TextContext& context,
                 std::string& out);
Result<Datum> parse_text(std::string_view text, const Type& type, const TextContext& context);

}  // namespace spar::data
