// Copies that are behind: how far, why, and whether they can still catch up.
#include "base/size_text.h"
#include "server/postgres/server_path_parts.h"

namespace spar::server::postgres {

using engines::postgres::KeptLog;

// "": it can go on where it is. What a standby fetches from an archive is not seen from here.
Result<std::string> ServerPath::missing_log(ServerCopy& copy, ServerControl& primary,
                                            Monotonic deadline) {
  SPAR_ASSIGN(ServerControl control, copy.control(in(kAnswerWithin)));
  SPAR_ASSIGN(Identity identity, control.identify(in(kAnswerWithin)));
  if (!identity.in_recovery || !identity.settings["restore_command"].empty()) return "";
  SPAR_ASSIGN(const KeptLog kept, primary.kept_log(deadline));
  if (kept.reaches(identity.received)) return "";
  return copy.name() + " needs the log from " + to_string(identity.received) +
         " on, and its primary has thrown away all before " + to_string(kept.oldest);
}

// Measured by what the primary held by then, so that a quiet cluster is no sign of anything.
bool ServerPath::stands_still(CopyId copy, const Seen& seen, Monotonic now) const {
  auto primary = copies_.find(record_.primary);
  if (!place_ || copy == record_.primary || !seen.in_recovery || seen.busy > 0) return false;
  if (primary == copies_.end() || !primary->second.seen.up) return false;
  const milliseconds patience =
      control::contains(record_.synchronous, copy) ? kMirrorStillTime : kStandsStillTime;
  return now - seen.moved_at >= patience && trail_.lag(seen.position.sequence, now) >= patience;
}

std::string ServerPath::trouble_of(CopyId copy, const Seen& seen, Monotonic now) const {
  auto primary = copies_.find(record_.primary);
  if (!place_ || copy == record_.primary || primary == copies_.end()) return "";
  const std::int64_t bytes = behind(seen.position, primary->second.seen.position);
  if (stands_still(copy, seen, now)) return "it receives nothing from its primary";
  if (bytes < static_cast<std::int64_t>(kCaughtUpBytes)) return "";
  return "catches up: " + size_text(static_cast<std::uint64_t>(bytes)) + " behind";
}

}  // namespace spar::server::postgres
