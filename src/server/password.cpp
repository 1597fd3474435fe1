#include "server/password.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace spar::server {
namespace {

constexpr std::size_t kFileBytesMax = 1u << 20;
constexpr std::string_view kScramPrefix = "SCRAM-SHA-256$";

bool is_scram_secret(std::string_view text) {
  if (!text.starts_with(kScramPrefix)) return false;
  text.remove_prefix(kScramPrefix.size());
  std::size_t colon = text.find(':'), dollar = text.find('$');
  if (colon == std::string_view::npos || dollar == std::string_view::npos || colon > dollar) {
    return false;
  }
  std::size_t second = text.find(':', dollar);
  bool digits = text.substr(0, colon).find_first_not_of("0123456789") == std::string_view::npos;
  return digits && colon > 0 && dollar > colon + 1 && second != std::string_view::npos &&
         second > dollar + 1 && second + 1 < text.size();
}

}  // namespace

Password classify_password(const std::string& text) {
  using Kind = Password::Kind;
  if (text.starts_with("env:")) return {Kind::environment, text.substr(4)};
  if (text.starts_with("file:")) return {Kind::file, text.substr(5)};
  if (text.starts_with(kScramPrefix)) return {Kind::scram, text};
  return {Kind::plain, text};
}

bool is_usable(const Password& password) {
  if (password.kind == Password::Kind::scram) return is_scram_secret(password.value);
  return !password.value.empty();
}

Result<std::string> read_small_file(const std::string& file, const std::string& what) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file)) {
    return failure(Code::io, what + " " + file + " cannot be read");
  }
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (text.size() > kFileBytesMax) return failure(Code::invalid, what + " " + file + " is too big");
  return text;
}

Result<Password> resolve_password(const UserConfig& user) {
  using Kind = Password::Kind;
  if (user.password.kind == Kind::plain || user.password.kind == Kind::scram) return user.password;
  std::string text;
  if (user.password.kind == Kind::environment) {
    const char* value = std::getenv(user.password.value.c_str());
    if (value != nullptr) text = value;
  } else {
    SPAR_ASSIGN(text, read_small_file(user.password.value, "the password file"));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  }
  bool scram = text.starts_with(kScramPrefix);
  Password password{scram ? Kind::scram : Kind::plain, text};
  if (!is_usable(password)) {
    return failure(Code::invalid,
                   "user \"" + user.name + "\": " + user.password.value + " holds no password");
  }
  return password;
}

}  // namespace spar::server
