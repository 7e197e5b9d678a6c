// Controller: what is decided before a change of a topic is proposed. Everything that is not pure happens here (ids, time, placement), and
// what cannot be is refused without an entry in the metadata log.
#include "cluster/controller.h"

#include <fmt/format.h>

namespace ion::cluster {

Status Controller::check_settings(const std::string& topic, const std::map<std::string, std::string>& config) const {
  ION_TRY(const TopicSettings settings, read_settings(config, world_.defaults));
  if (settings.fsync && world_.volatile_storage)
    return {ION_E_UNSUPPORTED, fmt::format("topic {}: durability=fsync wanted, the storage plugin keeps records in memory only", topic), "INVALID_CONFIG"};
  if (settings.compacts && !world_.compacts)
    return {ION_E_UNSUPPORTED, fmt::format("topic {}: cleanup.policy=compact wanted, the storage plugin cannot replace parts of a log", topic), "INVALID_CONFIG"};
  if (const uint64_t taken = world_.defaults.batch_bytes_max; taken != 0 && settings.batch_bytes_max > taken)
    return {ION_E_INVALID, fmt::format("topic {}: max.message.bytes is {}, this broker takes batches of {} bytes at most (limits.batch_bytes_max)", topic, settings.batch_bytes_max, taken), "INVALID_CONFIG"};
  return {};
}

Status Controller::check_process_limits(const std::string& topic, uint64_t more) const {
  const uint64_t partitions = machine_.partitions() + more;
  if (const uint64_t maps = partitions * kMapsOfPartition; maps > world_.limits.maps_max)
    return {ION_E_OVERLOADED, fmt::format("topic {}: with its {} partitions the logs would need {} maps of files, this process may hold {} for them: raise `sysctl vm.max_map_count`",
                                          topic, more, maps, world_.limits.maps_max), "TOO_FEW_MAPS"};
  const uint64_t descriptors = partitions * kDescriptorsOfPartition;
  if (descriptors <= world_.limits.descriptors_max) return {};
  return {ION_E_OVERLOADED, fmt::format("topic {}: with its {} partitions the logs would need {} open files (descriptors), this process may hold {} for them: raise `ulimit -n`",
                                        topic, more, descriptors, world_.limits.descriptors_max), "TOO_FEW_DESCRIPTORS"};
}

Result<Command> Controller::plan(const NewTopic& topic) {
  ION_CHECK(check_topic_name(topic.name));
  if (machine_.topics().contains(topic.name)) return Status(ION_E_EXISTS, "topic " + topic.name + " exists", "TOPIC_EXISTS");
  if (topic.partitions < 1 || topic.partitions > kPartitionsOfTopicMax)
    return Status(ION_E_INVALID, fmt::format("topic {}: want 1 to {} partitions, have {}", topic.name, kPartitionsOfTopicMax, topic.partitions), "INVALID_PARTITIONS");
  if (topic.replication != 1)
    return Status(ION_E_UNSUPPORTED, fmt::format("topic {}: {} replicas wanted, this cluster has 1 broker", topic.name, topic.replication), "INVALID_REPLICATION");
  ION_CHECK(check_settings(topic.name, topic.config));
  ION_CHECK(machine_.within_limits(topic.name, topic.partitions, world_.limits.topics_max, world_.limits.partitions_max));
  ION_CHECK(check_process_limits(topic.name, topic.partitions));
  CreateTopic create;
  create.topic.name = topic.name;
  create.topics_max = world_.limits.topics_max, create.partitions_max = world_.limits.partitions_max;
  create.topic.uuid = Uuid::random(world_.random.u64(), world_.random.u64());
  create.topic.created = world_.clock.wall();
  create.topic.replication = topic.replication;
  create.topic.config = topic.config;
  ION_TRY(create.topic.partitions, place(topic, world_.random.u64()));
  return Command(std::move(create));
}

Result<std::vector<PartitionRecord>> Controller::place(const NewTopic& topic, uint64_t seed) {
  std::vector<NodeId> rows(topic.partitions * topic.replication, world_.node);
  if (world_.router != nullptr) {
    const ion_place_broker me{world_.node.v, {}, machine_.partitions()};
    ION_TRY(rows, world_.router->place({topic.partitions, topic.replication, std::span<const ion_place_broker>(&me, 1), seed}));
    if (rows.size() != size_t{topic.partitions} * topic.replication)
      return Status(ION_E_INTERNAL, fmt::format("ion.router/1 placed {} replicas, wanted {}", rows.size(), topic.partitions * topic.replication));
  }
  std::vector<PartitionRecord> records(topic.partitions);
  for (size_t p = 0; p < records.size(); ++p) {
    const auto from = rows.begin() + static_cast<std::ptrdiff_t>(p * topic.replication);
    records[p].replicas.assign(from, from + topic.replication);
    records[p].leader = records[p].replicas.front();
  }
  return records;
}

Result<Command> Controller::plan_change(const TopicChange& change) {
  const auto invalid = [&](std::string words) { return Status(ION_E_INVALID, fmt::format("topic {}: {}", change.name, words), "INVALID_CONFIG"); };
  const auto found = machine_.topics().find(change.name);
  if (found == machine_.topics().end()) return Status(ION_E_NOT_FOUND, "topic '" + change.name + "' is not there", "TOPIC_NOT_FOUND");
  const TopicRecord& topic = *found->second;
  const bool settings = !change.set.empty() || !change.unset.empty();
  if (settings && change.partitions != 0) return invalid("settings or the number of partitions, one at a time");
  if (change.partitions != 0) return plan_more_partitions(topic, change.partitions);
  if (!settings) return invalid("nothing to change was given");
  std::map<std::string, std::string> config = topic.config;
  for (const auto& [key, value] : change.set) config[key] = value;
  for (const std::string& key : change.unset) {
    if (change.set.contains(key)) return invalid(fmt::format("{} cannot be set and set back at once", key));
    ION_CHECK(check_setting_name(key));
    config.erase(key);
  }
  ION_CHECK(check_settings(topic.name, config));
  return Command(AlterTopic{topic.name, topic.uuid, change.set, change.unset});
}

Result<Command> Controller::plan_more_partitions(const TopicRecord& topic, uint32_t wanted) {
  const auto have = static_cast<uint32_t>(topic.partitions.size());
  if (wanted <= have || wanted > kPartitionsOfTopicMax)
    return Status(ION_E_INVALID, fmt::format("topic {}: it has {} partitions and can have up to {}, {} are wanted: partitions can only be added", topic.name, have, kPartitionsOfTopicMax, wanted), "INVALID_PARTITIONS");
  ION_CHECK(machine_.within_limits(topic.name, wanted - have, UINT64_MAX, world_.limits.partitions_max));
  ION_CHECK(check_process_limits(topic.name, wanted - have));
  NewTopic more;
  more.partitions = wanted - have, more.replication = topic.replication;
  AddPartitions add{topic.name, topic.uuid, have, {}, world_.limits.partitions_max};
  ION_TRY(add.added, place(more, world_.random.u64()));
  return Command(std::move(add));
}

}  // namespace ion::cluster
