// Makes query/functions callable in SQL: a trampoline for scalars, two for
// aggregates, four for aggregates over windows.
#include <sqlite3.h>

#include <memory>
#include <new>
#include <vector>

#include "engines/sqlite/connection.h"
#include "query/functions/frame.h"
#include "query/functions/registry.h"

namespace spar::engines::sqlite {
namespace {

using query::functions::Accumulator;
using query::functions::AggregateEntry;
using query::functions::FrameAccumulator;
using query::functions::ScalarEntry;

void give_error(sqlite3_context* context, const Error& error) {
  std::string text = "\x01" + error.sqlstate + error.message;
  if (!error.hint.empty()) text += kHintFollows + error.hint;
  sqlite3_result_error(context, text.c_str(), static_cast<int>(text.size()));
}

void give(sqlite3_context* context, const data::Datum& datum) {
  if (auto* integer = std::get_if<std::int64_t>(&datum)) {
    sqlite3_result_int64(context, *integer);
  } else if (auto* real = std::get_if<double>(&datum)) {
    sqlite3_result_double(context, *real);
  } else if (auto* text = std::get_if<std::string>(&datum)) {
    sqlite3_result_text64(context, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  } else if (auto* blob = std::get_if<data::Blob>(&datum)) {
    sqlite3_result_blob64(context, blob->bytes.data(), blob->bytes.size(), SQLITE_TRANSIENT);
  } else {
    sqlite3_result_null(context);
  }
}

// The arguments, or false when one is null and the function does not want to see nulls.
bool take(int count, sqlite3_value** values, bool sees_nulls, std::vector<data::Datum>& out) {
  out.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    if (!sees_nulls && sqlite3_value_type(values[i]) == SQLITE_NULL) return false;
    out.push_back(datum_of(values[i]));
  }
  return true;
}

void call_scalar(sqlite3_context* context, int count, sqlite3_value** values) {
  auto* entry = static_cast<const ScalarEntry*>(sqlite3_user_data(context));
  std::vector<data::Datum> arguments;
  if (!take(count, values, entry->sees_nulls, arguments)) return sqlite3_result_null(context);
  Result<data::Datum> result = entry->call(arguments);
  if (!result) return give_error(context, result.error());
  give(context, *result);
}

using SequenceCallsSlot = query::functions::SequenceCalls**;

template <std::size_t I>
void call_sequence(sqlite3_context* context, int count, sqlite3_value** values) {
  auto* calls = *static_cast<SequenceCallsSlot>(sqlite3_user_data(context));
  if (calls == nullptr) {
    return give_error(context,
                      sql_error("25006", "a sequence is used outside of a statement").error());
  }
  std::vector<data::Datum> arguments;
  (void)take(count, values, true, arguments);
  Result<data::Datum> result = (calls->*query::functions::sequence_functions()[I].call)(arguments);
  if (!result) return give_error(context, result.error());
  give(context, *result);
}

struct AggregateState {
  Accumulator* accumulator;  // SQLite zeroes the memory it gives
};

AggregateState* state_of(sqlite3_context* context) {
  return static_cast<AggregateState*>(
      sqlite3_aggregate_context(context, static_cast<int>(sizeof(AggregateState))));
}

void step_aggregate(sqlite3_context* context, int count, sqlite3_value** values) {
  auto* entry = static_cast<const AggregateEntry*>(sqlite3_user_data(context));
  AggregateState* state = state_of(context);
  if (state == nullptr) return sqlite3_result_error_nomem(context);
  if (state->accumulator == nullptr) state->accumulator = entry->make().release();
  std::vector<data::Datum> arguments;
  if (!take(count, values, entry->sees_nulls, arguments)) return;
  Result<void> stepped = state->accumulator->step(arguments);
  if (!stepped) give_error(context, stepped.error());
}

void finish_aggregate(sqlite3_context* context) {
  auto* entry = static_cast<const AggregateEntry*>(sqlite3_user_data(context));
  AggregateState* state = state_of(context);
  std::unique_ptr<Accumulator> accumulator(state != nullptr && state->accumulator != nullptr
                                               ? state->accumulator
                                               : entry->make().release());
  if (state != nullptr) state->accumulator = nullptr;
  Result<data::Datum> result = accumulator->finish();
  if (!result) return give_error(context, result.error());
  give(context, *result);
}

FrameAccumulator** frame_of(sqlite3_context* context) {
  return static_cast<FrameAccumulator**>(
      sqlite3_aggregate_context(context, static_cast<int>(sizeof(FrameAccumulator*))));
}

void step_frame(sqlite3_context* context, int count, sqlite3_value** values) {
  auto* entry = static_cast<const AggregateEntry*>(sqlite3_user_data(context));
  FrameAccumulator** frame = frame_of(context);
  if (frame == nullptr) return sqlite3_result_error_nomem(context);
  if (*frame == nullptr) *frame = new FrameAccumulator(*entry);
  std::vector<data::Datum> arguments;
  if (!take(count, values, entry->sees_nulls, arguments)) return;
  Result<void> stepped = (*frame)->step(arguments);
  if (!stepped) give_error(context, stepped.error());
}

void inverse_frame(sqlite3_context* context, int count, sqlite3_value** values) {
  auto* entry = static_cast<const AggregateEntry*>(sqlite3_user_data(context));
  FrameAccumulator** frame = frame_of(context);
  std::vector<data::Datum> arguments;
  if (frame == nullptr || *frame == nullptr) return;
  if (take(count, values, entry->sees_nulls, arguments)) (*frame)->inverse();
}

void give_frame(sqlite3_context* context, FrameAccumulator* frame) {
  auto* entry = static_cast<const AggregateEntry*>(sqlite3_user_data(context));
  Result<data::Datum> result = frame != nullptr ? frame->value() : entry->make()->finish();
  if (!result) return give_error(context, result.error());
  give(context, *result);
}

void value_frame(sqlite3_context* context) {
  FrameAccumulator** frame = frame_of(context);
  give_frame(context, frame == nullptr ? nullptr : *frame);
}

void finish_frame(sqlite3_context* context) {
  FrameAccumulator** slot = frame_of(context);
  const std::unique_ptr<FrameAccumulator> frame(slot == nullptr ? nullptr : *slot);
  if (slot != nullptr) *slot = nullptr;
  give_frame(context, frame.get());
}

}  // namespace

Result<void> register_functions(sqlite3* db, query::functions::SequenceCalls** calls) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  for (const ScalarEntry& entry : query::functions::scalars()) {
    int code = sqlite3_create_function_v2(db, std::string(entry.name).c_str(), entry.arity, kFlags,
                                          const_cast<ScalarEntry*>(&entry), call_scalar, nullptr,
                                          nullptr, nullptr);
    if (code != SQLITE_OK) return Failure(error_of(db, code));
  }
  // Not deterministic: each call counts.
  constexpr decltype(&call_sequence<0>) kSequenceCalls[] = {
      call_sequence<0>, call_sequence<1>, call_sequence<2>, call_sequence<3>, call_sequence<4>};
  for (std::size_t i = 0; i < std::size(kSequenceCalls); ++i) {
    const auto& entry = query::functions::sequence_functions()[i];
    int code = sqlite3_create_function_v2(db, std::string(entry.name).c_str(), entry.arity,
                                          SQLITE_UTF8 | SQLITE_DIRECTONLY, calls, kSequenceCalls[i],
                                          nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return Failure(error_of(db, code));
  }
  for (const AggregateEntry& entry : query::functions::aggregates()) {
    int code = sqlite3_create_function_v2(db, std::string(entry.name).c_str(), entry.arity, kFlags,
                                          const_cast<AggregateEntry*>(&entry), nullptr,
                                          step_aggregate, finish_aggregate, nullptr);
    if (code != SQLITE_OK) return Failure(error_of(db, code));
    code =
        sqlite3_create_window_function(db, query::functions::over_name(entry).c_str(), entry.arity,
                                       kFlags, const_cast<AggregateEntry*>(&entry), step_frame,
                                       finish_frame, value_frame, inverse_frame, nullptr);
    if (code != SQLITE_OK) return Failure(error_of(db, code));
  }
  return {};
}

}  // namespace spar::engines::sqlite
