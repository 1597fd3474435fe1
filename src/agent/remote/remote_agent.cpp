#include "agent/remote/remote_agent.h"

#include <algorithm>
#include <random>
#include <thread>

#include "agent/remote/limits.h"

namespace spar::agent::remote {
namespace {

using std::chrono::steady_clock;

constexpr milliseconds kTryAgain{50};

std::string new_id() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::string id;
  for (int word = 0; word < 4; ++word) {
    for (std::uint32_t rest = random(), digit = 0; digit < 8; ++digit, rest >>= 4) {
      id += kDigits[rest & 15];
    }
  }
  return id;
}

milliseconds time_until(Monotonic deadline) {
  if (deadline == kNoDeadline) return kOrderTimeMax;
  auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  return std::clamp(left, milliseconds(0), kOrderTimeMax);
}

// So that the agent's own word comes in time: half of a short time, else all but kAnswerGrace.
milliseconds time_for_agent(Monotonic deadline) {
  const milliseconds left = time_until(deadline);
  return std::max(left / 2, left - kAnswerGrace);
}

bool is_lost(const Error& error) {
  return error.code == Code::io || error.code == Code::unavailable;
}

// Who is refused is refused again.
bool may_return(const Error& error) {
  return error.sqlstate != kRefusedState;
}

}  // namespace

RemoteAgent::RemoteAgent(std::shared_ptr<const TlsContext> tls, AgentPlace place)
    : tls_(std::move(tls)), place_(std::move(place)) {}

RemoteAgent::~RemoteAgent() = default;

// --- connections ---

Result<RemoteAgent::Stream> RemoteAgent::take(Monotonic deadline) {
  {
    std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      Stream stream = std::move(idle_.back());
      idle_.pop_back();
      if (stream->still_open()) return stream;
    }
  }
  const Monotonic soon = std::min(deadline, steady_clock::now() + kConnectTime);
  auto made = TlsStream::connect(*tls_, place_.endpoint, place_.expected_name, soon);
  if (!made && made.error().code == Code::deadline && soon < deadline) {
    made.error().code = Code::unavailable;
    made.error().message = "agent " + place_.endpoint.host + " does not answer";
  }
  return made;
}

void RemoteAgent::give_back(Stream stream) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleConnectionsMax) idle_.push_back(std::move(stream));
}

class RemoteAgent::InUse {
 public:
  InUse(RemoteAgent& agent, TlsStream& stream) : agent_(agent), stream_(&stream) {
    std::lock_guard lock(agent_.mutex_);
    agent_.in_use_.push_back(stream_);
    if (agent_.given_up_) stream_->break_off();
  }
  ~InUse() {
    std::lock_guard lock(agent_.mutex_);
    std::erase(agent_.in_use_, stream_);
  }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

 private:
  RemoteAgent& agent_;
  TlsStream* stream_;
};

void RemoteAgent::give_up() {
  std::lock_guard lock(mutex_);
  given_up_ = true;
  for (TlsStream* stream : in_use_) stream->break_off();
}

bool RemoteAgent::given_up() const {
  std::lock_guard lock(mutex_);
  return given_up_;
}

// --- calls ---

Result<Answer> RemoteAgent::talk(TlsStream& stream, const std::string& bytes, Monotonic deadline,
                                 bool& sent) {
  SPAR_TRY(stream.send(bytes, deadline));
  sent = true;
  FrameReader frames(kAnswerMax);
  char buffer[16384];
  while (true) {
    SPAR_ASSIGN(std::optional<std::string> body, frames.next());
    if (body) return decode_answer(*body);
    SPAR_ASSIGN(std::size_t got, stream.receive(buffer, deadline));
    if (got == 0) return failure(Code::io, "the agent has closed the connection", "08006");
    frames.add({buffer, got});
  }
}

Result<Answer> RemoteAgent::ask_once(const Request& request, Monotonic deadline, bool& sent) {
  SPAR_ASSIGN(std::string body, encode(request));
  SPAR_ASSIGN(Stream stream, take(deadline));
  auto talked = [&] {
    InUse in_use(*this, *stream);
    return talk(*stream, frame(body), deadline, sent);
  }();
  if (!talked) {
    stream->abandon();  // an agent that stood still must not find the order later
    return talked;
  }
  Answer answer = std::move(*talked);
  if (answer.id == request.id) {
    give_back(std::move(stream));
    return answer;
  }
  if (!answer.text) return answer;  // it understood nothing, and says so
  return failure(Code::corrupt, "the agent answered another request", "08P01");
}

Result<Answer> RemoteAgent::ask(Ask what, Monotonic deadline) {
  Request request{.id = new_id(), .server = place_.server, .within = {}, .ask = std::move(what)};
  Monotonic until{};  // set by the first break
  while (true) {
    if (given_up()) return failure(Code::cancelled, "no order is given any more");
    request.within = time_for_agent(deadline);
    bool sent = false;
    auto answer = ask_once(request, deadline, sent);
    if (given_up()) return failure(Code::cancelled, "the agent is not waited for any more");
    if (answer || !is_lost(answer.error())) return answer;
    const Monotonic now = steady_clock::now();
    if (sent && until == Monotonic{}) until = std::min(deadline, now + kReturnTime);
    if (!may_return(answer.error()) || now + kTryAgain >= until) {
      answer.error().code = now >= deadline ? Code::deadline : Code::copy_lost;
      return answer;
    }
    std::this_thread::sleep_for(kTryAgain);
  }
}

Result<void> RemoteAgent::order(Ask what, Monotonic deadline) {
  SPAR_ASSIGN(Answer answer, ask(std::move(what), deadline));
  SPAR_TRY(std::move(answer.text));
  return {};
}

Result<AgentReport> RemoteAgent::look(Monotonic deadline) {
  SPAR_ASSIGN(Answer answer, ask(Look{}, deadline));
  SPAR_TRY(std::move(answer.text));
  if (answer.report) return *answer.report;
  return failure(Code::corrupt, "the agent gave no report", "08P01");
}

Result<std::string> RemoteAgent::transactions_beyond(const std::vector<TimelineEnd>& ends,
                                                     Monotonic deadline) {
  SPAR_ASSIGN(Answer answer, ask(TransactionsBeyond{ends}, deadline));
  return std::move(answer.text);
}

Result<void> RemoteAgent::create(Epoch epoch, const FirstUser& user, Monotonic deadline) {
  return order(Create{epoch, user}, deadline);
}

Result<void> RemoteAgent::start(Epoch epoch, StartAs as, Monotonic deadline) {
  return order(Start{epoch, as}, deadline);
}

Result<void> RemoteAgent::stop(Epoch epoch, Stop how, Monotonic deadline) {
  return order(End{epoch, how}, deadline);
}

Result<void> RemoteAgent::rewind(Epoch epoch, const Upstream& source, Monotonic deadline) {
  return order(Rewind{epoch, source}, deadline);
}

Result<std::string> RemoteAgent::rebuild(Epoch epoch, const Upstream& source, Monotonic deadline) {
  SPAR_ASSIGN(Answer answer, ask(Rebuild{epoch, source}, deadline));
  return std::move(answer.text);
}

}  // namespace spar::agent::remote
