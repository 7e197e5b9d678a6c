// topic_create, topic_alter, topic_list, topic_describe, topic_delete, and what all verbs tell of a topic.
#include "pipeline/verb_paths.h"

#include <fmt/format.h>

#include <utility>

namespace ion::pipeline {

// One topic as the caller sees it: sized structs by pointer, alive for the call.
void VerbPaths::tell(const cluster::TopicRecord& record, const cluster::TopicEntry* entry, const ion_topic_req& r) const {
  if (r.each == nullptr) return;
  std::vector<ion_partition_info> partitions(record.partitions.size());
  std::vector<const ion_partition_info*> pointers;
  std::vector<std::vector<uint64_t>> replicas(record.partitions.size());
  for (size_t i = 0; i < partitions.size(); ++i) {
    const cluster::PartitionRecord& p = record.partitions[i];
    for (NodeId node : p.replicas) replicas[i].push_back(node.v);
    ion_partition_info& info = partitions[i];
    info = {sizeof(ion_partition_info), static_cast<int32_t>(i), p.leader.v, p.log_id.v, p.leader_epoch.v,
            static_cast<uint32_t>(replicas[i].size()), replicas[i].data(), -1, -1, 0, ION_OK, -1, -1};
    if (entry != nullptr && entry->partitions[i].get() != nullptr) {
      const partition::PartitionView view = entry->partitions[i].get()->view();
      info.log_start = view.log_start.v, info.high_watermark = view.high_watermark.v, info.bytes = view.bytes, info.health = view.health.code();
      info.bad_from = view.bad_from.v, info.bad_upto = view.bad_upto.v;
    } else if (entry != nullptr) {
      info.health = entry->partitions[i].health();
    }
    pointers.push_back(&info);
  }
  const cluster::TopicSettings settings = entry != nullptr ? entry->settings : controller_.settings_of(record);
  const std::map<std::string, std::string> shown = cluster::show_settings(settings);
  std::vector<ion_field> config;
  for (const auto& [key, value] : shown)
    if (record.config.contains(key)) config.push_back({bytes_of(key), bytes_of(value)});
  const auto set = static_cast<uint32_t>(config.size());
  for (const auto& [key, value] : shown)
    if (!record.config.contains(key)) config.push_back({bytes_of(key), bytes_of(value)});
  ion_topic_info info{sizeof(ion_topic_info), 0, bytes_of(record.name), {}, record.replication, static_cast<uint32_t>(pointers.size()),
                      pointers.data(), config.data(), static_cast<uint32_t>(config.size()), set};
  std::copy(record.uuid.bytes.begin(), record.uuid.bytes.end(), info.uuid);
  r.each(r.ctx, &info);
}

Answer VerbPaths::topic_create(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  cluster::NewTopic topic;
  topic.name = text_of(r.name);
  topic.partitions = r.partitions == 0 ? services_.limits.partitions_default : r.partitions;
  topic.replication = r.replication == 0 ? 1 : r.replication;
  topic.dry_run = (r.flags & ION_TOPIC_DRY_RUN) != 0;
  for (uint32_t i = 0; i < r.nconfig; ++i) topic.config[std::string(text_of(r.config[i].key))] = text_of(r.config[i].value);
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  // `r` and `a` are the caller's until completion.
  controller_.create_topic(std::move(topic), [this, later, &r, &a](Result<cluster::TopicPtr> made) {
    if (!made) return explain(a.error, made.error()), later->fail(made.error());
    if ((r.flags & ION_TOPIC_DRY_RUN) != 0) {
      tell(**made, nullptr, r);
      return later->ok();
    }
    // It is committed. Partitions that take longer to open, or cannot be opened, say so in their health.
    local_.when_open(*made, [this, later, &r, topic = *made] {
      const cluster::TopicEntryPtr entry = services_.view.find(topic->name);
      tell(*topic, entry != nullptr && entry->record->uuid == topic->uuid ? entry.get() : nullptr, r);
      later->ok();
    });
  });
  return op.pending();
}

Answer VerbPaths::topic_alter(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  cluster::TopicChange change;
  change.name = text_of(r.name);
  change.partitions = r.partitions;
  change.dry_run = (r.flags & ION_TOPIC_DRY_RUN) != 0;
  for (uint32_t i = 0; i < r.nconfig; ++i) {
    const std::string key(text_of(r.config[i].key));
    if (r.config[i].value.p == nullptr) change.unset.push_back(key);
    else change.set[key] = text_of(r.config[i].value);
  }
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  // `r` and `a` are the caller's until completion.
  controller_.alter_topic(std::move(change), [this, later, &r, &a](Result<cluster::TopicPtr> altered) {
    if (!altered) return explain(a.error, altered.error()), later->fail(altered.error());
    if ((r.flags & ION_TOPIC_DRY_RUN) != 0) {
      tell(**altered, nullptr, r);
      return later->ok();
    }
    local_.when_open(*altered, [this, later, &r, topic = *altered] {
      const cluster::TopicEntryPtr entry = services_.view.find(topic->name);
      tell(*topic, entry != nullptr && entry->record == topic ? entry.get() : nullptr, r);
      later->ok();
    });
  });
  return op.pending();
}

Answer VerbPaths::topic_list(Op& op, const ion_topic_req& r, ion_admin_answer&) {
  const auto topics = services_.view.current();
  const std::string_view prefix = text_of(r.name);
  for (auto it = topics->lower_bound(prefix); it != topics->end() && it->first.starts_with(prefix); ++it) {
    if (it->first.starts_with("__ion_") && (r.flags & ION_TOPIC_INTERNAL_TOO) == 0) continue;
    tell(*it->second->record, it->second.get(), r);
  }
  return op.ok();
}

Answer VerbPaths::topic_describe(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  const cluster::TopicEntryPtr entry = services_.view.find(text_of(r.name));
  if (entry == nullptr) return refuse(op, a.error, unknown_topic(text_of(r.name)));
  tell(*entry->record, entry.get(), r);
  return op.ok();
}

Answer VerbPaths::topic_delete(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  controller_.delete_topic(std::string(text_of(r.name)), [this, later, &a](Result<cluster::TopicPtr> gone) {
    if (!gone) return explain(a.error, gone.error()), later->fail(gone.error());
    local_.settle([later] { later->ok(); });
  });
  return op.pending();
}

Answer VerbPaths::topic_trim(Op& op, const ion_trim_req& r, ion_trim_answer& a) {
  const auto found = find_partition(services_.view, text_of(r.topic), {r.partition});
  if (!found) return refuse(op, a.error, found.error());
  const partition::PartitionPtr& partition = *found;
  if (r.before < -1) return refuse(op, a.error, Status(ION_E_INVALID, fmt::format("delete before offset {}: want an offset, or -1 for all", r.before)));
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  const Offset before = r.before == -1 ? partition->view().high_watermark : Offset{r.before};
  partition->trim(before, [later, partition = partition, &a](const Status& status) {
    if (!status.ok()) return explain(a.error, status), later->fail(status);
    a.log_start = partition->view().log_start.v;
    later->ok();
  });
  return op.pending();
}

}  // namespace ion::pipeline
