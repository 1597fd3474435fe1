#include "gateway/session.h"

#include <utility>

namespace spar::gateway {
namespace {

Error with_sqlstate(Error error) {
  if (error.sqlstate != "XX000" && !error.sqlstate.empty()) return error;
  switch (error.code) {
    case Code::cancelled:
    case Code::deadline:
      error.sqlstate = "57014";
      break;
    case Code::unavailable:
      error.sqlstate = "57P03";
      break;
    case Code::unknown_outcome:
      error.sqlstate = "08007";
      break;
    default:
      break;
  }
  return error;
}

bool belongs_to_extended(char type) {
  return std::string_view("PBDECHS").contains(type);
}

std::string as_hexadecimal(char c) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  auto value = static_cast<unsigned char>(c);
  return std::string("0x") + kDigits[value >> 4] + kDigits[value & 15];
}

}  // namespace

Session::Session(Setup setup, Sink& sink)
    : identity_(std::move(setup.identity)),
      limits_(setup.limits),
      backend_(std::move(setup.backend)),
      settings_(std::move(setup.settings)),
      output_(sink, limits_),
      notices_(output_, settings_),
      statements_({*backend_, settings_, setup.language}, limits_,
                  {identity_.user, identity_.database}),
      portals_(limits_),
      transactions_({*backend_, settings_, statements_, portals_, output_, notices_}),
      runner_({*backend_, settings_, statements_, portals_, transactions_, output_, notices_,
               limits_}) {}

Session::~Session() {
  query_portal_.reset();
  copy_.reset();
  transactions_.end();
}

void Session::greet(const std::vector<std::string>& warnings) {
  look_at_settings();
  output_.encode().backend_key(identity_.process, identity_.secret);
  for (const std::string& warning : warnings) notices_.warning("01000", warning);
  ready();
}

Session::After Session::handle(const wire::Message& message) {
  if (copy_) return during_copy(message);
  if (skipping_ && !std::holds_alternative<wire::Sync>(message) &&
      !std::holds_alternative<wire::Terminate>(message)) {
    return After::go_on;
  }
  After after = std::visit([&](const auto& one) { return on(one); }, message);
  return output_.lost() ? After::close : after;
}

void Session::end(const Error& reason) {
  query_portal_.reset();
  copy_.reset();
  output_.discard_held();
  output_.encode().error(wire::Severity::fatal, with_sqlstate(reason));
  (void)output_.flush();  // the client may be gone, and the session ends anyway
}

Session::After Session::fatal(std::string_view sqlstate, std::string message) {
  end(sql_error(sqlstate, std::move(message)).error());
  return After::close;
}

Session::After Session::ready() {
  if (seen_changes_ != settings_.changes()) look_at_settings();
  silence_max_ = transactions_.in_block() ? silence_in_block_ : silence_idle_;
  output_.encode().ready_for_query(transactions_.status());
  return output_.flush() ? After::go_on : After::close;
}

// What follows from changed settings, however they changed.
void Session::look_at_settings() {
  seen_changes_ = settings_.changes();
  runner_.apply_settings();
  silence_idle_ = milliseconds_of(settings_.get("idle_session_timeout"));
  silence_in_block_ = milliseconds_of(settings_.get("idle_in_transaction_session_timeout"));
  settings_.report([&](std::string_view name, std::string_view value) {
    output_.encode().parameter_status(name, value);
  });
}

Session::After Session::fail(const Error& error) {
  query_portal_.reset();
  copy_.reset();
  transactions_.broken();
  if (breaking_off_) return fatal("57P01", "terminating connection due to administrator command");
  runner_.apply_settings();
  output_.encode().error(wire::Severity::error, with_sqlstate(error));
  if (output_.lost()) return After::close;
  if (extended_) {
    skipping_ = true;
    return After::go_on;
  }
  query_.clear();
  return ready();
}

// A message that could not be used at all.
Session::After Session::fail_message(char type, const Error& error) {
  extended_ = belongs_to_extended(type);
  return fail(error);
}

Session::After Session::on(const wire::Malformed& malformed) {
  return fail_message(malformed.type, sql_error("08P01", malformed.reason).error());
}

Session::After Session::on(const wire::TooLarge& too_large) {
  if (too_large.type == 'd') return After::go_on;  // of a COPY that has failed already
  Failure out =
      sql_error("54000", "a message of " + std::to_string(too_large.bytes) + " bytes is too large");
  out.error().detail = "At most " + std::to_string(limits_.message_bytes_max) + " bytes are taken.";
  out.error().hint = "The limit is message_bytes_max in the table [limits] of the configuration.";
  return fail_message(too_large.type, out.error());
}

Session::After Session::on(const wire::FunctionCall&) {
  return fail_message('F', not_supported("the function call message").error());
}

// ---- Query strings

Session::After Session::on(const wire::Query& query) {
  extended_ = false;
  (void)statements_.deallocate("");  // as PostgreSQL: a query string ends the unnamed statement
  portals_.close("");
  Result<std::vector<SharedStatement>> statements = statements_.of_text(query.text, {});
  if (!statements) return fail(statements.error());
  query_ = std::move(*statements);
  query_next_ = 0;
  if (query_.empty()) {
    output_.encode().empty_query_response();
    if (Result<void> done = transactions_.finish(); !done) return fail(done.error());
    return ready();
  }
  return run_query();
}

Session::After Session::run_query() {
  while (query_next_ < query_.size()) {
    Result<void> done = run_next();
    if (!done) return fail(done.error());
    if (copy_) return output_.flush() ? After::go_on : After::close;
  }
  query_.clear();
  return ready();
}

Result<void> Session::run_next() {
  const bool last = query_next_ + 1 == query_.size();
  const RunOptions options{
      .rows_max = 0, .tell_columns = true, .alone = query_.size() == 1, .last = last};
  query_portal_.reset();
  query_portal_.statement = query_[query_next_++];
  SPAR_ASSIGN(query_portal_.meaning, meaning_of(*query_portal_.statement));
  if (!query_portal_.meaning->parameters.empty()) {
    return sql_error("42P02", "there is no parameter $1");
  }
  SPAR_ASSIGN(Outcome outcome, runner_.run(query_portal_, options));
  query_portal_.reset();
  if (outcome.kind == Outcome::Kind::copy_in) return begin_copy(std::move(outcome));
  return complete(outcome.tag, last);
}

// In a failed transaction only what leads out of it is looked at.
Result<Meaning> Session::meaning_of(MeantStatement& statement) {
  Result<Meaning> meaning = statements_.meaning(statement);
  if (!meaning && transactions_.failed()) return Runner::in_failed_transaction();
  if (meaning) SPAR_TRY(runner_.check_allowed(**meaning));
  return meaning;
}

// The last statement of a string is told complete when its transaction is.
Result<void> Session::complete(const std::string& tag, bool last) {
  if (last) SPAR_TRY(transactions_.finish());
  output_.encode().command_complete(tag);
  return {};
}

// ---- COPY FROM STDIN

Result<void> Session::begin_copy(Outcome outcome) {
  copy_.emplace(*backend_, std::move(outcome.copy), runner_.text(), limits_);
  output_.encode().copy_in_response(copy_->columns());
  // The client waits for this one. What its string said before goes out with it: the rows of the
  // COPY belong to the same transaction, so the client cannot take it for committed.
  if (output_.holding()) output_.release();
  return output_.flush();
}

Session::After Session::during_copy(const wire::Message& message) {
  if (const auto* data = std::get_if<wire::CopyData>(&message)) {
    Result<void> done = copy_->feed(data->bytes);
    return done ? After::go_on : fail(done.error());
  }
  if (std::holds_alternative<wire::CopyDone>(message)) return finish_copy();
  if (const auto* failed = std::get_if<wire::CopyFail>(&message)) {
    return fail(
        sql_error("57014", "COPY from stdin failed: " + std::string(failed->reason)).error());
  }
  if (std::holds_alternative<wire::Sync>(message) || std::holds_alternative<wire::Flush>(message)) {
    return After::go_on;
  }
  if (std::holds_alternative<wire::Terminate>(message)) return After::close;
  if (const auto* large = std::get_if<wire::TooLarge>(&message)) {
    return fail(
        sql_error("54000", "a message of " + std::to_string(large->bytes) + " bytes is too large")
            .error());
  }
  char type = std::holds_alternative<wire::Query>(message) ? 'Q' : '?';
  return fail(sql_error("08P01", "unexpected message type " + as_hexadecimal(type) +
                                     " during COPY from stdin")
                  .error());
}

Session::After Session::finish_copy() {
  if (transactions_.implicit()) output_.hold();
  Result<std::uint64_t> rows = copy_->finish();
  copy_.reset();
  if (!rows) return fail(rows.error());
  const std::string tag = "COPY " + std::to_string(*rows);
  if (extended_) {
    output_.encode().command_complete(tag);
    return After::go_on;
  }
  if (Result<void> done = complete(tag, query_next_ == query_.size()); !done) {
    return fail(done.error());
  }
  return run_query();
}

}  // namespace spar::gateway
