// Opens the logs of partitions, a bounded number at once, and tries again those that could not be opened: after one second, then
// after twice as long each time, up to `pause_max`.
// Invariant: a partition is in one of three sets: those that wait for their turn, those being opened, those that are tried later.
// Thread: control shard. Outlives the partitions that it opened: they ask it for their state logs.
#pragma once
#include "cluster/metadata_view.h"

#include <ion/contract/storage.h>

#include <deque>
#include <functional>
#include <map>

namespace ion::cluster {

struct PartitionOpenerServices {
  partition::PartitionServices around;
  Storage& storage;
  ShardId control;
  std::function<void(std::function<void()>)> on_control;  // runs the work on the control shard, never refused; ANY
  uint64_t partitions_max = UINT64_MAX;  // that may be open at a time: each may hold a descriptor
  Nanos pause_max = seconds(30);         // between two attempts
  uint64_t mapped_max = UINT64_MAX;      // as partitions_max: each has maps of its segments
};

enum class StateLog { kNone, kThere, kUnknown };  // none: the topic was made just now, or the storage has listed its logs

class PartitionOpener {
 public:
  struct Job {
    TopicEntryPtr topic;
    PartitionId partition;
    StateLog state = StateLog::kUnknown;
    uint32_t attempt = 0;  // 0: the first one
  };
  // Told once for each attempt. After a failure the next one is arranged already; cancel() takes it back.
  using Opened = std::function<void(const Job&, Result<partition::PartitionPtr>)>;

  PartitionOpener(PartitionOpenerServices services, Opened opened) : services_(std::move(services)), opened_(std::move(opened)) {}
  PartitionOpener(const PartitionOpener&) = delete;
  PartitionOpener& operator=(const PartitionOpener&) = delete;

  void open(Job job) ION_ON(control_role);
  // Forgets what has not begun of a topic; what is being opened is still told.
  void cancel(const Uuid& topic) ION_ON(control_role);
  // One that was opened is closed: another one may take its place.
  void closed() ION_ON(control_role) { --open_; }
  // Begins nothing more.
  void stop() ION_ON(control_role);
  size_t being_opened() const noexcept { return being_opened_; }
  size_t being_opened(const Uuid& topic) const;

 private:
  struct Retry {
    Instant at;
    Job job;
  };
  void begin_waiting() ION_ON(control_role);
  void begin(Job job) ION_ON(control_role);
  void ended(const Job& job, Result<partition::PartitionPtr> result) ION_ON(control_role);
  void open_state_log(std::string name, bool existing, partition::LogOpened done);  // ANY
  partition::PartitionOptions options_of(const Job& job) const;
  void arm() ION_ON(control_role);
  void due() ION_ON(control_role);

  const PartitionOpenerServices services_;
  const Opened opened_;
  std::deque<Job> waiting_;   // bounded by the partitions of the catalogue, as are those below
  std::deque<Retry> retries_;
  std::map<Uuid, size_t> per_topic_;
  size_t being_opened_ = 0, open_ = 0;
  TimerHandle timer_ = nullptr;
  Instant timer_at_;
  bool stopping_ = false;
};

partition::PartitionConfig partition_config(const TopicSettings& settings);
std::string data_log(const Uuid& topic, PartitionId partition);
std::string state_log(const Uuid& topic, PartitionId partition);

}  // namespace ion::cluster
