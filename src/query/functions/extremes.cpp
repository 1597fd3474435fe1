// The least and the greatest of values that can be equal without being the same: of equal ones the
// last counts, as in PostgreSQL.
#include "data/calendar.h"
#include "query/functions/accumulate.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

std::string numeric_key_of(const Datum& value) {
  return std::string(data::numeric_key(std::get<data::Blob>(value).bytes));
}
std::string interval_key_of(const Datum& value) {
  return data::interval_key(data::interval_from_blob(std::get<data::Blob>(value).bytes));
}

template <std::string (*key_of)(const Datum&), bool greatest>
class Extreme : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    std::string key = key_of(arguments[0]);
    if (!data::is_null(best_) && (greatest ? key < key_ : key > key_)) return {};
    key_ = std::move(key);
    best_ = arguments[0];
    return {};
  }
  Result<Datum> finish() override { return best_; }

 private:
  Datum best_;
  std::string key_;
};

constexpr AggregateEntry kEntries[] = {
    {"spar_min_numeric", 1, make<Extreme<numeric_key_of, false>>},
    {"spar_max_numeric", 1, make<Extreme<numeric_key_of, true>>},
    {"spar_min_interval", 1, make<Extreme<interval_key_of, false>>},
    {"spar_max_interval", 1, make<Extreme<interval_key_of, true>>},
};

}  // namespace

std::span<const AggregateEntry> extreme_aggregates() {
  return kEntries;
}

}  // namespace spar::query::functions
