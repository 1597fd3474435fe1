// server/config_edit.h: adds a copy to the configuration file, or takes one out, and leaves every
// other line as it was, comments included.
//
// Contract    Both give the new text, already parsed again to prove that exactly this changed;
//             Code::invalid with a hint for a file whose form they do not understand (inline
//             tables).
// Threads     Pure functions.
#pragma once

#include <string>

#include "base/result.h"
#include "server/config.h"

namespace spar::server {

Result<std::string> add_copy(const std::string& text, const std::string& file,
                             const std::string& cluster, const CopyConfig& copy);
Result<std::string> remove_copy(const std::string& text, const std::string& file,
                                const std::string& cluster, const std::string& name);

}  // namespace spar::server
