// server/postgres/read_copies.h: which standbys may answer reads, and how far each of them is.
//
// Contract    Is told what every look at a server gave; map() is what follows from it, for
//             gateway/relay. A copy is in it from a look that found it fit (standing in the present
//             history, receiving from the primary) until lost() or close(); after that it counts as
//             another one (Placing::stay), for it may have been taken back meanwhile.
// Freshness   The primary was asked at T and said that it had written up to P; whatever it had
//             acknowledged before T lies before P. A copy that has applied P is complete up to T.
// Bounds      kSamplesMax samples of the primary; older ones are thinned out, so that a copy far
//             behind is dated a little too old.
// Threads     Value type; no synchronisation, no clock: times are handed in.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "engines/postgres/lsn.h"
#include "gateway/relay/reading.h"

namespace spar::server::postgres {

class ReadCopies {
 public:
  static constexpr std::size_t kSamplesMax = 1024;

  // A primary is admitted in `epoch`; forks of the history up to there. Looks from before count for
  // nothing.
  void open(Epoch epoch, History history, Monotonic now);
  void close();

  bool knows_primary() const { return !samples_.empty(); }
  // `asked`: when the look began. `written`: no record is behind it.
  void primary_at(engines::postgres::Lsn written, Monotonic asked);
  void copy_at(CopyId copy, const gateway::relay::Address& address, engines::postgres::Lsn applied,
               Monotonic asked);
  void lost(CopyId copy);

  // Nothing: the primary alone is to be read. Immutable.
  gateway::relay::ReadMapPtr map() const { return map_; }
  // Whether other copies are in it than at the last call.
  bool take_changed();

 private:
  struct Sample {
    Monotonic asked;
    Sequence written;
  };
  void renew();
  Monotonic complete_to(Sequence applied) const;
  void thin_out();

  std::optional<Epoch> epoch_;
  Monotonic opened_{};
  std::shared_ptr<const History> history_;
  std::vector<Sample> samples_;  // ascending in both
  std::map<CopyId, gateway::relay::ReadCopy> fit_;
  std::map<CopyId, std::uint64_t> stays_;
  gateway::relay::ReadMapPtr map_;
  bool changed_ = false;
};

}  // namespace spar::server::postgres
