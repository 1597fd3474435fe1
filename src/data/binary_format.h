// data/binary_format.h: values to and from PostgreSQL's binary wire representation.
//
// Contract    format_binary never fails for a datum in the type's form, and appends. parse_binary
//             checks every length: 22P03 for bytes that are no value of the type; ranges and the
//             typmod as parse_text does. Texts are taken as they are: the
//             caller has checked that they are UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "data/datum.h"
#include "data/type.h"

namespace spar::data {

void format_binary(const Datum& datum, const Type& type, std::string& out);
Result<Datum> parse_binary(std::string_view bytes, const Type& type);

}  // namespace spar::data
