#include <gtest/gtest.h>
#include <ion/bounded_queue.h>

#include <memory>
#include <thread>
#include <vector>

namespace ion {
namespace {

TEST(BoundedQueue, gives_back_in_order_and_says_when_it_is_full) {
  BoundedQueue<int> queue(3);
  ASSERT_EQ(queue.capacity(), 4u);
  EXPECT_TRUE(queue.empty());
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.push(int{i}));
  EXPECT_FALSE(queue.push(4));
  EXPECT_FALSE(queue.empty());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(queue.pop(), i);
  EXPECT_EQ(queue.pop(), std::nullopt);
  EXPECT_TRUE(queue.empty());
}

TEST(BoundedQueue, goes_on_over_many_laps) {
  BoundedQueue<int> queue(4);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(queue.push(int{i}));
    ASSERT_TRUE(queue.push(int{-i}));
    ASSERT_EQ(queue.pop(), i);
    ASSERT_EQ(queue.pop(), -i);
  }
}

TEST(BoundedQueue, leaves_a_refused_value_with_its_owner_and_keeps_nothing_popped) {
  BoundedQueue<std::shared_ptr<int>> queue(2);
  auto value = std::make_shared<int>(1);
  ASSERT_TRUE(queue.push(std::shared_ptr(value)));
  ASSERT_TRUE(queue.push(std::shared_ptr(value)));
  auto refused = value;
  EXPECT_FALSE(queue.push(std::move(refused)));
  EXPECT_NE(refused, nullptr);
  refused.reset();
  (void)queue.pop();
  (void)queue.pop();
  EXPECT_EQ(value.use_count(), 1);
}

// Each producer's numbers rise; a consumer must see each producer's numbers rise, and together they must see all of them once.
TEST(BoundedQueue, loses_and_doubles_nothing_between_threads) {
  constexpr size_t kProducers = 3, kConsumers = 3;
  constexpr uint64_t kEach = 20'000;
  BoundedQueue<uint64_t> queue(64);
  std::atomic<uint64_t> popped{0}, sum{0}, disorders{0};
  std::vector<std::thread> threads;
  for (uint64_t p = 0; p < kProducers; ++p)
    threads.emplace_back([&, p] {
      for (uint64_t i = 0; i < kEach; ++i)
        while (!queue.push(p << 32 | i)) std::this_thread::yield();
    });
  for (size_t c = 0; c < kConsumers; ++c)
    threads.emplace_back([&] {
      std::vector<int64_t> last(kProducers, -1);
      while (popped.load() < kProducers * kEach) {
        const std::optional<uint64_t> got = queue.pop();
        if (!got) {
          std::this_thread::yield();
          continue;
        }
        ++popped;
        const auto i = static_cast<int64_t>(*got & 0xffffffff);
        sum += static_cast<uint64_t>(i);
        if (std::exchange(last[*got >> 32], i) >= i) ++disorders;
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(popped.load(), kProducers * kEach);
  EXPECT_EQ(sum.load(), kProducers * (kEach * (kEach - 1) / 2));
  EXPECT_EQ(disorders.load(), 0u);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace ion
