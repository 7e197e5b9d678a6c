#include "base/shard.h"

#include "base/thread_place.h"
#include "unit/kernel/base/support.h"

#include <deque>
#include <vector>

namespace ion::base {
namespace {

using test::Event;
using test::eventually;
using test::Job;
using test::must;

// A shard and tasks that remember where they ran.
struct ShardTest : ::testing::Test {
  std::unique_ptr<Shard> start(ShardOptions options = {}) { return must(Shard::start(ShardId{0}, options)); }
  Job& job(std::function<void()> body) { return jobs_.emplace_back(Job{std::move(body)}); }
  Status post(Shard& shard, std::function<void()> body) { return shard.post(&Job::call, &job(std::move(body))); }
  Status run(Shard& shard, std::function<void()> body) { return shard.run(&Job::call, &job(std::move(body))); }
  // The shard's thread is inside a task until `release` happens.
  void occupy(Shard& shard, Event& release) {
    Event inside;
    ASSERT_TRUE(post(shard, [&] {
      inside.happen();
      EXPECT_TRUE(release.wait());
    }).ok());
    ASSERT_TRUE(inside.wait());
  }

 private:
  std::deque<Job> jobs_;
};

TEST_F(ShardTest, posted_tasks_run_in_order_on_the_thread_of_the_shard) {
  auto shard = start();
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  for (int i = 0; i < 10; ++i)
    EXPECT_OK(post(*shard, [&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
      EXPECT_EQ(current_place().word, ION_WORD_SHARD);
    }));
  shard->close();
  EXPECT_OK(shard->drain(seconds(60)));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  for (const auto id : threads) {
    EXPECT_EQ(id, threads[0]);
    EXPECT_NE(id, std::this_thread::get_id());
  }
}

TEST_F(ShardTest, run_on_an_idle_shard_happens_here_and_now) {
  auto shard = must(Shard::start(ShardId{4}, {}));
  bool ran = false;
  EXPECT_OK(run(*shard, [&, caller = std::this_thread::get_id()] {
    ran = true;
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(current_place().word, ION_WORD_SHARD);
    EXPECT_EQ(current_place().shard, 4u);
  }));
  EXPECT_TRUE(ran);
  EXPECT_EQ(current_place().word, ION_WORD_FOREIGN);
}

TEST_F(ShardTest, run_on_a_busy_shard_waits_for_its_turn_there) {
  auto shard = start();
  Event release, done;
  occupy(*shard, release);
  std::vector<int> order;
  EXPECT_OK(post(*shard, [&] { order.push_back(1); }));
  EXPECT_OK(run(*shard, [&, caller = std::this_thread::get_id()] {
    order.push_back(2);
    EXPECT_NE(std::this_thread::get_id(), caller);
    done.happen();
  }));
  EXPECT_TRUE(order.empty());
  release.happen();
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(ShardTest, run_from_a_task_of_the_shard_never_recurses) {
  auto shard = start();
  Event done;
  bool inside = false;
  EXPECT_OK(run(*shard, [&] {
    inside = true;
    EXPECT_OK(run(*shard, [&] {
      EXPECT_FALSE(inside);
      done.happen();
    }));
    inside = false;
  }));
  ASSERT_TRUE(done.wait());
}

TEST_F(ShardTest, a_full_queue_refuses_and_the_refused_task_never_runs) {
  auto shard = start({.tasks_max = 4, .spins = 0});
  Event release;
  occupy(*shard, release);
  int ran = 0;
  for (int i = 0; i < 3; ++i) EXPECT_OK(post(*shard, [&] { ++ran; }));
  const Status refused = post(*shard, [&] { ran += 100; });
  EXPECT_CODE(ION_E_OVERLOADED, refused);
  EXPECT_EQ(refused.message(), "shard 0: its queue of 4 tasks is full");
  EXPECT_CODE(ION_E_OVERLOADED, run(*shard, [&] { ran += 100; }));
  release.happen();
  ASSERT_TRUE(eventually([&] { return shard->inside() == 0; }));
  EXPECT_OK(post(*shard, [&] { ++ran; }));
  shard->close();
  EXPECT_OK(shard->drain(seconds(60)));
  EXPECT_EQ(ran, 4);
}

TEST_F(ShardTest, a_guest_hands_the_shard_over_after_a_bounded_number_of_further_tasks) {
  auto shard = start();
  constexpr int kTasks = 200;
  int here = 0, there = 0;
  EXPECT_OK(run(*shard, [&, caller = std::this_thread::get_id()] {
    for (int i = 0; i < kTasks; ++i)
      EXPECT_OK(post(*shard, [&, caller] { (std::this_thread::get_id() == caller ? here : there)++; }));
  }));
  shard->close();
  EXPECT_OK(shard->drain(seconds(60)));
  EXPECT_EQ(here, static_cast<int>(Shard::kInlineTasksMax));
  EXPECT_EQ(there, kTasks - static_cast<int>(Shard::kInlineTasksMax));
}

TEST_F(ShardTest, a_guest_from_another_shard_runs_its_own_task_and_no_other) {
  auto first = must(Shard::start(ShardId{0}, {}));
  auto second = must(Shard::start(ShardId{1}, {}));
  std::vector<uint32_t> places;
  Event done;
  EXPECT_OK(run(*first, [&, caller = std::this_thread::get_id()] {
    EXPECT_OK(run(*second, [&, caller] {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      places.push_back(current_place().shard);
      EXPECT_OK(post(*second, [&, caller] {
        EXPECT_NE(std::this_thread::get_id(), caller);
        done.happen();
      }));
    }));
    places.push_back(current_place().shard);
  }));
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(places, (std::vector<uint32_t>{1, 0}));
}

TEST_F(ShardTest, a_closed_shard_runs_what_it_accepted_and_refuses_the_rest) {
  auto shard = start();
  Event release;
  occupy(*shard, release);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i)
    EXPECT_OK(post(*shard, [&, i] {
      order.push_back(i);
      EXPECT_CODE(ION_E_CLOSED, post(*shard, [&] { order.push_back(100); }));
    }));
  shard->close();
  EXPECT_CODE(ION_E_CLOSED, post(*shard, [&] { order.push_back(100); }));
  EXPECT_CODE(ION_E_CLOSED, run(*shard, [&] { order.push_back(100); }));
  release.happen();
  EXPECT_OK(shard->drain(seconds(60)));
  EXPECT_OK(shard->drain(seconds(60)));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST_F(ShardTest, an_idle_closed_shard_does_not_run_inline) {
  auto shard = start();
  shard->close();
  bool ran = false;
  EXPECT_CODE(ION_E_CLOSED, run(*shard, [&] { ran = true; }));
  EXPECT_FALSE(ran);
}

TEST_F(ShardTest, drain_says_how_many_tasks_hang_and_may_be_asked_again) {
  auto shard = start();
  Event release;
  occupy(*shard, release);
  EXPECT_OK(post(*shard, [] {}));
  shard->close();
  const Status late = shard->drain(nanoseconds(1));
  EXPECT_CODE(ION_E_DEADLINE, late);
  EXPECT_EQ(late.message(), "shard 0: 2 tasks have not ended within 0 ms");
  release.happen();
  EXPECT_OK(shard->drain(seconds(60)));
}

TEST_F(ShardTest, the_destructor_runs_what_was_accepted) {
  int ran = 0;
  {
    auto shard = start();
    for (int i = 0; i < 100; ++i) EXPECT_OK(post(*shard, [&] { ++ran; }));
  }
  EXPECT_EQ(ran, 100);
}

TEST_F(ShardTest, bounds_of_the_queue_are_checked) {
  EXPECT_CODE(ION_E_INVALID, Shard::start(ShardId{0}, {.tasks_max = 1, .spins = 0}));
  EXPECT_CODE(ION_E_INVALID, Shard::start(ShardId{0}, {.tasks_max = UINT32_MAX, .spins = 0}));
}

}  // namespace
}  // namespace ion::base
