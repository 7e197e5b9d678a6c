// Runs a fuzz target without a fuzzer: all seeds, then mutations of them drawn from a fixed seed, so that a failure can be repeated.
//   fuzz_batch [MUTATIONS [SEED]]      fuzz_batch --write DIRECTORY (the seeds as files, a corpus for libFuzzer)
#include "fuzz/fuzz_target.h"
#include "support/seeded_random.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace {

using ion::test::SeededRandom;
using Input = std::vector<uint8_t>;

void mutate_once(Input& input, const std::vector<Input>& seeds, SeededRandom& random) {
  static constexpr uint64_t kInteresting[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX};
  const uint64_t at = random.below(input.size());
  switch (random.below(7)) {
    case 0:
      if (!input.empty()) input[at] = static_cast<uint8_t>(input[at] ^ (1u << random.below(8)));
      break;
    case 1:
      if (!input.empty()) input[at] = static_cast<uint8_t>(random.u64());
      break;
    case 2:  // a number of 1, 2, 4 or 8 bytes, big-endian
      for (uint64_t n = uint64_t{1} << random.below(4), v = kInteresting[random.below(std::size(kInteresting))]; n-- > 0; v >>= 8)
        if (at + n < input.size()) input[at + n] = static_cast<uint8_t>(v);
      break;
    case 3:
      input.resize(at);
      break;
    case 4:
      if (!input.empty()) input.erase(input.begin() + static_cast<std::ptrdiff_t>(at), input.begin() + static_cast<std::ptrdiff_t>(at + random.below(std::min<uint64_t>(input.size() - at, 64))));
      break;
    case 5: {  // a piece of another seed
      const Input& other = seeds[random.below(seeds.size())];
      const uint64_t from = random.below(other.size()), n = random.below(other.size() - from + 1);
      if (input.size() + n < 1 << 16) input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), other.begin() + static_cast<std::ptrdiff_t>(from), other.begin() + static_cast<std::ptrdiff_t>(from + n));
      break;
    }
    default:
      for (uint64_t n = random.below(32); n > 0 && at + n < input.size(); --n) input[at + n] = 0;
  }
}

int write_seeds(const std::string& folder, const std::vector<Input>& seeds) {
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream file(folder + "/seed-" + std::to_string(i), std::ios::binary);
    file.write(reinterpret_cast<const char*>(seeds[i].data()), static_cast<std::streamsize>(seeds[i].size()));
    if (!file) return std::fprintf(stderr, "cannot write into %s\n", folder.c_str()), 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Input> seeds = fuzz_seeds();
  if (argc == 3 && std::string_view(argv[1]) == "--write") return write_seeds(argv[2], seeds);
  const uint64_t mutations = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::printf("%zu seeds, %" PRIu64 " mutations of seed %" PRIu64 "\n", seeds.size(), mutations, seed);
  std::fflush(stdout);
  for (const Input& input : seeds) LLVMFuzzerTestOneInput(input.data(), input.size());
  SeededRandom random(seed);
  for (uint64_t i = 0; i < mutations; ++i) {
    Input input = seeds[random.below(seeds.size())];
    for (uint64_t n = random.between(1, 6); n > 0; --n) mutate_once(input, seeds, random);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return 0;
}
