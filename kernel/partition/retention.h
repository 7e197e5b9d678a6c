// Takes the beginning of one partition's log away: what is too old or too much by its rules when it is told to look, and what an operator
// asks for. Before a batch goes, the producer state that it proves is written down.
// Invariant: one truncation at a time. Thread: the shard, but for due() from ANY. A part of its partition.
#pragma once
#include "partition/core/retention_plan.h"
#include "partition/partition_context.h"

#include <ion/thread_role.h>

#include <atomic>
#include <deque>
#include <functional>

namespace ion::partition {

class PartitionLog;

class Retention {
 public:
  using Trimmed = std::function<void(const Status& status)>;

  Retention(PartitionServices around, const RetentionRules& rules, PartitionLog& log, PartitionContext& context);

  void configure(const RetentionRules& rules) ION_ON(shard_role);
  // Whether a look could find something by now; `bytes`: of the log. Cheap: asked of every partition every few seconds. ANY
  bool due(WallMs now, uint64_t bytes) const noexcept;
  // Whether there is a limit at all that could be reached by now, whatever is stored. Cheaper still.
  bool limited(WallMs now) const noexcept;
  void look() ION_ON(shard_role);
  // So much was appended since the start. A fast stream is looked at as often as a segment of its limit comes in, not only now and then.
  void appended(uint64_t bytes) ION_ON(shard_role);
  // The log begins at `before`, at most at the high watermark; OK when that is durable. OVERLOADED when many wait already.
  void trim(Offset before, Trimmed done) ION_ON(shard_role);
  // The partition closes: what has not begun is refused.
  void stop() ION_ON(shard_role);
  bool resting() const noexcept { return !busy_; }

 private:
  struct Trim {
    Offset before;
    Trimmed done;
  };
  void begin_next() ION_ON(shard_role);
  void cut(Trim trim) ION_ON(shard_role);
  void seal() ION_ON(shard_role);
  void ended() ION_ON(shard_role);
  void set_limits() ION_ON(shard_role);
  void looked(Offset from, Offset upto, bool more, const Status& status) ION_ON(shard_role);
  void look_again_after(int64_t pause_ms) ION_ON(shard_role);

  const PartitionServices around_;
  RetentionRules rules_;
  PartitionLog& log_;
  PartitionContext& context_;
  std::atomic<uint64_t> bytes_max_{UINT64_MAX};
  std::atomic<int64_t> next_look_ms_{INT64_MAX};
  uint64_t looked_at_bytes_ = 0;  // appended since the start
  std::deque<Trim> trims_;
  bool busy_ = false;
};

}  // namespace ion::partition
