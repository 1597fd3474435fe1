#include "agent/epoch_keeper.h"

#include <charconv>

namespace spar::agent {
namespace {

constexpr std::string_view kWord = "epoch ";
constexpr std::size_t kFileMax = 64;

std::optional<Epoch> parse(std::string_view text) {
  if (!text.starts_with(kWord) || !text.ends_with('\n')) return std::nullopt;
  text.remove_prefix(kWord.size());
  text.remove_suffix(1);
  Epoch epoch;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), epoch.value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return epoch;
}

}  // namespace

EpochKeeper::EpochKeeper(storage::Disk& disk, std::string file, std::optional<SystemUser> owner)
    : disk_(disk), file_(std::move(file)), owner_(std::move(owner)) {}

Result<void> EpochKeeper::read() {
  if (known_) return {};
  ActAs owner(owner_);
  if (disk_.exists(file_)) {
    SPAR_ASSIGN(std::string text, storage::read_file(disk_, file_, kFileMax));
    std::optional<Epoch> epoch = parse(text);
    if (!epoch) {
      auto broken = failure(Code::corrupt, file_ + " does not say an epoch");
      broken.error().hint = "write \"epoch N\" there, N being the cluster's (`spar status`)";
      return broken;
    }
    durable_ = highest_ = *epoch;
  }
  known_ = true;
  return {};
}

Failure EpochKeeper::refused(Epoch epoch) const {
  auto old = failure(Code::invalid, "an order of epoch " + std::to_string(epoch.value) +
                                        " is refused: there was one of epoch " +
                                        std::to_string(highest_.value));
  old.error().hint =
      "whoever gave it has an old record; a new cluster is kept apart by removing " + file_;
  return old;
}

Result<void> EpochKeeper::admit(Epoch epoch) {
  std::lock_guard lock(mutex_);
  SPAR_TRY(read());
  if (epoch < highest_) return refused(epoch);
  highest_ = epoch;
  if (durable_ == highest_) return {};
  ActAs owner(owner_);
  SPAR_TRY(storage::write_file_atomically(disk_, file_,
                                          std::string(kWord) + std::to_string(epoch.value) + "\n"));
  durable_ = epoch;
  return {};
}

Result<Epoch> EpochKeeper::highest() {
  std::lock_guard lock(mutex_);
  SPAR_TRY(read());
  return highest_;
}

}  // namespace spar::agent
