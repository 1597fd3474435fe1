// gateway/portal.h: statements with their parameters, ready to run or half way through their rows.
//
// Contract    A Portal belongs to the transaction it was made in: close_all() at the transaction's
//             end, before the backend is told. The unnamed one keeps its memory for the next Bind.
// Threads     One thread a session.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/datum.h"
#include "gateway/backend.h"
#include "gateway/limits.h"
#include "gateway/statements.h"
#include "gateway/wire/messages.h"

namespace spar::gateway {

struct Portal {
  enum class State { ready, running, done, failed };

  SharedStatement statement;
  Meaning meaning;
  std::vector<data::Datum> parameters;
  std::vector<wire::Format> formats;  // one for each column, or none: all text
  State state = State::ready;
  std::unique_ptr<Rows> rows;
  std::deque<data::Row> kept;  // rows of INSERT ... RETURNING beyond the limit of one Execute

  void reset();
};

class Portals {
 public:
  explicit Portals(const Limits& limits) : portals_max_(limits.portals_max) {}

  // A fresh one; 42P03 for a name in use, and the unnamed one is replaced.
  Result<Portal*> open(std::string_view name);
  Portal* find(std::string_view name);
  void close(std::string_view name);
  void close_all();
  // Ends every running query; the portals can only be closed after that.
  void break_all();

 private:
  std::size_t portals_max_;
  Portal unnamed_;
  bool unnamed_open_ = false;
  std::map<std::string, Portal, std::less<>> named_;
};

}  // namespace spar::gateway
