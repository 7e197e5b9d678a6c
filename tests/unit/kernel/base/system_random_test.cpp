#include "base/system_random.h"

#include "unit/kernel/base/support.h"

#include <array>
#include <bit>
#include <set>
#include <vector>

namespace ion::base {
namespace {

std::vector<uint64_t> take(SystemRandom& random, size_t n) {
  std::vector<uint64_t> out;
  while (out.size() < n) out.push_back(random.u64());
  return out;
}

TEST(system_random, the_same_seed_and_name_give_the_same_stream) {
  SystemRandom one(7, "storage-mmap"), two(7, "storage-mmap");
  EXPECT_EQ(take(one, 100), take(two, 100));
}

TEST(system_random, another_name_or_seed_gives_another_stream) {
  SystemRandom base(7, "a"), name(7, "b"), seed(8, "a");
  const auto numbers = take(base, 100);
  EXPECT_NE(numbers, take(name, 100));
  EXPECT_NE(numbers, take(seed, 100));
}

TEST(system_random, a_stream_is_not_disturbed_by_another) {
  SystemRandom alone(7, "a"), beside(7, "a"), other(7, "b");
  std::vector<uint64_t> numbers;
  for (int i = 0; i < 50; ++i) {
    numbers.push_back(beside.u64());
    (void)other.u64();
  }
  EXPECT_EQ(take(alone, 50), numbers);
}

TEST(system_random, each_bit_is_set_in_about_half_of_the_numbers) {
  SystemRandom random(1, "bits");
  std::array<int, 64> set{};
  constexpr int kNumbers = 10'000;
  for (int i = 0; i < kNumbers; ++i)
    for (uint64_t n = random.u64(); n != 0; n &= n - 1) ++set[static_cast<size_t>(std::countr_zero(n))];
  for (const int times : set) {
    EXPECT_GT(times, kNumbers / 2 - 300);  // six standard deviations; the seed is fixed, so this is one known run
    EXPECT_LT(times, kNumbers / 2 + 300);
  }
}

TEST(system_random, threads_that_share_a_stream_never_get_the_same_number) {
  SystemRandom random(3, "shared");
  std::array<std::vector<uint64_t>, 4> taken;
  std::vector<std::thread> threads;
  for (auto& mine : taken) threads.emplace_back([&] { mine = take(random, 5000); });
  for (auto& thread : threads) thread.join();
  std::set<uint64_t> all;
  for (const auto& mine : taken) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 20'000u);
  SystemRandom alone(3, "shared");
  for (const uint64_t number : take(alone, 20'000)) ASSERT_TRUE(all.contains(number));
}

TEST(system_random, secrets_fill_every_byte_and_differ) {
  SystemRandom random(1, "keys");
  std::vector<uint8_t> one(1000), two(1000);
  EXPECT_OK(random.secret(one.data(), one.size()));
  EXPECT_OK(random.secret(two.data(), two.size()));
  EXPECT_NE(one, two);
  EXPECT_TRUE(std::any_of(one.end() - 16, one.end(), [](uint8_t b) { return b != 0; }));
  EXPECT_OK(random.secret(nullptr, 0));
}

TEST(system_random, fresh_seeds_differ) { EXPECT_NE(test::must(SystemRandom::fresh_seed()), test::must(SystemRandom::fresh_seed())); }

}  // namespace
}  // namespace ion::base
