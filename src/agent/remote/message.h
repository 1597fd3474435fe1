// agent/remote/message.h: what Spar and an agent say to each other, as bytes: pure.
//
// A frame is its length (4 bytes, big-endian) and a JSON object. One request, one answer, in turn: a
// client that sends more meanwhile is taken for gone.
//   request  {"protocol": 1, "id", "server", "within_ms", "ask": "look" | "transactions_beyond" |
//             "create" | "start" | "stop" | "rewind" | "rebuild", ...}
//            orders: "epoch"; start: "as": "primary" | "standby"; stop: "how": "fast" | "immediate"
//            | "kill"; create: "user", "password"; rewind, rebuild: "conninfo", "password", "slot";
//            transactions_beyond: "ends": [[timeline, "lsn"], ...]
//   answer   {"id", "text"}, for look {"id", "state", "pid", "zombie", "ready", "has_data", "standby",
//            "must_be_rewound", "epoch"}; or {"id", "error": {"code", "sqlstate", "message",
//            "detail", "hint"}}
//
// Contract    decode_*() of what encode_*() gave is the same value. Code::corrupt for everything
//             that is no such message: no JSON, a missing key, a wrong type, a number out of range.
//             Unknown keys are ignored, so that a later version may say more.
//             encode() of a request fails with Code::invalid when a text in it is no UTF-8 or it is
//             too long; answers always fit: texts are cut, what is no UTF-8 is replaced.
// Threads     Value types.
// Secrets     Errors of decode_request() repeat nothing of what came.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/server_agent.h"

namespace spar::agent::remote {

struct Look {};
struct TransactionsBeyond {
  std::vector<TimelineEnd> ends;
};
struct Create {
  Epoch epoch;
  FirstUser user;
};
struct Start {
  Epoch epoch;
  StartAs as = StartAs::standby;
};
struct End {
  Epoch epoch;
  Stop how = Stop::fast;
};
struct Rewind {
  Epoch epoch;
  Upstream source;
};
struct Rebuild {
  Epoch epoch;
  Upstream source;
};
using Ask = std::variant<Look, TransactionsBeyond, Create, Start, End, Rewind, Rebuild>;

// Whether it changes something.
bool is_order(const Ask& ask);

struct Request {
  std::string id;      // one call's own; repeated when the call's connection broke
  std::string server;  // as the agent's configuration names it
  std::chrono::milliseconds within{0};
  Ask ask;
};

struct Answer {
  std::string id;
  Result<std::string> text = "";
  std::optional<AgentReport> report;  // of look
};

Result<std::string> encode(const Request& request);  // without a frame
std::string encode(const Answer& answer);
Result<Request> decode_request(std::string_view body);
Result<Answer> decode_answer(std::string_view body);

std::string frame(std::string_view body);

// Takes bytes as they come and gives the bodies of frames.
class FrameReader {
 public:
  explicit FrameReader(std::size_t size_max) : size_max_(size_max) {}

  void add(std::string_view bytes) { buffer_ += bytes; }
  bool begun() const { return !buffer_.empty(); }
  // Nothing: it is not whole yet. Code::corrupt: it is empty or too long; there is no way on then.
  Result<std::optional<std::string>> next();

 private:
  std::size_t size_max_;
  std::string buffer_;
};

}  // namespace spar::agent::remote
