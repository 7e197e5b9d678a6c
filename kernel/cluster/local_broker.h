// This broker's part in the catalogue: publishes its topics in the view at once, opens their logs behind that, and takes deleted ones
// away: view, partitions, logs, then the tombstone.
// Thread: the verbs from ANY; state on the control shard. Outlives the controller's group.
#pragma once
#include "cluster/controller.h"
#include "cluster/metadata_view.h"
#include "cluster/opening_progress.h"
#include "cluster/partition_opener.h"
#include "cluster/retention_timer.h"

#include <ion/contract/storage.h>

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace ion::cluster {

struct LocalBrokerServices {
  partition::PartitionServices around;
  Storage& storage;
  MetadataView& view;
  ShardId control;
  TopicSettings defaults;
  uint64_t descriptors_max = UINT64_MAX;  // as in ClusterLimits; partitions beyond it wait, and the others are served
  Nanos reopen_pause_max = seconds(30);   // between two attempts to open a partition
  uint64_t maps_max = UINT64_MAX;         // as descriptors_max
};

class LocalBroker final : public ControllerObserver {
 public:
  explicit LocalBroker(LocalBrokerServices world);
  ~LocalBroker() override;
  LocalBroker(const LocalBroker&) = delete;
  LocalBroker& operator=(const LocalBroker&) = delete;

  // Before the metadata log is opened: CORRUPT when there are logs of topics and no metadata log. Changes nothing.
  void inspect_storage(std::function<void(Status)> done);
  // After the metadata log was replayed: publishes every topic, tries to open every partition once, sweeps what tombstones allow, then
  // `done`. A partition that cannot be opened is tried again and keeps nobody from being served; CORRUPT only when there are logs of
  // topics and the metadata log says nothing at all.
  void start(Controller& controller, std::function<void(Status)> done);
  // `done` when each partition of a topic that was created has been tried, or half a second after it was asked: opening goes on.
  void when_open(TopicPtr topic, std::function<void()> done);
  // `done` when every change that was told so far stands in the view.
  void settle(std::function<void()> done) { on_control(std::move(done)); }
  // Waits for what is being opened or taken away, then closes every partition. `done` with the first failure.
  void stop(std::function<void(Status)> done);

  void topic_created(TopicPtr topic) override;
  void topic_altered(TopicPtr topic) override;
  void topic_deleted(TopicPtr topic) override;

 private:
  struct Waiting;
  using WaitingPtr = std::shared_ptr<Waiting>;
  struct Local {
    std::shared_ptr<TopicEntry> entry;
    size_t untried = 0;  // partitions
    std::vector<WaitingPtr> waiters;
    bool deleted = false;  // it is taken away when nothing of it is being opened
  };
  struct Sweep {
    Uuid topic;
    std::string name;
    size_t partitions = 0;
  };
  void on_control(std::function<void()> work);
  void empty_mailbox() ION_ON(control_role);
  Status compare_with_storage(const MetadataMachine& machine) ION_ON(control_role);
  std::shared_ptr<TopicEntry> add_topic(const TopicPtr& topic) ION_ON(control_role);
  void open_partitions(const std::shared_ptr<TopicEntry>& entry, bool is_new) ION_ON(control_role);
  void partition_tried(const PartitionOpener::Job& job, Result<partition::PartitionPtr> opened) ION_ON(control_role);
  void look_at_partitions() ION_ON(control_role);
  void tell_health() ION_ON(control_role);
  void when_open_here(const Uuid& topic, std::function<void()> done) ION_ON(control_role);
  void all_tried(Local& local) ION_ON(control_role);
  void alter_topic(const TopicPtr& topic) ION_ON(control_role);
  void delete_topic(const TopicPtr& topic) ION_ON(control_role);
  void take_away(const Uuid& topic) ION_ON(control_role);
  struct Closing;
  void close_partitions(std::deque<partition::PartitionPtr> partitions, std::function<void(Status)> done) ION_ON(control_role);
  void close_next(const std::shared_ptr<Closing>& closing) ION_ON(control_role);
  void sweep_next() ION_ON(control_role);
  void remove_logs(const Sweep& sweep, size_t at) ION_ON(control_role);
  void maybe_close_all() ION_ON(control_role);

  const LocalBrokerServices world_;
  Controller* controller_ = nullptr;
  PartitionOpener opener_;
  RetentionTimer retention_;
  std::map<Uuid, Local> topics_;
  std::map<std::string, Status> not_served_;  // partitions that could not be opened and are tried again, by name
  std::map<std::string, uint64_t, std::less<>> logs_;  // what the storage listed before the start, with bytes; empty afterwards
  OpeningProgress progress_;
  std::deque<Sweep> sweeps_;              // of tombstones; one at a time
  bool sweeping_ = false;
  size_t changes_ = 0;                    // topics that are being taken away
  bool stopping_ = false;                 // no further change begins
  std::function<void(Status)> stopped_;

  struct Change {
    std::function<void()> work;
    Change* before = nullptr;  // what was told before it
  };
  std::atomic<Change*> mailbox_{nullptr};  // the newest; bounded by the changes that the metadata log and stop() tell
};

}  // namespace ion::cluster
