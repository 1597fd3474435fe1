// Cancel requests: from our key to the connection that the session uses at that moment.
#include <sys/epoll.h>
#include <sys/socket.h>

#include "gateway/relay/loop_parts.h"

namespace spar::gateway::relay {
namespace {

constexpr std::uint32_t kCancelCode = 80877102;

Bytes cancel_packet(BackendKey key) {
  Bytes out;
  ByteWriter writer(out);
  writer.be(std::uint32_t{16});
  writer.be(kCancelCode);
  writer.be(key.process);
  writer.be(key.secret);
  return out;
}

}  // namespace

void RelayLoop::begin_cancel(Client& asking, const wire::CancelRequest& request) {
  const std::size_t index = std::size_t{request.process} - 1;
  Client* named = index < clients_.size() ? clients_[index].get() : nullptr;
  const bool right =
      named != nullptr && named->stage == Client::Stage::talking && named->secret == request.secret;
  if (!right || named->server == nullptr || !named->session->owed()) return drop(asking);
  Result<int> fd = start_connecting(named->server->placing.address);
  if (!fd) return drop(asking);
  auto canceller = std::make_unique<Canceller>();
  canceller->target = named->server;
  canceller->asking = &asking;
  canceller->request = cancel_packet(named->server->side.key);
  canceller->deadline = now_ + options_.limits.connect_timeout;
  ++named->server->cancels;
  asking.logging_in.reset();  // it is told by the end of its connection
  cancellers_.push_back(std::move(canceller));
  Canceller& it = *cancellers_.back();
  it.stream.open(*fd, epoll_, tag(Kind::canceller, cancellers_.size() - 1));
  it.stream.want(true, true);
}

void RelayLoop::on_canceller(Canceller& canceller, std::uint32_t events) {
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) return end_cancel(canceller);
  if (!canceller.request.empty()) {
    if ((events & EPOLLOUT) == 0) return;
    canceller.stream.write(canceller.request);
    canceller.request.clear();
    canceller.stream.want(true, false);
    return;
  }
  Result<std::string_view> in = canceller.stream.read(scratch_);
  if (!in || canceller.stream.closed()) end_cancel(canceller);
}

// The server has closed: the signal is sent.
void RelayLoop::end_cancel(Canceller& canceller) {
  canceller.done = true;
  canceller.stream.close();
  if (canceller.asking != nullptr) drop(*canceller.asking);
  Server* target = canceller.target;
  if (target == nullptr || target->cancels == 0) return;
  --target->cancels;
  if (target->freed) freed_.push_back(target->id);
}

}  // namespace spar::gateway::relay
