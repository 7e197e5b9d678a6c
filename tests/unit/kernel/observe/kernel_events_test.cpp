#include "observe/kernel_events.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

namespace ion::observe {
namespace {

KernelEvent created(std::string topic) { return {KernelEventKind::kTopicCreated, std::move(topic), {}, 0, {}}; }
KernelEvent drain() { return {KernelEventKind::kDrainBegan, {}, {}, 0, {}}; }

TEST(kernel_events, a_subscriber_gets_what_its_mask_names_and_nothing_else) {
  KernelEvents events;
  std::vector<std::string> topics;
  int all = 0;
  auto some = events.subscribe(KernelEventKind::kTopicCreated | KernelEventKind::kTopicDeleted,
                               [&](const KernelEvent& e) { topics.push_back(e.topic); });
  auto every = events.subscribe(kEveryEvent, [&](const KernelEvent&) { ++all; });
  events.publish(created("a"));
  events.publish(drain());
  events.publish({KernelEventKind::kTopicDeleted, "a", {}, 0, {}});
  events.publish({KernelEventKind::kConfigChanged, {}, {}, 0, {"log.level"}});
  EXPECT_EQ(topics, (std::vector<std::string>{"a", "a"}));
  EXPECT_EQ(all, 4);
}

TEST(kernel_events, subscribers_are_called_in_the_order_of_their_subscriptions) {
  KernelEvents events;
  std::string order;
  auto first = events.subscribe(kEveryEvent, [&](const KernelEvent&) { order += '1'; });
  auto second = events.subscribe(kEveryEvent, [&](const KernelEvent&) { order += '2'; });
  events.publish(drain());
  EXPECT_EQ(order, "12");
}

TEST(kernel_events, a_subscription_ends_with_its_life) {
  KernelEvents events;
  int calls = 0;
  {
    auto subscription = events.subscribe(kEveryEvent, [&](const KernelEvent&) { ++calls; });
    events.publish(drain());
    KernelEvents::Subscription moved = std::move(*subscription);
    events.publish(drain());
    moved = KernelEvents::Subscription();
    events.publish(drain());
  }
  EXPECT_EQ(calls, 2);
}

TEST(kernel_events, a_function_may_end_its_own_subscription_and_make_another) {
  KernelEvents events;
  int once = 0, later = 0;
  KernelEvents::Subscription mine, other;
  mine = events.subscribe(kEveryEvent, [&](const KernelEvent&) {
    ++once;
    other = events.subscribe(kEveryEvent, [&](const KernelEvent&) { ++later; }).value();
    mine.end();
  }).value();
  events.publish(drain());
  events.publish(drain());
  EXPECT_EQ(once, 1);
  EXPECT_EQ(later, 1) << "a new one hears from the next event on";
}

TEST(kernel_events, a_subscription_that_ends_while_an_event_is_delivered_gets_it_no_more) {
  KernelEvents events;
  int calls = 0;
  KernelEvents::Subscription second;
  auto first = events.subscribe(kEveryEvent, [&](const KernelEvent&) { second.end(); });
  second = events.subscribe(kEveryEvent, [&](const KernelEvent&) { ++calls; }).value();
  events.publish(drain());
  EXPECT_EQ(calls, 0);
}

TEST(kernel_events, subscribers_have_a_bound) {
  KernelEvents events;
  std::vector<KernelEvents::Subscription> all;
  for (size_t i = 0; i < KernelEvents::kSubscribersMax; ++i) all.push_back(events.subscribe(kEveryEvent, [](const KernelEvent&) {}).value());
  EXPECT_EQ(events.subscribe(kEveryEvent, [](const KernelEvent&) {}).error().code(), ION_E_OVERLOADED);
  all.pop_back();
  EXPECT_TRUE(events.subscribe(kEveryEvent, [](const KernelEvent&) {}).has_value());
}

TEST(kernel_events, ending_waits_for_a_call_in_another_thread) {
  constexpr int kTurns = 2000;  // the other thread is given this many chances to come back too early
  KernelEvents events;
  std::latch inside(1), ending(1);
  std::atomic<bool> ended = false, ended_while_running = false;
  auto subscription = events.subscribe(kEveryEvent, [&](const KernelEvent&) {
    inside.count_down();
    ending.wait();
    for (int i = 0; i < kTurns; ++i) std::this_thread::yield();
    ended_while_running = ended.load();
  });
  std::thread publisher([&] { events.publish(drain()); });
  inside.wait();
  ending.count_down();
  subscription->end();
  ended = true;
  publisher.join();
  EXPECT_FALSE(ended_while_running);
}

TEST(kernel_events, many_threads_may_publish_while_others_come_and_go) {
  KernelEvents events;
  std::atomic<int> calls = 0;
  auto steady = events.subscribe(kEveryEvent, [&](const KernelEvent&) { ++calls; });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        if (t < 2) events.publish(drain());
        else (void)events.subscribe(kEveryEvent, [](const KernelEvent&) {});
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(calls, 1000);
}

}  // namespace
}  // namespace ion::observe
