// What a hop to a shard costs: a task run inline on an idle shard, against a post that wakes the shard's thread, against a thread
// that spins; and what the queue carries when it is never empty. Prints one table; a plain program, never a test.
//
//   hop_bench [ROUNDS]
#include "base/shard.h"
#include "base/system_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using ion::base::Shard;
using ion::base::ShardOptions;

std::unique_ptr<Shard> start(const ShardOptions& options) {
  auto shard = Shard::start(ion::ShardId{0}, options);
  if (!shard) {
    fmt::print(stderr, "{}\n", shard.error().text());
    std::exit(1);
  }
  return *std::move(shard);
}

void report(std::string_view what, std::vector<uint64_t>& times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](size_t per_mille) { return static_cast<double>(times[(times.size() - 1) * per_mille / 1000]) / 1000; };
  fmt::print("{:<46} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f}\n", what, at(500), at(900), at(990), at(999));
}

struct Reply {
  std::atomic<int32_t> done{0};
  static void set(void* ctx) noexcept {
    auto& reply = *static_cast<Reply*>(ctx);
    reply.done.store(1, std::memory_order_release);
    reply.done.notify_one();
  }
  void wait() {
    done.wait(0, std::memory_order_acquire);
    done.store(0, std::memory_order_relaxed);
  }
  void wait_spinning() {
    while (done.load(std::memory_order_acquire) == 0) ion::base::relax();
    done.store(0, std::memory_order_relaxed);
  }
};

enum class Way { kRun, kPost };
enum class Wait { kAsleep, kSpinning };

// One task at a time: from the call until the caller knows that it ran, after a pause in which a shard's thread falls asleep.
void round_trip(std::string_view what, Way way, Wait wait, const ShardOptions& options, size_t rounds) {
  auto shard = start(options);
  ion::base::SystemClock clock;
  Reply reply;
  std::vector<uint64_t> times(rounds);
  for (uint64_t& time : times) {
    const ion::Instant pause_end = clock.now() + ion::microseconds(20);
    while (clock.now() < pause_end) ion::base::relax();
    const ion::Instant begin = clock.now();
    (void)(way == Way::kRun ? shard->run(&Reply::set, &reply) : shard->post(&Reply::set, &reply));
    wait == Wait::kAsleep ? reply.wait() : reply.wait_spinning();
    time = static_cast<uint64_t>((clock.now() - begin).n);
  }
  report(what, times);
}

void count(void* ctx) noexcept { static_cast<std::atomic<uint64_t>*>(ctx)->fetch_add(1, std::memory_order_relaxed); }

void throughput(std::string_view what, Way way, uint32_t producers, size_t rounds) {
  auto shard = start({.tasks_max = 4096, .spins = 0});
  ion::base::SystemClock clock;
  std::atomic<uint64_t> ran{0};
  const ion::Instant begin = clock.now();
  std::vector<std::thread> threads;
  for (uint32_t p = 0; p < producers; ++p)
    threads.emplace_back([&] {
      for (size_t i = 0; i < rounds;) {
        const ion::Status given = way == Way::kRun ? shard->run(&count, &ran) : shard->post(&count, &ran);
        given.ok() ? static_cast<void>(++i) : std::this_thread::yield();
      }
    });
  for (auto& thread : threads) thread.join();
  shard->close();
  (void)shard->drain(ion::seconds(60));
  const double seconds = (clock.now() - begin).seconds();
  fmt::print("{:<46} {:>9.2f} M tasks/s\n", what, static_cast<double>(ran.load()) / seconds / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
  if (rounds == 0) {
    fmt::print(stderr, "hop_bench: wanted a number of rounds above 0, found {}\n", argv[1]);
    return 2;
  }
  const ShardOptions sleeping{.tasks_max = 4096, .spins = 0}, spinning{.tasks_max = 4096, .spins = 1'000'000};
  fmt::print("{:<46} {:>9} {:>9} {:>9} {:>9}\n", "round trip, microseconds", "p50", "p90", "p99", "p99.9");
  round_trip("run on an idle shard: inline", Way::kRun, Wait::kSpinning, sleeping, rounds);
  round_trip("post, shard asleep, caller spins", Way::kPost, Wait::kSpinning, sleeping, rounds);
  round_trip("post, shard asleep, caller sleeps", Way::kPost, Wait::kAsleep, sleeping, rounds);
  round_trip("post, shard spins, caller spins", Way::kPost, Wait::kSpinning, spinning, rounds);
  for (const uint32_t producers : {1u, 2u, 4u}) {
    throughput(fmt::format("{} producer(s), post", producers), Way::kPost, producers, rounds * 20 / producers);
    throughput(fmt::format("{} producer(s), run", producers), Way::kRun, producers, rounds * 20 / producers);
  }
  return 0;
}
