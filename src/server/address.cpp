#include "server/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace spar::server {
namespace {

bool is_numeric_address(const std::string& host) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, host.c_str(), buffer) == 1;
}

}  // namespace

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1" || host.starts_with("::ffff:127.");
}

bool parse_address(std::string_view text, Listener& listener) {
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string host(text.substr(0, colon));
  std::string_view port = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return false;  // an IPv6 address without brackets is ambiguous
  }
  if (host == "localhost") host = "127.0.0.1";
  auto [end, status] = std::from_chars(port.data(), port.data() + port.size(), listener.port);
  if (status != std::errc{} || end != port.data() + port.size()) return false;
  listener.host = host;
  return is_numeric_address(host);
}

}  // namespace spar::server
