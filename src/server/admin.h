// server/admin.h: the administrator's door: one JSON object as one line each way over a Unix
// socket.
//
// Contract    AdminServer listens on `path` (mode 0600) and answers each connection's one request
//             with what `handler` returns. A socket left behind by a dead process is replaced; one
//             that somebody answers is Code::unavailable. A path longer than a socket address can
//             hold is reached through its open directory. A request that is no JSON object, or too
//             large, is answered with an error and never reaches the handler.
//             admin_call() sends a request and gives the answer, whatever its "ok" says.
// Requests    {"command": "status" | "events" | "switchover" | "failover" | "copy_add" |
//              "copy_remove" | "pause" | "resume", ..., "dry_run": bool}
//               events       "after": id of the last event already seen (0: all that are kept)
//               switchover   "cluster", "to": copy name or "" for the best
//               failover     "cluster", "to", "accept_data_loss": bool
//               copy_add     "cluster", "name", "engine", "path" (absolute), "replica_only": bool;
//                            of a server "cluster", "name", "configuration": the file's text to be
//               copy_remove  "cluster", "name"
//               pause        "cluster"        resume  "cluster"
//             "cluster" is "" when the configuration has only one.
// Answers     {"ok": true, ...} or {"ok": false, "error": {"message", "hint"}}
//               status   "node": {"pid", "version", "started"}, "clusters": [{"name", "epoch",
//                        "primary", "protected": bool, "exposed_seconds", "paused", "durability",
//                        "acknowledged": "epoch/sequence", "copies": [{"name", "engine", "role":
//                        "primary|mirror|replica|down|rebuilding", "health": "ok" or what is wrong,
//                        "received", "applied", "lag_ms", "behind_bytes", "path", "content_hash"}]}]
//               events   "events": [{"id", "time": ISO 8601, "cluster", "what", "copy", "evidence",
//                        "took_ms"}]
//               others   "message": one line saying what was done, or with dry_run what would be
// Errors      Code::unavailable (nobody answers at `path`), Code::deadline, Code::io, Code::corrupt
//             (the answer is no JSON object).
// Threads     The handler is called from several threads at once. The destructor waits for them.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace spar::server {

using AdminHandler = std::function<nlohmann::json(const nlohmann::json& request)>;

class AdminServer {
 public:
  static Result<std::unique_ptr<AdminServer>> start(const std::string& path, AdminHandler handler);
  virtual ~AdminServer() = default;
};

Result<nlohmann::json> admin_call(const std::string& path, const nlohmann::json& request,
                                  Monotonic deadline);

// {"ok": false, "error": {"message", "hint"}}
nlohmann::json admin_error(const Error& error);
nlohmann::json admin_error(const std::string& message, const std::string& hint);

}  // namespace spar::server
