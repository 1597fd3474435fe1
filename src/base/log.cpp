#include "base/log.h"

#include <atomic>

namespace spar {
namespace {

std::atomic<LogSink> g_sink{nullptr};

void emit(LogLevel level, std::string_view room, std::string_view line) {
  if (LogSink sink = g_sink.load(std::memory_order_acquire)) sink(level, room, line);
}

}  // namespace

void set_log_sink(LogSink sink) noexcept {
  g_sink.store(sink, std::memory_order_release);
}
void log_debug(std::string_view room, std::string_view line) {
  emit(LogLevel::debug, room, line);
}
void log_info(std::string_view room, std::string_view line) {
  emit(LogLevel::info, room, line);
}
void log_warning(std::string_view room, std::string_view line) {
  emit(LogLevel::warning, room, line);
}
void log_error(std::string_view room, std::string_view line) {
  emit(LogLevel::error, room, line);
}

}  // namespace spar
