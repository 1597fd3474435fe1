// tests/support/authority.h: an authority of the test's own and the certificates it signs.
//
// Contract    issue() writes NAME.crt and NAME.key for the common name `name` and the addresses
//             given, valid for an hour, and gives their paths with those of the authority.
// Threads     One thread.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <string>

#include "agent/remote/tls.h"
#include "tests/support/temp_directory.h"

namespace spar::test {

class Authority {
 public:
  Authority() : key_(EVP_EC_gen("P-256")) {
    certificate_ = make("authority", key_, "CA:TRUE", "");
    X509_sign(certificate_, key_, EVP_sha256());
    write(directory_ / "authority.crt", [&](std::FILE* out) { PEM_write_X509(out, certificate_); });
  }
  ~Authority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  agent::remote::TlsFiles issue(const std::string& name,
                                const std::string& names = "IP:127.0.0.1") const {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* made = make(name, key, "CA:FALSE", names);
    X509_set_issuer_name(made, X509_get_subject_name(certificate_));
    X509_sign(made, key_, EVP_sha256());
    agent::remote::TlsFiles files{directory_ / (name + ".crt"), directory_ / (name + ".key"),
                                  directory_ / "authority.crt"};
    write(files.certificate, [&](std::FILE* out) { PEM_write_X509(out, made); });
    write(files.key, [&](std::FILE* out) {
      PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
    X509_free(made);
    EVP_PKEY_free(key);
    return files;
  }

 private:
  template <class Write>
  static void write(const std::string& file, Write put) {
    std::FILE* out = std::fopen(file.c_str(), "w");
    put(out);
    std::fclose(out);
  }

  // Unsigned, issued by itself.
  static X509* make(const std::string& name, EVP_PKEY* key, const char* constraints,
                    const std::string& names) {
    static long serial = 0;
    X509* made = X509_new();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_NAME* subject = X509_get_subject_name(made);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made, subject);
    X509_set_pubkey(made, key);
    extend(made, NID_basic_constraints, constraints);
    if (!names.empty()) extend(made, NID_subject_alt_name, names.c_str());
    return made;
  }
  static void extend(X509* made, int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
  }

  TempDirectory directory_;
  EVP_PKEY* key_;
  X509* certificate_;
};

}  // namespace spar::test
