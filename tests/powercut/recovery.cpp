#include "tests/powercut/recovery.h"

#include <algorithm>

#include "data/text_format.h"
#include "tests/powercut/node.h"

namespace spar::test {
namespace {

Monotonic soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

struct Holdings {
  std::map<std::int64_t, std::int64_t> balances;  // by account
  std::map<std::int64_t, std::int64_t> sums;      // of an account's payments
  std::map<std::int64_t, std::int64_t> payments;  // how many, by the transaction's number
};

template <class Take>
Result<void> read(engines::Copy& copy, const char* sql, Take take) {
  query::Plan wanted = plan(query::PlanKind::select, sql);
  wanted.output = {{"a", {data::TypeId::int8, -1}, kAccounts, 1},
                   {"b", {data::TypeId::int8, -1}, kAccounts, 2}};
  SPAR_ASSIGN(auto session, copy.open_read());
  SPAR_ASSIGN(auto cursor, session->open({wanted, {}}));
  data::Row row;
  while (true) {
    SPAR_ASSIGN(bool more, cursor->next(row));
    if (!more) return {};
    take(std::get<std::int64_t>(row[0]), std::get<std::int64_t>(row[1]));
  }
}

Result<Holdings> read_holdings(engines::Copy& copy) {
  Holdings found;
  SPAR_TRY(read(copy, "SELECT c1,c2 FROM t16385",
                [&](std::int64_t id, std::int64_t balance) { found.balances[id] = balance; }));
  SPAR_TRY(read(copy, "SELECT c1,c2 FROM t16386", [&](std::int64_t account, std::int64_t number) {
    found.sums[account] += number;
    ++found.payments[number];
  }));
  return found;
}

// Every transaction acknowledged is there; whatever is there is there once, and whole.
std::string check_holdings(const State& state, const Holdings& found) {
  for (std::int64_t number : state.acknowledged) {
    if (found.payments.contains(number)) continue;
    return "transaction " + std::to_string(number) + ", acknowledged, is lost";
  }
  for (const auto& [number, count] : found.payments) {
    auto tried = state.payments.find(number);
    if (tried != state.payments.end() && tried->second == count) continue;
    return "transaction " + std::to_string(number) + " has " + std::to_string(count) + " payments";
  }
  for (const auto& [account, balance] : found.balances) {
    auto sum = found.sums.find(account);
    if (balance == (sum == found.sums.end() ? 0 : sum->second)) continue;
    return "account " + std::to_string(account) + " and its payments differ: half a transaction";
  }
  return "";
}

bool has_shop(Node& node) {
  return node.cluster().catalogue()->table(kPayments) != nullptr;
}

// A transaction more, and both copies then hold the same, as their hashes say and row by row.
std::string check_copies(Node& node) {
  auto primary = node.cluster().member(node.controller().state().record->primary);
  for (const auto& member : node.cluster().members()) {
    const std::string& name = member->identity().name;
    if (auto same = replicate::verify_content(member->copy()); !same) {
      return name + ": " + same.error().message;
    }
    if (member->copy().contents() != primary->copy().contents()) {
      return name + " differs from its primary";
    }
  }
  return "";
}

// What the server says has happened, to be shown with a failure.
std::string story(Node& node) {
  control::State state = node.controller().state();
  std::string told = std::string(control::to_string(state.stage)) + ", " + state.condition;
  for (const auto& event : node.events().after(0)) {
    told += "\n  " + event.what + " (" + event.evidence + ")";
  }
  for (const auto& member : node.cluster().members()) {
    told += "\n  " + member->identity().name + " has received " + to_string(member->received()) +
            ", applied " + to_string(member->applied()) + " " + member->failure_text();
  }
  return told;
}

std::string check_node(const State& state, Node& node) {
  if (auto started = node.controller().start(soon()); !started) {
    return "it does not start: " + started.error().message;
  }
  if (!has_shop(node)) {
    if (state.shop) return "the tables are lost";
    return create_shop(node.cluster()) ? "" : "it takes no tables";
  }
  auto primary = node.cluster().member(node.controller().state().record->primary);
  auto found = read_holdings(primary->copy());
  if (!found) return "it cannot be read: " + found.error().message;
  if (std::string wrong = check_holdings(state, *found); !wrong.empty()) return wrong;
  if (!commit(node.cluster(), {1'000'000, 2})) return "it takes no commit";
  if (!eventually([&] { return protected_and_caught_up(node); })) {
    return "the other copy does not come back: " + story(node);
  }
  return check_copies(node);
}

}  // namespace

State state_after(const History& history, std::uint64_t moment, std::uint64_t seed) {
  State state;
  state.disk = history.disk.after_power_cut(moment, seed);
  state.shop = history.schema_moment <= moment;
  for (const Acknowledged& each : history.acknowledged) {
    if (each.moment <= moment) state.acknowledged.push_back(each.transfer.number);
  }
  state.payments = history.payments;
  return state;
}

std::string check_state(const State& state) {
  if (!state.disk->exists(kRoot)) return "";
  for (const char* name : {"a", "b"}) {  // as an administrator would, for a copy that is gone
    auto made = state.disk->make_directory(copy_directory(name));
    if (!made) return made.error().message;
  }
  Node node(*state.disk);
  return check_node(state, node);
}

}  // namespace spar::test
