// Runs a fuzz target without libFuzzer: every seed, every prefix of small ones, and ION_FUZZ_RUNS seeded mutations. Bounded.
#include "fuzz/fuzz_target.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace {

using Bytes = std::vector<uint8_t>;

uint64_t number(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Bytes mutate(Bytes b, const std::vector<Bytes>& seeds, std::mt19937_64& draw) {
  for (uint64_t edits = 1 + draw() % 4; edits-- != 0;) {
    const size_t at = b.empty() ? 0 : draw() % b.size();
    switch (draw() % 7) {
      case 0: if (!b.empty()) b[at] = static_cast<uint8_t>(b[at] ^ (1u << draw() % 8)); break;
      case 1: if (!b.empty()) b[at] = static_cast<uint8_t>(draw()); break;
      case 2: b.resize(at); break;
      case 3: b.insert(b.begin() + static_cast<std::ptrdiff_t>(at), draw() % 64, static_cast<uint8_t>(draw())); break;
      case 4: if (b.size() > at + 4) for (size_t i = 0; i < 4; ++i) b[at + i] = draw() % 2 == 0 ? 0xff : 0; break;
      case 5: if (b.size() > at) b.erase(b.begin() + static_cast<std::ptrdiff_t>(at), b.begin() + static_cast<std::ptrdiff_t>(std::min(b.size(), at + draw() % 100))); break;
      default: {
        const Bytes& other = seeds[draw() % seeds.size()];
        b.insert(b.end(), other.begin(), other.end());
      }
    }
    if (b.size() > 1 << 16) b.resize(1 << 16);
  }
  return b;
}

}  // namespace

int main() {
  const uint64_t seed = number("ION_FUZZ_SEED", 42), runs = number("ION_FUZZ_RUNS", 20'000);
  std::printf("seed %llu, %llu mutations\n", static_cast<unsigned long long>(seed), static_cast<unsigned long long>(runs));
  const std::vector<Bytes> seeds = fuzz_seeds();
  for (const Bytes& s : seeds) {
    LLVMFuzzerTestOneInput(s.data(), s.size());
    for (size_t n = 0; n < std::min<size_t>(s.size(), 300); ++n) LLVMFuzzerTestOneInput(s.data(), n);
  }
  std::mt19937_64 draw(seed);
  for (uint64_t i = 0; i < runs; ++i) {
    const Bytes b = mutate(seeds[draw() % seeds.size()], seeds, draw);
    LLVMFuzzerTestOneInput(b.data(), b.size());
  }
  std::printf("done\n");
  return 0;
}
