// control/record.h: the cluster record, the one authority on who may write.
//
// Contract    A value. It changes only by compare-and-set on `version` (coordination/store.h).
// Invariants  I1 Every copy in {primary} + synchronous held everything that was acknowledged when
//                it entered, and no acknowledgement has been given since without it.
//             I2 An epoch is stored here before any copy is promoted for it.
//             I3 Nothing is admitted or resolved in `epoch` before its fork stands in `history`.
//                Until then `synchronous` still names every copy that may be elected instead.
//             I4 A copy's number is never used again (next_copy).
// Threads     Value type; no synchronisation.
// Not here    Where it is kept (coordination/). The text form: docs/formats/cluster-record.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/position.h"
#include "base/result.h"

namespace spar::control {

// Counts the restores of a cluster: a copy of another incarnation has another history.
using Incarnation = StrongId<struct IncarnationTag>;

enum class Durability {
  mirrored,         // goes on without a mirror when none is left, loudly
  mirrored_strict,  // holds commits while fewer than `mirrors` copies are in the set
  async,            // waits for no mirror; a failover needs a person
};

struct Member {
  CopyId id;
  std::string name;
  std::string engine;
  std::string location;
  bool may_be_primary = true;  // false: role = "replica", never mirror nor primary
  friend bool operator==(const Member&, const Member&) = default;
};

using CopySet = std::vector<CopyId>;  // ascending, no repetition

struct Record {
  std::uint64_t version = 0;  // 1 for the first record stored
  ClusterId cluster_id;
  Incarnation incarnation{1};
  Epoch epoch{1};
  CopyId primary;
  CopySet synchronous;        // the mirrors: every acknowledgement waits for all of them
  std::uint32_t mirrors = 1;  // how many there should be
  Durability durability = Durability::mirrored;
  bool paused = false;
  std::vector<Member> members;
  CopyId next_copy{1};
  History history;  // ascending; its last fork is that of `epoch`, unless that is unknown yet
  // What an engine has to remember of a fork, in its own words; of some epochs in `history`. So
  // does a PostgreSQL server give transaction numbers again that its lost primary had given.
  std::map<Epoch, std::string> fork_notes;
  Epoch comparable_from;  // forks before this epoch were dropped; older positions count as diverged
  friend bool operator==(const Record&, const Record&) = default;
};

// The record of a new cluster: epoch 1, the first member that may be is primary, no mirrors yet
// (a copy becomes one when it has caught up). Numbers the members 1, 2, ...
Record initial_record(const ClusterId& cluster, std::vector<Member> members, std::uint32_t mirrors,
                      Durability durability);

const Member* find_member(const Record& record, CopyId copy);
const Member* find_member(const Record& record, std::string_view name);
std::string name_of(const Record& record, CopyId copy);  // its name, or "copy 7"

bool contains(const CopySet& set, CopyId copy);
CopySet with(CopySet set, CopyId copy);
CopySet without(CopySet set, CopyId copy);

// Whether the fork of the current epoch is known: only then may it admit anything.
bool fork_known(const Record& record);
Epoch newest_fork(const Record& record);  // 0 when there is none
void add_fork(Record& record, Sequence after, std::string note = {});

// Whether a copy at `position` holds something that the record's history does not.
bool diverged(const Record& record, const Position& position);

// Whether commits must wait because the set is smaller than `mirrored_strict` asks for.
bool holds_commits(const Record& record);

// Code::invalid with what is wrong. encode() never writes a record that decode() would refuse.
Result<void> validate(const Record& record);
Result<std::string> encode(const Record& record);
// Code::corrupt for anything that encode() did not write.
Result<Record> decode(std::string_view text);

std::string_view to_string(Durability durability);
std::string to_string(const CopySet& set, const Record& record);  // "b, c" or "none"
std::string to_string(const Record& record);                      // one line

}  // namespace spar::control
