#include "tests/powercut/history.h"

#include <condition_variable>
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
  SPAR_TRY(session.insert_many(insert_payment(), rows, {}, nullptr));
  return {};
}

// The threads that write, as much as they are allowed to, and what came of it.
class Writers {
 public:
  Writers(History& history, Node& node, int threads) : history_(history), node_(node) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { write_until_stopped(); });
  }
  ~Writers() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // Lets them try so many more transactions.
  void allow(int more) {
    {
      std::lock_guard lock(mutex_);
      allowed_ += more;
    }
    changed_.notify_all();
  }
  void allow_and_await(int more) {
    allow(more);
    std::unique_lock lock(mutex_);
    bool done = changed_.wait_until(lock, soon(), [&] { return allowed_ == 0 && busy_ == 0; });
    require(done, "the writers are stuck");
  }

 private:
  std::optional<Transfer> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stop_ || allowed_ > 0; });
    if (stop_) return {};
    --allowed_;
    ++busy_;
    ++last_;
    Transfer transfer{last_, last_ % 17 == 0 ? 150 : 1 + last_ % 3};
    history_.payments[transfer.number] = transfer.payments;
    return transfer;
  }

  void write_until_stopped() {
    while (auto transfer = next()) {
      bool committed = commit(node_.cluster(), *transfer).has_value();
      std::uint64_t moment = history_.disk.moment();
      {
        std::lock_guard lock(mutex_);
        if (committed) history_.acknowledged.push_back({moment, *transfer});
        --busy_;
      }
      changed_.notify_all();
    }
  }

  History& history_;
  Node& node_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t last_ = 0;
  int allowed_ = 0;
  int busy_ = 0;
  bool stop_ = false;
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
  // Decided, not only noticed: until then the state still shows the copy in its old role.
  auto is_out = [&] {
    control::State state = node.controller().state();
    return state.stage == control::Stage::settled && state.record->primary != copy &&
           !control::contains(state.record->synchronous, copy);
  };
  require(eventually([&] { return member->failed(); }), "the loss was not noticed");
  require(eventually(is_out), "the lost copy still has its role");
  require(history.disk.make_directory(member->identity().directory), "an empty directory");
}

void await_protection(Node& node, Writers* writers) {
  auto is_protected = [&] {
    control::State state = node.controller().state();
    bool done = state.stage == control::Stage::settled && state.record->synchronous.size() == 1;
    if (!done && writers != nullptr) writers->allow(1);  // some work, not as much as they can
    return done;
  };
  require(eventually(is_protected), "the cluster is not protected again");
}

CopyId mirror_of(Node& node) {
  return node.controller().state().record->synchronous.front();
}

void live(History& history, Node& node) {
  Writers writers(history, node, 3);
  auto event = [&] { history.events.push_back(history.disk.moment()); };
  writers.allow_and_await(60);
  event();
  writers.allow(20);
  checkpoint_all(node);
  writers.allow_and_await(30);
  event();
  writers.allow(20);
  require(node.controller().ask(control::Switchover{mirror_of(node)}, soon()), "switchover");
  await_protection(node, &writers);
  writers.allow_and_await(30);
  event();
  checkpoint_all(node);
  writers.allow_and_await(30);
  event();
  destroy(history, node, primary_of(node));  // a failover, then a rebuilt mirror
  await_protection(node, &writers);
  writers.allow_and_await(30);
  checkpoint_all(node);
  event();
  destroy(history, node, mirror_of(node));
  await_protection(node, &writers);
  writers.allow_and_await(60);
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
  SPAR_TRY(lease->session().insert_many(insert_account(), rows, {}, nullptr));
  SPAR_ASSIGN(auto position, lease->commit(TransactionId(2), Timestamp(0)));
  if (cluster.pipeline().wait(*position, soon()) == replicate::Outcome::committed) return {};
  return failure(Code::unavailable, "the schema is not acknowledged");
}

void record_history(History& history) {
  require(history.disk.make_directory(kRoot), "the directory");
  Node node(history.disk);
  require(node.controller().start(soon()), "start");
  await_protection(node, nullptr);
  require(create_shop(node.cluster()), "the tables");
  history.schema_moment = history.disk.moment();
  live(history, node);
}

}  // namespace spar::test
