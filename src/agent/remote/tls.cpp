#include "agent/remote/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

#include "base/assert.h"

namespace spar::agent::remote {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kHostFlags = X509_CHECK_FLAG_NO_WILDCARDS;

std::string openssl_reason() {
  unsigned long code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason given";
}

Failure unusable(const std::string& what, const std::string& file) {
  return failure(Code::invalid, what + " " + file + " cannot be used: " + openssl_reason());
}

std::string system_reason(int error) {
  return std::generic_category().message(error);
}

Failure broken(int error) {
  return failure(Code::io, "the connection broke: " + system_reason(error), "08006");
}

int wait_ms(Monotonic deadline) {
  if (deadline == kNoDeadline) return -1;
  auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

Result<void> wait_for(int fd, short events, Monotonic deadline) {
  while (true) {
    pollfd entry{fd, events, 0};
    int ready = ::poll(&entry, 1, wait_ms(deadline));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return broken(errno);
    if (std::chrono::steady_clock::now() >= deadline) {
      return failure(Code::deadline, "no answer in the time given", "57014");
    }
  }
}

// A host that vanished says nothing: probes find that out, also while an order takes its time.
void configure(int fd) {
  auto set = [fd](int level, int name, int value) {
    (void)::setsockopt(fd, level, name, &value, sizeof value);  // a socket pair in tests has none
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 5);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 2);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 10'000);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

std::string to_string(const Endpoint& endpoint) {
  const bool six = endpoint.host.contains(':');
  return (six ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<Address> address_of(const Endpoint& endpoint) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    address.size = sizeof *v4;
  } else if (::inet_pton(AF_INET6, endpoint.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    address.size = sizeof *v6;
  } else {
    return failure(Code::invalid, endpoint.host + " is no numeric address");
  }
  return address;
}

Failure nobody(const Endpoint& endpoint, int error) {
  return failure(Code::unavailable,
                 "no agent answers at " + to_string(endpoint) + ": " + system_reason(error),
                 "08001");
}

Result<Descriptor> connect_to(const Endpoint& endpoint, Monotonic deadline) {
  SPAR_ASSIGN(Address address, address_of(endpoint));
  Descriptor socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return nobody(endpoint, errno);
  configure(socket.get());
  if (::connect(socket.get(), address.get(), address.size) == 0) return socket;
  if (errno != EINPROGRESS) return nobody(endpoint, errno);
  SPAR_TRY(wait_for(socket.get(), POLLOUT, deadline));
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return nobody(endpoint, error);
  return socket;
}

bool is_numeric(const std::string& name) {
  in6_addr ignored;
  return ::inet_pton(AF_INET, name.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
}

bool is_for(X509* certificate, const std::string& name) {
  if (is_numeric(name)) return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
  constexpr unsigned kFlags = kHostFlags | X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT;
  return X509_check_host(certificate, name.data(), name.size(), kFlags, nullptr) == 1;
}

}  // namespace

// --- the context ---

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsFiles& files, Side side) {
  SSL_CTX* raw = SSL_CTX_new(side == Side::server ? TLS_server_method() : TLS_client_method());
  SPAR_ASSERT(raw != nullptr);
  std::shared_ptr<const TlsContext> context(new TlsContext(raw));
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1) {
    return unusable("the certificate", files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return unusable("the key", files.key);
  }
  if (SSL_CTX_load_verify_file(raw, files.authority.c_str()) != 1) {
    return unusable("the authority", files.authority);
  }
  return context;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

// --- the stream ---

TlsStream::TlsStream(const TlsContext& context, Descriptor socket)
    : socket_(std::move(socket)), ssl_(SSL_new(context.get())) {
  SPAR_ASSERT(ssl_ != nullptr);
  configure(socket_.get());
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SPAR_ASSERT(in != nullptr && out != nullptr);
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(ssl_, in, out);
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
}

Result<std::unique_ptr<TlsStream>> TlsStream::connect(const TlsContext& context,
                                                      const Endpoint& endpoint,
                                                      const std::string& expected_name,
                                                      Monotonic deadline) {
  SPAR_ASSIGN(Descriptor socket, connect_to(endpoint, deadline));
  auto stream = std::make_unique<TlsStream>(context, std::move(socket));
  X509_VERIFY_PARAM* wanted = SSL_get0_param(stream->ssl_);
  X509_VERIFY_PARAM_set_hostflags(wanted, kHostFlags);
  const bool set =
      is_numeric(expected_name)
          ? X509_VERIFY_PARAM_set1_ip_asc(wanted, expected_name.c_str()) == 1
          : X509_VERIFY_PARAM_set1_host(wanted, expected_name.data(), expected_name.size()) == 1;
  if (!set) return failure(Code::invalid, "\"" + expected_name + "\" is no name of a certificate");
  auto done = stream->run([](SSL* ssl) { return SSL_connect(ssl); }, deadline);
  if (!done) {
    done.error().message = "agent " + to_string(endpoint) + ": " + done.error().message;
    return std::unexpected(std::move(done.error()));
  }
  return stream;
}

Result<void> TlsStream::accept(Monotonic deadline) {
  SPAR_TRY(run([](SSL* ssl) { return SSL_accept(ssl); }, deadline));
  return {};
}

bool TlsStream::peer_is_one_of(const std::vector<std::string>& names) const {
  if (names.empty()) return true;
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return false;
  return std::ranges::any_of(
      names, [certificate](const std::string& name) { return is_for(certificate, name); });
}

std::string TlsStream::peer_name() const {
  char name[256] = "";
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate != nullptr) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
  }
  for (char& each : name) {
    if (each != '\0' && (each < ' ' || each > '~')) each = '?';
  }
  return name;
}

Failure TlsStream::refused(const char* what) const {
  const long verdict = SSL_get_verify_result(ssl_);
  std::string why =
      verdict == X509_V_OK ? openssl_reason() : X509_verify_cert_error_string(verdict);
  ERR_clear_error();
  auto failed = failure(Code::unavailable, std::string(what) + ": " + why, kRefusedState);
  failed.error().hint = "compare the certificates and authorities of both sides, and their names";
  return failed;
}

Result<void> TlsStream::flush(Monotonic deadline) {
  BIO* out = SSL_get_wbio(ssl_);
  char buffer[16384];
  while (true) {
    int size = BIO_read(out, buffer, sizeof buffer);
    if (size <= 0) return {};
    std::string_view left(buffer, static_cast<std::size_t>(size));
    while (!left.empty()) {
      ssize_t sent = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        left.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        SPAR_TRY(wait_for(socket_.get(), POLLOUT, deadline));
      } else if (errno != EINTR) {
        return broken(errno);
      }
    }
  }
}

Result<bool> TlsStream::fill(Monotonic deadline) {
  char buffer[16384];
  while (true) {
    ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (got > 0) {
      BIO_write(SSL_get_rbio(ssl_), buffer, static_cast<int>(got));
      return true;
    }
    if (got == 0) return false;
    if (errno == EAGAIN) {
      SPAR_TRY(wait_for(socket_.get(), POLLIN, deadline));
    } else if (errno != EINTR) {
      return broken(errno);
    }
  }
}

// 0: the other side has closed.
template <class Call>
Result<int> TlsStream::run(Call call, Monotonic deadline) {
  while (true) {
    ERR_clear_error();
    const int done = call(ssl_);
    const int state = done > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_, done);
    auto flushed = flush(deadline);  // also the alert that says why we refuse
    if (done > 0) {
      SPAR_TRY(std::move(flushed));
      return done;
    }
    if (state == SSL_ERROR_ZERO_RETURN) return 0;
    if (state != SSL_ERROR_WANT_READ) return refused("TLS");
    SPAR_TRY(std::move(flushed));
    SPAR_ASSIGN(bool more, fill(deadline));
    if (more) continue;
    if (SSL_is_init_finished(ssl_)) return 0;
    return failure(Code::io, "the connection was closed before it was secure", "08006");
  }
}

Result<std::size_t> TlsStream::receive(std::span<char> into, Monotonic deadline) {
  const int size = static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX));
  SPAR_ASSIGN(int got, run([&](SSL* ssl) { return SSL_read(ssl, into.data(), size); }, deadline));
  return static_cast<std::size_t>(got);
}

Result<void> TlsStream::send(std::string_view bytes, Monotonic deadline) {
  if (bytes.empty()) return {};
  SPAR_ASSERT(bytes.size() <= INT_MAX);
  auto write = [&](SSL* ssl) {
    return SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()));
  };
  SPAR_ASSIGN(int sent, run(write, deadline));
  if (sent > 0) return {};
  return failure(Code::io, "the other side has closed the connection", "08006");
}

bool TlsStream::still_open() {
  char byte = 0;
  ssize_t got = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && errno == EAGAIN;
}

void TlsStream::abandon() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket_.reset();
}

void TlsStream::break_off() {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace spar::agent::remote
