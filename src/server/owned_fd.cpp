#include "server/owned_fd.h"

#include <unistd.h>

#include <utility>

namespace spar::server {

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    if (open()) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

OwnedFd::~OwnedFd() {
  if (open()) ::close(fd_);
}

int OwnedFd::release() noexcept {
  return std::exchange(fd_, -1);
}

}  // namespace spar::server
