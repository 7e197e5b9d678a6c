// The executor of the host: n shards and the blocking pool. The only threads that run work of modules and plugins.
// Thread: as in Executor; stop the control thread. Outlives every thread that may post.
#pragma once
#include "base/blocking_pool.h"
#include "base/shard.h"

#include <ion/ports.h>

#include <memory>
#include <vector>

namespace ion::base {

constexpr uint32_t kShardsMax = 256;

struct ShardPoolOptions {
  uint32_t shards = 1;
  ShardOptions shard;
  BlockingPoolOptions blocking;
};

class ShardPool final : public Executor {
 public:
  static Result<std::unique_ptr<ShardPool>> start(const ShardPoolOptions& options);
  ~ShardPool() override;  // stops, and waits for what was accepted without a limit

  uint32_t shards() const override { return static_cast<uint32_t>(shards_.size()); }
  // OVERLOADED: the queue is full. CLOSED: stopped. INVALID: no such shard. Then `fn` never runs.
  Status post(ShardId shard, ion_fn fn, void* ctx) override;
  Status run(ShardId shard, ion_fn fn, void* ctx) override;
  Status post_blocking(ion_fn fn, void* ctx) override;

  // Refuses new work, ends the accepted: blocking jobs first, since they report to shards, then every shard in its order.
  // What a draining task posts is refused with CLOSED. DEADLINE names who hangs; then only leaving the process helps.
  Status stop(Nanos limit);

  uint32_t inside(ShardId shard) const { return shards_.at(shard.v)->inside(); }  // a moment's view

 private:
  ShardPool() = default;
  Result<Shard*> find(ShardId shard) const;

  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<BlockingPool> blocking_;
};

}  // namespace ion::base
