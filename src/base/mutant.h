// base/mutant.h: the named defects that the tests must catch (docs/testing.md).
//
// In every ordinary build mutant() is constant false and the compiler drops the branch. The build
// preset `mutants` compiles them in; the environment variable SPAR_MUTANT then picks one.
#pragma once

namespace spar {

enum class Mutant {
  acknowledge_early,    // answer a commit before the mirrors have it
  skip_epoch_store,     // promote without storing the new epoch first
  shrink_set_unstored,  // let a mirror out of the acknowledgement before the record says so
  apply_before_acknowledged,
  read_before_durable,  // answer a read that saw what is not durable yet
  forget_position,      // leave the position out of the copy's transaction
  trim_log_early,       // trim the log past the slowest member
  promote_from_old_record,
  accept_foreign_copy,  // do not compare cluster id and incarnation
  ignore_failed_flush,
  acknowledge_unshown,   // acknowledge a commit that the primary does not show to its readers yet
  skip_fork_store,       // resolve and admit before the fork is recorded
  resolve_by_xid_alone,  // a lost transaction by its number, which another may have by now
  replay_unresolved,     // repeat a single statement whose outcome nobody knows
  start_after_failed_rewind,
  read_unsettled,  // a session reads on a copy before it is known what it has written
};

#ifdef SPAR_MUTANTS
bool mutant(Mutant which) noexcept;
#else
constexpr bool mutant(Mutant) noexcept {
  return false;
}
#endif

}  // namespace spar
