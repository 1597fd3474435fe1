#include "gateway/output.h"

#include <algorithm>

namespace spar::gateway {
namespace {

constexpr std::size_t kKeptBytesMax = 1u << 20;

}  // namespace

Output::Output(Sink& sink, const Limits& limits)
    : sink_(sink),
      flush_bytes_(std::max<std::size_t>(limits.flush_bytes, 1)),
      held_bytes_max_(limits.held_output_bytes_max),
      pour_at_(flush_bytes_) {}

void Output::hold() {
  if (!held_from_) held_from_ = bytes_.size();
}

void Output::discard_held() {
  if (held_from_) bytes_.resize(*held_from_);
  held_from_.reset();
}

Result<void> Output::pour_much() {
  if (lost_) return failure(Code::io, "the client is gone", "08006");
  if (sendable() >= flush_bytes_) SPAR_TRY(flush());
  std::size_t held = bytes_.size() - sendable();
  if (held > held_bytes_max_) {
    Failure out = sql_error("54000", "the answers of one implicit transaction are too large");
    out.error().hint = "Use BEGIN and COMMIT, or raise the limit in the configuration.";
    return out;
  }
  pour_at_ = std::max(flush_bytes_, bytes_.size() + flush_bytes_);
  return {};
}

Result<void> Output::flush() {
  std::size_t size = sendable();
  Result<void> sent;
  if (size > 0 && !lost_) sent = sink_.send(std::string_view(bytes_).substr(0, size));
  if (!sent) lost_ = true;
  if (bytes_.capacity() > kKeptBytesMax && size == bytes_.size()) {
    Bytes().swap(bytes_);
  } else {
    bytes_.erase(0, size);
  }
  if (held_from_) held_from_ = 0;
  pour_at_ = flush_bytes_;
  return sent;
}

}  // namespace spar::gateway
