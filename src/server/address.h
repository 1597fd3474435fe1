// server/address.h: listening addresses as the configuration writes them.
#pragma once

#include <string>
#include <string_view>

#include "server/config.h"

namespace spar::server {

// "127.0.0.1:6432", "[::1]:6432" or "localhost:6432"; false for anything else, names included.
bool parse_address(std::string_view text, Listener& listener);
bool is_loopback(const std::string& host);

}  // namespace spar::server
