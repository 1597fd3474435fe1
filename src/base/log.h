// base/log.h: what the running server says to its operator. The process sets one sink at start
// (apps/spar: stderr); before that, and in pure tests, lines are dropped.
//
// Threads     log_* may be called from any thread once the sink is set.
// Not here    Secrets: no password, key, parameter value or SQL literal is ever logged.
#pragma once

#include <string>
#include <string_view>

namespace spar {

enum class LogLevel { debug, info, warning, error };

using LogSink = void (*)(LogLevel level, std::string_view room, std::string_view line);

void set_log_sink(LogSink sink) noexcept;
void log_debug(std::string_view room, std::string_view line);
void log_info(std::string_view room, std::string_view line);
void log_warning(std::string_view room, std::string_view line);
void log_error(std::string_view room, std::string_view line);

}  // namespace spar
