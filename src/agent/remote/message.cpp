#include "agent/remote/message.h"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "agent/remote/limits.h"

namespace spar::agent::remote {
namespace {

using nlohmann::json;

constexpr int kProtocol = 1;
constexpr std::size_t kHeader = 4;
constexpr std::size_t kTextMax = 160u << 10;  // in an answer; JSON makes at most six times as much

template <class Value>
struct Word {
  Value value;
  std::string_view word;
};

constexpr std::array<Word<StartAs>, 2> kStartWords{
    {{StartAs::primary, "primary"}, {StartAs::standby, "standby"}}};
constexpr std::array<Word<Stop>, 3> kStopWords{
    {{Stop::fast, "fast"}, {Stop::immediate, "immediate"}, {Stop::kill, "kill"}}};
constexpr std::array<Word<ServerState>, 3> kStateWords{{{ServerState::stopped, "stopped"},
                                                        {ServerState::ending, "ending"},
                                                        {ServerState::running, "running"}}};
constexpr std::array<Word<Code>, 9> kCodeWords{{{Code::sql, "sql"},
                                                {Code::copy_lost, "copy_lost"},
                                                {Code::unknown_outcome, "unknown_outcome"},
                                                {Code::deadline, "deadline"},
                                                {Code::cancelled, "cancelled"},
                                                {Code::io, "io"},
                                                {Code::corrupt, "corrupt"},
                                                {Code::unavailable, "unavailable"},
                                                {Code::invalid, "invalid"}}};

template <class Words, class Value>
std::string word_for(const Words& words, Value value) {
  for (const auto& each : words) {
    if (each.value == value) return std::string(each.word);
  }
  return "";
}

Failure no_message(const std::string& what) {
  return failure(Code::corrupt, "this is no message of an agent: " + what, "08P01");
}

// The first mistake stays; afterwards everything is the default.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {}

  std::string text(const char* key, std::size_t size_max = std::numeric_limits<int>::max()) {
    const json* value = find(key);
    if (value == nullptr || !value->is_string()) return wrong(key), "";
    auto text = value->get<std::string>();
    if (text.size() > size_max) wrong(key);
    return text;
  }
  std::uint64_t number(const char* key,
                       std::uint64_t max = std::numeric_limits<std::int64_t>::max()) {
    const json* value = find(key);
    if (value == nullptr || !value->is_number_unsigned()) return wrong(key), 0;
    auto number = value->get<std::uint64_t>();
    if (number > max) return wrong(key), 0;
    return number;
  }
  bool yes(const char* key) {
    const json* value = find(key);
    if (value == nullptr || !value->is_boolean()) return wrong(key), false;
    return value->get<bool>();
  }
  template <class Words>
  auto word(const char* key, const Words& words) {
    std::string text = this->text(key);
    for (const auto& each : words) {
      if (each.word == text) return each.value;
    }
    wrong(key);
    return words.front().value;
  }
  Epoch epoch() { return Epoch(number("epoch", std::numeric_limits<std::uint64_t>::max())); }
  Upstream upstream() { return {text("conninfo"), text("password"), text("slot")}; }
  std::vector<TimelineEnd> ends();

  void wrong(const char* key) {
    if (wrong_.empty()) wrong_ = key;
  }
  Result<void> check() const {
    if (wrong_.empty()) return {};
    return no_message("its \"" + wrong_ + "\" is missing or wrong");
  }

 private:
  const json* find(const char* key) const {
    auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  const json& object_;
  std::string wrong_;
};

std::vector<TimelineEnd> Fields::ends() {
  std::vector<TimelineEnd> ends;
  const json* list = find("ends");
  if (list == nullptr || !list->is_array() || list->size() > kTimelineEndsMax) {
    return wrong("ends"), ends;
  }
  for (const json& each : *list) {
    bool fits = each.is_array() && each.size() == 2 && each[0].is_number_unsigned() &&
                each[0].get<std::uint64_t>() <= std::numeric_limits<std::uint32_t>::max() &&
                each[1].is_string();
    if (!fits) return wrong("ends"), ends;
    ends.push_back({each[0].get<std::uint32_t>(), each[1].get<std::string>()});
  }
  return ends;
}

Result<json> parse_object(std::string_view body) {
  json object = json::parse(body, nullptr, false);
  if (object.is_discarded() || !object.is_object()) return no_message("it is no JSON object");
  return object;
}

// --- the parts of requests ---

void put(json& out, const Look&) {
  out["ask"] = "look";
}
void put(json& out, const TransactionsBeyond& what) {
  out["ask"] = "transactions_beyond";
  json& ends = out["ends"] = json::array();
  for (const TimelineEnd& end : what.ends) ends.push_back({end.timeline, end.lsn});
}
void put(json& out, const Create& what) {
  out["ask"] = "create";
  out["epoch"] = what.epoch.value;
  out["user"] = what.user.name;
  out["password"] = what.user.password;
}
void put(json& out, const Start& what) {
  out["ask"] = "start";
  out["epoch"] = what.epoch.value;
  out["as"] = word_for(kStartWords, what.as);
}
void put(json& out, const End& what) {
  out["ask"] = "stop";
  out["epoch"] = what.epoch.value;
  out["how"] = word_for(kStopWords, what.how);
}
void put_upstream(json& out, Epoch epoch, const Upstream& source) {
  out["epoch"] = epoch.value;
  out["conninfo"] = source.conninfo;
  out["password"] = source.password;
  out["slot"] = source.slot;
}
void put(json& out, const Rewind& what) {
  out["ask"] = "rewind";
  put_upstream(out, what.epoch, what.source);
}
void put(json& out, const Rebuild& what) {
  out["ask"] = "rebuild";
  put_upstream(out, what.epoch, what.source);
}

Ask read_ask(Fields& fields) {
  const std::string ask = fields.text("ask");
  if (ask == "look") return Look{};
  if (ask == "transactions_beyond") return TransactionsBeyond{fields.ends()};
  if (ask == "create") {
    return Create{fields.epoch(), {fields.text("user"), fields.text("password")}};
  }
  if (ask == "start") return Start{fields.epoch(), fields.word("as", kStartWords)};
  if (ask == "stop") return End{fields.epoch(), fields.word("how", kStopWords)};
  if (ask == "rewind") return Rewind{fields.epoch(), fields.upstream()};
  if (ask == "rebuild") return Rebuild{fields.epoch(), fields.upstream()};
  fields.wrong("ask");
  return Look{};
}

// --- the parts of answers ---

std::string cut(const std::string& text) {
  return text.size() <= kTextMax ? text : text.substr(text.size() - kTextMax);
}

json error_json(const Error& error) {
  return {{"code", word_for(kCodeWords, error.code)},
          {"sqlstate", error.sqlstate},
          {"message", error.message.substr(0, 4096)},
          {"detail", error.detail.substr(0, 4096)},
          {"hint", error.hint.substr(0, 4096)}};
}

void put_report(json& out, const AgentReport& report) {
  out["state"] = word_for(kStateWords, report.server.state);
  out["pid"] = report.server.pid;
  out["zombie"] = report.server.zombie;
  out["ready"] = report.server.ready;
  out["has_data"] = report.has_data;
  out["standby"] = report.standby;
  out["must_be_rewound"] = report.must_be_rewound;
  out["epoch"] = report.epoch.value;
}

AgentReport read_report(Fields& fields) {
  AgentReport report;
  report.server.state = fields.word("state", kStateWords);
  report.server.pid = static_cast<pid_t>(fields.number("pid", std::numeric_limits<pid_t>::max()));
  report.server.zombie = fields.yes("zombie");
  report.server.ready = fields.yes("ready");
  report.has_data = fields.yes("has_data");
  report.standby = fields.yes("standby");
  report.must_be_rewound = fields.yes("must_be_rewound");
  report.epoch = fields.epoch();
  return report;
}

Result<Error> read_error(const json& object) {
  if (!object.is_object()) return no_message("its \"error\" is wrong");
  Fields fields(object);
  Error error;
  error.code = fields.word("code", kCodeWords);
  error.sqlstate = fields.text("sqlstate");
  error.message = fields.text("message");
  error.detail = fields.text("detail");
  error.hint = fields.text("hint");
  SPAR_TRY(fields.check());
  return error;
}

}  // namespace

bool is_order(const Ask& ask) {
  return !std::holds_alternative<Look>(ask) && !std::holds_alternative<TransactionsBeyond>(ask);
}

Result<std::string> encode(const Request& request) {
  json out = {{"protocol", kProtocol},
              {"id", request.id},
              {"server", request.server},
              {"within_ms", std::max<std::int64_t>(request.within.count(), 0)}};
  std::visit([&](const auto& what) { put(out, what); }, request.ask);
  try {
    std::string body = out.dump();
    if (body.size() <= kRequestMax) return body;
  } catch (const json::type_error&) {
    return failure(Code::invalid, "what an agent is told must be UTF-8: addresses and passwords");
  }
  return failure(Code::invalid, "a request to an agent would be too long");
}

std::string encode(const Answer& answer) {
  json out = {{"id", answer.id}};
  if (!answer.text) {
    out["error"] = error_json(answer.text.error());
  } else if (answer.report) {
    put_report(out, *answer.report);
  } else {
    out["text"] = cut(*answer.text);
  }
  std::string body = out.dump(-1, ' ', false, json::error_handler_t::replace);
  if (body.size() <= kAnswerMax) return body;
  out = {{"id", answer.id},
         {"error", error_json(failure(Code::unavailable, "the answer would be too long").error())}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Request> decode_request(std::string_view body) {
  SPAR_ASSIGN(json object, parse_object(body));
  Fields fields(object);
  if (fields.number("protocol") != kProtocol) {
    return no_message("the agent speaks protocol " + std::to_string(kProtocol) + " only");
  }
  Request request;
  request.id = fields.text("id", kNameMax);
  request.server = fields.text("server", kNameMax);
  request.within = std::chrono::milliseconds(
      fields.number("within_ms", static_cast<std::uint64_t>(kOrderTimeMax.count())));
  request.ask = read_ask(fields);
  SPAR_TRY(fields.check());
  return request;
}

Result<Answer> decode_answer(std::string_view body) {
  SPAR_ASSIGN(json object, parse_object(body));
  Fields fields(object);
  Answer answer;
  answer.id = fields.text("id");
  if (auto error = object.find("error"); error != object.end()) {
    SPAR_ASSIGN(Error said, read_error(*error));
    answer.text = Failure(std::move(said));
  } else if (object.contains("state")) {
    answer.report = read_report(fields);
  } else {
    answer.text = fields.text("text");
  }
  SPAR_TRY(fields.check());
  return answer;
}

std::string frame(std::string_view body) {
  std::string out(kHeader, '\0');
  for (std::size_t i = 0; i < kHeader; ++i) {
    out[i] = static_cast<char>(body.size() >> (8 * (kHeader - 1 - i)));
  }
  return out.append(body);
}

Result<std::optional<std::string>> FrameReader::next() {
  if (buffer_.size() < kHeader) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 0; i < kHeader; ++i) {
    size = size << 8 | static_cast<unsigned char>(buffer_[i]);
  }
  if (size == 0 || size > size_max_) {
    return no_message("it has " + std::to_string(size) + " bytes, not 1 to " +
                      std::to_string(size_max_));
  }
  if (buffer_.size() < kHeader + size) return std::nullopt;
  std::string body = buffer_.substr(kHeader, size);
  buffer_.erase(0, kHeader + size);
  return body;
}

}  // namespace spar::agent::remote
