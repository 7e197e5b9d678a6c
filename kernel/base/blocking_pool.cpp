#include "base/blocking_pool.h"

#include "base/thread_place.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <exception>
#include <thread>
#include <vector>

namespace ion::base {

constexpr uint32_t kThreadsMax = 256;

// An io_context without sockets is a queue with worker threads. Its queue has no bound: the gate has.
struct BlockingPool::Threads {
  boost::asio::io_context queue;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{queue.get_executor()};
  std::vector<std::thread> threads;

  ~Threads() { join(); }
  void join() {
    guard.reset();
    for (std::thread& thread : threads)
      if (thread.joinable()) thread.join();
  }
  void live(size_t number) {
    name_this_thread(fmt::format("ion-block-{}", number).c_str());
    const PlaceScope here({ION_WORD_BLOCKING, kNoShard});
    queue.run();
  }
};

Result<std::unique_ptr<BlockingPool>> BlockingPool::start(const BlockingPoolOptions& options) {
  if (options.threads == 0 || options.threads > kThreadsMax)
    return Status(ION_E_INVALID, fmt::format("blocking pool: wanted 1 to {} threads, found {}", kThreadsMax, options.threads));
  if (options.jobs_max == 0 || options.jobs_max > (1U << 24))
    return Status(ION_E_INVALID, fmt::format("blocking pool: wanted space for 1 to {} jobs, found {}", 1U << 24, options.jobs_max));
  std::unique_ptr<BlockingPool> made(new BlockingPool(options));
  try {
    made->threads_ = std::make_unique<Threads>();
    for (uint32_t i = 0; i < options.threads; ++i)
      made->threads_->threads.emplace_back([threads = made->threads_.get(), i] { threads->live(i); });
  } catch (const std::exception& e) {
    return Status(ION_E_OVERLOADED, fmt::format("blocking pool: wanted {} threads: {}", options.threads, e.what()));
  }
  return made;
}

BlockingPool::BlockingPool(const BlockingPoolOptions& options) : gate_(options.jobs_max) {}

BlockingPool::~BlockingPool() {
  gate_.close();
  gate_.wait_idle();
}

Status BlockingPool::post(ion_fn fn, void* ctx) {
  ION_ASSERT(fn != nullptr);
  switch (gate_.enter()) {
    case TaskGate::Entry::kClosed: return Status(ION_E_CLOSED, "the blocking pool is stopped");
    case TaskGate::Entry::kFull:
      return Status(ION_E_OVERLOADED, fmt::format("the blocking pool: its queue of {} jobs is full", gate_.bound()));
    case TaskGate::Entry::kOwner:
    case TaskGate::Entry::kBehindOthers: break;
  }
  boost::asio::post(threads_->queue, [this, fn, ctx] {
    fn(ctx);
    (void)gate_.leave();
  });
  return {};
}

Status BlockingPool::drain(Nanos limit) {
  ION_ASSERT(current_place().word != ION_WORD_BLOCKING);  // it would wait for itself
  if (!gate_.wait_idle(limit))
    return Status(ION_E_DEADLINE,
                  fmt::format("blocking pool: {} jobs have not ended within {} ms", gate_.inside(), limit.n / 1'000'000));
  threads_->join();
  return {};
}

}  // namespace ion::base
