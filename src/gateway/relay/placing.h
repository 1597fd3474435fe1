// gateway/relay/placing.h: where a server is, and as what it was known there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace spar::gateway::relay {

class ServerTls;

struct Address {
  std::string host;  // numeric, or the directory of a Unix socket
  std::uint16_t port = 5432;
  std::shared_ptr<const ServerTls> tls = {};  // nothing: unencrypted

  bool operator==(const Address&) const = default;
};

// The same server in another epoch is another place; so is one that was lost in between.
struct Placing {
  Address address;
  std::uint64_t epoch = 0;
  std::uint64_t stay = 0;  // of a copy that answers reads; 0: the primary

  bool operator==(const Placing&) const = default;
};

}  // namespace spar::gateway::relay
