#include "sha256.h"

#include <openssl/evp.h>

#include <array>

namespace ion::tls {

Result<std::string> sha256_hex(std::span<const uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int n = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &n, EVP_sha256(), nullptr) != 1 || n != 32)
    return Status(ION_E_INTERNAL, "OpenSSL refused to compute a SHA-256");
  std::string hex;
  hex.reserve(64);
  for (unsigned int i = 0; i < n; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace ion::tls
