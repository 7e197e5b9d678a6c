#include "base/freed_memory.h"

#include "unit/kernel/base/support.h"

namespace ion::base {
namespace {

using test::must;

constexpr uint64_t kMiB = 1 << 20;

TEST(freed_memory, is_given_back_when_there_is_much_of_it_and_the_process_is_quiet) {
  EXPECT_TRUE(worth_giving_back({900 * kMiB, 30 * kMiB, milliseconds(100), seconds(2)}));
}

TEST(freed_memory, stays_under_load) {
  EXPECT_FALSE(worth_giving_back({900 * kMiB, 30 * kMiB, seconds(1), seconds(2)}));
}

TEST(freed_memory, is_not_looked_for_where_there_is_little) {
  EXPECT_FALSE(worth_giving_back({36 * kMiB, 30 * kMiB, {}, seconds(2)}));
}

TEST(freed_memory, is_unknown_with_an_allocator_that_does_not_tell) {
  EXPECT_FALSE(worth_giving_back({900 * kMiB, 0, {}, seconds(2)}));
}

TEST(freed_memory, its_thread_ends_at_once) { must(FreedMemory::start()).reset(); }

}  // namespace
}  // namespace ion::base
