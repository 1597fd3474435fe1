// query/functions/md5.h: the digest of RFC 1321, for md5() and for old logins. Not for anything that
// must be secure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spar::query::functions {

// 32 lower-case hexadecimal digits; nothing where the library's policy forbids MD5.
std::optional<std::string> md5_hex(std::string_view bytes);

}  // namespace spar::query::functions
