#include "replicate/bring_up.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "base/mutant.h"
#include "data/text_format.h"
#include "engines/sqlite/copy.h"
#include "replicate/limits.h"

namespace spar::replicate {
namespace {

constexpr const char* kIdentityFile = "/copy";
constexpr std::size_t kIdentityBytesMax = 4096;
constexpr std::size_t kLedgerBytesMax = 64u << 20;

std::string format_identity(const CopyIdentity& identity, Epoch told) {
  return "spar copy 1\ncluster " + to_string(identity.cluster) + "\nincarnation " +
         std::to_string(identity.incarnation) + "\ncopy " + std::to_string(identity.copy.value) +
         "\ntold " + std::to_string(told.value) + "\n";
}

bool take_number(std::string_view& text, std::string_view name, std::uint64_t& value) {
  if (!text.starts_with(name)) return false;
  text.remove_prefix(name.size());
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  if (!text.starts_with('\n')) return false;
  text.remove_prefix(1);
  return true;
}

bool parse_identity(std::string_view text, CopyIdentity& identity, Epoch& told) {
  constexpr std::string_view kHead = "spar copy 1\ncluster ";
  if (!text.starts_with(kHead)) return false;
  text.remove_prefix(kHead.size());
  if (text.size() < 33 || !parse_cluster_id(text.substr(0, 32), identity.cluster)) return false;
  text.remove_prefix(33);
  std::uint64_t copy = 0;
  if (!take_number(text, "incarnation ", identity.incarnation)) return false;
  if (!take_number(text, "copy ", copy)) return false;
  identity.copy = CopyId(static_cast<std::uint32_t>(copy));
  return take_number(text, "told ", told.value);
}

std::string log_directory(const std::string& directory) {
  return directory + "/log";
}

bool is_ours(const std::string& name) {
  return name == "copy" || name == "log" || name.starts_with(engines::sqlite::kDataFile);
}

Finding finding(Finding::Kind kind, std::string text) {
  Finding found;
  found.kind = kind;
  found.text = std::move(text);
  return found;
}

}  // namespace

Finding look(storage::Disk& disk, const std::string& directory, const CopyIdentity& identity) {
  auto names = disk.list(directory);
  if (!names) return finding(Finding::Kind::absent, names.error().message);
  bool any = std::any_of(names->begin(), names->end(), is_ours);
  if (!any) return finding(Finding::Kind::empty, "the directory is empty");
  auto text = storage::read_file(disk, directory + kIdentityFile, kIdentityBytesMax);
  Finding result;
  if (!text || !parse_identity(*text, result.found, result.told)) {
    return finding(Finding::Kind::damaged, "its identity cannot be read");
  }
  auto log = changelog::Log::open(disk, log_directory(directory), {});
  if (log) result.end = (*log)->end();
  if (result.found != identity && !mutant(Mutant::accept_foreign_copy)) {
    result.kind = Finding::Kind::foreign;
    result.text = "it is copy " + std::to_string(result.found.copy.value) + " of cluster " +
                  to_string(result.found.cluster);
  } else if (!log) {
    result.kind = Finding::Kind::damaged;
    result.text = log.error().message;
  } else {
    result.kind = Finding::Kind::present;
    result.text = "holds " + to_string(result.end);
  }
  return result;
}

Result<void> store_told(storage::Disk& disk, const std::string& directory,
                        const CopyIdentity& identity, Epoch epoch) {
  return storage::write_file_atomically(disk, directory + kIdentityFile,
                                        format_identity(identity, epoch));
}

Result<Member::Parts> open_parts(storage::Disk& disk, const MemberIdentity& member,
                                 const CopyIdentity& identity, OnCopyFault on_fault) {
  const std::string& directory = member.directory;
  SPAR_TRY(disk.make_directory(directory));
  if (!disk.exists(directory + kIdentityFile)) {
    SPAR_TRY(store_told(disk, directory, identity, Epoch()));
  }
  Member::Parts parts;
  parts.identity = member;
  SPAR_ASSIGN(parts.log, changelog::Log::open(disk, log_directory(directory), {}));
  engines::sqlite::OpenOptions options{directory, parts.log->end(), std::move(on_fault)};
  SPAR_ASSIGN(parts.copy, engines::sqlite::open_copy(disk, std::move(options)));
  if (parts.copy->applied().sequence < parts.log->base().sequence) {
    return failure(Code::corrupt, directory + ": the data ends at " +
                                      to_string(parts.copy->applied()) +
                                      ", before its change log begins");
  }
  return parts;
}

Result<void> verify_content(engines::Copy& copy) {
  SPAR_ASSIGN(auto scanned, copy.scan());
  engines::Contents carried = copy.contents();
  for (auto& [table, hash] : scanned.second) {
    if (carried[table] == hash) continue;
    return failure(Code::corrupt, "table " + std::to_string(table.value) + " holds " +
                                      data::to_string(hash) + " where " +
                                      data::to_string(carried[table]) + " was recorded");
  }
  return {};
}

Result<std::string> set_aside(storage::Disk& disk, const std::string& directory) {
  SPAR_ASSIGN(std::vector<std::string> names, disk.list(directory));
  std::erase_if(names, [](const std::string& name) { return !is_ours(name); });
  if (names.empty()) return std::string();
  std::string place;
  for (int n = 1; place.empty() || disk.exists(place); ++n) {
    place = directory + "/set-aside-" + std::to_string(n);
  }
  SPAR_TRY(disk.make_directory(place));
  for (const std::string& name : names) {
    SPAR_TRY(disk.rename(directory + "/" + name, place + "/" + name));
  }
  SPAR_TRY(disk.sync_directory(directory));
  return place;
}

namespace {

// A snapshot may hold commits that are not acknowledged yet; it is of use once they are.
Result<Position> take_snapshot(Member& primary, Pipeline& pipeline, const std::string& directory) {
  SPAR_ASSIGN(Position position, primary.copy().snapshot_into(directory));
  Monotonic deadline = std::chrono::steady_clock::now() + kAdmitWait;
  if (pipeline.wait(position, deadline) != Outcome::committed) {
    return failure(Code::unavailable, "the primary changed while its snapshot was taken");
  }
  return position;
}

Result<void> clear_set_aside(storage::Disk& disk, const std::string& directory,
                             const std::string& keep) {
  SPAR_ASSIGN(std::vector<std::string> names, disk.list(directory));
  for (const std::string& name : names) {
    std::string path = directory + "/" + name;
    if (name.starts_with("set-aside-") && path != keep) SPAR_TRY(disk.remove_all(path));
  }
  return {};
}

}  // namespace

Result<Member::Parts> rebuild(storage::Disk& disk, const MemberIdentity& member,
                              const CopyIdentity& identity, Member& primary, Pipeline& pipeline,
                              OnCopyFault on_fault) {
  const std::string& directory = member.directory;
  SPAR_ASSIGN(std::string aside, set_aside(disk, directory));
  SPAR_TRY(clear_set_aside(disk, directory, aside));  // only the newest is kept
  std::string incoming = directory + "/incoming";
  SPAR_TRY(disk.remove_all(incoming));
  SPAR_ASSIGN(Position position, take_snapshot(primary, pipeline, incoming));
  {
    SPAR_ASSIGN(auto log, changelog::Log::open(disk, log_directory(directory), {}, position));
    if (log->base() != position) SPAR_TRY(log->restart_at(position));
  }
  std::string data = std::string("/") + engines::sqlite::kDataFile;
  SPAR_TRY(disk.rename(incoming + data, directory + data));
  SPAR_TRY(disk.remove_all(incoming));
  SPAR_TRY(disk.sync_directory(directory));
  return open_parts(disk, member, identity, std::move(on_fault));
}

namespace {

const char* word(changelog::ChangeKind kind) {
  switch (kind) {
    case changelog::ChangeKind::insert:
      return "insert";
    case changelog::ChangeKind::update:
      return "update";
    case changelog::ChangeKind::erase:
      return "delete";
    case changelog::ChangeKind::truncate:
      return "truncate";
    case changelog::ChangeKind::catalogue:
      return "schema change";
    case changelog::ChangeKind::content:
      return "content";
  }
  return "?";
}

void show_datum(const data::Datum& datum, std::string& out) {
  if (auto* integer = std::get_if<std::int64_t>(&datum)) {
    out += std::to_string(*integer);
  } else if (auto* real = std::get_if<double>(&datum)) {
    out += std::to_string(*real);
  } else if (auto* text = std::get_if<std::string>(&datum)) {
    out += "'" + *text + "'";
  } else if (auto* blob = std::get_if<data::Blob>(&datum)) {
    data::format_text(*blob, {data::TypeId::bytea, -1}, {}, out);
  } else {
    out += "null";
  }
}

void show_row(std::string_view label, std::string_view bytes, std::string& out) {
  if (bytes.empty()) return;
  ByteReader reader(bytes);
  auto row = data::decode_row(reader);
  out += " " + std::string(label) + " (";
  if (row) {
    for (std::size_t i = 0; i < row->size(); ++i) {
      if (i > 0) out += ", ";
      show_datum((*row)[i], out);
    }
  }
  out += ")";
}

void show_record(const changelog::Record& record, std::string& out) {
  changelog::ChangeReader reader(record.changes);
  while (true) {
    auto change = reader.next();
    if (!change || !*change) return;
    if ((*change)->kind == changelog::ChangeKind::content) continue;
    out += to_string(record.position) + " " + word((*change)->kind);
    out += " table " + std::to_string((*change)->table.value);
    show_row("before", (*change)->before, out);
    show_row("after", (*change)->after, out);
    out += "\n";
  }
}

}  // namespace

Result<std::uint64_t> write_ledger(storage::Disk& disk, const std::string& directory, Sequence last,
                                   const std::string& path) {
  SPAR_ASSIGN(auto log, changelog::Log::open(disk, log_directory(directory), {}));
  if (log->base().sequence > last) last = log->base().sequence;
  std::string text = "# transactions of " + directory + " that the cluster does not have\n";
  std::uint64_t count = 0;
  while (log->end().sequence > last && text.size() < kLedgerBytesMax) {
    SPAR_ASSIGN(std::vector<changelog::SharedRecord> records, log->read(last, kApplyBytesMax));
    for (const changelog::SharedRecord& record : records) {
      show_record(*record, text);
      last = record->position.sequence;
      ++count;
    }
  }
  SPAR_TRY(storage::write_file_atomically(disk, path, text));
  return count;
}

}  // namespace spar::replicate
