// query/functions/sequences.h: nextval(), setval(), currval() and lastval(), and what else has to
// remember something while its statement runs.
//
// Contract    One SequenceCalls serves one statement: it reads a sequence's row when it is first
//             asked for, counts on by itself, and leaves in changed() what the rows must hold when
//             the statement has gone well. What the session has seen goes to its SessionSequences
//             at once. The names are the ones that rendered SQL calls; the bounds come with each
//             call, so that an executor needs no catalogue.
// Errors      2200H past a bound that does not cycle, 22003 setval() out of bounds, 55000 currval()
//             before nextval().
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "data/datum.h"

namespace spar::query::functions {

struct SequenceState {
  std::int64_t last = 0;
  bool called = false;  // false: `last` is still to be given
};

// What nextval() and setval() gave to one session.
struct SessionSequences {
  std::map<ObjectId, std::int64_t> values;
  ObjectId last;  // that nextval() was called for
};

class SequenceCalls {
 public:
  using Load = std::function<Result<SequenceState>(ObjectId)>;
  // Without `load` nothing can be counted on: a copy that is only read.
  SequenceCalls(SessionSequences& session, Load load) : session_(session), load_(std::move(load)) {}

  using Arguments = std::span<const data::Datum>;
  Result<data::Datum> nextval(Arguments arguments);  // id, name, increment, minimum, maximum, cycle
  Result<data::Datum> setval(Arguments arguments);   // id, name, minimum, maximum, value, called
  Result<data::Datum> currval(Arguments arguments);  // id, name
  Result<data::Datum> lastval(Arguments arguments);
  // ON CONFLICT DO UPDATE: the first of its arguments, which are a row's key and whether there is a
  // WHERE; 21000 for a key that the statement has met before, 0A000 where WHERE may have let it pass.
  Result<data::Datum> once(Arguments arguments);

  const std::map<ObjectId, SequenceState>& changed() const { return changed_; }

 private:
  Result<SequenceState*> state_of(ObjectId sequence);

  SessionSequences& session_;
  Load load_;
  std::map<ObjectId, SequenceState> changed_;
  std::set<std::vector<data::Datum>> met_;
};

struct SequenceEntry {
  std::string_view name;
  int arity;
  Result<data::Datum> (SequenceCalls::*call)(SequenceCalls::Arguments arguments);
};
std::span<const SequenceEntry> sequence_functions();

}  // namespace spar::query::functions
