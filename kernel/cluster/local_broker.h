// This broker's part in the catalogue: opens the logs of the topics that the metadata gives it, publishes them in the view, and
// takes deleted ones away: view, partitions, logs, then the tombstone.
// Thread: the verbs from ANY; state on the control shard. Outlives the controller's group.
#pragma once
#include "cluster/controller.h"
#include "cluster/metadata_view.h"

#include <ion/contract/storage.h>

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ion::cluster {

struct LocalBrokerServices {
  partition::PartitionServices around;
  Storage& storage;
  MetadataView& view;
  ShardId control;
  TopicSettings defaults;
};

class LocalBroker final : public ControllerObserver {
 public:
  explicit LocalBroker(LocalBrokerServices world) : world_(world) {}
  ~LocalBroker() override;
  LocalBroker(const LocalBroker&) = delete;
  LocalBroker& operator=(const LocalBroker&) = delete;

  // After the metadata log was replayed: opens every topic, sweeps what tombstones allow, then `done`.
  void start(Controller& controller, std::function<void(Status)> done);
  // `done` when the topic is served here, or with what keeps a partition from being served.
  void when_open(TopicPtr topic, std::function<void(Status)> done);
  // `done` when every change that was told so far stands in the view.
  void settle(std::function<void()> done) { on_control(std::move(done)); }
  // Waits for what is being opened or taken away, then closes every partition. `done` with the first failure.
  void stop(std::function<void(Status)> done);

  void topic_created(TopicPtr topic) override;
  void topic_deleted(TopicPtr topic) override;

 private:
  struct Opening {
    std::shared_ptr<TopicEntry> entry;
    size_t next = 0;
    std::vector<std::function<void(Status)>> waiters;
    bool deleted = false;  // meanwhile: it is taken away instead of published
  };
  void on_control(std::function<void()> work);
  void empty_mailbox() ION_ON(control_role);
  void open_topic(TopicPtr topic) ION_ON(control_role);
  void open_waiting() ION_ON(control_role);
  void open_next(Uuid topic) ION_ON(control_role);
  void open_partition(Uuid topic, PartitionId partition) ION_ON(control_role);
  void partition_ready(Uuid topic, PartitionId partition, Result<partition::PartitionPtr> opened) ION_ON(control_role);
  void topic_ready(Uuid topic) ION_ON(control_role);
  void when_open_here(const TopicPtr& topic, std::function<void(Status)> done) ION_ON(control_role);
  void take_away(TopicPtr topic, TopicEntryPtr entry) ION_ON(control_role);
  void sweep(Uuid topic, size_t partitions) ION_ON(control_role);
  void remove_logs(Uuid topic, size_t partitions, size_t at) ION_ON(control_role);
  void change_ended() ION_ON(control_role);
  void close_all() ION_ON(control_role);

  const LocalBrokerServices world_;
  Controller* controller_ = nullptr;
  std::map<Uuid, Opening> opening_;
  std::deque<Uuid> waiting_;              // of opening_, not begun: at most kTopicsOpeningMax are opened at once
  size_t changes_ = 0;                    // topics that are being opened or taken away
  bool stopping_ = false;                 // no further change begins
  std::function<void(Status)> stopped_;

  struct Change {
    std::function<void()> work;
    Change* before = nullptr;  // what was told before it
  };
  std::atomic<Change*> mailbox_{nullptr};  // the newest; bounded by the changes that the metadata log and stop() tell
};

std::string data_log(const Uuid& topic, PartitionId partition);
std::string state_log(const Uuid& topic, PartitionId partition);

}  // namespace ion::cluster
