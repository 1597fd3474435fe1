#include "server/postgres/read_copies.h"

#include <algorithm>
#include <utility>

namespace spar::server::postgres {

using gateway::relay::ReadCopy;
using gateway::relay::ReadMap;

void ReadCopies::open(Epoch epoch, History history, Monotonic now) {
  close();
  epoch_ = epoch;
  opened_ = now;
  history_ = std::make_shared<const History>(std::move(history));
  renew();
}

void ReadCopies::close() {
  epoch_.reset();
  samples_.clear();
  changed_ |= !fit_.empty();
  fit_.clear();
  renew();
}

void ReadCopies::primary_at(engines::postgres::Lsn written, Monotonic asked) {
  if (!epoch_ || asked < opened_) return;
  const Sequence at(written.value);
  if (!samples_.empty() && (asked <= samples_.back().asked || at < samples_.back().written)) return;
  if (!samples_.empty() && at == samples_.back().written) {
    samples_.back().asked = asked;  // then it had written no more either
  } else {
    samples_.push_back({.asked = asked, .written = at});
    if (samples_.size() > kSamplesMax) thin_out();
  }
  for (auto& [id, copy] : fit_) {
    copy.complete_to = std::max(copy.complete_to, complete_to(copy.applied));
  }
  renew();
}

void ReadCopies::copy_at(CopyId id, const gateway::relay::Address& address,
                         engines::postgres::Lsn applied, Monotonic asked) {
  if (!epoch_ || asked < opened_) return;
  auto [place, fresh] = fit_.try_emplace(id);
  ReadCopy& copy = place->second;
  if (fresh) {
    copy.copy = id;
    copy.placing = {.address = address, .epoch = epoch_->value, .stay = ++stays_[id]};
    changed_ = true;
  }
  copy.applied = std::max(copy.applied, Sequence(applied.value));
  copy.asked = asked;
  copy.complete_to = std::max(copy.complete_to, complete_to(copy.applied));
  renew();
}

void ReadCopies::lost(CopyId copy) {
  if (fit_.erase(copy) == 0) return;
  changed_ = true;
  renew();
}

bool ReadCopies::take_changed() {
  return std::exchange(changed_, false);
}

Monotonic ReadCopies::complete_to(Sequence applied) const {
  auto past = std::ranges::upper_bound(samples_, applied, {}, &Sample::written);
  return past == samples_.begin() ? Monotonic::min() : std::prev(past)->asked;
}

// Every second one of the older half.
void ReadCopies::thin_out() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    if (i >= samples_.size() / 2 || i % 2 == 0) samples_[kept++] = samples_[i];
  }
  samples_.resize(kept);
}

void ReadCopies::renew() {
  map_.reset();
  if (!epoch_) return;
  ReadMap map{.epoch = *epoch_, .written = {}, .history = history_, .copies = {}};
  if (!samples_.empty()) {
    map.written = samples_.back().written;
    map.asked = samples_.back().asked;
  }
  for (const auto& [id, copy] : fit_) map.copies.push_back(copy);
  map_ = std::make_shared<const ReadMap>(std::move(map));
}

}  // namespace spar::server::postgres
