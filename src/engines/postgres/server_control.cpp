#include "engines/postgres/server_control.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "engines/postgres/limits.h"

namespace spar::engines::postgres {
namespace {

constexpr const char* kReadOnly = "default_transaction_read_only";
constexpr const char* kSynchronous = "synchronous_standby_names";

bool is_true(const Rows& rows) {
  return !rows.empty() && rows[0][0] == "t";
}

bool is_ours(const std::string& slot) {
  return slot.starts_with(kSlotPrefix);
}

}  // namespace

std::string slot_name(CopyId copy) {
  return kSlotPrefix + std::to_string(copy.value);
}

Result<std::string> synchronous_names(const std::vector<std::string>& names, int k) {
  if (names.empty()) return "";
  if (k < 1 || static_cast<std::size_t>(k) > names.size()) {
    return failure(Code::invalid, "a commit cannot wait for " + std::to_string(k) + " of " +
                                      std::to_string(names.size()) + " copies");
  }
  std::string list;
  for (const std::string& name : names)
    list += (list.empty() ? "" : ", ") + quoted_identifier(name);
  return "ANY " + std::to_string(k) + " (" + list + ")";
}

Result<ServerControl> ServerControl::connect(const Conninfo& address, Monotonic deadline) {
  SPAR_ASSIGN(ServerLink link, ServerLink::connect(address, deadline));
  return ServerControl(std::move(link));
}

// ---- settings ---------------------------------------------------------------------------------

Result<void> ServerControl::alter(const std::string& name, const std::string& value,
                                  Monotonic deadline) {
  SPAR_ASSIGN(std::string literal, link_.literal(value));
  SPAR_TRY(link_.run("alter system set " + name + " = " + literal, deadline));
  return {};
}

Result<void> ServerControl::reload(Monotonic deadline) {
  SPAR_TRY(link_.run("select pg_reload_conf()", deadline));
  return {};
}

Result<std::string> ServerControl::setting(const std::string& name, Monotonic deadline) {
  SPAR_ASSIGN(Rows rows, link_.run("select current_setting($1)", {name}, deadline));
  return rows[0][0].value_or("");
}

// The postmaster reads the file before it tells its children: when our own session has the value,
// every session that begins from now on begins with it.
Result<void> ServerControl::set_and_wait(const std::string& name, const std::string& value,
                                         Monotonic deadline) {
  SPAR_TRY(alter(name, value, deadline));
  SPAR_TRY(reload(deadline));
  return wait_until("current_setting($1) = $2", {name, value}, name + " was not taken over",
                    deadline);
}

Result<void> ServerControl::wait_until(const std::string& condition,
                                       const std::vector<std::string>& parameters,
                                       const std::string& what, Monotonic deadline) {
  while (true) {
    SPAR_ASSIGN(Rows rows, link_.run("select " + condition, parameters, deadline));
    if (is_true(rows)) return {};
    if (std::chrono::steady_clock::now() + kLookEvery >= deadline) {
      return failure(Code::deadline, what + " in time", "57014");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

// ---- synchronous set --------------------------------------------------------------------------

// Whether commits wait at all is known to them through the checkpointer, which may see the new
// value later than our session does; it has seen it when a checkpoint asked for now is done.
Result<void> ServerControl::set_synchronous(const std::vector<std::string>& names, int k,
                                            Monotonic deadline) {
  SPAR_ASSIGN(std::string value, synchronous_names(names, k));
  SPAR_ASSIGN(std::string before, setting(kSynchronous, deadline));
  SPAR_TRY(set_and_wait(kSynchronous, value, deadline));
  if (before.empty() && !value.empty()) SPAR_TRY(checkpoint(deadline));
  return names.empty() ? Result<void>() : wake_senders(deadline);
}

// Who waits for a standby that is no longer asked for is let go only when another one has said
// something, and all are silent while nothing is written.
Result<void> ServerControl::wake_senders(Monotonic deadline) {
  SPAR_TRY(link_.run("set synchronous_commit = local", deadline));
  SPAR_TRY(write(deadline));
  SPAR_TRY(link_.run("reset synchronous_commit", deadline));
  return {};
}

Result<void> ServerControl::write(Monotonic deadline) {
  SPAR_TRY(link_.run("select pg_logical_emit_message(true, 'spar', '')", deadline));
  return {};
}

// ---- slots ------------------------------------------------------------------------------------

Result<void> ServerControl::ensure_slots(const std::vector<std::string>& names,
                                         Monotonic deadline) {
  if (!std::ranges::all_of(names, is_ours)) {
    return failure(Code::invalid, std::string("a slot's name must begin with ") + kSlotPrefix);
  }
  SPAR_TRY(drop_slots_but(names, deadline));
  for (const std::string& name : names) {
    SPAR_TRY(
        link_.run("select pg_create_physical_replication_slot($1, true) where not exists "
                  "(select from pg_replication_slots where slot_name = $1)",
                  {name}, deadline));
  }
  return {};
}

// A slot whose log was thrown away already ("lost") holds nothing: it is made again.
Result<void> ServerControl::drop_slots_but(const std::vector<std::string>& names,
                                           Monotonic deadline) {
  SPAR_ASSIGN(Rows slots,
              link_.run("select slot_name, wal_status, active_pid from pg_replication_slots "
                        "where slot_type = 'physical' and starts_with(slot_name, $1)",
                        {kSlotPrefix}, deadline));
  for (const auto& slot : slots) {
    bool wanted = std::ranges::find(names, *slot[0]) != names.end();
    if (wanted && slot[1] != "lost") continue;
    if (slot[2]) SPAR_TRY(terminate({std::stoi(*slot[2])}, deadline));
    SPAR_TRY(link_.run("select pg_drop_replication_slot($1)", {*slot[0]}, deadline));
  }
  return {};
}

// ---- fence ------------------------------------------------------------------------------------

Result<void> ServerControl::fence(Monotonic deadline) {
  SPAR_TRY(set_and_wait(kReadOnly, "on", deadline));
  return end_sessions(deadline);
}

Result<void> ServerControl::unfence(Monotonic deadline) {
  SPAR_TRY(link_.run(std::string("alter system reset ") + kReadOnly, deadline));
  SPAR_TRY(reload(deadline));
  return wait_until("current_setting($1) = 'off'", {kReadOnly}, "the server did not open",
                    deadline);
}

// Those that are there now; later ones are read-only from their beginning. Each is known by its
// process and its beginning, which is compared for equality alone: the server's clock may jump.
Result<void> ServerControl::end_sessions(Monotonic deadline) {
  const std::string session = "pid || ' ' || backend_start";
  SPAR_ASSIGN(Rows now,
              link_.run("select array_agg(" + session +
                            ")::text from pg_stat_activity where backend_type = 'client backend' "
                            "and pid <> pg_backend_pid() and not (usename = current_user and "
                            "application_name = $1 and backend_xid is null)",
                        {kControlApplication}, deadline));
  if (!now[0][0]) return {};
  const std::string them = " from pg_stat_activity where " + session + " = any ($1::text[])";
  SPAR_TRY(link_.run("select pg_terminate_backend(pid)" + them, {*now[0][0]}, deadline));
  return wait_until("not exists (select" + them + ")", {*now[0][0]}, "sessions did not end",
                    deadline);
}

Result<void> ServerControl::end_session_of(Xid transaction, Monotonic deadline) {
  SPAR_TRY(
      link_.run("select pg_terminate_backend(pid) from pg_stat_activity where "
                "backend_xid = ($1::text::xid8)::xid",
                {std::to_string(transaction.value)}, deadline));
  return {};
}

Result<void> ServerControl::terminate(const std::vector<int>& sessions, Monotonic deadline) {
  for (int pid : sessions) {
    SPAR_TRY(link_.run("select pg_terminate_backend($1)", {std::to_string(pid)}, deadline));
  }
  for (int pid : sessions) {
    SPAR_TRY(wait_until("not exists (select from pg_stat_activity where pid = $1)",
                        {std::to_string(pid)}, "a session did not end", deadline));
  }
  return {};
}

Result<void> ServerControl::checkpoint(Monotonic deadline) {
  SPAR_TRY(link_.run("checkpoint", deadline));
  return {};
}

}  // namespace spar::engines::postgres
