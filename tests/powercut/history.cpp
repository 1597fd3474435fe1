#include "tests/powercut/history.h"

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/powercut/node.h"

namespace spar::test {
namespace {

Monotonic soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("recording the history: " + what);
}

template <class T>
void require(const Result<T>& result, const std::string& what) {
  if (!result)
    throw std::runtime_error("recording the history: " + what + ": " + result.error().message);
}

Result<void> run(engines::WriteSession& session, const query::Plan& plan,
                 std::vector<data::Datum> values) {
  SPAR_ASSIGN(auto cursor, session.open({plan, values}));
  data::Row row;
  while (true) {
    SPAR_ASSIGN(bool more, cursor->next(row));
    if (!more) return {};
  }
}

Result<void> write(engines::WriteSession& session, const Transfer& transfer) {
  SPAR_TRY(
      run(session, add_to_balance(), {transfer.account(), transfer.number * transfer.payments}));
  std::vector<data::Row> rows(static_cast<std::size_t>(transfer.payments),
                              {transfer.account(), transfer.number});
  SPAR_TRY(session.insert_many(insert_payment(), rows, {}));
  return {};
}

// The threads that write, and what came of it.
class Writers {
 public:
  Writers(History& history, Node& node, int threads) : history_(history), node_(node) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { write_until_stopped(); });
  }
  ~Writers() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  // Lets them go on until so many more transactions are acknowledged.
  void await(std::size_t more) {
    std::size_t want = count() + more;
    require(eventually([&] { return count() >= want; }), "the writers are stuck");
  }

 private:
  std::size_t count() {
    std::lock_guard lock(mutex_);
    return history_.acknowledged.size();
  }

  Transfer next() {
    std::lock_guard lock(mutex_);
    Transfer transfer{++last_, last_ % 17 == 0 ? 150 : 1 + last_ % 3};
    history_.payments[transfer.number] = transfer.payments;
    return transfer;
  }

  void write_until_stopped() {
    while (!stop_) {
      Transfer transfer = next();
      if (!commit(node_.cluster(), transfer)) continue;
      std::uint64_t moment = history_.disk.moment();
      std::lock_guard lock(mutex_);
      history_.acknowledged.push_back({moment, transfer});
    }
  }

  History& history_;
  Node& node_;
  std::mutex mutex_;
  std::int64_t last_ = 0;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

void checkpoint_all(Node& node) {
  for (const auto& member : node.cluster().members()) member->checkpoint();
}

CopyId primary_of(Node& node) {
  return node.controller().state().record->primary;
}

void destroy(History& history, Node& node, CopyId copy) {
  auto member = node.cluster().member(copy);
  require(member != nullptr, "there is no copy to destroy");
  require(history.disk.remove_all(member->identity().directory), "destroying a copy");
  // An empty directory in its place, as an administrator would give it.
  require(eventually([&] { return member->failed(); }), "the loss was not noticed");
  require(history.disk.make_directory(member->identity().directory), "an empty directory");
}

void await_protection(Node& node) {
  auto is_protected = [&] {
    control::State state = node.controller().state();
    return state.record && state.record->synchronous.size() == 1;
  };
  require(eventually(is_protected), "the cluster is not protected again");
}

void live(History& history, Node& node) {
  Writers writers(history, node, 3);
  writers.await(120);
  checkpoint_all(node);
  writers.await(60);
  control::Switchover to_the_mirror{node.controller().state().record->synchronous.front()};
  require(node.controller().ask(to_the_mirror, soon()), "switchover");
  writers.await(60);
  await_protection(node);
  checkpoint_all(node);
  writers.await(60);
  destroy(history, node, primary_of(node));  // a failover, then a rebuilt mirror
  writers.await(60);
  await_protection(node);
  writers.await(60);
  checkpoint_all(node);
  destroy(history, node, node.controller().state().record->synchronous.front());
  writers.await(40);
  await_protection(node);
  writers.await(60);
}

}  // namespace

std::optional<Position> commit(replicate::Cluster& cluster, const Transfer& transfer) {
  std::uint64_t session = 1000 + static_cast<std::uint64_t>(transfer.number);
  auto lease = cluster.begin_write({session, soon(), nullptr}, soon());
  if (!lease || !write((*lease)->session(), transfer)) return {};
  auto position = (*lease)->commit(TransactionId(session), Timestamp(transfer.number));
  if (!position || !*position) return {};
  if (cluster.pipeline().wait(**position, soon()) != replicate::Outcome::committed) return {};
  return *position;
}

Result<void> create_shop(replicate::Cluster& cluster) {
  SPAR_ASSIGN(auto lease, cluster.begin_write({2, soon(), nullptr}, soon()));
  SPAR_TRY(lease->session().change_schema(shop_schema()));
  std::vector<data::Row> rows;
  for (std::int64_t id = 1; id <= kAccountCount; ++id) rows.push_back({id, std::int64_t(0)});
  SPAR_TRY(lease->session().insert_many(insert_account(), rows, {}));
  SPAR_ASSIGN(auto position, lease->commit(TransactionId(2), Timestamp(0)));
  if (cluster.pipeline().wait(*position, soon()) == replicate::Outcome::committed) return {};
  return failure(Code::unavailable, "the schema is not acknowledged");
}

void record_history(History& history) {
  require(history.disk.make_directory(kRoot), "the directory");
  Node node(history.disk);
  require(node.controller().start(soon()), "start");
  await_protection(node);
  require(create_shop(node.cluster()), "the tables");
  history.schema_moment = history.disk.moment();
  live(history, node);
}

}  // namespace spar::test
