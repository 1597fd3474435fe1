#include "gateway/relay/server_tls.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/assert.h"
#include "gateway/tls.h"

namespace spar::gateway::relay {
namespace {

bool is_numeric(const std::string& host) {
  unsigned char address[16];
  return ::inet_pton(AF_INET, host.c_str(), address) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address) == 1;
}

}  // namespace

Result<std::shared_ptr<const ServerTls>> ServerTls::make(std::string_view sslmode,
                                                         const std::string& authority,
                                                         const std::string& host) {
  if (sslmode == "disable" || host.starts_with('/')) return std::shared_ptr<const ServerTls>();
  const bool prefers = sslmode.empty() || sslmode == "prefer" || sslmode == "allow";
  const bool full = sslmode == "verify-full";
  if (!prefers && sslmode != "require" && sslmode != "verify-ca" && !full) {
    return failure(Code::invalid, "sslmode \"" + std::string(sslmode) +
                                      "\" is none of disable, "
                                      "allow, prefer, require, verify-ca, verify-full");
  }
  if ((full || sslmode == "verify-ca") && authority.empty()) {
    return failure(Code::invalid, "sslmode " + std::string(sslmode) +
                                      " needs sslrootcert, the certificate of the authority");
  }
  std::shared_ptr<ServerTls> made(new ServerTls());
  made->required_ = !prefers;
  made->host_ = host;
  made->checks_host_ = full;
  made->context_ = SSL_CTX_new(TLS_client_method());
  SPAR_ASSERT(made->context_ != nullptr);
  SSL_CTX_set_min_proto_version(made->context_, TLS1_2_VERSION);
  SSL_CTX_set_options(made->context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (!prefers && !authority.empty()) SPAR_TRY(made->trust(authority));
  return std::shared_ptr<const ServerTls>(std::move(made));
}

Result<void> ServerTls::trust(const std::string& authority) {
  const bool done = authority == "system"
                        ? SSL_CTX_set_default_verify_paths(context_) == 1
                        : SSL_CTX_load_verify_locations(context_, authority.c_str(), nullptr) == 1;
  if (!done) {
    return failure(Code::invalid,
                   "sslrootcert " + authority + " cannot be used: " + openssl_reason());
  }
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  return {};
}

ServerTls::~ServerTls() {
  SSL_CTX_free(context_);
}

ssl_st* ServerTls::open() const {
  SSL* ssl = SSL_new(context_);
  SPAR_ASSERT(ssl != nullptr);
  SSL_set_connect_state(ssl);
  const bool numeric = is_numeric(host_);
  if (!numeric) SSL_set_tlsext_host_name(ssl, host_.c_str());
  if (!checks_host_) return ssl;
  X509_VERIFY_PARAM* check = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int set = numeric ? X509_VERIFY_PARAM_set1_ip_asc(check, host_.c_str())
                          : X509_VERIFY_PARAM_set1_host(check, host_.c_str(), 0);
  SPAR_ASSERT(set == 1);
  return ssl;
}

}  // namespace spar::gateway::relay
