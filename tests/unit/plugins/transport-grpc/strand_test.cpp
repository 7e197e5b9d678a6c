// The strand: one event at a time, in order, nothing lost, no recursion.
#include "io/strand.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace ion::transport_grpc {
namespace {

class Deed final : public Event {
 public:
  explicit Deed(std::function<void()> what) : what_(std::move(what)) {}
  void run() noexcept override { what_(); }

 private:
  std::function<void()> what_;
};

TEST(Strand, runs_an_event_on_the_thread_that_brings_it) {
  Strand strand;
  std::thread::id ran;
  Deed deed([&] { ran = std::this_thread::get_id(); });
  strand.post(deed);
  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST(Strand, what_an_event_posts_runs_behind_it_and_not_inside_it) {
  Strand strand;
  std::vector<int> order;
  Deed second([&] { order.push_back(2); });
  Deed first([&] {
    strand.post(second);
    order.push_back(1);
  });
  strand.post(first);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Strand, keeps_the_order_of_posting) {
  Strand strand;
  std::vector<int> order;
  std::vector<std::unique_ptr<Deed>> deeds;
  for (int i = 0; i < 100; ++i) deeds.push_back(std::make_unique<Deed>([&order, i] { order.push_back(i); }));
  Deed all([&] {
    for (auto& deed : deeds) strand.post(*deed);
  });
  strand.post(all);
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Strand, an_event_may_be_posted_again_from_its_own_run) {
  Strand strand;
  int left = 100'000;  // as recursion this would end the stack
  std::unique_ptr<Deed> deed;
  deed = std::make_unique<Deed>([&] {
    if (--left > 0) strand.post(*deed);
  });
  strand.post(*deed);
  EXPECT_EQ(left, 0);
}

TEST(Strand, events_of_many_threads_never_overlap_and_none_is_lost) {
  constexpr int kThreads = 4, kEach = 5'000;
  Strand strand;
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  long sum = 0;  // without a lock: the strand is one
  std::vector<std::vector<std::unique_ptr<Deed>>> deeds(kThreads);
  for (auto& own : deeds)
    for (int i = 0; i < kEach; ++i)
      own.push_back(std::make_unique<Deed>([&] {
        if (inside.fetch_add(1) != 0) overlapped = true;
        ++sum;
        inside.fetch_sub(1);
      }));
  std::vector<std::thread> threads;
  for (auto& own : deeds)
    threads.emplace_back([&strand, &own] {
      for (auto& deed : own) strand.post(*deed);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(overlapped);
  EXPECT_EQ(sum, long{kThreads} * kEach);
}

}  // namespace
}  // namespace ion::transport_grpc
