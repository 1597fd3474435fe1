#include "control/record.h"

#include <algorithm>
#include <set>

#include "control/limits.h"

namespace spar::control {

Record initial_record(const ClusterId& cluster, std::vector<Member> members, std::uint32_t mirrors,
                      Durability durability) {
  Record record;
  record.version = 1;
  record.cluster_id = cluster;
  record.mirrors = mirrors;
  record.durability = durability;
  record.members = std::move(members);
  for (Member& member : record.members) {
    member.id = record.next_copy;
    ++record.next_copy.value;
    if (record.primary == CopyId{} && member.may_be_primary) record.primary = member.id;
  }
  add_fork(record, Sequence{0});
  return record;
}

const Member* find_member(const Record& record, CopyId copy) {
  auto found = std::ranges::find(record.members, copy, &Member::id);
  return found == record.members.end() ? nullptr : &*found;
}

const Member* find_member(const Record& record, std::string_view name) {
  auto found = std::ranges::find(record.members, name, &Member::name);
  return found == record.members.end() ? nullptr : &*found;
}

std::string name_of(const Record& record, CopyId copy) {
  const Member* member = find_member(record, copy);
  return member != nullptr ? member->name : "copy " + std::to_string(copy.value);
}

bool contains(const CopySet& set, CopyId copy) {
  return std::ranges::binary_search(set, copy);
}

CopySet with(CopySet set, CopyId copy) {
  auto place = std::ranges::lower_bound(set, copy);
  if (place == set.end() || *place != copy) set.insert(place, copy);
  return set;
}

CopySet without(CopySet set, CopyId copy) {
  std::erase(set, copy);
  return set;
}

Epoch newest_fork(const Record& record) {
  return record.history.empty() ? Epoch{} : record.history.back().epoch;
}

bool fork_known(const Record& record) {
  return !record.history.empty() && record.history.back().epoch == record.epoch;
}

void add_fork(Record& record, Sequence after, std::string note) {
  record.history.push_back({record.epoch, after});
  if (!note.empty()) record.fork_notes[record.epoch] = std::move(note);
  if (record.history.size() > kForksMax) {
    record.comparable_from = record.history.front().epoch;
    record.fork_notes.erase(record.history.front().epoch);
    record.history.erase(record.history.begin());
  }
}

bool diverged(const Record& record, const Position& position) {
  if (position.sequence == Sequence{0}) return false;
  if (position.epoch < record.comparable_from) return true;
  return common_prefix(position, record.history) < position.sequence;
}

bool holds_commits(const Record& record) {
  return record.durability == Durability::mirrored_strict &&
         record.synchronous.size() < record.mirrors;
}

namespace {

Result<void> validate_members(const Record& record) {
  if (record.members.empty()) return failure(Code::invalid, "a cluster needs a copy");
  if (record.members.size() > kMembersMax) {
    return failure(Code::invalid,
                   "a cluster has at most " + std::to_string(kMembersMax) + " copies");
  }
  std::set<std::string_view> names;
  std::set<CopyId> ids;
  for (const Member& member : record.members) {
    if (member.name.empty() || member.name.size() > kNameBytesMax) {
      return failure(Code::invalid,
                     "a copy's name has 1 to " + std::to_string(kNameBytesMax) + " bytes");
    }
    if (member.engine.empty() || member.engine.size() > kNameBytesMax ||
        member.location.size() > kLocationBytesMax) {
      return failure(Code::invalid, "copy " + member.name + ": engine or location is too long");
    }
    if (!names.insert(member.name).second) {
      return failure(Code::invalid, "two copies are called " + member.name);
    }
    if (member.id == CopyId{} || member.id >= record.next_copy || !ids.insert(member.id).second) {
      return failure(Code::invalid, "copy " + member.name + ": bad number");
    }
  }
  return {};
}

Result<void> validate_roles(const Record& record) {
  if (find_member(record, record.primary) == nullptr) {
    return failure(Code::invalid, "no copy may be primary");
  }
  if (record.mirrors > kMembersMax) return failure(Code::invalid, "too many mirrors");
  CopyId last;
  for (CopyId copy : record.synchronous) {
    const Member* member = find_member(record, copy);
    if (copy <= last || copy == record.primary || member == nullptr || !member->may_be_primary) {
      return failure(Code::invalid, "bad synchronous set");
    }
    last = copy;
  }
  return {};
}

Result<void> validate_history(const Record& record) {
  if (record.version == 0 || record.epoch == Epoch{}) {
    return failure(Code::invalid, "version and epoch start at 1");
  }
  if (record.history.size() > kForksMax) return failure(Code::invalid, "too many forks");
  Fork last;
  for (const Fork& fork : record.history) {
    if (fork.epoch <= last.epoch || fork.epoch > record.epoch) {
      return failure(Code::invalid, "the forks are not in order");
    }
    last = fork;
  }
  for (const auto& [epoch, note] : record.fork_notes) {
    const bool known =
        std::ranges::find(record.history, epoch, &Fork::epoch) != record.history.end();
    if (!known || note.empty() || note.size() > kForkNoteBytesMax) {
      return failure(Code::invalid, "bad note of a fork");
    }
  }
  return {};
}

}  // namespace

Result<void> validate(const Record& record) {
  SPAR_TRY(validate_members(record));
  SPAR_TRY(validate_roles(record));
  return validate_history(record);
}

std::string_view to_string(Durability durability) {
  switch (durability) {
    case Durability::mirrored:
      return "mirrored";
    case Durability::mirrored_strict:
      return "mirrored-strict";
    case Durability::async:
      break;
  }
  return "async";
}

std::string to_string(const CopySet& set, const Record& record) {
  std::string text;
  for (CopyId copy : set) text += (text.empty() ? "" : ", ") + name_of(record, copy);
  return text.empty() ? "none" : text;
}

std::string to_string(const Record& record) {
  return "version " + std::to_string(record.version) + ", epoch " +
         std::to_string(record.epoch.value) + ", primary " + name_of(record, record.primary) +
         ", mirrors " + to_string(record.synchronous, record) + " of " +
         std::to_string(record.mirrors) + ", " + std::string(to_string(record.durability)) +
         (record.paused ? ", paused" : "") + (fork_known(record) ? "" : ", fork not recorded");
}

}  // namespace spar::control
