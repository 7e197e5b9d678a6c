// SHA-256 of bytes in memory. Here because this folder is the one place that touches OpenSSL. Any thread.
#pragma once
#include <ion/result.h>

#include <cstdint>
#include <span>
#include <string>

namespace ion::tls {

// 64 digits, lower case. INTERNAL when the library refuses.
Result<std::string> sha256_hex(std::span<const uint8_t> bytes);

}  // namespace ion::tls
