// query/functions/accumulate.h: what aggregates are made of.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "data/decimal.h"
#include "query/functions/registry.h"

namespace spar::query::functions {

template <class T>
std::unique_ptr<Accumulator> make() {
  return std::make_unique<T>();
}

// A sum of integers that never overflows: 64 bits as long as they do.
class WideSum {
 public:
  void add(std::int64_t value) {
    std::int64_t next = 0;
    if (__builtin_add_overflow(narrow_, value, &next)) {
      wide_ += static_cast<long>(std::exchange(narrow_, value));
    } else {
      narrow_ = next;
    }
  }
  void subtract(std::int64_t value) {
    std::int64_t next = 0;
    if (__builtin_sub_overflow(narrow_, value, &next)) {
      wide_ -= static_cast<long>(value);
    } else {
      narrow_ = next;
    }
  }
  mpz_class value() const { return wide_ + static_cast<long>(narrow_); }

 private:
  std::int64_t narrow_ = 0;
  mpz_class wide_;
};

}  // namespace spar::query::functions
