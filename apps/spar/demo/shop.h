// spar/demo/shop.h: a generated shop and what must be true of it at any moment.
//
// Invariants  S1 Each payment has the number of the request that made it, and stands there once.
//             S2 Each payment belongs to an order of the same number and amount.
//             S3 A customer's `spent` is the sum of the customer's payments.
//             `payments` has no key on purpose: a request done twice must be able to show.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spar/demo/sql_client.h"

namespace spar::app {

inline constexpr int kCustomers = 400;

struct Payment {
  std::int64_t request = 0;
  int customer = 0;  // 1 to kCustomers
  std::int64_t cents = 0;
};

std::string money(std::int64_t cents);            // 1234 -> "12.34"
std::int64_t cents_of(const std::string& money);  // "12.34" -> 1234

Result<void> make_shop(SqlClient& client);
// One payment as a transaction that reads before and after it writes; stops at the first statement
// that fails. `sent` tells whether COMMIT was on its way.
SqlAnswer pay(SqlClient& client, const Payment& payment, bool& commit_sent);

// What the shop holds in the end against what was acknowledged.
struct Audit {
  std::int64_t payments = 0, lost = 0, doubled = 0, torn = 0;
};
Result<Audit> audit_shop(SqlClient& client, const std::vector<Payment>& acknowledged);

}  // namespace spar::app
