// server/owned_fd.h: a descriptor that closes itself.
#pragma once

namespace spar::server {

class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();
  int get() const { return fd_; }
  int release() noexcept;
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace spar::server
