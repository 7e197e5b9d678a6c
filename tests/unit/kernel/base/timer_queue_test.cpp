#include "base/timer_queue.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace ion::base {
namespace {

TEST(timer_queue, what_is_due_comes_out_earliest_first_and_nothing_before_its_instant) {
  TimerQueue queue;
  queue.add(0, {300});
  queue.add(1, {100});
  queue.add(2, {200});
  EXPECT_EQ(queue.next(), Instant{100});
  EXPECT_EQ(queue.take_due({99}), std::nullopt);
  EXPECT_EQ(queue.take_due({250}), 1u);
  EXPECT_EQ(queue.take_due({250}), 2u);
  EXPECT_EQ(queue.take_due({250}), std::nullopt);
  EXPECT_EQ(queue.take_due({300}), 0u);
  EXPECT_EQ(queue.next(), std::nullopt);
}

TEST(timer_queue, slots_of_one_instant_come_out_in_the_order_they_were_added) {
  TimerQueue queue;
  for (const uint32_t slot : {5, 3, 9, 1, 7}) queue.add(slot, {50});
  for (const uint32_t slot : {5, 3, 9, 1, 7}) EXPECT_EQ(queue.take_due({50}), slot);
}

TEST(timer_queue, a_removed_slot_never_comes_out_and_may_be_added_again) {
  TimerQueue queue;
  queue.add(0, {10});
  queue.add(1, {20});
  EXPECT_TRUE(queue.remove(0));
  EXPECT_FALSE(queue.remove(0));
  EXPECT_FALSE(queue.remove(77));
  queue.add(0, {30});
  EXPECT_EQ(queue.take_due({100}), 1u);
  EXPECT_EQ(queue.take_due({100}), 0u);
}

TEST(timer_queue, random_work_agrees_with_a_sorted_map) {
  const uint64_t seed = 20;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  TimerQueue queue;
  std::map<std::pair<uint64_t, uint64_t>, uint32_t> model;  // (instant, order) -> slot
  std::map<uint32_t, std::pair<uint64_t, uint64_t>> keys;
  uint64_t order = 0, now = 0;
  for (int step = 0; step < 50'000; ++step) {
    const auto slot = static_cast<uint32_t>(random() % 300);
    if (keys.contains(slot)) {
      ASSERT_TRUE(queue.remove(slot));
      model.erase(keys[slot]);
      keys.erase(slot);
    } else {
      const std::pair<uint64_t, uint64_t> key{now + random() % 100, order++};
      queue.add(slot, {key.first});
      model[key] = slot;
      keys[slot] = key;
    }
    now += random() % 2;
    while (const auto due = queue.take_due({now})) {
      ASSERT_FALSE(model.empty());
      ASSERT_LE(model.begin()->first.first, now);
      ASSERT_EQ(*due, model.begin()->second);
      keys.erase(*due);
      model.erase(model.begin());
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_TRUE(model.empty() || model.begin()->first.first > now);
    ASSERT_EQ(queue.next().has_value(), !model.empty());
  }
}

}  // namespace
}  // namespace ion::base
