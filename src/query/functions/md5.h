// query/functions/md5.h: the digest of RFC 1321, for md5(). Not for anything that must be secure.
#pragma once

#include <string>
#include <string_view>

namespace spar::query::functions {

std::string md5_hex(std::string_view bytes);  // 32 lower-case hexadecimal digits

}  // namespace spar::query::functions
