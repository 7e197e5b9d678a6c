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

struct ServedPartition {
  partition::PartitionPtr partition;  // null while it cannot be served; then `why` says so
  Status why;
};
struct TopicEntry {
  TopicPtr record;
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
  void publish(TopicEntryPtr entry) ION_ON(control_role);
  TopicEntryPtr erase(std::string_view name, const Uuid& uuid) ION_ON(control_role);
  Topics erase_all() ION_ON(control_role);

 private:
  std::atomic<std::shared_ptr<const Topics>> topics_{std::make_shared<const Topics>()};
};

}  // namespace ion::cluster
