// gateway/relay/loop_parts.h: what a RelayLoop keeps of each client, connection and database.
#pragma once

#include <mutex>

#include "gateway/relay/loop.h"
#include "gateway/relay/stream.h"
#include "gateway/wire/decoder.h"

namespace spar::gateway::relay {

struct RelayLoop::Client {
  enum class Stage : std::uint8_t {
    login,
    welcome,  // waits for what the first connection of its source reports
    talking,
    draining,  // gone; its connection answers and is cleaned up
    dead,
  };
  // What only a login needs; an idle session keeps none of it.
  struct LoggingIn {
    LoggingIn(const Credentials& credentials, Login::Options options)
        : decoder(wire::DecoderLimits()), login(credentials, std::move(options)) {}
    wire::Decoder decoder;
    Login login;
  };

  SessionId id = 0;
  std::uint32_t secret = 0;
  Stage stage = Stage::login;
  bool waiting = false;  // in its source's queue
  bool paused = false;   // its input waits for answers
  bool cleaned = false;
  bool wants_primary = false;  // for what comes next: a copy could not be reached
  bool busy = false;           // counted in busy_count_
  std::uint64_t ticket = 0;    // of the outcome that it waits for; 0: none
  std::uint64_t epoch = 0;     // of the connection that was lost
  Monotonic retry_at = kNoDeadline;
  Monotonic give_up_at = kNoDeadline;
  std::chrono::milliseconds pause{0};  // before the next attempt
  struct Ended {
    Placing placing;
    std::uint64_t disturbances;  // until then
  };
  std::optional<Ended> ended;  // by a command there, or because that server goes
  Stream stream;
  Source* source = nullptr;
  Source* queue = nullptr;  // where it waits
  Server* server = nullptr;
  std::unique_ptr<ReadTrail> trail;  // of a session that may read elsewhere
  std::unique_ptr<LoggingIn> logging_in;
  std::optional<RelaySession> session;
  Monotonic deadline = kNoDeadline;
};

struct RelayLoop::Server {
  enum class Stage : std::uint8_t { connecting, asking_tls, starting_tls, login, open, dead };

  Server(Source& its_source, Placing its_placing, std::size_t prepared_max)
      : source(its_source), placing(std::move(its_placing)), side(prepared_max) {}

  ConnectionId id = 0;
  Stage stage = Stage::connecting;
  bool freed = false;         // in freed_
  std::uint32_t cancels = 0;  // on their way to it
  Source& source;
  Placing placing;
  Stream stream;
  Client* client = nullptr;
  std::unique_ptr<ServerLogin> login;
  ServerSide side;
  Monotonic deadline = kNoDeadline;
};

// The connections of one database and user, to the primary or to one copy.
struct RelayLoop::Source {
  std::string database, user;
  CopyId copy;                          // nothing: the primary
  std::shared_ptr<StatementBook> book;  // of the database
  std::optional<Placing>
      placing;  // as was said last; nothing: sessions are held, or sent elsewhere
  std::size_t clients = 0;
  Pool pool;
  ServerSecret secret;
  std::map<std::string, std::string> welcome;  // what servers report; empty: none was met yet
  std::optional<Error> trouble;                // of the last attempt to open one

  bool is_copy() const { return copy != CopyId{}; }
};

// Where outcomes wait for the loop's thread.
struct RelayLoop::Inbox {
  struct Entry {
    SessionId client;
    std::uint64_t ticket;
    Outcome outcome;
  };
  std::mutex lock;
  int wake = -1;  // -1: the loop is gone
  std::vector<Entry> entries;
};

// Carries one cancel request to a server, and keeps its connection from being lent meanwhile.
struct RelayLoop::Canceller {
  Stream stream;
  Server* target = nullptr;
  Client* asking = nullptr;
  Bytes request;
  bool done = false;
  Monotonic deadline = kNoDeadline;
};

// A non-blocking socket on its way to `address`.
Result<int> start_connecting(const Address& address);

}  // namespace spar::gateway::relay
