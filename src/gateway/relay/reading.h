// gateway/relay/reading.h: which copy a session's read may go to.
//
// Contract    ReadSettings are what a session has set (spar.read and its like). A ReadMap is what is
//             known of the copies of a cluster at one moment; a copy that must not be read is not in
//             it. A ReadTrail is what a session has seen: choose() gives a copy of the map that
//             shows all of it (session) or is fresh enough (bounded); nothing: the primary.
// Freshness   A copy has at least `applied`. Whatever was acknowledged or shown anywhere before the
//             primary was asked lies before what it then said it had written.
//               session  Where a session was last, and until when, is kept. What it may have seen
//                        there is known when that server, or the primary, was asked later than that;
//                        until then only the same server will do. A copy never goes back by itself
//                        while it keeps its Placing.
//               bounded  A copy that has applied what the primary had written when it was asked at
//                        T lacks nothing that was acknowledged before T.
//             Of a position of an older epoch counts what that epoch's history shares with now.
// Text        "epoch/log position": 3/0/16B3748.
// Threads     Values and pure functions; times are handed in.
// Not here    How copies are watched (server/). Which statements may be read anywhere (query/route).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/position.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/relay/placing.h"
#include "gateway/relay/session_settings.h"

namespace spar::gateway::relay {

enum class ReadMode : std::uint8_t { strict, session, bounded };

struct ReadSettings {
  ReadMode mode = ReadMode::strict;
  std::chrono::milliseconds max_staleness{5'000};
  std::optional<Position> after;
};

// What is not understood counts as strict.
ReadSettings read_settings(const SessionSettings& settings);
// 22023 with a hint; also for a name of ours that there is not (42704).
Result<void> check_read_setting(std::string_view name, std::string_view value);
// Of a start-up packet.
Result<void> check_read_settings(
    const std::vector<std::pair<std::string, std::string>>& parameters);
inline constexpr std::string_view kReadSettingPrefix = "spar.";

std::optional<Position> parse_read_position(std::string_view text);
std::string read_position_text(const Position& position);

struct ReadCopy {
  CopyId copy;
  Placing placing;
  Sequence applied;                          // and perhaps more
  Monotonic asked;                           // when it was asked that
  Monotonic complete_to = Monotonic::min();  // it has all that was acknowledged before
};

struct ReadMap {
  Epoch epoch;
  Sequence written;  // by the primary, at most, when it was
  Monotonic asked = Monotonic::min();
  std::shared_ptr<const History> history;
  std::vector<ReadCopy> copies;
};
using ReadMapPtr = std::shared_ptr<const ReadMap>;

class ReadTrail {
 public:
  // The session had answers from there, the last of them before `when`.
  void was_at_primary(Epoch epoch, Monotonic when);
  void was_at(CopyId copy, const Placing& placing, Monotonic when);

  // A place in map.copies. `spread`: sessions of different numbers are sent to different ones.
  std::optional<std::size_t> choose(const ReadMap& map, const ReadSettings& settings, Monotonic now,
                                    std::size_t spread);

 private:
  struct Where {
    CopyId copy;
    Placing placing;
    friend bool operator==(const Where&, const Where&) = default;
  };
  struct Mark {
    std::optional<Where> where;  // nothing: the primary, or more than one
    Epoch epoch;
    Monotonic when;
  };
  void settle(const ReadMap& map);
  void include(const Position& position, const ReadMap& map);
  bool will_do(const ReadCopy& copy, const ReadMap& map, const ReadSettings& settings,
               Monotonic now) const;

  std::optional<Position> seen_;
  std::optional<Mark> mark_;   // what was seen there is not known yet
  std::optional<Where> home_;  // shows all that was seen, for nothing was seen elsewhere since
  CopyId last_;
};

}  // namespace spar::gateway::relay
