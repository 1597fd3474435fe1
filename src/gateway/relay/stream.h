// gateway/relay/stream.h: one non-blocking socket of a loop, with what it could not yet take or
// give.
//
// Contract    read() gives what has come, behind what keep() has kept; keep() says what of it is
//             still needed. write() sends what the kernel takes and keeps the rest, in order. While
//             nothing is kept and nothing is pending the stream holds no memory but itself.
//             Interest in events is told to epoll only when it changes.
// Errors      read(): Code::io, or 0 new bytes and closed(). write(): a broken socket is noticed
//             by the read that follows it.
// Threads     One loop.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/relay/chunks.h"
#include "gateway/relay/tls_stream.h"

namespace spar::gateway::relay {

class Stream {
 public:
  Stream() = default;
  ~Stream() { close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Takes the descriptor and registers it under `tag`.
  void open(int fd, int epoll, std::uint64_t tag);
  void close();
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  bool closed() const { return closed_; }

  // `scratch` is the loop's: what is given points into it or into the stream.
  Result<std::string_view> read(std::span<char> scratch);
  std::string_view kept() const { return kept_; }
  // `rest` is a suffix of what read() or kept() gave.
  void keep(std::string_view rest);

  void write(const Chunks& chunks);
  void write(std::string_view bytes);
  void flush();
  std::size_t pending() const { return pending_.size() - sent_; }

  void start_tls(const TlsContext& context) { tls_ = std::make_unique<TlsStream>(context); }
  Result<void> start_tls(const ServerTls& server);
  bool tls_established() const { return tls_ != nullptr && tls_->established(); }

  // Whether it is to be read; writing follows from what is pending. `connecting`: tell when it can
  // be written.
  void want(bool reading, bool connecting = false);
  void update_interest();

 private:
  Result<std::string_view> read_tls(std::string_view bytes);
  void send_or_keep(const Chunks& chunks);

  int fd_ = -1;
  int epoll_ = -1;
  std::uint64_t tag_ = 0;
  std::uint32_t armed_ = 0;
  bool reading_ = true;
  bool connecting_ = false;
  bool closed_ = false;
  Bytes kept_;
  Bytes pending_;
  std::size_t sent_ = 0;  // of pending_
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace spar::gateway::relay
