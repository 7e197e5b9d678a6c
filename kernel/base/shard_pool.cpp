#include "base/shard_pool.h"

#include "base/system_clock.h"

#include <fmt/format.h>

#include <algorithm>

namespace ion::base {

Result<std::unique_ptr<ShardPool>> ShardPool::start(const ShardPoolOptions& options) {
  if (options.shards == 0 || options.shards > kShardsMax)
    return Status(ION_E_INVALID, fmt::format("executor: wanted 1 to {} shards, found {}", kShardsMax, options.shards));
  std::unique_ptr<ShardPool> made(new ShardPool);
  for (uint32_t i = 0; i < options.shards; ++i) {
    ION_TRY(std::unique_ptr<Shard> shard, Shard::start(ShardId{i}, options.shard));
    made->shards_.push_back(std::move(shard));
  }
  ION_TRY(made->blocking_, BlockingPool::start(options.blocking));
  return made;
}

// Jobs and tasks post to each other as long as one lives: all have ended before the first of the members goes.
ShardPool::~ShardPool() {
  if (blocking_ == nullptr) return;  // never started
  while (!stop(seconds(3600)).ok()) continue;
}

Result<Shard*> ShardPool::find(ShardId shard) const {
  if (shard.v < shards_.size()) return shards_[shard.v].get();
  return Status(ION_E_INVALID, fmt::format("executor: wanted a shard below {}, found {}", shards_.size(), shard.v));
}

Status ShardPool::post(ShardId shard, ion_fn fn, void* ctx) {
  ION_TRY(Shard * found, find(shard));
  return found->post(fn, ctx);
}

Status ShardPool::run(ShardId shard, ion_fn fn, void* ctx) {
  ION_TRY(Shard * found, find(shard));
  return found->run(fn, ctx);
}

Status ShardPool::post_blocking(ion_fn fn, void* ctx) { return blocking_->post(fn, ctx); }

Status ShardPool::stop(Nanos limit) {
  SystemClock clock;
  const Instant end = clock.now() + limit;
  const auto left = [&] { return Nanos{std::max<int64_t>(0, (end - clock.now()).n)}; };
  blocking_->close();
  ION_CHECK(blocking_->drain(left()));
  for (const auto& shard : shards_) shard->close();
  for (const auto& shard : shards_) ION_CHECK(shard->drain(left()));
  return {};
}

}  // namespace ion::base
