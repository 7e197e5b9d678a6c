// Random numbers that a test can repeat: splitmix64 from a seed (Vigna, public domain description). Tests print the seed by
// SCOPED_TRACE. Not for several threads.
#pragma once
#include <ion/ports.h>

#include <cstdint>

namespace ion::test {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t u64() override {
    uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  Status secret(void*, uint64_t) override { return {ION_E_UNSUPPORTED, "tests have no secrets"}; }
  uint64_t below(uint64_t n) { return n == 0 ? 0 : u64() % n; }
  uint64_t between(uint64_t least, uint64_t most) { return least + below(most - least + 1); }
  bool one_in(uint64_t n) { return below(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace ion::test
