#include "base/mutant.h"

#ifdef SPAR_MUTANTS
#include <cstdlib>
#include <string_view>

namespace spar {
namespace {

constexpr std::string_view kNames[] = {"acknowledge_early",
                                       "skip_epoch_store",
                                       "shrink_set_unstored",
                                       "apply_before_acknowledged",
                                       "read_before_durable",
                                       "forget_position",
                                       "trim_log_early",
                                       "promote_from_old_record",
                                       "accept_foreign_copy",
                                       "ignore_failed_flush",
                                       "acknowledge_unshown",
                                       "skip_fork_store",
                                       "resolve_by_xid_alone",
                                       "replay_unresolved",
                                       "start_after_failed_rewind",
                                       "read_unsettled"};

int chosen() {
  const char* name = std::getenv("SPAR_MUTANT");
  if (name == nullptr) return -1;
  for (int i = 0; i < static_cast<int>(std::size(kNames)); ++i) {
    if (kNames[i] == name) return i;
  }
  return -1;
}

}  // namespace

bool mutant(Mutant which) noexcept {
  static const int kChosen = chosen();
  return static_cast<int>(which) == kChosen;
}

}  // namespace spar
#endif
