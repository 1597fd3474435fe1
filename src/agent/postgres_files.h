// agent/postgres_files.h: what stands in PostgreSQL's files, as values: pure.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace spar::agent {

using Settings = std::vector<std::pair<std::string, std::string>>;

// What a server needs to be a copy: it can be followed, promoted and rewound, and loses nothing
// that it has acknowledged. `shared_buffers` as PostgreSQL writes it, "" for its own default.
Settings copy_settings(const std::string& shared_buffers = "");

// name = 'value', one a line. Code::invalid for a name that is none or a value with line ends.
Result<std::string> render(const Settings& settings);
// `text` (postgresql.auto.conf) with these settings instead of what it said about them.
Result<std::string> with_settings(std::string_view text, const Settings& settings);

// A line of libpq's password file that fits every server. Code::invalid for a password with line
// ends.
Result<std::string> password_line(std::string_view password);

// postmaster.pid: the server's process and whether it takes connections.
struct LockFile {
  pid_t pid = 0;
  bool ready = false;
};
std::optional<LockFile> parse_lock_file(std::string_view text);

// The lines about transactions that pg_waldump printed, without those whose only content is a
// message of Spar's own.
std::string without_probes(std::string_view output);

// The log file in which a server with this backup_label begins to replay; "" when it names none.
std::string log_file_in(std::string_view backup_label);

// Of these files of pg_wal, by their names; 0 when none is a log file.
std::uint32_t newest_timeline(const std::vector<std::string>& log_files);

// The value of a line "Name:   value" that pg_controldata printed; "" when it is not there.
std::string control_value(std::string_view output, std::string_view name);

}  // namespace spar::agent
