#include "spar/log_to_stderr.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "base/log.h"

namespace spar::app {
namespace {

std::string now_text() {
  using std::chrono::system_clock;
  auto now = system_clock::now();
  std::time_t seconds = system_clock::to_time_t(now);
  auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char day[32], text[48];
  std::strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof(text), "%s.%03dZ", day, static_cast<int>(since.count() % 1000));
  return text;
}

void write_line(LogLevel level, std::string_view room, std::string_view line) {
  static const char* const kNames[] = {"debug", "info", "warning", "error"};
  static const char* const kWanted = std::getenv("SPAR_LOG");
  static const bool kDebug = kWanted != nullptr && std::string_view(kWanted) == "debug";
  if (level == LogLevel::debug && !kDebug) return;
  std::string text = now_text() + " " + kNames[static_cast<int>(level)] + " " + std::string(room) +
                     ": " + std::string(line) + "\n";
  // One write a line, so that lines of several threads and processes stay whole.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

void log_to_stderr() {
  set_log_sink(write_line);
}

}  // namespace spar::app
