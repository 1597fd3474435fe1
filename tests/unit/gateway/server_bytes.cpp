#include "tests/unit/gateway/server_bytes.h"

#include <map>

#include "base/bytes.h"

namespace spar::gateway::test {
namespace {

class MessageReader {
 public:
  explicit MessageReader(std::string_view body) : body_(body), in_(body) {}
  std::string text() {
    std::string_view rest = body_.substr(body_.size() - in_.remaining());
    std::string out(in_.raw(rest.find('\0')));
    in_.raw(1);
    return out;
  }
  std::string rest() { return std::string(in_.raw(in_.remaining())); }
  template <class T>
  std::string number() {
    return std::to_string(in_.be<T>());
  }
  ByteReader& in() { return in_; }

 private:
  std::string_view body_;
  ByteReader in_;
};

std::string report(MessageReader& body) {
  std::map<char, std::string> fields;
  while (char name = body.in().raw(1)[0]) fields[name] = body.text();
  std::string out = fields['S'] + " " + fields['C'] + " " + fields['M'];
  if (fields.contains('P')) out += " @" + fields['P'];
  if (fields.contains('W')) out += " <" + fields['W'] + ">";
  return out;
}

std::string row(MessageReader& body) {
  std::string out;
  int columns = body.in().be<std::int16_t>();
  for (int i = 0; i < columns; ++i) {
    auto size = body.in().be<std::int32_t>();
    out += i > 0 ? "|" : "";
    out += size < 0 ? "NULL" : std::string(body.in().raw(static_cast<std::size_t>(size)));
  }
  return out;
}

std::string columns(MessageReader& body) {
  std::string out;
  int count = body.in().be<std::int16_t>();
  for (int i = 0; i < count; ++i) {
    out += (i > 0 ? " " : "") + body.text();
    body.in().raw(6);
    out += ":" + body.number<std::uint32_t>();
    body.in().raw(6);
    out += ":" + body.number<std::int16_t>();
  }
  return out;
}

std::string describe(char type, std::string_view bytes) {
  MessageReader body(bytes);
  switch (type) {
    case 'E':
    case 'N':
      return report(body);
    case 'D':
      return row(body);
    case 'T':
      return columns(body);
    case 'C':
      return body.text();
    case 'Z':
    case 'd':
      return body.rest();
    case 'S': {
      std::string name = body.text();
      return name + "=" + body.text();
    }
    case 'K': {
      std::string process = body.number<std::uint32_t>();
      return process + " " + body.number<std::uint32_t>();
    }
    case 'R':
      return body.number<std::int32_t>();
    case 't': {
      std::string out;
      int count = body.in().be<std::int16_t>();
      for (int i = 0; i < count; ++i) out += (i > 0 ? " " : "") + body.number<std::uint32_t>();
      return out;
    }
    case 'G':
    case 'H':
      body.in().raw(1);
      return body.number<std::int16_t>();
    default:
      return "";
  }
}

}  // namespace

std::vector<std::string> describe_server(std::string_view bytes) {
  std::vector<std::string> out;
  while (bytes.size() >= 5) {
    std::size_t length = ByteReader(bytes.substr(1)).be<std::uint32_t>();
    std::string body = describe(bytes[0], bytes.substr(5, length - 4));
    out.push_back(std::string(1, bytes[0]) + (body.empty() ? "" : " " + body));
    bytes.remove_prefix(std::min(bytes.size(), length + 1));
  }
  return out;
}

bool is_whole(std::string_view bytes) {
  while (bytes.size() >= 5) {
    std::size_t length = ByteReader(bytes.substr(1)).be<std::uint32_t>();
    if (bytes.size() < length + 1) return false;
    bytes.remove_prefix(length + 1);
  }
  return bytes.empty();
}

}  // namespace spar::gateway::test
