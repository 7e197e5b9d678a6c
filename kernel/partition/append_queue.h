// One batch on its way into the log, and the batches that were appended and wait for durability.
// Invariant: every job is completed exactly once; waiting jobs are in the order of `completes_at`. Thread: shard.
#pragma once
#include "partition/partition_limits.h"

#include <ion/abi/host/broker_api.h>
#include <ion/op.h>
#include <ion/record_batch.h>

#include <array>
#include <deque>
#include <memory>
#include <span>
#include <vector>

namespace ion::partition {

// The caller's bytes and answer stay his until completion, so nothing is copied and nothing is retained: only the 16 bytes in
// front of the batch (base offset, length, epoch) are ours, or the whole header where the broker gives the time.
class Partition;
struct AppendJob {
  Later later;
  batch::Header header;
  std::span<const ion_buf> parts;
  ion_produce_answer* answer = nullptr;
  std::shared_ptr<Partition> owner;  // on the way to the shard: a deleted topic's partition must outlive its jobs
  bool wait_durable = true;
  bool duplicate = false;
  Offset base;          // what the answer says
  Offset completes_at;  // the answer goes out when so much is durable

  std::array<uint8_t, batch::kHeaderBytes> prefix{};
  uint64_t prefix_bytes = batch::kPrefixBytes;  // of it, that replace the caller's
  std::vector<ion_buf> patched;  // prefix, then the caller's parts behind theirs

  // The records have the time of the append, as Kafka writes it: attribute bit 3 and the max time; base time and deltas stay. Before patch().
  void stamp(WallMs now);
  void patch(Offset at, Epoch epoch);
};
using AppendJobPtr = std::unique_ptr<AppendJob>;

class AppendQueue {
 public:
  bool full() const noexcept { return waiting_.size() >= kAppendsWaitingMax; }
  bool empty() const noexcept { return waiting_.empty(); }
  size_t size() const noexcept { return waiting_.size(); }
  void wait(AppendJobPtr job) { waiting_.push_back(std::move(job)); }
  Offset last_completes_at() const noexcept { return waiting_.empty() ? Offset{} : waiting_.back()->completes_at; }
  // The first job that waits for no more than `durable`; null when there is none.
  AppendJobPtr take_until(Offset durable);
  AppendJobPtr take_any();  // for failing them all

 private:
  std::deque<AppendJobPtr> waiting_;
};

}  // namespace ion::partition
