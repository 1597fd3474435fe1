#include "gateway/relay/transaction_journal.h"

#define XXH_STATIC_LINKING_ONLY  // the size of the streaming state
#include <xxhash.h>

#include "base/assert.h"
#include "gateway/relay/server_login.h"

namespace spar::gateway::relay {
namespace {

// What of a message decides: all of a row, COPY data or tag; the SQLSTATE of an error.
std::string_view deciding(const Frame& frame) {
  switch (frame.type) {
    case 'D':
    case 'd':
    case 'C':
      return frame.body();
    case 'E':
      return error_field(frame.body(), 'C');
    default:
      return {};
  }
}

}  // namespace

struct DigestReader::Streaming {
  XXH3_state_t state;
};

DigestReader::DigestReader() = default;
DigestReader::~DigestReader() = default;
DigestReader::DigestReader(DigestReader&&) noexcept = default;
DigestReader& DigestReader::operator=(DigestReader&&) noexcept = default;

void DigestReader::add(const Frame& frame) {
  XXH128_hash_t hash;
  const auto seed = static_cast<std::uint64_t>(static_cast<unsigned char>(frame.type));
  if (frame.whole()) {
    const std::string_view text = deciding(frame);
    hash = XXH3_128bits_withSeed(text.data(), text.size(), seed);
  } else {
    if (streaming_ == nullptr) streaming_ = std::make_unique<Streaming>();
    if (frame.begins) XXH3_128bits_reset_withSeed(&streaming_->state, seed);
    const std::string_view text = frame.begins ? frame.body() : frame.bytes;
    if (frame.type != 'E' && frame.type != 'T') {
      XXH3_128bits_update(&streaming_->state, text.data(), text.size());
    }
    in_part_ = !frame.ends;
    if (in_part_) return;
    hash = XXH3_128bits_digest(&streaming_->state);
  }
  ++digest_.messages;
  digest_.low += hash.low64;
  digest_.high += hash.high64;
}

bool TransactionJournal::fits(std::size_t bytes) {
  if (overflowed_) return false;
  if (bytes_.size() + steps_.size() * sizeof(Step) + bytes <= bytes_max_) return true;
  give_up();
  return false;
}

void TransactionJournal::give_up() {
  first_ = end();
  steps_.clear();
  Bytes().swap(bytes_);
  dropped_ = 0;
  overflowed_ = true;
}

std::uint32_t TransactionJournal::push(Step step, std::string_view message) {
  if (!fits(sizeof(Step) + message.size())) return 0;
  step.at = dropped_ + bytes_.size();
  step.size = message.size();
  bytes_ += message;
  steps_.push(std::move(step));
  return end() - 1;
}

void TransactionJournal::append(std::string_view message) {
  if (!fits(message.size())) return;
  SPAR_ASSERT(!steps_.empty());
  bytes_ += message;
  steps_.back().size += message.size();
}

Step* TransactionJournal::find(std::uint32_t number) {
  return number >= first_ && number < end() ? &at(number) : nullptr;
}

void TransactionJournal::drop_through(std::uint32_t number) {
  while (!steps_.empty() && first_ <= number) {
    (void)steps_.pop();
    ++first_;
  }
  if (steps_.empty()) return clear();
  // Of a client that never waits, something is always left.
  constexpr std::size_t kDroppedMax = 64u << 10;
  const std::size_t unused = steps_.front().at - dropped_;
  if (unused < kDroppedMax) return;
  bytes_.erase(0, unused);
  dropped_ += unused;
}

void TransactionJournal::clear() {
  constexpr std::size_t kKept = 1u << 10;
  first_ = end();
  steps_.clear();
  bytes_.clear();
  if (bytes_.capacity() > kKept) Bytes().swap(bytes_);
  dropped_ = 0;
  overflowed_ = false;
}

}  // namespace spar::gateway::relay
