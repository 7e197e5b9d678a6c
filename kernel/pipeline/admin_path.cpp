#include "pipeline/admin_path.h"

#include <fmt/format.h>

#include <utility>

namespace ion::pipeline {

namespace {
Answer refuse(Op& op, ion_error_info* error, const Status& why) {
  explain(error, why);
  return op.refuse(why);
}
Status unknown_topic(std::string_view name) { return {ION_E_NOT_FOUND, fmt::format("topic '{}' is not there", name), "TOPIC_NOT_FOUND"}; }
}  // namespace

// One topic as the caller sees it: sized structs by pointer, alive for the call.
void AdminPath::tell(const cluster::TopicRecord& record, const cluster::TopicEntry* entry, const ion_topic_req& r) const {
  if (r.each == nullptr) return;
  std::vector<ion_partition_info> partitions(record.partitions.size());
  std::vector<const ion_partition_info*> pointers;
  std::vector<std::vector<uint64_t>> replicas(record.partitions.size());
  for (size_t i = 0; i < partitions.size(); ++i) {
    const cluster::PartitionRecord& p = record.partitions[i];
    for (NodeId node : p.replicas) replicas[i].push_back(node.v);
    ion_partition_info& info = partitions[i];
    info = {sizeof(ion_partition_info), static_cast<int32_t>(i), p.leader.v, p.log_id.v, p.leader_epoch.v,
            static_cast<uint32_t>(replicas[i].size()), replicas[i].data(), -1, -1, 0, ION_OK};
    if (entry != nullptr && entry->partitions[i].get() != nullptr) {
      const partition::PartitionView view = entry->partitions[i].get()->view();
      info.log_start = view.log_start.v, info.high_watermark = view.high_watermark.v, info.bytes = view.bytes, info.health = view.health.code();
    } else if (entry != nullptr) {
      info.health = entry->partitions[i].health();
    }
    pointers.push_back(&info);
  }
  const cluster::TopicSettings settings = entry != nullptr ? entry->settings : cluster::read_settings(record.config, {}).value_or({});
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

void AdminPath::tell_broker(ion_broker_fn each, void* ctx) const {
  if (each == nullptr) return;
  const ion_broker_info me{sizeof(ion_broker_info), 0, identity_.node.v, bytes_of(identity_.address), bytes_of(identity_.rack), bytes_of(identity_.version)};
  each(ctx, &me);
}

Answer AdminPath::init_producer(Op& op, const ion_producer_req&, ion_producer_answer& a) {
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  producers_.next([later, &a](Result<int64_t> id) {
    if (!id) return explain(a.error, id.error()), later->fail(id.error());
    a.producer_id = *id;
    a.epoch = 0;
    later->ok(static_cast<uint64_t>(*id));
  });
  return op.pending();
}

Answer AdminPath::metadata(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  if (r.name.n != 0) {
    const cluster::TopicEntryPtr entry = services_.view.find(text_of(r.name));
    if (entry == nullptr) return refuse(op, a.error, unknown_topic(text_of(r.name)));
    tell_broker(r.each_broker, r.ctx);
    tell(*entry->record, entry.get(), r);
    return op.ok();
  }
  tell_broker(r.each_broker, r.ctx);
  const auto topics = services_.view.current();
  for (const auto& [name, entry] : *topics) tell(*entry->record, entry.get(), r);
  return op.ok();
}

Answer AdminPath::topic_create(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
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

Answer AdminPath::topic_list(Op& op, const ion_topic_req& r, ion_admin_answer&) {
  const auto topics = services_.view.current();
  const std::string_view prefix = text_of(r.name);
  for (auto it = topics->lower_bound(prefix); it != topics->end() && it->first.starts_with(prefix); ++it) {
    if (it->first.starts_with("__ion_") && (r.flags & ION_TOPIC_INTERNAL_TOO) == 0) continue;
    tell(*it->second->record, it->second.get(), r);
  }
  return op.ok();
}

Answer AdminPath::topic_describe(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  const cluster::TopicEntryPtr entry = services_.view.find(text_of(r.name));
  if (entry == nullptr) return refuse(op, a.error, unknown_topic(text_of(r.name)));
  tell(*entry->record, entry.get(), r);
  return op.ok();
}

Answer AdminPath::topic_delete(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  auto later = std::make_shared<Later>(op.later());  // shared: std::function copies
  controller_.delete_topic(std::string(text_of(r.name)), [this, later, &a](Result<cluster::TopicPtr> gone) {
    if (!gone) return explain(a.error, gone.error()), later->fail(gone.error());
    local_.settle([later] { later->ok(); });
  });
  return op.pending();
}

Answer AdminPath::plugin_list(Op& op, const ion_plugin_req& r, ion_admin_answer&) {
  if (r.each != nullptr && plugins_) plugins_(r.each, r.ctx);
  return op.ok();
}

Answer AdminPath::cluster_info(Op& op, const ion_cluster_req& r, ion_cluster_answer& a) {
  a.node = a.controller = identity_.node.v;
  std::snprintf(a.cluster_id, sizeof a.cluster_id, "%s", identity_.cluster_id.c_str());
  std::snprintf(a.version, sizeof a.version, "%s", identity_.version.c_str());
  const auto topics = services_.view.current();
  a.topics = topics->size();
  a.partitions = 0;
  for (const auto& [name, entry] : *topics) a.partitions += entry->partitions.size();
  a.started_ms = static_cast<uint64_t>(identity_.started.ms);
  a.record_bytes_max = services_.limits.record_bytes_max, a.batch_bytes_max = services_.limits.batch_bytes_max;
  tell_broker(r.each_broker, r.ctx);
  return op.ok();
}

Status AdminPath::partition_of(const ion_partition_req& r, ion_partition_answer& a) {
  const auto answer = [&](Status why) {
    explain(a.error, why);
    return why;
  };
  const cluster::TopicEntryPtr entry = services_.view.find(text_of(r.topic));
  if (entry == nullptr) return answer(unknown_topic(text_of(r.topic)));
  if (services_.router == nullptr) return answer(Status(ION_E_UNSUPPORTED, "no plugin provides ion.router/1: name the partition", "NO_ROUTER"));
  a.partitions = static_cast<uint32_t>(entry->partitions.size());
  auto chosen = services_.router->partition(text_of(r.topic), span_of(r.key), a.partitions);
  if (!chosen) return answer(chosen.error());
  a.partition = chosen->v;
  return {};
}

}  // namespace ion::pipeline
