#include "engines/sqlite/vfs_locks.h"

namespace spar::engines::sqlite {

int DatabaseLocks::lock(const void* who, int& level, int wanted) {
  if (level >= wanted) return SQLITE_OK;
  std::lock_guard guard(mutex_);
  if (level == SQLITE_LOCK_NONE) {
    if (pending_ != nullptr) return SQLITE_BUSY;
    ++shared_;
    level = SQLITE_LOCK_SHARED;
  }
  if (wanted == SQLITE_LOCK_SHARED) return SQLITE_OK;
  if (reserved_ != nullptr && reserved_ != who) return SQLITE_BUSY;
  if (wanted == SQLITE_LOCK_RESERVED) {
    reserved_ = who;
    level = SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
  }
  if (pending_ != nullptr && pending_ != who) return SQLITE_BUSY;
  pending_ = who;
  level = SQLITE_LOCK_PENDING;
  if (shared_ > 1) return SQLITE_BUSY;
  level = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

void DatabaseLocks::unlock(const void* who, int& level, int wanted) {
  if (level <= wanted) return;
  std::lock_guard guard(mutex_);
  if (reserved_ == who) reserved_ = nullptr;
  if (pending_ == who) pending_ = nullptr;
  if (wanted == SQLITE_LOCK_NONE) --shared_;
  level = wanted;
}

bool DatabaseLocks::is_reserved() {
  std::lock_guard guard(mutex_);
  return reserved_ != nullptr || pending_ != nullptr;
}

int SharedMemory::map(SharedMemoryUse& use, int region, int size, bool extend,
                      volatile void** out) {
  std::lock_guard guard(mutex_);
  if (!use.attached) {
    use.attached = true;
    ++users_;
  }
  *out = nullptr;
  const auto index = static_cast<std::size_t>(region);
  while (extend && regions_.size() <= index) {
    regions_.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
  }
  if (index < regions_.size()) *out = regions_[index].get();
  return SQLITE_OK;
}

bool SharedMemory::take_shared(int slot) {
  std::atomic<int>& state = slots_[static_cast<std::size_t>(slot)];
  int now = state.load();
  while (now != kExclusive) {
    if (state.compare_exchange_weak(now, now + 1)) return true;
  }
  return false;
}

bool SharedMemory::take_exclusive(int first, int count) {
  const auto begin = static_cast<std::size_t>(first);
  for (std::size_t i = begin; i < begin + static_cast<std::size_t>(count); ++i) {
    int expected = 0;
    if (slots_[i].compare_exchange_strong(expected, kExclusive)) continue;
    while (i-- > begin) slots_[i].store(0);
    return false;
  }
  return true;
}

void SharedMemory::release(SharedMemoryUse& use, unsigned mask, bool exclusive) {
  unsigned& held = exclusive ? use.exclusive : use.shared;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if ((held & mask & (1u << slot)) == 0) continue;
    if (exclusive) {
      slots_[slot].store(0);
    } else {
      slots_[slot].fetch_sub(1);
    }
  }
  held &= ~mask;
}

int SharedMemory::lock(SharedMemoryUse& use, int first, int count, int flags) {
  const unsigned mask = ((1u << count) - 1) << first;
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    release(use, mask, exclusive);
    return SQLITE_OK;
  }
  unsigned& held = exclusive ? use.exclusive : use.shared;
  if ((held & mask) == mask) return SQLITE_OK;
  bool taken = exclusive ? take_exclusive(first, count) : take_shared(first);
  if (!taken) return SQLITE_BUSY;
  held |= mask;
  return SQLITE_OK;
}

void SharedMemory::leave(SharedMemoryUse& use) {
  if (!use.attached) return;
  release(use, ~0u, true);
  release(use, ~0u, false);
  use.attached = false;
  std::lock_guard guard(mutex_);
  if (--users_ == 0) regions_.clear();
}

}  // namespace spar::engines::sqlite
