// gateway/session.h: one client's conversation after its login, apart from its socket.
//
// Contract    handle() takes one message at a time and writes what PostgreSQL 15 would answer into
//             the sink: errors end a query string, or skip to Sync in the extended protocol;
//             answers of an implicit transaction that wrote leave only after its commit is durable.
//             What a message costs is bounded by Limits. The session owns its backend and leaves it
//             with no transaction open.
// States      ready -> (query string | extended unit | copy in) -> ready;  any -> closed
// Errors      None leave here: they become ErrorResponse. handle() says when to close.
// Threads     One thread; cancel() and break_off() from any.
// Not here    Start-up and passwords (login.h), sockets and deadlines (connection.h).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/backend.h"
#include "gateway/copy_in.h"
#include "gateway/limits.h"
#include "gateway/notices.h"
#include "gateway/output.h"
#include "gateway/portal.h"
#include "gateway/runner.h"
#include "gateway/settings.h"
#include "gateway/statements.h"
#include "gateway/transactions.h"
#include "gateway/wire/messages.h"

namespace spar::gateway {

// Who talks, and the numbers that a CancelRequest must name.
struct SessionIdentity {
  std::string user;
  std::string database;
  std::uint32_t process = 0;
  std::uint32_t secret = 0;
};

class Session {
 public:
  enum class After { go_on, close };

  struct Setup {
    SessionIdentity identity;
    std::unique_ptr<Backend> backend;
    Settings settings;
    Limits limits;
    Language language;
  };
  Session(Setup setup, Sink& sink);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // After AuthenticationOk: the parameters, the key, and the first ReadyForQuery.
  void greet(const std::vector<std::string>& warnings);
  After handle(const wire::Message& message);

  // An end that the server decides on, said as FATAL.
  void end(const Error& reason);
  void cancel() { backend_->cancel(); }
  // Cancels what runs, and has it end the session (57P01).
  void break_off() {
    breaking_off_ = true;
    backend_->cancel();
  }

  bool in_transaction() const { return transactions_.in_block() || transactions_.implicit(); }
  // How long the client may stay silent now; zero: for ever.
  std::chrono::milliseconds silence_max() const { return silence_max_; }

 private:
  After on(const wire::Query& query);
  After on(const wire::Parse& parse);
  After on(const wire::Bind& bind);
  After on(const wire::Describe& describe);
  After on(const wire::Close& close);
  After on(const wire::Execute& execute);
  After on(const wire::Flush&);
  After on(const wire::Sync&);
  After on(const wire::Terminate&) { return After::close; }
  After on(const wire::CopyData&) { return After::go_on; }  // left over from a COPY that failed
  After on(const wire::CopyDone&) { return After::go_on; }
  After on(const wire::CopyFail&) { return After::go_on; }
  After on(const wire::FunctionCall&);
  After on(const wire::Malformed& malformed);
  After on(const wire::TooLarge& too_large);
  template <class Other>
  After on(const Other&) {
    return fatal("08P01", "unexpected message");
  }

  After during_copy(const wire::Message& message);
  After finish_copy();

  After run_query();  // from query_next_ on
  Result<void> run_next();
  Result<void> begin_copy(Outcome outcome);
  Result<void> complete(const std::string& tag, bool last);

  Result<void> parse(const wire::Parse& parse);
  Result<void> bind(const wire::Bind& bind);
  Result<void> describe(const wire::Describe& describe);
  Result<void> execute(const wire::Execute& execute);
  Result<Meaning> meaning_of(MeantStatement& statement);

  After extended(Result<void> result);
  After fail(const Error& error);
  After fail_message(char type, const Error& error);
  After fatal(std::string_view sqlstate, std::string message);
  After ready();
  void look_at_settings();

  SessionIdentity identity_;
  Limits limits_;
  std::unique_ptr<Backend> backend_;
  Settings settings_;
  Output output_;
  Notices notices_;
  Statements statements_;
  Portals portals_;
  Transactions transactions_;
  Runner runner_;

  std::vector<SharedStatement> query_;  // the query string under way
  std::size_t query_next_ = 0;
  Portal query_portal_;
  bool extended_ = false;  // errors skip to Sync
  bool skipping_ = false;
  std::atomic<bool> breaking_off_{false};
  std::optional<CopyIn> copy_;
  std::uint64_t seen_changes_ = 0;
  std::chrono::milliseconds silence_max_{0};
  std::chrono::milliseconds silence_idle_{0};
  std::chrono::milliseconds silence_in_block_{0};
};

}  // namespace spar::gateway
