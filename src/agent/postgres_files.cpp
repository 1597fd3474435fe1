#include "agent/postgres_files.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/quote.h"

namespace spar::agent {
namespace {

constexpr std::size_t kLogFileName = 24;  // timeline and number, in hexadecimal digits
constexpr std::size_t kTimelineDigits = 8;
constexpr std::size_t kStatusLine = 7;  // of postmaster.pid, counted from 0

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

bool is_line_end(char c) {
  return c == '\n' || c == '\r' || c == '\0';
}

bool is_setting_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

// The name that a line of a settings file is about.
std::string_view name_in(std::string_view line) {
  line = trimmed(line);
  return line.substr(0, line.find_first_of(" \t="));
}

}  // namespace

Settings copy_settings(const std::string& shared_buffers) {
  Settings settings = {
      {"wal_level", "replica"},
      {"wal_keep_size", "512MB"},         // a rewind reads back to before the fork
      {"max_slot_wal_keep_size", "8GB"},  // a copy that stays away does not fill the primary's disk
      {"wal_log_hints", "on"},            // so that a rewind sees every changed page
      {"max_wal_senders", "20"},
      {"max_replication_slots", "20"},
      {"hot_standby", "on"},
      {"fsync", "on"},
      {"full_page_writes", "on"},
      {"synchronous_commit", "on"},
      {"recovery_init_sync_method", "syncfs"},   // one call, not one fsync for each of 1000 files
      {"wal_retrieve_retry_interval", "200ms"},  // how soon a copy tries its primary again
  };
  if (!shared_buffers.empty()) settings.emplace_back("shared_buffers", shared_buffers);
  return settings;
}

Result<std::string> render(const Settings& settings) {
  std::string text;
  for (const auto& [name, value] : settings) {
    if (!is_setting_name(name)) return failure(Code::invalid, "\"" + name + "\" is no setting");
    if (std::ranges::any_of(value, is_line_end)) {
      return failure(Code::invalid, "the value of " + name + " has a line end");
    }
    text += name + " = " + quoted(value) + "\n";
  }
  return text;
}

Result<std::string> with_settings(std::string_view text, const Settings& settings) {
  SPAR_ASSIGN(std::string added, render(settings));
  std::string kept;
  for (std::string_view line : lines_of(text)) {
    auto said = std::ranges::find(settings, name_in(line), &Settings::value_type::first);
    if (said != settings.end()) continue;
    kept.append(line).append("\n");
  }
  return kept + added;
}

Result<std::string> password_line(std::string_view password) {
  std::string line = "*:*:*:*:";
  for (char c : password) {
    if (is_line_end(c)) return failure(Code::invalid, "a password has a line end");
    if (c == ':' || c == '\\') line += '\\';
    line += c;
  }
  return line + "\n";
}

std::optional<LockFile> parse_lock_file(std::string_view text) {
  std::vector<std::string_view> lines = lines_of(text);
  if (lines.empty()) return std::nullopt;
  LockFile file;
  std::string_view first = trimmed(lines[0]);
  auto parsed = std::from_chars(first.data(), first.data() + first.size(), file.pid);
  if (parsed.ec != std::errc() || parsed.ptr != first.data() + first.size()) return std::nullopt;
  if (file.pid <= 1) return std::nullopt;  // negative: a single-user server
  file.ready = lines.size() > kStatusLine && trimmed(lines[kStatusLine]) == "ready";
  return file;
}

std::string without_probes(std::string_view output) {
  const auto transaction_in = [](std::string_view line) {
    const std::size_t at = line.find(" tx:");
    return at == line.npos ? std::string_view()
                           : trimmed(line.substr(at + 4, line.find(',', at) - at - 4));
  };
  std::set<std::string_view> ours;
  const std::vector<std::string_view> lines = lines_of(output);
  for (std::string_view line : lines) {
    if (line.find("prefix \"spar\"") != line.npos) ours.insert(transaction_in(line));
  }
  std::string kept;
  for (std::string_view line : lines) {
    if (!line.starts_with("rmgr: Transaction") || ours.contains(transaction_in(line))) continue;
    kept += std::string(line) + "\n";
  }
  return kept;
}

std::string log_file_in(std::string_view backup_label) {
  constexpr std::string_view kBefore = "(file ";
  if (!backup_label.starts_with("START WAL LOCATION: ")) return "";
  std::string_view line = lines_of(backup_label)[0];
  const std::size_t at = line.find(kBefore);
  if (at == line.npos) return "";
  line.remove_prefix(at + kBefore.size());
  line = line.substr(0, line.find(')'));
  return line.size() == kLogFileName ? std::string(line) : "";
}

std::uint32_t newest_timeline(const std::vector<std::string>& log_files) {
  std::uint32_t newest = 0;
  for (const std::string& name : log_files) {
    std::uint32_t timeline = 0;
    const char* end = name.data() + std::min(name.size(), kTimelineDigits);
    const bool is_log =
        name.size() == kLogFileName && std::from_chars(name.data(), end, timeline, 16).ptr == end;
    if (is_log) newest = std::max(newest, timeline);
  }
  return newest;
}

std::string control_value(std::string_view output, std::string_view name) {
  for (std::string_view line : lines_of(output)) {
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    return std::string(trimmed(line.substr(name.size() + 1)));
  }
  return "";
}

}  // namespace spar::agent
