// engines/sqlite/limits.h: the bounds of an embedded copy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spar::engines::sqlite {

inline constexpr int kExpressionDepthMax = 1000;
inline constexpr int kBusyTimeoutMs = 5000;  // readers meeting a WAL reset
inline constexpr int kWriterCacheKiB = 64 * 1024;
inline constexpr int kReaderCacheKiB = 8 * 1024;
inline constexpr std::size_t kStatementsKeptMax = 500;        // prepared statements a connection
inline constexpr std::size_t kReadersIdleMax = 16;            // connections kept for reads
inline constexpr std::size_t kReturnedBytesMax = 256u << 20;  // of RETURNING, held in memory

}  // namespace spar::engines::sqlite
