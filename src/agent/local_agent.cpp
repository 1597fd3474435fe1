#include "agent/local_agent.h"

#include <algorithm>
#include <utility>

#include "agent/limits.h"
#include "base/log.h"

namespace spar::agent {

using std::chrono::steady_clock;

class LocalAgent::Turn {
 public:
  explicit Turn(LocalAgent& agent) : agent_(&agent) {}
  Turn(Turn&& other) noexcept : agent_(std::exchange(other.agent_, nullptr)) {}
  Turn& operator=(Turn&& other) noexcept {
    std::swap(agent_, other.agent_);
    return *this;
  }
  ~Turn() {
    if (agent_ == nullptr) return;
    std::lock_guard lock(agent_->mutex_);
    agent_->busy_ = false;
    agent_->changed_.notify_all();
  }

 private:
  LocalAgent* agent_;
};

LocalAgent::LocalAgent(storage::Disk& disk, PostgresServer server)
    : server_(std::move(server)),
      epochs_(disk, server_.place().directory + "/epoch", server_.user()) {}

// --- who may ---

Result<void> LocalAgent::admit(Epoch epoch) {
  SPAR_TRY(server_.make_place());
  return epochs_.admit(epoch);
}

// Admitted when its turn has come, not before: a newer order may have gone first meanwhile.
Result<LocalAgent::Turn> LocalAgent::begin(Epoch epoch, Monotonic deadline, bool to_end) {
  const auto refused = [&] { return server_.given_up() && !to_end; };
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline,
                             [&] { return refused() || (!busy_ && kills_ == 0); })) {
      return busy();
    }
    if (refused()) return failure(Code::cancelled, "no order is taken any more");
    busy_ = true;
  }
  Turn turn(*this);
  SPAR_TRY(admit(epoch));
  return turn;
}

Failure LocalAgent::busy() const {
  return failure(Code::deadline,
                 "the server in " + server_.place().directory + " is busy with another order",
                 "57014");
}

// --- questions ---

Result<AgentReport> LocalAgent::look(Monotonic) {
  SPAR_ASSIGN(Epoch epoch, epochs_.highest());
  return AgentReport{.server = server_.status(),
                     .has_data = server_.has_data(),
                     .standby = server_.is_standby(),
                     .must_be_rewound = server_.must_be_rewound(),
                     .epoch = epoch};
}

Result<std::string> LocalAgent::transactions_beyond(const std::vector<TimelineEnd>& ends,
                                                    Monotonic deadline) {
  SPAR_ASSIGN(std::uint32_t timeline, server_.timeline(deadline));
  auto end = std::ranges::find(ends, timeline, &TimelineEnd::timeline);
  return end == ends.end() ? "" : server_.transactions_from(timeline, end->lsn, deadline);
}

// --- orders ---

Result<void> LocalAgent::create(Epoch epoch, const FirstUser& user, Monotonic deadline) {
  SPAR_ASSIGN(Turn turn, begin(epoch, deadline));
  if (!server_.has_data()) {
    InitOptions options{.superuser = user.name,
                        .login = user.password.empty() ? Login::trust : Login::scram,
                        .password = user.password};
    SPAR_TRY(server_.init(options, deadline));
  }
  return server_.start(StartAs::primary, deadline);
}

Result<void> LocalAgent::start(Epoch epoch, StartAs as, Monotonic deadline) {
  SPAR_ASSIGN(Turn turn, begin(epoch, deadline));
  return server_.start(as, deadline);
}

Result<void> LocalAgent::stop(Epoch epoch, Stop how, Monotonic deadline) {
  if (how == Stop::kill) return kill(epoch, deadline);
  SPAR_ASSIGN(Turn turn, begin(epoch, deadline, true));
  return server_.stop(how, deadline);
}

// At once, for what an order is just starting must not go on; and again when that order has ended.
Result<void> LocalAgent::kill(Epoch epoch, Monotonic deadline) {
  Result<void> kept = admit(epoch);
  if (!kept && kept.error().code == Code::invalid) return kept;
  if (!kept) log_error("agent", kept.error().message);
  {
    std::lock_guard lock(mutex_);
    ++kills_;
  }
  Result<void> ended = server_.stop(Stop::kill, deadline);
  std::unique_lock lock(mutex_);
  const bool alone = changed_.wait_until(lock, deadline, [this] { return !busy_; });
  --kills_;
  if (!alone) {
    changed_.notify_all();
    return busy();
  }
  busy_ = true;
  lock.unlock();
  Turn turn(*this);
  return ended ? server_.stop(Stop::kill, deadline) : ended;
}

void LocalAgent::give_up() {
  std::lock_guard lock(mutex_);
  server_.give_up();
  changed_.notify_all();
}

Result<void> LocalAgent::rewind(Epoch epoch, const Upstream& source, Monotonic deadline) {
  SPAR_ASSIGN(Turn turn, begin(epoch, deadline));
  const Monotonic patience = std::min(deadline, steady_clock::now() + kStopInOrderTime);
  if (!server_.stop(Stop::fast, patience)) SPAR_TRY(server_.stop(Stop::kill, deadline));
  SPAR_TRY(server_.rewind(source, deadline));
  return server_.start(StartAs::standby, deadline);
}

Result<std::string> LocalAgent::rebuild(Epoch epoch, const Upstream& source, Monotonic deadline) {
  SPAR_ASSIGN(Turn turn, begin(epoch, deadline));
  SPAR_TRY(server_.stop(Stop::kill, deadline));
  SPAR_ASSIGN(std::string aside, server_.set_aside());
  SPAR_TRY(server_.base_backup(source, deadline));
  const Monotonic patience = std::min(deadline, steady_clock::now() + kStartCopiedTime);
  SPAR_TRY(server_.start(StartAs::standby, patience));
  return aside;
}

}  // namespace spar::agent
