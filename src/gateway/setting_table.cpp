#include "gateway/setting_table.h"

#include <array>

#include "gateway/setting_readers.h"

namespace spar::gateway {
namespace {

constexpr std::int64_t kIntMax = 2147483647;
constexpr std::string_view kIsolations =
    "serializable, repeatable read, read committed, read uncommitted";

constexpr SettingDefinition duration(std::string_view name, std::string_view initial = "0") {
  return {.name = name, .initial = initial, .read = read_duration, .min = 0, .max = kIntMax};
}
constexpr SettingDefinition boolean(std::string_view name, std::string_view initial) {
  return {.name = name, .initial = initial, .read = read_boolean};
}
constexpr SettingDefinition text(std::string_view name, std::string_view initial) {
  return {.name = name, .initial = initial, .read = read_text};
}
constexpr SettingDefinition fixed(std::string_view name, std::string_view initial) {
  return {.name = name, .initial = initial, .read = read_fixed};
}
constexpr SettingDefinition choice(std::string_view name, std::string_view initial,
                                   std::string_view choices) {
  return {.name = name, .initial = initial, .read = read_choice, .choices = choices};
}
constexpr SettingDefinition only(std::string_view name, std::string_view initial) {
  return {.name = name, .initial = initial, .read = read_only_choice, .choices = initial};
}
constexpr SettingDefinition integer(std::string_view name, std::string_view initial,
                                    std::int64_t min, std::int64_t max) {
  return {.name = name, .initial = initial, .read = read_integer, .min = min, .max = max};
}
constexpr SettingDefinition reported(SettingDefinition definition) {
  definition.reported = true;
  return definition;
}
constexpr SettingDefinition changing_meaning(SettingDefinition definition) {
  definition.changes_meaning = true;
  return definition;
}

constexpr std::string_view kMessageLevels =
    "debug5, debug4, debug3, debug2, debug1, debug, log, notice, warning, error";

// What Spar acts on first, then what clients expect to be able to set without effect.
constexpr std::array kDefinitions{
    reported(text("application_name", "")),
    only("bytea_output", "hex"),
    reported(
        SettingDefinition{.name = "client_encoding", .initial = "UTF8", .read = read_encoding}),
    choice("client_min_messages", "notice", kMessageLevels),
    reported(changing_meaning(
        SettingDefinition{.name = "DateStyle", .initial = "ISO, MDY", .read = read_date_style})),
    choice("default_transaction_isolation", "read committed", kIsolations),
    reported(boolean("default_transaction_read_only", "off")),
    integer("extra_float_digits", "1", -15, 3),
    duration("idle_in_transaction_session_timeout"),
    duration("idle_session_timeout"),
    reported(fixed("in_hot_standby", "off")),
    reported(fixed("integer_datetimes", "on")),
    reported(only("IntervalStyle", "postgres")),
    reported(fixed("is_superuser", "on")),
    duration("lock_timeout"),
    only("role", "none"),
    changing_meaning(text("search_path", "\"$user\", public")),
    reported(fixed("server_encoding", "UTF8")),
    reported(fixed("server_version", "15.0 (Spar)")),
    fixed("server_version_num", "150000"),
    reported(fixed("session_authorization", "")),
    SettingDefinition{.name = "spar.after", .initial = "", .read = read_position},
    duration("spar.max_staleness", "5s"),
    fixed("spar.position", ""),
    choice("spar.read", "strict", "strict, session, bounded"),
    reported(only("standard_conforming_strings", "on")),
    duration("statement_timeout"),
    reported(changing_meaning(
        SettingDefinition{.name = "TimeZone", .initial = "UTC", .read = read_time_zone})),
    only("transaction_deferrable", "off"),
    choice("transaction_isolation", "read committed", kIsolations),
    boolean("transaction_read_only", "off"),

    boolean("array_nulls", "on"),
    choice("backslash_quote", "safe_encoding", "safe_encoding, on, off"),
    fixed("block_size", "8192"),
    boolean("check_function_bodies", "on"),
    duration("client_connection_check_interval"),
    choice("constraint_exclusion", "partition", "partition, on, off"),
    text("cursor_tuple_fraction", "0.1"),
    fixed("data_checksums", "on"),
    fixed("debug_assertions", "off"),
    text("default_statistics_target", "100"),
    text("default_table_access_method", "heap"),
    text("default_tablespace", ""),
    boolean("default_transaction_deferrable", "off"),
    text("effective_cache_size", "4GB"),
    boolean("enable_bitmapscan", "on"),
    boolean("enable_hashagg", "on"),
    boolean("enable_hashjoin", "on"),
    boolean("enable_indexonlyscan", "on"),
    boolean("enable_indexscan", "on"),
    boolean("enable_material", "on"),
    boolean("enable_mergejoin", "on"),
    boolean("enable_nestloop", "on"),
    boolean("enable_seqscan", "on"),
    boolean("enable_sort", "on"),
    boolean("escape_string_warning", "on"),
    choice("force_parallel_mode", "off", "off, on, regress"),
    text("from_collapse_limit", "8"),
    boolean("geqo", "on"),
    boolean("ignore_system_indexes", "off"),
    boolean("jit", "off"),
    text("join_collapse_limit", "8"),
    fixed("lc_collate", "C"),
    fixed("lc_ctype", "C"),
    text("lc_messages", "C"),
    text("lc_monetary", "C"),
    text("lc_numeric", "C"),
    text("lc_time", "C"),
    text("local_preload_libraries", ""),
    boolean("log_duration", "off"),
    choice("log_error_verbosity", "default", "terse, default, verbose"),
    text("log_min_duration_statement", "-1"),
    choice("log_min_messages", "warning", kMessageLevels),
    choice("log_statement", "none", "none, ddl, mod, all"),
    text("maintenance_work_mem", "64MB"),
    fixed("max_identifier_length", "63"),
    fixed("max_index_keys", "32"),
    text("max_parallel_workers_per_gather", "0"),
    choice("password_encryption", "scram-sha-256", "md5, scram-sha-256"),
    choice("plan_cache_mode", "auto", "auto, force_generic_plan, force_custom_plan"),
    boolean("quote_all_identifiers", "off"),
    text("random_page_cost", "4"),
    boolean("row_security", "on"),
    text("seq_page_cost", "1"),
    text("session_preload_libraries", ""),
    choice("session_replication_role", "origin", "origin"),
    choice("synchronous_commit", "on", "local, remote_write, remote_apply, on, off"),
    boolean("synchronize_seqscans", "on"),
    text("tcp_keepalives_count", "0"),
    text("tcp_keepalives_idle", "0"),
    text("tcp_keepalives_interval", "0"),
    text("tcp_user_timeout", "0"),
    text("temp_buffers", "8MB"),
    text("temp_tablespaces", ""),
    text("timezone_abbreviations", "Default"),
    boolean("track_activities", "on"),
    boolean("transform_null_equals", "off"),
    fixed("wal_segment_size", "16MB"),
    text("work_mem", "4MB"),
    choice("xmlbinary", "base64", "base64, hex"),
    choice("xmloption", "content", "content, document"),
};

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto folded = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (folded(a[i]) != folded(b[i])) return false;
  }
  return true;
}

}  // namespace

std::span<const SettingDefinition> setting_definitions() {
  return kDefinitions;
}

int find_setting(std::string_view name) {
  for (std::size_t i = 0; i < kDefinitions.size(); ++i) {
    if (same_name(kDefinitions[i].name, name)) return static_cast<int>(i);
  }
  return -1;
}

bool is_custom_setting(std::string_view name) {
  bool start = true, dotted = false;
  for (char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                  static_cast<unsigned char>(c) >= 0x80;
    bool later = (c >= '0' && c <= '9') || c == '$';
    if (c == '.' && !start) {
      start = dotted = true;
    } else if (letter || (later && !start)) {
      start = false;
    } else {
      return false;
    }
  }
  return dotted && !start;
}

}  // namespace spar::gateway
