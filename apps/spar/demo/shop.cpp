#include "spar/demo/shop.h"

#include <cstdlib>
#include <map>

namespace spar::app {
namespace {

constexpr const char* kTables[] = {
    "CREATE TABLE customers (id integer PRIMARY KEY, name varchar(60) NOT NULL,"
    " city varchar(40), spent numeric(12,2) NOT NULL)",
    "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id integer NOT NULL"
    " REFERENCES customers (id), total numeric(12,2) NOT NULL, placed timestamp)",
    "CREATE TABLE payments (request bigint NOT NULL, customer_id integer NOT NULL,"
    " amount numeric(12,2) NOT NULL)",
    "CREATE INDEX payments_request ON payments (request)",
};
constexpr const char* kFirst[] = {"Ada", "Li", "Marta", "Jonas", "Amara", "Wei", "Nora", "Tomás"};
constexpr const char* kLast[] = {"Berg", "Zhang", "Silva", "Okafor", "Novák", "Haas", "Lind"};
constexpr const char* kCities[] = {"Reykjavík", "Chengdu", "Porto", "Lagos", "Brno"};

Result<void> done(const SqlAnswer& answer) {
  if (!answer.ok) return failure(Code::unavailable, answer.error);
  return {};
}

std::string customer_row(int id) {
  auto number = static_cast<std::size_t>(id);
  return "(" + std::to_string(id) + ", '" + kFirst[number % std::size(kFirst)] + " " +
         kLast[number % std::size(kLast)] + "', '" + kCities[number % std::size(kCities)] +
         "', 0.00)";
}

struct Found {
  std::int64_t count = 0, cents = 0;
};
using ByNumber = std::map<std::int64_t, Found>;

Result<ByNumber> amounts(SqlClient& client, const std::string& sql) {
  SqlAnswer answer = client.run(sql);
  SPAR_TRY(done(answer));
  ByNumber found;
  for (const auto& row : answer.rows) {
    Found& entry = found[std::atoll(row[0].c_str())];
    ++entry.count;
    entry.cents += cents_of(row[1]);
  }
  return found;
}

// S2 and S3: everything that one transaction wrote is there, or nothing of it.
Result<std::int64_t> count_torn(SqlClient& client, const ByNumber& payments) {
  SPAR_ASSIGN(ByNumber orders, amounts(client, "SELECT id, total FROM orders"));
  SPAR_ASSIGN(ByNumber spent, amounts(client, "SELECT id, spent FROM customers"));
  SPAR_ASSIGN(ByNumber paid, amounts(client, "SELECT customer_id, amount FROM payments"));
  std::int64_t torn = 0;
  for (const auto& [id, order] : orders) {
    auto payment = payments.find(id);
    if (payment == payments.end() || payment->second.cents % order.cents != 0) ++torn;
  }
  for (const auto& [id, payment] : payments) torn += orders.contains(id) ? 0 : 1;
  for (const auto& [id, customer] : spent) torn += customer.cents == paid[id].cents ? 0 : 1;
  return torn;
}

}  // namespace

std::string money(std::int64_t cents) {
  std::string fraction = std::to_string(100 + cents % 100).substr(1);
  return std::to_string(cents / 100) + "." + fraction;
}

std::int64_t cents_of(const std::string& money) {
  std::string digits;
  for (char c : money) {
    if (c != '.') digits += c;
  }
  return std::atoll(digits.c_str());
}

Result<void> make_shop(SqlClient& client) {
  for (const char* sql : kTables) SPAR_TRY(done(client.run(sql)));
  std::string rows;
  for (int id = 1; id <= kCustomers; ++id) rows += (id > 1 ? ", " : "") + customer_row(id);
  return done(client.run("INSERT INTO customers (id, name, city, spent) VALUES " + rows));
}

namespace {

// A transaction sees what it wrote, once, whichever copy it goes on with.
SqlAnswer see_payment(SqlClient& client, const std::string& request, const std::string& amount) {
  SqlAnswer answer = client.run("SELECT amount FROM payments WHERE request = $1", {request});
  if (answer.ok && (answer.rows.size() != 1 || answer.rows[0][0] != amount)) {
    answer.ok = false;
    answer.error = "payment " + request + " is not what its own transaction wrote";
  }
  return answer;
}

}  // namespace

SqlAnswer pay(SqlClient& client, const Payment& payment, bool& commit_sent) {
  std::string request = std::to_string(payment.request), amount = money(payment.cents);
  std::string customer = std::to_string(payment.customer);
  commit_sent = false;
  SqlAnswer answer = client.run("BEGIN");
  if (answer.ok) answer = client.run("SELECT name, spent FROM customers WHERE id = $1", {customer});
  if (answer.ok) {
    answer =
        client.run("INSERT INTO orders (id, customer_id, total, placed) VALUES ($1, $2, $3, now())",
                   {request, customer, amount});
  }
  if (answer.ok) {
    answer = client.run("INSERT INTO payments (request, customer_id, amount) VALUES ($1, $2, $3)",
                        {request, customer, amount});
  }
  if (answer.ok) {
    answer =
        client.run("UPDATE customers SET spent = spent + $2 WHERE id = $1", {customer, amount});
  }
  if (answer.ok) answer = see_payment(client, request, amount);
  commit_sent = answer.ok;
  if (answer.ok) answer = client.run("COMMIT");
  return answer;
}

Result<Audit> audit_shop(SqlClient& client, const std::vector<Payment>& acknowledged) {
  SPAR_ASSIGN(ByNumber payments, amounts(client, "SELECT request, amount FROM payments"));
  Audit audit;
  for (const auto& [request, found] : payments) {
    audit.payments += found.count;
    audit.doubled += found.count - 1;
  }
  for (const Payment& payment : acknowledged) {
    auto found = payments.find(payment.request);
    if (found == payments.end() || found->second.cents % payment.cents != 0) ++audit.lost;
  }
  SPAR_ASSIGN(audit.torn, count_torn(client, payments));
  return audit;
}

}  // namespace spar::app
