// server/password.h: a password as the configuration writes it, and what it stands for.
//
// Not here    Checking a client's proof (gateway/).
#pragma once

#include <string>
#include <string_view>

#include "server/config.h"

namespace spar::server {

// env:NAME, file:PATH, SCRAM-SHA-256$..., or else the password itself.
Password classify_password(const std::string& text);
// False for an empty value and for a SCRAM secret that is not of the form
// SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>.
bool is_usable(const Password& password);

// A whole small file; Code::io when it cannot be read, Code::invalid when it is too big.
Result<std::string> read_small_file(const std::string& file, const std::string& what);

}  // namespace spar::server
