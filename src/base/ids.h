// base/ids.h: strong types for identities, so that an epoch is never passed for a sequence number.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace spar {

template <class Tag, class Rep = std::uint64_t>
struct StrongId {
  Rep value{};
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
};

// A copy's number within its cluster, given by `init` or `copy add` and never used again.
using CopyId = StrongId<struct CopyTag, std::uint32_t>;
// Grows at every change of primary; stored before anyone is promoted.
using Epoch = StrongId<struct EpochTag>;
// Number of a committed transaction in the cluster's history, 1 for the first.
using Sequence = StrongId<struct SequenceTag>;
// An object of the catalogue (database, table, index, constraint, ...), unique in its cluster.
using ObjectId = StrongId<struct ObjectTag, std::uint32_t>;
// Names one attempt to commit; a session chooses it before the commit can happen.
using TransactionId = StrongId<struct TransactionTag>;

// 128 random bits that tell one cluster from every other; 32 hexadecimal digits as text.
struct ClusterId {
  std::array<std::uint8_t, 16> bytes{};
  friend constexpr auto operator<=>(const ClusterId&, const ClusterId&) = default;
};
std::string to_string(const ClusterId& id);
bool parse_cluster_id(std::string_view text, ClusterId& id);

}  // namespace spar

template <class Tag, class Rep>
struct std::hash<spar::StrongId<Tag, Rep>> {
  std::size_t operator()(const spar::StrongId<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
