#include "agent/remote/agent_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "agent/remote/limits.h"
#include "base/log.h"

namespace spar::agent::remote {
namespace {

Monotonic in(milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

template <class... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Match(Cases...) -> Match<Cases...>;

Result<std::string> done(Result<void> result) {
  if (!result) return std::unexpected(std::move(result.error()));
  return "";
}

std::string describe(const Ask& ask) {
  auto of = [](const char* what, Epoch epoch) {
    return std::string(what) + " of epoch " + std::to_string(epoch.value);
  };
  return std::visit(
      Match{
          [](const Look&) { return std::string("look"); },
          [](const TransactionsBeyond&) { return std::string("transactions beyond"); },
          [&](const Create& what) { return of("create", what.epoch); },
          [&](const Start& what) {
            return of(what.as == StartAs::primary ? "start as primary" : "start as standby",
                      what.epoch);
          },
          [&](const End& what) { return of(what.how == Stop::kill ? "kill" : "stop", what.epoch); },
          [&](const Rewind& what) { return of("rewind", what.epoch); },
          [&](const Rebuild& what) { return of("rebuild", what.epoch); }},
      ask);
}

}  // namespace

AgentServer::AgentServer(Descriptor socket, std::shared_ptr<const TlsContext> tls, Agents agents,
                         std::vector<std::string> allow)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      agents_(std::move(agents)),
      allow_(std::move(allow)) {}

AgentServer::~AgentServer() {
  stop(kNoDeadline);
}

Result<void> AgentServer::start() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return failure(Code::io, "cannot make a pipe: " + std::generic_category().message(errno));
  }
  wake_read_.reset(ends[0]);
  wake_write_.reset(ends[1]);
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
  accepting_ = std::thread([this] { accept_all(); });
  return {};
}

bool AgentServer::stop(Monotonic deadline) {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Connection& each : connections_) {
      if (!each.ended) each.stream->break_off();
    }
  }
  wake_write_.reset();
  if (accepting_.joinable()) accepting_.join();
  if (!orders_.wait_until_idle(deadline)) return false;
  for (Connection& each : connections_) {
    if (each.thread.joinable()) each.thread.join();
  }
  connections_.clear();
  return true;
}

// --- connections ---

void AgentServer::accept_all() {
  pollfd fds[2] = {{socket_.get(), POLLIN, 0}, {wake_read_.get(), POLLIN, 0}};
  while (true) {
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    Descriptor socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    remove_ended();
    if (socket.get() >= 0) {
      take(std::move(socket));
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      log_error("agent", "cannot accept: " + std::generic_category().message(errno));
      ::poll(&fds[1], 1, 100);  // out of descriptors: others must end first
    }
  }
}

void AgentServer::remove_ended() {
  std::list<Connection> ended;
  {
    std::lock_guard lock(mutex_);
    for (auto each = connections_.begin(); each != connections_.end();) {
      auto next = std::next(each);
      if (each->ended) ended.splice(ended.end(), connections_, each);
      each = next;
    }
  }
  for (Connection& each : ended) each.thread.join();
}

void AgentServer::take(Descriptor socket) {
  std::lock_guard lock(mutex_);
  if (stopping_ || connections_.size() >= static_cast<std::size_t>(kConnectionsMax)) {
    if (!stopping_) log_warning("agent", "too many connections: one was refused");
    return;
  }
  Connection& made = connections_.emplace_back();
  made.stream = std::make_unique<TlsStream>(*tls_, std::move(socket));
  made.thread = std::thread([this, &made] {
    serve(*made.stream);
    std::lock_guard own(mutex_);
    made.stream.reset();
    made.ended = true;
  });
}

void AgentServer::serve(TlsStream& stream) {
  if (auto secure = stream.accept(in(kHandshakeTime)); !secure) {
    log_warning("agent", "a connection was refused: " + secure.error().message);
    return;
  }
  const std::string client = stream.peer_name();
  if (!stream.peer_is_one_of(allow_)) {
    const std::string not_allowed = "\"" + client + "\" is not allowed to ask this agent";
    log_warning("agent", not_allowed);
    Answer refusal{.id = "", .text = failure(Code::copy_lost, not_allowed, kRefusedState)};
    (void)stream.send(frame(encode(refusal)), in(kMessageTime));
    return;
  }
  FrameReader frames(kRequestMax);
  while (true) {
    if (auto served = serve_one(stream, frames, client); !served) {
      log_info("agent", client + ": " + served.error().message);
      return;
    }
  }
}

// A silent client may stay for long; one that has begun to speak may not.
Result<std::string> AgentServer::next_body(TlsStream& stream, FrameReader& frames) {
  char buffer[16384];
  Monotonic deadline = in(frames.begun() ? kMessageTime : kSilenceMax);
  while (true) {
    SPAR_ASSIGN(std::optional<std::string> body, frames.next());
    if (body) return std::move(*body);
    const bool begun = frames.begun();
    SPAR_ASSIGN(std::size_t got, stream.receive(buffer, deadline));
    if (got == 0) return failure(Code::io, "the client has closed the connection");
    frames.add({buffer, got});
    if (!begun) deadline = in(kMessageTime);
  }
}

Result<void> AgentServer::serve_one(TlsStream& stream, FrameReader& frames,
                                    const std::string& client) {
  SPAR_ASSIGN(std::string body, next_body(stream, frames));
  auto request = decode_request(body);
  if (!request) {
    Answer refusal{.id = "", .text = Failure(request.error())};
    (void)stream.send(frame(encode(refusal)), in(kMessageTime));
    return std::unexpected(std::move(request.error()));
  }
  if (is_order(request->ask) && !stream.still_open()) {
    log_warning("agent", request->server + ": " + describe(request->ask) +
                             " is dropped: whoever gave it has left");
    return failure(Code::io, "the client has left");
  }
  return stream.send(frame(encode(answer(*request, client))), in(kMessageTime));
}

// --- requests ---

Answer AgentServer::answer(const Request& request, const std::string& client) {
  const Monotonic deadline = in(std::min(request.within, kOrderTimeMax));
  Answer out{.id = request.id};
  auto agent = agents_.find(request.server);
  if (agent == agents_.end()) {
    out.text = failure(Code::invalid, "this agent has no server \"" + request.server + "\"");
    out.text.error().hint = "its configuration must name it as Spar's names the copy";
    return out;
  }
  if (std::holds_alternative<Look>(request.ask)) {
    auto report = agent->second->look(deadline);
    if (report) out.report = std::move(*report);
    if (!report) out.text = std::unexpected(std::move(report.error()));
    return out;
  }
  if (!is_order(request.ask)) {
    out.text = obey(*agent->second, request.ask, deadline);
    return out;
  }
  out.text = orders_.perform(request.id, deadline, [&] {
    log_info("agent", request.server + ": " + describe(request.ask) + ", for " + client);
    auto outcome = obey(*agent->second, request.ask, deadline);
    if (!outcome) log_warning("agent", request.server + ": " + outcome.error().message);
    return outcome;
  });
  return out;
}

Result<std::string> AgentServer::obey(ServerAgent& agent, const Ask& ask, Monotonic deadline) {
  return std::visit(
      Match{
          [&](const Look&) -> Result<std::string> { return ""; },
          [&](const TransactionsBeyond& what) {
            return agent.transactions_beyond(what.ends, deadline);
          },
          [&](const Create& what) { return done(agent.create(what.epoch, what.user, deadline)); },
          [&](const Start& what) { return done(agent.start(what.epoch, what.as, deadline)); },
          [&](const End& what) { return done(agent.stop(what.epoch, what.how, deadline)); },
          [&](const Rewind& what) { return done(agent.rewind(what.epoch, what.source, deadline)); },
          [&](const Rebuild& what) { return agent.rebuild(what.epoch, what.source, deadline); }},
      ask);
}

}  // namespace spar::agent::remote
