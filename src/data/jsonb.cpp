#include "data/jsonb.h"

#include <algorithm>

#include "data/characters.h"
#include "data/decimal.h"
#include "data/string_text.h"

namespace spar::data {
namespace {

// REQUIRES: check_json() has taken the text.
class Reader {
 public:
  Reader(std::string_view text, Keys keys) : text_(text), keys_(keys) {}

  Result<Json> value(int depth) {
    if (depth > kJsonDepthMax) return not_supported("JSON nested deeper than a thousand levels");
    skip_blanks();
    switch (text_[0]) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"': {
        Json json{.kind = Json::string};
        SPAR_ASSIGN(json.text, string());
        return json;
      }
      case 't':
      case 'f': {
        Json json{.kind = Json::boolean, .truth = text_[0] == 't'};
        text_.remove_prefix(json.truth ? 4 : 5);
        return json;
      }
      case 'n':
        text_.remove_prefix(4);
        return Json{};
      default:
        return number();
    }
  }

 private:
  void skip_blanks() {
    while (!text_.empty() && is_blank(text_[0])) text_.remove_prefix(1);
  }
  bool take(char c) {
    skip_blanks();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  Result<Json> object(int depth) {
    Json json{.kind = Json::object};
    take('{');
    if (take('}')) return json;
    do {
      skip_blanks();
      SPAR_ASSIGN(std::string key, string());
      take(':');
      SPAR_ASSIGN(Json member, value(depth + 1));
      json.members.emplace_back(std::move(key), std::move(member));
    } while (take(','));
    take('}');
    if (keys_ == Keys::normal) normalize_members(json);
    return json;
  }
  Result<Json> array(int depth) {
    Json json{.kind = Json::array};
    take('[');
    if (take(']')) return json;
    do {
      SPAR_ASSIGN(Json item, value(depth + 1));
      json.items.push_back(std::move(item));
    } while (take(','));
    take(']');
    return json;
  }
  Result<Json> number() {
    const std::size_t end = std::min(text_.find_first_not_of("+-.eE0123456789"), text_.size());
    SPAR_ASSIGN(const Decimal decimal, Decimal::parse(text_.substr(0, end)));
    text_.remove_prefix(end);
    return Json{.kind = Json::number, .text = decimal.to_string()};
  }

  unsigned hexadecimal() {
    unsigned code = 0;
    for (int i = 0; i < 4; ++i)
      code = code * 16 + static_cast<unsigned>(hex_value(text_[0])), text_.remove_prefix(1);
    return code;
  }
  static Failure bad_unicode(std::string_view detail) {
    Failure failure = sql_error("22P02", "invalid input syntax for type json");
    failure.error().detail = std::string(detail);
    return failure;
  }
  Result<void> unicode(std::string& out) {
    unsigned code = hexadecimal();
    if (code == 0) {
      Failure failure = sql_error("22P05", "unsupported Unicode escape sequence");
      failure.error().detail = "\\u0000 cannot be converted to text.";
      return failure;
    }
    if (code >= 0xd800 && code < 0xdc00) {
      if (!text_.starts_with("\\u")) {
        return bad_unicode("Unicode low surrogate must follow a high surrogate.");
      }
      text_.remove_prefix(2);
      const unsigned low = hexadecimal();
      if (low < 0xdc00 || low > 0xdfff) {
        return bad_unicode("Unicode low surrogate must follow a high surrogate.");
      }
      code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
    } else if (code >= 0xdc00 && code < 0xe000) {
      return bad_unicode("Unicode low surrogate must follow a high surrogate.");
    }
    const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += {static_cast<char>(0xc0 | code >> 6), tail(0)};
    } else if (code < 0x10000) {
      out += {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
    } else {
      out += {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
    }
    return {};
  }
  Result<std::string> string() {
    std::string out;
    text_.remove_prefix(1);
    for (;;) {
      const std::size_t plain = text_.find_first_of("\"\\");
      out += text_.substr(0, plain);
      const char c = text_[plain];
      text_.remove_prefix(plain + 1);
      if (c == '"') return out;
      const char letter = text_[0];
      text_.remove_prefix(1);
      constexpr std::string_view kLetters = "bfnrt", kValues = "\b\f\n\r\t";
      const std::size_t known = kLetters.find(letter);
      if (letter == 'u') {
        SPAR_TRY(unicode(out));
      } else {
        out += known == std::string_view::npos ? letter : kValues[known];
      }
    }
  }

  std::string_view text_;
  Keys keys_;
};

bool key_before(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

void put_count(std::size_t count, std::string& out) {
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(count >> shift);
}
void put_terminated(std::string_view text, std::string& out) {
  out += text;
  out += '\0';
}

void put_key(const Json& value, std::string& out);

void put_content(const Json& value, std::string& out) {
  switch (value.kind) {
    case Json::null:
      return;
    case Json::string:
      return put_terminated(value.text, out);
    case Json::number: {
      const std::string blob = Decimal::parse(value.text).value_or(Decimal()).to_blob();
      for (const char c : numeric_key(blob)) {
        out += c;
        if (c == '\0') out += '\xff';
      }
      out += {'\0', '\0'};
      return;
    }
    case Json::boolean:
      out += value.truth ? '\1' : '\0';
      return;
    case Json::array:
      for (const Json& item : value.items) put_key(item, out);
      return;
    case Json::object:
      for (const auto& [key, member] : value.members) {
        put_terminated(key, out);
        put_key(member, out);
      }
  }
}

void put_key(const Json& value, std::string& out) {
  out += static_cast<char>(value.kind + 1);
  if (value.kind == Json::array) put_count(value.items.size(), out);
  if (value.kind == Json::object) put_count(value.members.size(), out);
  put_content(value, out);
}

}  // namespace

const Json* Json::member(std::string_view key) const {
  const auto found = std::ranges::find_if(members, [&](const auto& m) { return m.first == key; });
  return found == members.end() ? nullptr : &found->second;
}

void normalize_members(Json& object) {
  std::ranges::stable_sort(
      object.members, [](const auto& a, const auto& b) { return key_before(a.first, b.first); });
  std::vector<std::pair<std::string, Json>> kept;
  for (auto& member : object.members) {
    if (!kept.empty() && kept.back().first == member.first) {
      kept.back() = std::move(member);
    } else {
      kept.push_back(std::move(member));
    }
  }
  object.members = std::move(kept);
}

Result<Json> parse_json(std::string_view text, Keys keys) {
  SPAR_TRY(check_json(text));
  return Reader(text, keys).value(0);
}

void append_json_string(std::string_view text, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    constexpr std::string_view kValues = "\b\f\n\r\t\"\\", kLetters = "bfnrt\"\\";
    const std::size_t known = kValues.find(c);
    if (known != std::string_view::npos) {
      out += {'\\', kLetters[known]};
    } else if (byte < 32) {
      out += "\\u00";
      out += {kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_jsonb(const Json& value, std::string& out) {
  switch (value.kind) {
    case Json::null:
      out += "null";
      return;
    case Json::string:
      return append_json_string(value.text, out);
    case Json::number:
      out += value.text;
      return;
    case Json::boolean:
      out += value.truth ? "true" : "false";
      return;
    case Json::array:
      out += '[';
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += ", ";
        append_jsonb(value.items[i], out);
      }
      out += ']';
      return;
    case Json::object:
      out += '{';
      for (std::size_t i = 0; i < value.members.size(); ++i) {
        if (i > 0) out += ", ";
        append_json_string(value.members[i].first, out);
        out += ": ";
        append_jsonb(value.members[i].second, out);
      }
      out += '}';
  }
}

std::string jsonb_text(const Json& value) {
  std::string text;
  append_jsonb(value, text);
  return text;
}

Result<std::string> normal_jsonb(std::string_view text) {
  SPAR_ASSIGN(const Json value, parse_json(text));
  return jsonb_text(value);
}

// At the top a scalar counts as an array of one, and the number of elements decides first.
std::string jsonb_key(const Json& value) {
  std::string key;
  if (value.kind == Json::object) {
    put_key(value, key);
    return key;
  }
  const bool scalar = value.is_scalar();
  key += static_cast<char>(Json::array + 1);
  put_count(scalar ? 1 : value.items.size(), key);
  key += scalar ? '\0' : '\1';
  if (scalar) {
    put_key(value, key);
  } else {
    put_content(value, key);
  }
  return key;
}

Result<std::string> jsonb_key(std::string_view text) {
  SPAR_ASSIGN(const Json value, parse_json(text));
  return jsonb_key(value);
}

}  // namespace spar::data
