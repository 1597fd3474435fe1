#include "gateway/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <climits>

#include "base/assert.h"
#include "gateway/socket.h"

namespace spar::gateway {

std::string openssl_reason() {
  unsigned long code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason given";
}

namespace {

Failure unusable(const std::string& what, const std::string& file) {
  return failure(Code::invalid, what + " " + file + " cannot be used: " + openssl_reason());
}

// A BIO that reads and writes through a Socket: deadlines, and no SIGPIPE.
int bio_write(BIO* bio, const char* bytes, int size) {
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  return session->send_below({bytes, static_cast<std::size_t>(size)}) ? size : -1;
}

int bio_read(BIO* bio, char* into, int size) {
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  Result<std::size_t> done = session->receive_below({into, static_cast<std::size_t>(size)});
  return done ? static_cast<int>(*done) : -1;
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "spar socket");
  SPAR_ASSERT(method != nullptr);
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_control);
  BIO_meth_set_create(method, bio_create);
  return method;
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const kMethod = make_method();
  return kMethod;
}

// RFC 5929: with the hash of the certificate's signature, SHA-256 in the place of weaker ones.
Bytes end_point_digest(X509* certificate) {
  int nid = NID_undef;
  if (X509_get_signature_info(certificate, &nid, nullptr, nullptr, nullptr) != 1) return {};
  const EVP_MD* hash = nid == NID_md5 || nid == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(nid);
  if (hash == nullptr) return {};  // Ed25519 has none: no channel binding then
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, hash, digest, &size) != 1) return {};
  return Bytes(reinterpret_cast<char*>(digest), size);
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::load(const std::string& certificate_file,
                                                     const std::string& key_file) {
  SSL_CTX* raw = SSL_CTX_new(TLS_server_method());
  SPAR_ASSERT(raw != nullptr);
  std::unique_ptr<TlsContext> context(new TlsContext(raw));
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  if (SSL_CTX_use_certificate_chain_file(raw, certificate_file.c_str()) != 1) {
    return unusable("the certificate", certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return unusable("the key", key_file);
  }
  if (SSL_CTX_check_private_key(raw) != 1) return unusable("the key", key_file);
  context->certificate_digest_ = end_point_digest(SSL_CTX_get0_certificate(raw));
  return context;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

TlsSession::TlsSession(const TlsContext& context, Socket& socket)
    : ssl_(SSL_new(context.get())), socket_(socket) {
  SPAR_ASSERT(ssl_ != nullptr);
  BIO* bio = BIO_new(socket_method());
  SPAR_ASSERT(bio != nullptr);
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_, bio, bio);
}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
}

Result<std::size_t> TlsSession::receive_below(std::span<char> into) {
  Result<std::size_t> done = socket_.receive_plain(into);
  below_failed_ = !done;
  if (!done) below_ = done.error();
  return done;
}

Result<void> TlsSession::send_below(std::string_view bytes) {
  Result<void> done = socket_.send_plain(bytes);
  below_failed_ = !done;
  if (!done) below_ = done.error();
  return done;
}

Failure TlsSession::failed(const char* what) {
  if (below_failed_) return Failure(below_);
  return failure(Code::io, std::string(what) + ": " + openssl_reason(), "08006");
}

Result<void> TlsSession::accept() {
  if (SSL_accept(ssl_) != 1) return failed("the TLS handshake failed");
  return {};
}

Result<std::size_t> TlsSession::receive(std::span<char> into) {
  ERR_clear_error();
  int done =
      SSL_read(ssl_, into.data(), static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX)));
  if (done > 0) return static_cast<std::size_t>(done);
  const int reason = SSL_get_error(ssl_, done);
  if (reason == SSL_ERROR_ZERO_RETURN) return 0u;
  const bool cut_off = !below_failed_ && (reason == SSL_ERROR_SYSCALL || reason == SSL_ERROR_SSL);
  if (cut_off) {  // closed without a farewell: the same to us
    ERR_clear_error();
    return 0u;
  }
  return failed("TLS");
}

Result<void> TlsSession::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ERR_clear_error();
    int done = SSL_write(ssl_, bytes.data(),
                         static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)));
    if (done <= 0) return failed("TLS");
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

}  // namespace spar::gateway
