// data/string_text.h: texts, bytea, uuid and json to and from text; for text_format.cpp and casts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "data/type.h"

namespace spar::data {

// How a text that is too long for its varchar or bpchar is treated: an assignment refuses it
// (22001) unless only blanks stand behind the limit; an explicit cast cuts it.
enum class Fit { assignment, explicit_cast };
// The storage form of a varchar or bpchar of at most type.typmod - 4 characters.
Result<std::string> fit_characters(std::string_view text, const Type& type, Fit fit);

void format_bpchar(std::string_view stored, const Type& type, std::string& out);  // padded

// "char": one byte, as \ooo when it is not ASCII. Bytes behind it are dropped.
std::string parse_char(std::string_view text);

void format_bytea(std::string_view bytes, std::string& out);
Result<std::string> parse_bytea(std::string_view text);

void format_uuid(std::string_view bytes, std::string& out);
Result<std::string> parse_uuid(std::string_view text);

// 22P02 unless the text is one JSON value; 54001 when it nests too deep.
Result<void> check_json(std::string_view text);

}  // namespace spar::data
