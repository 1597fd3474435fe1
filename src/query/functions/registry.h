// query/functions/registry.h: PostgreSQL's scalar and aggregate semantics, once, for every
// executor.
//
// Contract    Pure functions over datums in storage form (data/type.h). A null argument gives null
//             without a call unless the entry says it sees nulls. An SQL error (22003, 22012, ...)
//             is returned, never thrown. The names are the ones that rendered SQL calls.
// Naming      "spar_" + what it does; overloads by type carry the type as a suffix: spar_add_int4,
//             spar_mul_numeric. numeric arguments and results of functions are always in blob form;
//             spar_scaled_to_numeric(i, scale) and spar_numeric_to_scaled(n, precision, scale)
//             convert.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "data/datum.h"

namespace spar::query::functions {

using Scalar = Result<data::Datum> (*)(std::span<const data::Datum> arguments);

struct ScalarEntry {
  std::string_view name;
  int arity;  // -1: any number
  bool sees_nulls;
  Scalar call;
};

// One group's running state of an aggregate. step() is not called for a null argument, unless the
// entry says it sees nulls. finish() may be asked again, and more steps may follow.
class Accumulator {
 public:
  virtual ~Accumulator() = default;
  virtual Result<void> step(std::span<const data::Datum> arguments) = 0;
  virtual Result<data::Datum> finish() = 0;
  // Takes back the oldest step(); false: this cannot be done exactly, the state is spoilt.
  virtual bool inverse(std::span<const data::Datum>) { return false; }
};

struct AggregateEntry {
  std::string_view name;
  int arity;
  std::unique_ptr<Accumulator> (*make)();
  bool sees_nulls = false;
};

std::span<const ScalarEntry> scalars();
std::span<const AggregateEntry> aggregates();

}  // namespace spar::query::functions
