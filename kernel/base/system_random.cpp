#include "base/system_random.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <cerrno>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ion::base {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): a counter in steps of the golden ratio, and a mixer. Chosen over xoshiro256** because
// its state is one word, so that one atomic add serves any number of threads.
constexpr uint64_t kStep = 0x9E3779B97F4A7C15;

uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

Status fill(void* to, uint64_t n) {
  auto* at = static_cast<uint8_t*>(to);
  while (n > 0) {
    const ssize_t got = ::getrandom(at, n, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return Status(ION_E_IO, fmt::format("wanted {} random bytes of the system: {}", n, ::strerrordesc_np(errno)));
    at += got, n -= static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace

SystemRandom::SystemRandom(uint64_t seed, std::string_view name) : state_(XXH3_64bits_withSeed(name.data(), name.size(), seed)) {}

Result<uint64_t> SystemRandom::fresh_seed() {
  uint64_t seed = 0;
  ION_CHECK(fill(&seed, sizeof seed));
  return seed;
}

uint64_t SystemRandom::u64() { return mixed(state_.fetch_add(kStep, std::memory_order_relaxed) + kStep); }

Status SystemRandom::secret(void* to, uint64_t n) { return fill(to, n); }

}  // namespace ion::base
