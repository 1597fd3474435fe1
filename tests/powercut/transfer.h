// tests/powercut/transfer.h: the transactions of the power-cut history. Number n adds n to an
// account's balance once for each payment of n that it inserts, so that half a transaction, a lost
// one and a doubled one are all seen in what a copy holds.
#pragma once

#include "replicate/cluster.h"
#include "tests/support/shop_schema.h"

namespace spar::test {

inline constexpr std::int64_t kAccountCount = 12;

struct Transfer {
  std::int64_t number = 0;
  std::int64_t payments = 1;
  std::int64_t account() const { return number % kAccountCount + 1; }
};

// Nothing when the cluster says that it is not committed, or that it does not know.
std::optional<Position> commit(replicate::Cluster& cluster, const Transfer& transfer);
Result<void> create_shop(replicate::Cluster& cluster);

}  // namespace spar::test
