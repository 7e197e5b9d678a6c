// The catalogue of topics as a pure machine: the same commands give the same state on every node.
// Pure: no clock, no ids of its own making but counters. Thread: the metadata group's shard.
#pragma once
#include "cluster/core/metadata_commands.h"

#include <ion/result.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ion::cluster {

using TopicPtr = std::shared_ptr<const TopicRecord>;  // shared: views of all ages hold the same immutable record

// What one command did. At most one of the fields is filled, by kind.
struct Applied {
  TopicPtr created, deleted, altered;
  TopicPtr repeated;  // a create whose topic, by uuid, was there already: its answer was lost and it came again
  int64_t first_producer = -1;
};

class MetadataMachine {
 public:
  // EXISTS, NOT_FOUND, CONFLICT, OUT_OF_RANGE, OVERLOADED (a limit that the command names): it had no effect, on every node alike.
  Result<Applied> apply(const Command& command);

  // An entry that this version cannot apply. The state lacks what it said: no snapshot may be taken from it any more.
  void skipped(uint64_t index) { if (skipped_++ == 0) first_skipped_ = index; }
  uint64_t skipped() const noexcept { return skipped_; }
  uint64_t first_skipped() const noexcept { return first_skipped_; }

  const std::map<std::string, TopicPtr, std::less<>>& topics() const noexcept { return topics_; }
  const std::map<Uuid, Tombstone>& tombstones() const noexcept { return tombstones_; }
  uint64_t partitions() const noexcept { return partitions_; }
  uint64_t log_ids_given() const noexcept { return next_log_id_ - 1; }  // ever

  // OVERLOADED with TOO_MANY_TOPICS or TOO_MANY_PARTITIONS when one more topic of so many partitions passes a limit.
  Status within_limits(const std::string& topic, uint64_t partitions, uint64_t topics_max, uint64_t partitions_max) const;

 private:
  Result<Applied> create(const CreateTopic& c);
  Result<TopicPtr> find(const std::string& name, const Uuid& uuid) const;
  Result<Applied> alter(const AlterTopic& c);
  Result<Applied> add_partitions(const AddPartitions& c);
  Result<Applied> replace(TopicRecord topic);
  Result<Applied> erase(const DeleteTopic& c);
  Result<Applied> reserve(const ReserveProducers& c);

  std::map<std::string, TopicPtr, std::less<>> topics_;
  std::map<Uuid, Tombstone> tombstones_;
  uint64_t next_log_id_ = 1, partitions_ = 0, skipped_ = 0, first_skipped_ = 0;
  int64_t next_producer_ = 1;
};

}  // namespace ion::cluster
