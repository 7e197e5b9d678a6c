// Random numbers: a seeded stream per name, and secrets from the system.
// The n-th number of a stream is a function of (seed, name, n) alone: whoever knows the seed can replay it, and two names never
// disturb each other. Never for keys: that is secret(). Any thread, without a lock.
#pragma once
#include <ion/ports.h>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace ion::base {

class SystemRandom final : public Random {
 public:
  SystemRandom(uint64_t seed, std::string_view name);
  static Result<uint64_t> fresh_seed();

  uint64_t u64() override;
  Status secret(void* to, uint64_t n) override;

 private:
  std::atomic<uint64_t> state_;
};

}  // namespace ion::base
