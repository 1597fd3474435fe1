// The extended query protocol: Parse, Bind, Describe, Execute, Close, Flush, Sync.
#include <algorithm>
#include <memory>
#include <utility>

#include "gateway/session.h"
#include "gateway/values.h"

namespace spar::gateway {

Session::After Session::extended(Result<void> result) {
  if (result) return After::go_on;
  extended_ = true;
  return fail(result.error());
}

Session::After Session::on(const wire::Parse& message) {
  return extended(parse(message));
}
Session::After Session::on(const wire::Bind& message) {
  return extended(bind(message));
}
Session::After Session::on(const wire::Describe& message) {
  return extended(describe(message));
}
Session::After Session::on(const wire::Execute& message) {
  extended_ = true;
  return extended(execute(message));
}

Session::After Session::on(const wire::Close& message) {
  if (message.target == wire::Target::portal) {
    portals_.close(message.name);
  } else {
    statements_.deallocate(message.name);
  }
  output_.encode().close_complete();
  return After::go_on;
}

// What the client asks for now it cannot be given before the commit: so commit.
Session::After Session::on(const wire::Flush&) {
  if (output_.holding()) {
    Result<void> done = transactions_.finish();
    if (!done) return extended(std::move(done));
  }
  return output_.flush() ? After::go_on : After::close;
}

Session::After Session::on(const wire::Sync&) {
  const bool skipped = std::exchange(skipping_, false);
  extended_ = false;
  if (!skipped) {
    if (Result<void> done = transactions_.finish(); !done) return fail(done.error());
  }
  return ready();
}

Result<void> Session::parse(const wire::Parse& message) {
  SPAR_ASSIGN(std::vector<SharedStatement> statements,
              statements_.of_text(message.text, message.parameter_types));
  if (statements.size() > 1) {
    return sql_error("42601", "cannot insert multiple commands into a prepared statement");
  }
  auto statement = std::make_shared<MeantStatement>();  // an empty one has no source
  if (!statements.empty()) {
    SPAR_TRY(meaning_of(*statements[0]));
    *statement = *statements[0];
    statement->columns_told = true;
  }
  SPAR_TRY(statements_.prepare(message.name, std::move(statement)));
  output_.encode().parse_complete();
  return {};
}

Result<void> Session::bind(const wire::Bind& message) {
  SPAR_ASSIGN(SharedStatement statement, statements_.prepared(message.statement));
  SPAR_ASSIGN(Portal * portal, portals_.open(message.portal));
  portal->statement = std::move(statement);
  if (portal->statement->source) {
    SPAR_ASSIGN(portal->meaning, meaning_of(*portal->statement));
  }
  static const std::vector<data::Type> kNone;
  const std::vector<data::Type>& types = portal->meaning ? portal->meaning->parameters : kNone;
  if (message.parameters.size() != types.size()) {
    return sql_error("08P01", "bind message supplies " + std::to_string(message.parameters.size()) +
                                  " parameters, but prepared statement \"" +
                                  std::string(message.statement) + "\" requires " +
                                  std::to_string(types.size()));
  }
  SPAR_TRY(read_parameters({message.parameters, message.parameter_formats}, types, runner_.text(),
                           portal->parameters));
  if (portal->meaning) {
    SPAR_TRY(runner_.read_result_formats(*portal, message.result_formats));
  }
  output_.encode().bind_complete();
  return {};
}

Result<void> Session::describe(const wire::Describe& message) {
  if (message.target == wire::Target::portal) {
    Portal* portal = portals_.find(message.name);
    if (portal == nullptr) {
      return sql_error("34000", "portal \"" + std::string(message.name) + "\" does not exist");
    }
    if (portal->meaning) return runner_.describe(*portal->meaning, portal->formats);
    output_.encode().no_data();
    return {};
  }
  SPAR_ASSIGN(SharedStatement statement, statements_.prepared(message.name));
  if (!statement->source) {
    output_.encode().parameter_description({});
    output_.encode().no_data();
    return {};
  }
  SPAR_ASSIGN(Meaning meaning, meaning_of(*statement));
  output_.encode().parameter_description(meaning->parameters);
  return runner_.describe(*meaning, {});
}

Result<void> Session::execute(const wire::Execute& message) {
  Portal* portal = portals_.find(message.portal);
  if (portal == nullptr) {
    return sql_error("34000", "portal \"" + std::string(message.portal) + "\" does not exist");
  }
  if (!portal->meaning) {
    output_.encode().empty_query_response();
    return {};
  }
  SPAR_ASSIGN(Outcome outcome, runner_.run(*portal, {.rows_max = std::max(message.rows_max, 0),
                                                     .last = message.sync_follows}));
  switch (outcome.kind) {
    case Outcome::Kind::complete:
      output_.encode().command_complete(outcome.tag);
      break;
    case Outcome::Kind::suspended:
      output_.encode().portal_suspended();
      break;
    case Outcome::Kind::copy_in:
      return begin_copy(std::move(outcome));
  }
  return output_.pour();
}

}  // namespace spar::gateway
