#include "base/counted_buffers.h"

#include "support/fake_clock.h"
#include "unit/kernel/base/support.h"

#include <cstring>
#include <optional>

namespace ion::base {
namespace {

using test::must;

TEST(counted_buffers, a_buffer_counts_until_its_last_reference_is_gone) {
  ion::test::FakeClock clock;
  CountedBuffers buffers(1000, clock);
  uint8_t* to = nullptr;
  Buf first = must(buffers.allocate(100, &to));
  std::memset(to, 'x', 100);
  EXPECT_EQ(buffers.bytes(), 100u);
  Buf second = first.slice(10, 20);
  first.reset();
  EXPECT_EQ(buffers.buffers(), 1u);
  EXPECT_EQ(second.text(), std::string(20, 'x'));
  second.reset();
  EXPECT_EQ(buffers.bytes(), 0u);
  EXPECT_EQ(buffers.buffers(), 0u);
}

TEST(counted_buffers, the_oldest_buffer_tells_how_long_it_has_been_lent_out) {
  ion::test::FakeClock clock;
  CountedBuffers buffers(1000, clock);
  uint8_t* to = nullptr;
  EXPECT_FALSE(buffers.oldest());
  Buf first = must(buffers.allocate(10, &to));
  clock.advance(seconds(5));
  Buf second = must(buffers.allocate(10, &to));
  clock.advance(seconds(2));
  EXPECT_EQ(buffers.oldest(), seconds(7));
  first.reset();
  EXPECT_EQ(buffers.oldest(), seconds(2));
  second.reset();
  EXPECT_FALSE(buffers.oldest());
}

TEST(counted_buffers, beyond_the_bound_it_is_no_memory_and_says_how_much_is_lent_out) {
  ion::test::FakeClock clock;
  CountedBuffers buffers(150, clock);
  uint8_t* to = nullptr;
  const Buf first = must(buffers.allocate(100, &to));
  const auto second = buffers.allocate(51, &to);
  EXPECT_CODE(ION_E_NO_MEMORY, second);
  EXPECT_EQ(second.error().message(), "wanted a buffer of 51 bytes, 100 of 150 are lent out");
  EXPECT_OK(buffers.allocate(50, &to));
  EXPECT_CODE(ION_E_NO_MEMORY, buffers.allocate(UINT64_MAX, &to));
  EXPECT_EQ(buffers.bytes(), 100u);
}

TEST(counted_buffers, memory_that_the_system_refuses_is_given_back_to_the_count) {
  ion::test::FakeClock clock;
  CountedBuffers buffers(UINT64_MAX, clock);
  uint8_t* to = nullptr;
  EXPECT_CODE(ION_E_NO_MEMORY, buffers.allocate(UINT64_MAX, &to));
  EXPECT_EQ(buffers.bytes(), 0u);
}

TEST(counted_buffers, an_empty_buffer_is_a_buffer) {
  ion::test::FakeClock clock;
  CountedBuffers buffers(10, clock);
  uint8_t* to = nullptr;
  const Buf empty = must(buffers.allocate(0, &to));
  EXPECT_NE(empty.raw().ops, nullptr);
  EXPECT_EQ(buffers.buffers(), 1u);
}

TEST(counted_buffers, a_buffer_may_outlive_the_counter) {
  ion::test::FakeClock clock;
  std::optional<CountedBuffers> buffers(std::in_place, 100, clock);
  uint8_t* to = nullptr;
  Buf kept = must(buffers->allocate(3, &to));
  std::memcpy(to, "abc", 3);
  buffers.reset();
  EXPECT_EQ(kept.text(), "abc");
}

TEST(counted_buffers, threads_that_share_and_release_leave_the_count_at_zero) {
  ion::test::FakeClock clock;
  CountedBuffers buffers(1 << 20, clock);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        uint8_t* to = nullptr;
        const Buf mine = must(buffers.allocate(64, &to));
        const Buf also = mine.clone();
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(buffers.bytes(), 0u);
}

}  // namespace
}  // namespace ion::base
