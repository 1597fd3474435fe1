#include "query/functions/sequences.h"

#include <algorithm>

#include "query/functions/arguments.h"

namespace spar::query::functions {
namespace {

ObjectId id_at(Arguments arguments, std::size_t i) {
  return ObjectId(static_cast<std::uint32_t>(integer_at(arguments, i)));
}

// The step from `last`, or nothing past the bound.
std::optional<std::int64_t> step(std::int64_t last, std::int64_t increment, std::int64_t minimum,
                                 std::int64_t maximum) {
  std::int64_t next = 0;
  if (__builtin_add_overflow(last, increment, &next)) return std::nullopt;
  const bool inside = increment > 0 ? next <= maximum : next >= minimum;
  return inside ? std::optional(next) : std::nullopt;
}

}  // namespace

Result<SequenceState*> SequenceCalls::state_of(ObjectId sequence) {
  if (const auto found = changed_.find(sequence); found != changed_.end()) return &found->second;
  if (!load_) return sql_error("25006", "cannot execute nextval() in a read-only transaction");
  SPAR_ASSIGN(const SequenceState state, load_(sequence));
  return &changed_.emplace(sequence, state).first->second;
}

Result<Datum> SequenceCalls::nextval(Arguments arguments) {
  const ObjectId id = id_at(arguments, 0);
  const std::int64_t increment = integer_at(arguments, 2);
  const std::int64_t minimum = integer_at(arguments, 3), maximum = integer_at(arguments, 4);
  SPAR_ASSIGN(SequenceState * state, state_of(id));
  if (state->called) {
    std::optional<std::int64_t> next = step(state->last, increment, minimum, maximum);
    if (!next && integer_at(arguments, 5) == 0) {
      const bool up = increment > 0;
      return sql_error("2200H", std::string("nextval: reached ") + (up ? "maximum" : "minimum") +
                                    " value of sequence \"" + std::string(text_at(arguments, 1)) +
                                    "\" (" + std::to_string(up ? maximum : minimum) + ")");
    }
    state->last = next.value_or(increment > 0 ? minimum : maximum);
  }
  state->called = true;
  session_.values[id] = state->last;
  session_.last = id;
  return Datum(state->last);
}

Result<Datum> SequenceCalls::setval(Arguments arguments) {
  if (std::ranges::any_of(arguments, data::is_null)) return Datum{};
  const ObjectId id = id_at(arguments, 0);
  const std::int64_t minimum = integer_at(arguments, 2), maximum = integer_at(arguments, 3);
  const std::int64_t value = integer_at(arguments, 4);
  if (value < minimum || value > maximum) {
    return sql_error("22003", "setval: value " + std::to_string(value) +
                                  " is out of bounds for sequence \"" +
                                  std::string(text_at(arguments, 1)) + "\" (" +
                                  std::to_string(minimum) + ".." + std::to_string(maximum) + ")");
  }
  SPAR_ASSIGN(SequenceState * state, state_of(id));
  *state = {value, integer_at(arguments, 5) != 0};
  if (state->called) session_.values[id] = value;
  return Datum(value);
}

Result<Datum> SequenceCalls::currval(Arguments arguments) {
  const auto found = session_.values.find(id_at(arguments, 0));
  if (found != session_.values.end()) return Datum(found->second);
  return sql_error("55000", "currval of sequence \"" + std::string(text_at(arguments, 1)) +
                                "\" is not yet defined in this session");
}

Result<Datum> SequenceCalls::lastval(Arguments) {
  const auto found = session_.values.find(session_.last);
  if (found != session_.values.end()) return Datum(found->second);
  return sql_error("55000", "lastval is not yet defined in this session");
}

Result<Datum> SequenceCalls::once(Arguments arguments) {
  if (std::ranges::any_of(arguments, data::is_null)) return arguments[0];
  if (met_.emplace(arguments.begin(), arguments.end()).second) return arguments[0];
  if (integer_at(arguments, arguments.size() - 1) != 0) {
    return not_supported("ON CONFLICT DO UPDATE ... WHERE of rows with one key");
  }
  Failure failure =
      sql_error("21000", "ON CONFLICT DO UPDATE command cannot affect row a second time");
  failure.error().hint =
      "Ensure that no rows proposed for insertion within the same command have duplicate "
      "constrained values.";
  return failure;
}

namespace {

constexpr SequenceEntry kEntries[] = {
    {"spar_nextval", 6, &SequenceCalls::nextval}, {"spar_setval", 6, &SequenceCalls::setval},
    {"spar_currval", 2, &SequenceCalls::currval}, {"spar_lastval", 0, &SequenceCalls::lastval},
    {"spar_once", -1, &SequenceCalls::once},
};

}  // namespace

std::span<const SequenceEntry> sequence_functions() {
  return kEntries;
}

}  // namespace spar::query::functions
