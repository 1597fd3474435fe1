#include "query/route/reviewed.h"

#include <algorithm>
#include <array>

namespace spar::query::route {
namespace {

// random: state of the process; setseed(), which makes it a session's, is not here.
// clock_timestamp, timeofday, pg_sleep*: the clock. Copies' clocks differ as any two servers' do.
// gen_random_uuid: from the system's random source.
constexpr std::array<std::string_view, 7> kHarmless = {
    "clock_timestamp", "gen_random_uuid", "pg_sleep", "pg_sleep_for",
    "pg_sleep_until",  "random",          "timeofday"};

// By what they tell:
//   the role or the log   pg_is_in_recovery, pg_*wal*, pg_last_*, pg_control_*
//   transaction ids       txid_*, pg_current_xact_id*, pg_current_snapshot (assigning one fails on
//                         a standby; a snapshot's numbers are compared by applications)
//   the process           pg_backend_pid, inet_*, pg_cursor, pg_prepared_*, pg_listening_channels
//   files and start       pg_config, pg_postmaster_start_time, pg_relation_file*, pg_tablespace_*
//   fails in recovery     pg_walfile_name*
// Volatile ones are on the primary in any case; here they are not said to write. Not here:
// pg_my_temp_schema and pg_is_other_temp_schema, as a session with temporary objects is pinned
// (information_schema asks them about every table).
constexpr std::array<std::string_view, 54> kNodeFunctions = {"inet_client_addr",
                                                             "inet_client_port",
                                                             "inet_server_addr",
                                                             "inet_server_port",
                                                             "pg_available_extension_versions",
                                                             "pg_available_extensions",
                                                             "pg_backend_pid",
                                                             "pg_blocking_pids",
                                                             "pg_conf_load_time",
                                                             "pg_config",
                                                             "pg_control_checkpoint",
                                                             "pg_control_init",
                                                             "pg_control_recovery",
                                                             "pg_control_system",
                                                             "pg_current_logfile",
                                                             "pg_current_snapshot",
                                                             "pg_current_wal_flush_lsn",
                                                             "pg_current_wal_insert_lsn",
                                                             "pg_current_wal_lsn",
                                                             "pg_current_xact_id",
                                                             "pg_current_xact_id_if_assigned",
                                                             "pg_cursor",
                                                             "pg_filenode_relation",
                                                             "pg_get_replication_slots",
                                                             "pg_get_wal_replay_pause_state",
                                                             "pg_is_in_recovery",
                                                             "pg_is_wal_replay_paused",
                                                             "pg_last_committed_xact",
                                                             "pg_last_wal_receive_lsn",
                                                             "pg_last_wal_replay_lsn",
                                                             "pg_last_xact_replay_timestamp",
                                                             "pg_listening_channels",
                                                             "pg_lock_status",
                                                             "pg_postmaster_start_time",
                                                             "pg_prepared_statement",
                                                             "pg_prepared_xact",
                                                             "pg_relation_filenode",
                                                             "pg_relation_filepath",
                                                             "pg_safe_snapshot_blocking_pids",
                                                             "pg_sequence_last_value",
                                                             "pg_show_all_file_settings",
                                                             "pg_show_all_settings",
                                                             "pg_show_replication_origin_status",
                                                             "pg_tablespace_databases",
                                                             "pg_tablespace_location",
                                                             "pg_walfile_name",
                                                             "pg_walfile_name_offset",
                                                             "pg_xact_commit_timestamp",
                                                             "pg_xact_commit_timestamp_origin",
                                                             "pg_xact_status",
                                                             "txid_current",
                                                             "txid_current_if_assigned",
                                                             "txid_current_snapshot",
                                                             "txid_status"};

constexpr std::array<std::string_view, 9> kRunsOtherQueries = {
    "database_to_xml", "database_to_xml_and_xmlschema", "database_to_xmlschema",
    "schema_to_xml",   "schema_to_xml_and_xmlschema",   "schema_to_xmlschema",
    "table_to_xml",    "table_to_xml_and_xmlschema",    "table_to_xmlschema"};

constexpr std::array<std::string_view, 4> kSessionLocks = {
    "pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared"};

constexpr std::array<std::string_view, 47> kTracked = {"application_name",
                                                       "array_nulls",
                                                       "backslash_quote",
                                                       "bytea_output",
                                                       "check_function_bodies",
                                                       "client_encoding",
                                                       "client_min_messages",
                                                       "constraint_exclusion",
                                                       "cursor_tuple_fraction",
                                                       "datestyle",
                                                       "default_statistics_target",
                                                       "default_text_search_config",
                                                       "default_toast_compression",
                                                       "default_transaction_deferrable",
                                                       "default_transaction_isolation",
                                                       "default_transaction_read_only",
                                                       "effective_cache_size",
                                                       "escape_string_warning",
                                                       "extra_float_digits",
                                                       "force_parallel_mode",
                                                       "from_collapse_limit",
                                                       "geqo",
                                                       "hash_mem_multiplier",
                                                       "idle_in_transaction_session_timeout",
                                                       "idle_session_timeout",
                                                       "intervalstyle",
                                                       "jit",
                                                       "join_collapse_limit",
                                                       "lc_monetary",
                                                       "lc_numeric",
                                                       "lc_time",
                                                       "lock_timeout",
                                                       "maintenance_work_mem",
                                                       "max_parallel_workers_per_gather",
                                                       "plan_cache_mode",
                                                       "quote_all_identifiers",
                                                       "random_page_cost",
                                                       "row_security",
                                                       "search_path",
                                                       "seq_page_cost",
                                                       "standard_conforming_strings",
                                                       "statement_timeout",
                                                       "synchronous_commit",
                                                       "timezone",
                                                       "transform_null_equals",
                                                       "work_mem",
                                                       "xmlbinary"};

// xmloption is tracked nowhere: SET XML OPTION is rare, and it changes what parses.
constexpr std::array<std::string_view, 16> kShownAlike = {"block_size",
                                                          "data_checksums",
                                                          "integer_datetimes",
                                                          "is_superuser",
                                                          "lc_collate",
                                                          "lc_ctype",
                                                          "lc_messages",
                                                          "max_identifier_length",
                                                          "max_index_keys",
                                                          "role",
                                                          "server_encoding",
                                                          "server_version",
                                                          "server_version_num",
                                                          "session_authorization",
                                                          "transaction_deferrable",
                                                          "transaction_isolation"};

constexpr std::array<std::string_view, 5> kListsOfNames = {
    "local_preload_libraries", "search_path", "session_preload_libraries",
    "shared_preload_libraries", "temp_tablespaces"};

template <std::size_t N>
constexpr bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::binary_search(names, name);
}

static_assert(std::ranges::is_sorted(kHarmless));
static_assert(std::ranges::is_sorted(kNodeFunctions));
static_assert(std::ranges::is_sorted(kRunsOtherQueries));
static_assert(std::ranges::is_sorted(kSessionLocks));
static_assert(std::ranges::is_sorted(kTracked));
static_assert(std::ranges::is_sorted(kShownAlike));
static_assert(std::ranges::is_sorted(kListsOfNames));

}  // namespace

bool is_harmless(std::string_view function) {
  return among(kHarmless, function);
}
bool is_node_function(std::string_view function) {
  return function.starts_with("pg_stat_get_") || among(kNodeFunctions, function);
}
bool runs_other_queries(std::string_view function) {
  return among(kRunsOtherQueries, function);
}
bool takes_session_lock(std::string_view function) {
  return among(kSessionLocks, function);
}
bool is_tracked(std::string_view setting) {
  return setting.starts_with("enable_") || setting.starts_with("spar.") || among(kTracked, setting);
}
bool is_shown_alike(std::string_view setting) {
  return is_tracked(setting) || among(kShownAlike, setting);
}
bool is_list_of_names(std::string_view setting) {
  return among(kListsOfNames, setting);
}

}  // namespace spar::query::route
