// What everybody may read of the catalogue: an immutable snapshot behind one pointer, replaced whole. A topic's entry holds the
// partitions that this broker serves, so that a request finds its partition by one look.
// Thread: current() from ANY; publish and erase on the control shard only.
#pragma once
#include "cluster/core/metadata_machine.h"
#include "cluster/core/topic_rules.h"
#include "partition/partition.h"

#include <ion/thread_role.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ion::cluster {

// One partition of a topic that is published: being opened, served, or not to be opened for now. Once served it stays the same one. Copies
// are the same partition: entries of a topic before and after it was altered share theirs.
// Thread: the questions from ANY, serve() and refuse() on the control shard.
class ServedPartition {
 public:
  // Null while it is not served; then why() says so.
  partition::PartitionPtr get() const { return slot_->ready.load(std::memory_order_acquire) ? slot_->partition : nullptr; }
  // For who asks something of it: CLOSED with NOT_READY while it is being opened or tried again, but NO_SPACE, OVERLOADED, CORRUPT and
  // UNSUPPORTED as they are.
  Status why() const;
  // For who looks at it: OK when served, CLOSED while it is being opened, else the code of what kept it from being opened.
  Code health() const;

  void serve(partition::PartitionPtr partition) ION_ON(control_role);
  void refuse(Status why) ION_ON(control_role);

 private:
  struct Slot {
    std::atomic<bool> ready{false};
    partition::PartitionPtr partition;                  // written once, before ready
    std::atomic<std::shared_ptr<const Status>> failed;  // null: being opened
  };
  std::shared_ptr<Slot> slot_ = std::make_shared<Slot>();
};
struct TopicEntry {
  explicit TopicEntry(TopicPtr topic) : record(std::move(topic)), partitions(record->partitions.size()) {}
  // The same topic after a change: keeps the partitions of `before`, which are the first ones.
  TopicEntry(TopicPtr topic, const TopicEntry& before) : record(std::move(topic)), partitions(before.partitions) { partitions.resize(record->partitions.size()); }
  const TopicPtr record;  // its uuid is the topic's identity
  TopicSettings settings;
  std::vector<ServedPartition> partitions;
};
using TopicEntryPtr = std::shared_ptr<const TopicEntry>;  // shared: readers may hold an old view

class MetadataView {
 public:
  using Topics = std::map<std::string, TopicEntryPtr, std::less<>>;

  std::shared_ptr<const Topics> current() const { return topics_.load(std::memory_order_acquire); }
  TopicEntryPtr find(std::string_view name) const {
    const auto topics = current();
    const auto found = topics->find(name);
    return found == topics->end() ? nullptr : found->second;
  }
  void publish(std::vector<TopicEntryPtr> entries) ION_ON(control_role);
  TopicEntryPtr erase(std::string_view name, const Uuid& uuid) ION_ON(control_role);
  Topics erase_all() ION_ON(control_role);

 private:
  std::atomic<std::shared_ptr<const Topics>> topics_{std::make_shared<const Topics>()};
};

}  // namespace ion::cluster
