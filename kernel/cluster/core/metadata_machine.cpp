#include "cluster/core/metadata_machine.h"

namespace ion::cluster {

Result<Applied> MetadataMachine::apply(const Command& command) {
  if (const auto* c = std::get_if<CreateTopic>(&command)) return create(*c);
  if (const auto* c = std::get_if<DeleteTopic>(&command)) return erase(*c);
  if (const auto* c = std::get_if<AlterTopic>(&command)) return alter(*c);
  if (const auto* c = std::get_if<AddPartitions>(&command)) return add_partitions(*c);
  if (const auto* c = std::get_if<ForgetTombstone>(&command)) {
    tombstones_.erase(c->uuid);
    return Applied{};
  }
  return reserve(std::get<ReserveProducers>(command));
}

Result<Applied> MetadataMachine::create(const CreateTopic& c) {
  if (const auto there = topics_.find(c.topic.name); there != topics_.end()) {
    if (there->second->uuid != c.topic.uuid) return Status(ION_E_EXISTS, "topic " + c.topic.name + " exists", "TOPIC_EXISTS");
    Applied again;
    again.repeated = there->second;
    return again;
  }
  ION_CHECK(within_limits(c.topic.name, c.topic.partitions.size(), c.topics_max, c.partitions_max));
  if (next_log_id_ + c.topic.partitions.size() > kLogIdMax) return Status(ION_E_OUT_OF_RANGE, "log ids are used up");
  TopicRecord topic = c.topic;
  for (PartitionRecord& p : topic.partitions) p.log_id = {next_log_id_++};
  partitions_ += topic.partitions.size();
  auto made = std::make_shared<const TopicRecord>(std::move(topic));
  const bool fresh = topics_.emplace(made->name, made).second;
  ION_ASSERT(fresh);
  Applied applied;
  applied.created = std::move(made);
  return applied;
}

Result<TopicPtr> MetadataMachine::find(const std::string& name, const Uuid& uuid) const {
  const auto found = topics_.find(name);
  if (found == topics_.end() || found->second->uuid != uuid) return Status(ION_E_NOT_FOUND, "topic " + name + " is not there", "TOPIC_NOT_FOUND");
  return found->second;
}

Result<Applied> MetadataMachine::alter(const AlterTopic& c) {
  ION_TRY(const TopicPtr before, find(c.name, c.uuid));
  TopicRecord topic = *before;
  for (const auto& [key, value] : c.set) topic.config[key] = value;
  for (const std::string& key : c.unset) topic.config.erase(key);
  return replace(std::move(topic));
}

Result<Applied> MetadataMachine::add_partitions(const AddPartitions& c) {
  ION_TRY(const TopicPtr before, find(c.name, c.uuid));
  TopicRecord topic = *before;
  if (topic.partitions.size() != c.before)
    return Status(ION_E_CONFLICT, "topic " + c.name + " has " + std::to_string(topic.partitions.size()) + " partitions by now, not " + std::to_string(c.before), "PARTITIONS_CHANGED");
  ION_CHECK(within_limits(c.name, c.added.size(), UINT64_MAX, c.partitions_max));
  if (next_log_id_ + c.added.size() > kLogIdMax) return Status(ION_E_OUT_OF_RANGE, "log ids are used up");
  for (PartitionRecord p : c.added) {
    p.log_id = {next_log_id_++};
    topic.partitions.push_back(std::move(p));
  }
  partitions_ += c.added.size();
  return replace(std::move(topic));
}

Result<Applied> MetadataMachine::replace(TopicRecord topic) {
  Applied applied;
  applied.altered = std::make_shared<const TopicRecord>(std::move(topic));
  topics_[applied.altered->name] = applied.altered;
  return applied;
}

Status MetadataMachine::within_limits(const std::string& topic, uint64_t partitions, uint64_t topics_max, uint64_t partitions_max) const {
  if (topics_.size() >= topics_max)
    return {ION_E_OVERLOADED, "topic " + topic + ": " + std::to_string(topics_.size()) + " topics are there already, limits.topics_max is " + std::to_string(topics_max),
            "TOO_MANY_TOPICS"};
  if (partitions > partitions_max || partitions_ > partitions_max - partitions)
    return {ION_E_OVERLOADED, "topic " + topic + ": " + std::to_string(partitions_) + " partitions are there and " + std::to_string(partitions) +
                                  " more wanted, limits.partitions_max is " + std::to_string(partitions_max),
            "TOO_MANY_PARTITIONS"};
  return {};
}

Result<Applied> MetadataMachine::erase(const DeleteTopic& c) {
  Applied applied;
  ION_TRY(applied.deleted, find(c.name, c.uuid));
  ION_ASSERT(partitions_ >= applied.deleted->partitions.size());
  partitions_ -= applied.deleted->partitions.size();
  tombstones_[c.uuid] = {c.uuid, static_cast<uint32_t>(applied.deleted->partitions.size())};
  topics_.erase(c.name);
  return applied;
}

Result<Applied> MetadataMachine::reserve(const ReserveProducers& c) {
  if (c.count == 0 || next_producer_ > INT64_MAX - int64_t{c.count}) return Status(ION_E_OUT_OF_RANGE, "producer ids are used up");
  Applied applied;
  applied.first_producer = next_producer_;
  next_producer_ += c.count;
  ION_ASSERT(next_producer_ > applied.first_producer);
  return applied;
}

}  // namespace ion::cluster
