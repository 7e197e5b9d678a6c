// What the metadata log says: one command per entry. The leader decides everything that is not pure (ids, time, placement)
// before it proposes, so that applying is the same on every node. Codec: metadata_codec.
#pragma once
#include <ion/ids.h>
#include <ion/time.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace ion::cluster {

struct PartitionRecord {
  LogId log_id;
  NodeId leader;
  Epoch leader_epoch;
  std::vector<NodeId> replicas;  // leader first, as placed
};
struct TopicRecord {
  std::string name;
  Uuid uuid;
  WallMs created;
  uint32_t replication = 1;
  std::vector<PartitionRecord> partitions;
  std::map<std::string, std::string> config;  // only what the user set
};
// A deleted topic whose logs may still be on a disk: they may go, and only they.
struct Tombstone {
  Uuid uuid;
  uint32_t partitions = 0;
};

struct CreateTopic {
  TopicRecord topic;  // log ids are given when applied
  // What the leader's configuration allows, all topics together: part of the command, so that every node decides alike.
  uint64_t topics_max = UINT64_MAX, partitions_max = UINT64_MAX;
};
struct DeleteTopic {
  std::string name;
  Uuid uuid;  // of the topic that was meant: a namesake made since is spared
};
// Settings of a topic from now on: what is not named stays, also when another change was on its way.
struct AlterTopic {
  std::string name;
  Uuid uuid;  // of the topic that was meant
  std::map<std::string, std::string> set;
  std::vector<std::string> unset;
};
struct AddPartitions {
  std::string name;
  Uuid uuid;
  uint32_t before = 0;                 // that the leader saw: added to another number they would not be what was asked for
  std::vector<PartitionRecord> added;  // behind those that are there; log ids are given when applied
  uint64_t partitions_max = UINT64_MAX;  // as in CreateTopic
};
struct ForgetTombstone {
  Uuid uuid;
};
struct ReserveProducers {  // a block of producer ids for one broker
  uint32_t count = 0;
};
using Command = std::variant<CreateTopic, DeleteTopic, ForgetTombstone, ReserveProducers, AlterTopic, AddPartitions>;

}  // namespace ion::cluster
