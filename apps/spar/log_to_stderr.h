// spar/log_to_stderr.h: the process's log: one line each to stderr, with UTC time, level and room.
#pragma once

namespace spar::app {

// Lines below `info` are shown when the environment variable SPAR_LOG is "debug".
void log_to_stderr();

}  // namespace spar::app
