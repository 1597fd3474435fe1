#include "gateway/relay/stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace spar::gateway::relay {
namespace {

constexpr std::size_t kKeptMemory = 4u << 10;  // below, clearing is enough

void release(Bytes& bytes) {
  if (bytes.capacity() > kKeptMemory) {
    Bytes().swap(bytes);
  } else {
    bytes.clear();
  }
}

// Bytes that the kernel took; a broken socket takes all of them to nowhere, its reader will know.
std::size_t send_pieces(int fd, const Chunks& chunks) {
  constexpr std::size_t kPiecesMax = 64;
  std::array<iovec, kPiecesMax> vector;
  const std::size_t count = std::min(chunks.pieces(), kPiecesMax);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view piece = chunks.piece(i);
    vector[i] = {.iov_base = const_cast<char*>(piece.data()), .iov_len = piece.size()};
  }
  ssize_t done;
  if (count == 1) {
    done = ::send(fd, vector[0].iov_base, vector[0].iov_len, MSG_NOSIGNAL);
  } else {
    msghdr message{};
    message.msg_iov = vector.data();
    message.msg_iovlen = count;
    done = ::sendmsg(fd, &message, MSG_NOSIGNAL);
  }
  if (done >= 0) return static_cast<std::size_t>(done);
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return later ? 0 : chunks.size();
}

}  // namespace

void Stream::open(int fd, int epoll, std::uint64_t tag) {
  SPAR_ASSERT(fd_ < 0);
  fd_ = fd;
  epoll_ = epoll;
  tag_ = tag;
  armed_ = EPOLLIN;
  epoll_event event{.events = armed_, .data = {.u64 = tag}};
  SPAR_ASSERT(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event) == 0);
}

void Stream::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Stream::want(bool reading, bool connecting) {
  if (reading_ == reading && connecting_ == connecting) return;
  reading_ = reading;
  connecting_ = connecting;
  update_interest();
}

void Stream::update_interest() {
  if (fd_ < 0) return;
  const std::uint32_t wanted =
      (reading_ ? static_cast<std::uint32_t>(EPOLLIN) : 0u) |
      (pending() > 0 || connecting_ ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
  if (wanted == armed_) return;
  armed_ = wanted;
  epoll_event event{.events = armed_, .data = {.u64 = tag_}};
  SPAR_ASSERT(epoll_ctl(epoll_, EPOLL_CTL_MOD, fd_, &event) == 0);
}

Result<std::string_view> Stream::read(std::span<char> scratch) {
  // A little that is kept goes in front of what comes: that spares a copy of the latter.
  const std::size_t kept = tls_ == nullptr && kept_.size() <= scratch.size() / 2 ? kept_.size() : 0;
  std::copy_n(kept_.data(), kept, scratch.data());
  const ssize_t done = ::recv(fd_, scratch.data() + kept, scratch.size() - kept, 0);
  if (done == 0) closed_ = true;
  if (done < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    return failure(Code::io, std::string("receive: ") + std::strerror(errno), "08006");
  }
  const std::string_view bytes(scratch.data() + kept,
                               done > 0 ? static_cast<std::size_t>(done) : 0);
  if (kept > 0) return std::string_view(scratch.data(), kept + bytes.size());
  if (tls_ != nullptr) return read_tls(bytes);
  if (kept_.empty()) return bytes;
  kept_ += bytes;
  return kept_;
}

Result<void> Stream::start_tls(const ServerTls& server) {
  tls_ = std::make_unique<TlsStream>(server);
  Bytes wire;
  const Result<void> begun = tls_->begin(wire);
  Chunks chunks;
  chunks.borrow(wire);
  send_or_keep(chunks);
  return begun;
}

Result<std::string_view> Stream::read_tls(std::string_view bytes) {
  Bytes wire;
  const Result<void> done = tls_->received(bytes, kept_, wire);
  if (!wire.empty()) {
    Chunks chunks;
    chunks.borrow(wire);
    send_or_keep(chunks);
  }
  if (!done) return std::unexpected(done.error());
  closed_ |= tls_->closed();
  return kept_;
}

void Stream::keep(std::string_view rest) {
  if (rest.empty()) return release(kept_);
  const bool own = rest.data() >= kept_.data() && rest.data() < kept_.data() + kept_.size();
  if (own) {
    kept_.erase(0, kept_.size() - rest.size());
  } else {
    kept_.assign(rest);
  }
}

void Stream::write(const Chunks& chunks) {
  if (fd_ < 0 || chunks.empty()) return;
  if (tls_ == nullptr) return send_or_keep(chunks);
  if (!tls_->established()) return;  // nothing can be said yet
  Bytes plain, wire;
  chunks.append_to(plain);
  if (!tls_->send(plain, wire)) return;
  Chunks encrypted;
  encrypted.borrow(wire);
  send_or_keep(encrypted);
}

void Stream::write(std::string_view bytes) {
  Chunks chunks;
  chunks.borrow(bytes);
  write(chunks);
}

void Stream::send_or_keep(const Chunks& chunks) {
  if (pending() > 0) {
    chunks.append_to(pending_);
    return;
  }
  const std::size_t done = send_pieces(fd_, chunks);
  if (done == chunks.size()) return;
  chunks.append_to(pending_, done);
  update_interest();
}

void Stream::flush() {
  if (fd_ < 0 || pending() == 0) return;
  Chunks chunks;
  chunks.borrow(std::string_view(pending_).substr(sent_));
  sent_ += send_pieces(fd_, chunks);
  constexpr std::size_t kSentMax = 256u << 10;
  if (pending() > 0) {
    if (sent_ < kSentMax) return;
    pending_.erase(0, sent_);
    sent_ = 0;
    return;
  }
  sent_ = 0;
  release(pending_);
  update_interest();
}

}  // namespace spar::gateway::relay
