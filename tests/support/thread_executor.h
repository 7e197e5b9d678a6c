// An executor with real threads, for tests that look for races: one thread per shard and a few for blocking work. The destructor
// runs what was posted and joins.
#pragma once
#include <ion/ports.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace ion::test {

class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(uint32_t shards = 1, uint32_t blocking_threads = 3) : shards_(shards) {
    for (uint32_t i = 0; i <= shards; ++i) lanes_.push_back(std::make_unique<Lane>());
    for (uint32_t i = 0; i < shards + blocking_threads; ++i)
      threads_.emplace_back([lane = lanes_[std::min(i, shards)].get()] { lane->work(); });
  }
  ~ThreadExecutor() override {
    for (auto& lane : lanes_) lane->stop();
    for (std::thread& t : threads_) t.join();
  }
  uint32_t shards() const override { return shards_; }
  Status post(ShardId shard, ion_fn fn, void* ctx) override { return lanes_[shard.v]->put(fn, ctx); }
  Status run(ShardId shard, ion_fn fn, void* ctx) override { return post(shard, fn, ctx); }
  Status post_blocking(ion_fn fn, void* ctx) override { return lanes_[shards_]->put(fn, ctx); }

 private:
  struct Lane {
    std::mutex mutex;
    std::condition_variable filled;
    std::deque<std::pair<ion_fn, void*>> work_list;
    bool stopping = false;
    Status put(ion_fn fn, void* ctx) {
      {
        const std::lock_guard lock(mutex);
        work_list.emplace_back(fn, ctx);
      }
      filled.notify_one();
      return {};
    }
    void stop() {
      {
        const std::lock_guard lock(mutex);
        stopping = true;
      }
      filled.notify_all();
    }
    void work() {
      for (;;) {
        std::unique_lock lock(mutex);
        filled.wait(lock, [&] { return stopping || !work_list.empty(); });
        if (work_list.empty()) return;
        const auto [fn, ctx] = work_list.front();
        work_list.pop_front();
        lock.unlock();
        fn(ctx);
      }
    }
  };
  const uint32_t shards_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // the last one is the blocking pool's
  std::vector<std::thread> threads_;
};

}  // namespace ion::test
