// server/version.h: the version of Spar, as status and --version show it.
#pragma once

namespace spar::server {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace spar::server
