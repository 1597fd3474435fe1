// replicate/bring_up.h: from a directory to a member: look at what is there, open it, rebuild it,
// or set aside what must not serve.
//
// Contract    A copy's directory holds `copy` (whose it is), `data.sqlite` with its write-ahead
//             log, and `log/`. look() reads identity and position without changing anything.
//             open_parts() recovers and opens. rebuild() moves what is there aside and takes a
//             snapshot of the primary; the member then follows from the snapshot's position.
// Errors      Code::corrupt: not usable as it is, rebuild. Code::io: the disk does not let us.
// Not here    The decision (control/).
#pragma once

#include <functional>
#include <string>

#include "replicate/member.h"
#include "storage/disk.h"

namespace spar::replicate {

struct CopyIdentity {
  ClusterId cluster;
  std::uint64_t incarnation = 0;
  CopyId copy;
  friend bool operator==(const CopyIdentity&, const CopyIdentity&) = default;
};

struct Finding {
  enum class Kind {
    absent,   // no such directory: not mounted, or destroyed
    empty,    // a directory without a copy in it
    foreign,  // another cluster's, or another copy of this cluster
    present,  // this copy; end says how far its log goes
    damaged,  // this copy, but what it holds cannot be read
  } kind = Kind::absent;
  Position end;
  CopyIdentity found;  // whose it says it is
  Epoch told;          // the newest epoch it was told of
  std::string text;    // for people
};

Finding look(storage::Disk& disk, const std::string& directory, const CopyIdentity& identity);

// Stores in the copy that `epoch` has begun, before it takes part in it.
Result<void> store_told(storage::Disk& disk, const std::string& directory,
                        const CopyIdentity& identity, Epoch epoch);

using OnCopyFault = std::function<void(const Error&)>;

// Makes an empty copy where none is, and opens what is there otherwise.
Result<Member::Parts> open_parts(storage::Disk& disk, const MemberIdentity& member,
                                 const CopyIdentity& identity, OnCopyFault on_fault);

// Reads every row: whether the content hashes that the copy carries are those of its rows.
Result<void> verify_content(engines::Copy& copy);

// Moves what is in the directory aside, takes a snapshot of the primary, and opens that.
Result<Member::Parts> rebuild(storage::Disk& disk, const MemberIdentity& member,
                              const CopyIdentity& identity, Member& primary, Pipeline& pipeline,
                              OnCopyFault on_fault);

// Moves everything in `directory` into `directory`/set-aside-N; gives the new place, "" if there
// was nothing.
Result<std::string> set_aside(storage::Disk& disk, const std::string& directory);

// Writes what the copy's log holds after `last` to `path`, one change a line, for a person to read.
// The number of transactions written.
Result<std::uint64_t> write_ledger(storage::Disk& disk, const std::string& directory, Sequence last,
                                   const std::string& path);

}  // namespace spar::replicate
