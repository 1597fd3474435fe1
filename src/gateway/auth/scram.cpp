#include "gateway/auth/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <charconv>

#include "base/assert.h"

namespace spar::gateway::auth {
namespace {

constexpr std::string_view kPrefix = "SCRAM-SHA-256$";
constexpr int kIterationsMax = 10'000'000;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
std::string_view view_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Digest hmac(std::string_view key, std::string_view data) {
  Digest out{};
  unsigned size = 0;
  const unsigned char* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                   bytes_of(data), data.size(), out.data(), &size);
  SPAR_ASSERT(done != nullptr && size == out.size());
  return out;
}

Digest sha256(std::string_view data) {
  Digest out{};
  SHA256(bytes_of(data), data.size(), out.data());
  return out;
}

Digest exclusive_or(const Digest& a, const Digest& b) {
  Digest out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = a[i] ^ b[i];
  return out;
}

bool to_digest(std::string_view base64, Digest& out) {
  std::optional<Bytes> bytes = decode_base64(base64);
  if (!bytes || bytes->size() != out.size()) return false;
  std::memcpy(out.data(), bytes->data(), out.size());
  return true;
}

// Cuts `text` at the first `mark`: gives what is before it.
std::optional<std::string_view> take_until(std::string_view& text, char mark) {
  std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

Failure malformed(std::string detail) {
  Failure out = failure(Code::invalid, "malformed SCRAM message", "08P01");
  out.error().detail = std::move(detail);
  return out;
}

bool is_printable(std::string_view text) {
  for (char c : text) {
    if (c < 0x21 || c > 0x7e || c == ',') return false;
  }
  return !text.empty();
}

}  // namespace

Bytes encode_base64(std::string_view bytes) {
  Bytes out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes),
                             static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::optional<Bytes> decode_base64(std::string_view text) {
  constexpr std::size_t kTextMax = 1u << 16;
  if (text.empty() || text.size() % 4 != 0 || text.size() > kTextMax) return std::nullopt;
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  Bytes out(text.size() / 4 * 3 + 1, '\0');
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text),
                             static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(size) - padding);
  if (encode_base64(out) != text) return std::nullopt;  // blanks, or bits beyond the end
  return out;
}

namespace {

std::optional<int> read_iterations(std::string_view text) {
  int value = 0;
  const char* end = text.data() + text.size();
  auto number = std::from_chars(text.data(), end, value);
  if (number.ec != std::errc() || number.ptr != end) return std::nullopt;
  if (value < 1 || value > kIterationsMax) return std::nullopt;
  return value;
}

}  // namespace

std::optional<ScramSecret> parse_secret(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  auto iterations = take_until(text, ':'), salt = take_until(text, '$'),
       stored = take_until(text, ':');
  if (!iterations || !salt || !stored) return std::nullopt;
  ScramSecret secret;
  std::optional<int> count = read_iterations(*iterations);
  if (!count) return std::nullopt;
  secret.iterations = *count;
  std::optional<Bytes> salt_bytes = decode_base64(*salt);
  if (!salt_bytes) return std::nullopt;
  secret.salt = std::move(*salt_bytes);
  if (!to_digest(*stored, secret.stored_key) || !to_digest(text, secret.server_key)) {
    return std::nullopt;
  }
  return secret;
}

std::string to_string(const ScramSecret& secret) {
  return std::string(kPrefix) + std::to_string(secret.iterations) + ":" +
         encode_base64(secret.salt) + "$" + encode_base64(view_of(secret.stored_key)) + ":" +
         encode_base64(view_of(secret.server_key));
}

ScramKeys make_keys(std::string_view password, Bytes salt, int iterations) {
  ScramKeys keys{.iterations = iterations, .salt = std::move(salt)};
  Digest salted{};
  int done = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                               bytes_of(keys.salt), static_cast<int>(keys.salt.size()), iterations,
                               EVP_sha256(), salted.size(), salted.data());
  SPAR_ASSERT(done == 1);
  keys.client_key = hmac(view_of(salted), "Client Key");
  keys.server_key = hmac(view_of(salted), "Server Key");
  OPENSSL_cleanse(salted.data(), salted.size());
  return keys;
}

ScramSecret make_secret(std::string_view password, Bytes salt, int iterations) {
  ScramKeys keys = make_keys(password, std::move(salt), iterations);
  return {.iterations = iterations,
          .salt = std::move(keys.salt),
          .stored_key = sha256(view_of(keys.client_key)),
          .server_key = keys.server_key};
}

ScramSecret mock_secret(std::string_view user, std::string_view process_key) {
  ScramSecret secret;
  secret.genuine = false;
  secret.salt = view_of(hmac(process_key, user)).substr(0, kScramSaltBytes);
  secret.stored_key = hmac(process_key, secret.salt + "stored");
  secret.server_key = hmac(process_key, secret.salt + "server");
  return secret;
}

Result<std::size_t> ScramExchange::read_header(std::string_view message) {
  std::string_view rest = message;
  auto binding = take_until(rest, ','), identity = take_until(rest, ',');
  if (!binding || !identity) return malformed("The gs2 header is incomplete.");
  if (!identity->empty()) return not_supported("the SCRAM authorization identity");
  bool bound = *binding == "p=tls-server-end-point";
  if (!bound && *binding != "n" && *binding != "y") {
    return malformed("The channel-binding flag is not known.");
  }
  if (bound != options_.plus) return malformed("The mechanism and its channel binding differ.");
  if (*binding == "y" && !options_.certificate_digest.empty()) {
    return failure(Code::invalid, "SCRAM channel binding negotiation error", "28000");
  }
  return message.size() - rest.size();
}

Result<std::string> ScramExchange::first(std::string_view message) {
  SPAR_ASSIGN(std::size_t header_size, read_header(message));
  header_ = message.substr(0, header_size);
  client_first_ = message.substr(header_size);
  std::string_view rest = client_first_;
  auto name = take_until(rest, ',');
  if (!name || !name->starts_with("n=")) return malformed("The user attribute is missing.");
  std::string_view client_nonce = rest.substr(0, rest.find(','));
  if (!client_nonce.starts_with("r=") || !is_printable(client_nonce.substr(2))) {
    return malformed("The nonce is missing or not printable.");
  }
  nonce_ = std::string(client_nonce.substr(2)) + options_.server_nonce;
  server_first_ = "r=" + nonce_ + ",s=" + encode_base64(secret_.salt) +
                  ",i=" + std::to_string(secret_.iterations);
  return server_first_;
}

Bytes ScramExchange::expected_binding() const {
  return encode_base64(options_.plus ? header_ + options_.certificate_digest : header_);
}

Result<std::optional<std::string>> ScramExchange::last(std::string_view message) {
  std::size_t proof_at = message.rfind(",p=");
  if (proof_at == std::string_view::npos) return malformed("The proof is missing.");
  std::string_view bare = message.substr(0, proof_at);
  Digest proof{};
  if (!to_digest(message.substr(proof_at + 3), proof)) return malformed("The proof is malformed.");
  std::string_view rest = bare;
  auto binding = take_until(rest, ',');
  if (!binding || *binding != "c=" + expected_binding()) {
    return malformed("The channel binding does not match the first message.");
  }
  if (rest.substr(0, rest.find(',')) != "r=" + nonce_) return malformed("The nonce is another.");

  std::string all = client_first_ + "," + server_first_ + "," + std::string(bare);
  Digest client_key = exclusive_or(proof, hmac(view_of(secret_.stored_key), all));
  Digest stored = sha256(view_of(client_key));
  bool equal = CRYPTO_memcmp(stored.data(), secret_.stored_key.data(), stored.size()) == 0;
  Digest signature = hmac(view_of(secret_.server_key), all);
  if (!equal || !secret_.genuine) return std::optional<std::string>();
  keys_ = ScramKeys{.iterations = secret_.iterations,
                    .salt = secret_.salt,
                    .client_key = client_key,
                    .server_key = secret_.server_key};
  return std::optional<std::string>("v=" + encode_base64(view_of(signature)));
}

std::string ScramClient::first() const {
  return "n,,n=,r=" + nonce_;
}

Result<void> ScramClient::find_keys(Bytes salt, int iterations) {
  if (!keys_) {
    keys_ = make_keys(password_, std::move(salt), iterations);
    OPENSSL_cleanse(password_.data(), password_.size());
    return {};
  }
  if (keys_->salt == salt && keys_->iterations == iterations) return {};
  Failure out = failure(Code::sql, "the server holds another SCRAM secret of this user", "28000");
  out.error().hint = "Give Spar the user's secret as it stands in the server's pg_authid.";
  return out;
}

Result<std::string> ScramClient::last(std::string_view server_first) {
  std::string_view rest = server_first;
  auto nonce = take_until(rest, ','), salt = take_until(rest, ',');
  const bool named = nonce && salt && nonce->starts_with("r=") && salt->starts_with("s=") &&
                     rest.starts_with("i=");
  if (!named) return malformed("The server's first message lacks an attribute.");
  std::string_view all_nonce = nonce->substr(2);
  if (!all_nonce.starts_with(nonce_) || all_nonce.size() == nonce_.size()) {
    return malformed("The server's nonce does not continue ours.");
  }
  std::optional<int> iterations = read_iterations(rest.substr(2, rest.find(',') - 2));
  std::optional<Bytes> salt_bytes = decode_base64(salt->substr(2));
  if (!iterations || !salt_bytes) return malformed("The salt or the iterations cannot be read.");
  SPAR_TRY(find_keys(std::move(*salt_bytes), *iterations));

  std::string bare = "c=biws,r=" + std::string(all_nonce);  // biws: "n,,"
  std::string all = first().substr(3) + "," + std::string(server_first) + "," + bare;
  Digest stored = sha256(view_of(keys_->client_key));
  Digest proof = exclusive_or(keys_->client_key, hmac(view_of(stored), all));
  signature_ = hmac(view_of(keys_->server_key), all);
  return bare + ",p=" + encode_base64(view_of(proof));
}

Result<void> ScramClient::verify(std::string_view server_final) const {
  Digest signature{};
  const bool read = server_final.starts_with("v=") && to_digest(server_final.substr(2), signature);
  if (!read) return malformed("The server's signature is missing.");
  if (CRYPTO_memcmp(signature.data(), signature_.data(), signature.size()) != 0) {
    return failure(Code::sql, "the server does not know the user's SCRAM secret", "28000");
  }
  return {};
}

}  // namespace spar::gateway::auth
