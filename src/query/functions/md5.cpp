#include "query/functions/md5.h"

#include <openssl/evp.h>

namespace spar::query::functions {

std::optional<std::string> md5_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_md5(), nullptr) != 1) return {};
  std::string out;
  for (const unsigned char byte : std::string_view(reinterpret_cast<const char*>(digest), size)) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace spar::query::functions
