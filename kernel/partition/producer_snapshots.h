// Writes the producer state of one partition down, so that its next start reads less of the log. The state log is opened with the
// first snapshot: most partitions never need one.
// Invariant: one write at a time. Thread: shard; answers come on any thread. Outlived by the operations that it was given.
#pragma once
#include "partition/core/producer_window.h"

#include <ion/contract/storage.h>

#include <functional>
#include <memory>

namespace ion::partition {

// Opens (and makes) the state log; answers once, on any thread.
using LogOpened = std::function<void(Result<std::unique_ptr<Log>>)>;
using OpenStateLog = std::function<void(LogOpened)>;
using OnShard = std::function<void(std::function<void()>)>;

class ProducerSnapshots {
 public:
  // `state`: the log if there is one already, else null. `next`: where its next snapshot goes.
  ProducerSnapshots(std::unique_ptr<Log> state, OpenStateLog open, Offset next) : log_(std::move(state)), open_(std::move(open)), next_(next) {}

  // `snapshot`: of a window that covers the log up to some offset that is durable. `done` once, on the shard, when it is durable in the
  // state log or with what kept it from getting there. `on_shard` runs work on the shard, and keeps this alive until then.
  void write(std::vector<uint8_t> snapshot, OnShard on_shard, std::function<void(Status)> done);
  // Not while a write is on its way. `done` once.
  void close(std::function<void(Status)> done);

 private:
  struct Writing;
  void append(const std::shared_ptr<Writing>& writing);
  void cut(const std::shared_ptr<Writing>& writing);

  std::unique_ptr<Log> log_;
  const OpenStateLog open_;
  Offset next_;
};

}  // namespace ion::partition
