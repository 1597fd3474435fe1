// changelog/limits.h: the named limits of this room.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spar::changelog {

inline constexpr std::size_t kRecordBytesMax = std::size_t{1} << 30;  // changes of one transaction
inline constexpr std::uint64_t kSegmentBytesMin = 8 << 10;
inline constexpr std::size_t kSpareStepBytes = 256 << 10;   // zeroed with one sync
inline constexpr std::uint64_t kIndexStepBytes = 32 << 10;  // read() scans at most this far
inline constexpr std::size_t kLastBlockBytes = 4096;        // re-read by intact()

}  // namespace spar::changelog
