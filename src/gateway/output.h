// gateway/output.h: what a session has said and the client has not been sent yet.
//
// Contract    Messages are appended through encode(). From hold() on, what is appended waits for
//             release(): it answers for an implicit transaction whose commit is not durable yet.
//             pour() is called between rows: it sends what may go once that is worth a call, and
//             refuses (54000) to hold more than the limit.
// Errors      Code::io: the client is gone. Said once by the call that met it, then lost() is true
//             and everything is dropped.
// Threads     One thread a session.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/limits.h"
#include "gateway/wire/encoder.h"

namespace spar::gateway {

// Where bytes for the client go; returns when all of them are on their way.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Result<void> send(std::string_view bytes) = 0;
};

class Output {
 public:
  Output(Sink& sink, const Limits& limits);

  wire::Encoder& encode() { return encoder_; }

  void hold();
  void release() { held_from_.reset(); }
  void discard_held();
  bool holding() const { return held_from_.has_value(); }

  Result<void> pour() { return bytes_.size() < pour_at_ ? Result<void>() : pour_much(); }
  Result<void> flush();  // all that is not held
  bool lost() const { return lost_; }

 private:
  Result<void> pour_much();
  std::size_t sendable() const { return held_from_.value_or(bytes_.size()); }

  Sink& sink_;
  std::size_t flush_bytes_;
  std::size_t held_bytes_max_;
  Bytes bytes_;
  wire::Encoder encoder_{bytes_};
  std::optional<std::size_t> held_from_;
  std::size_t pour_at_;
  bool lost_ = false;
};

}  // namespace spar::gateway
