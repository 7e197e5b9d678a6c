#include "io/topic_codec.h"

#include "io/parse_codec.h"

#include <ion/bridge/crossing.h>
#include <ion/ids.h>

#include <ionstream/v1/fetch.pb.h>
#include <ionstream/v1/produce.pb.h>
#include <ionstream/v1/topic.pb.h>

#include <algorithm>
#include <string_view>

namespace ion::transport_grpc {
namespace {

namespace v1 = ionstream::v1;

std::string_view ended_text(const char* p, size_t n) { return {p, strnlen(p, n)}; }
void set(std::string* to, ion_bytes from) { to->assign(text_of(from)); }

void fill(v1::PartitionInfo& to, const ion_partition_info& raw) {
  const ion_partition_info from = bridge::take(&raw);  // an older kernel fills less
  to.set_partition(from.partition);
  to.set_leader(from.leader);
  to.set_leader_epoch(from.leader_epoch);
  for (uint32_t i = 0; i < from.nreplicas; ++i) to.add_replicas(from.replicas[i]);
  to.set_log_id(from.log_id);
  if (from.log_start >= 0) to.set_log_start(from.log_start);
  if (from.high_watermark >= 0) to.set_high_watermark(from.high_watermark);
  to.set_bytes(from.bytes);
  to.set_health(static_cast<v1::Code>(-to_code(from.health)));
}

void fill(v1::TopicInfo& to, const ion_topic_info& raw) {
  const ion_topic_info from = bridge::take(&raw);
  set(to.mutable_name(), from.name);
  Uuid uuid;
  std::copy_n(from.uuid, uuid.bytes.size(), uuid.bytes.begin());
  to.set_uuid(uuid.text());
  to.set_replication(from.replication);
  for (uint32_t i = 0; i < from.npartitions; ++i) fill(*to.add_partitions(), *from.partitions[i]);
  for (uint32_t i = 0; i < from.nconfig; ++i) {
    v1::TopicInfo::Setting* setting = to.add_config();
    set(setting->mutable_key(), from.config[i].key);
    set(setting->mutable_value(), from.config[i].value);
    setting->set_set(i < from.nconfig_set);
  }
}

void fill(v1::Limits& to, const ion_cluster_answer& cluster, uint64_t message_bytes_max) {
  to.set_record_bytes_max(cluster.record_bytes_max);
  to.set_batch_bytes_max(cluster.batch_bytes_max);
  to.set_message_bytes_max(message_bytes_max);
}

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    if (end != 0) items.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return items;
}

std::string_view state_name(uint32_t state) {
  switch (state) {
    case ION_PLUGIN_LOADED: return "loaded";
    case ION_PLUGIN_CREATED: return "created";
    case ION_PLUGIN_STARTED: return "started";
    case ION_PLUGIN_DRAINING: return "draining";
    case ION_PLUGIN_DRAINED: return "drained";
    case ION_PLUGIN_FAULTED: return "faulted";
    default: return "unknown";
  }
}

}  // namespace

Result<CreateTopicWish> read_create_topic(std::string_view request) {
  ION_TRY(const auto r, parse_request<v1::CreateTopicRequest>(request));
  CreateTopicWish wish{r.name(), r.partitions(), r.replication(), {}, r.dry_run()};
  for (const auto& [key, value] : r.config()) wish.config.emplace_back(key, value);
  std::sort(wish.config.begin(), wish.config.end());
  return wish;
}

Result<ListTopicsWish> read_list_topics(std::string_view request) {
  ION_TRY(const auto r, parse_request<v1::ListTopicsRequest>(request));
  return ListTopicsWish{r.prefix(), r.internal_too()};
}

Result<std::string> read_describe_topic(std::string_view request) {
  ION_TRY(const auto r, parse_request<v1::DescribeTopicRequest>(request));
  return r.name();
}

Result<std::string> read_delete_topic(std::string_view request) {
  ION_TRY(const auto r, parse_request<v1::DeleteTopicRequest>(request));
  return r.name();
}

Result<std::vector<std::string>> read_metadata(std::string_view request) {
  ION_TRY(const auto r, parse_request<v1::MetadataRequest>(request));
  return std::vector<std::string>(r.topics().begin(), r.topics().end());
}

Result<ListOffsetsWish> read_list_offsets(std::string_view request) {
  ION_TRY(const auto r, parse_request<v1::ListOffsetsRequest>(request));
  ListOffsetsWish wish{r.topic(), {r.partitions().begin(), r.partitions().end()}, ION_OFFSET_START, r.time_ms()};
  switch (r.what()) {
    case v1::ListOffsetsRequest::WHAT_START: wish.what = ION_OFFSET_START; break;
    case v1::ListOffsetsRequest::WHAT_END: wish.what = ION_OFFSET_END; break;
    case v1::ListOffsetsRequest::WHAT_TIME: wish.what = ION_OFFSET_TIME; break;
    default:
      return Status(ION_E_INVALID, "ListOffsetsRequest: want what = START, END or TIME, have " + std::to_string(static_cast<int>(r.what())));
  }
  return wish;
}

std::string write_list_offsets(const std::vector<OffsetEntry>& entries) {
  v1::ListOffsetsResponse response;
  for (const OffsetEntry& entry : entries) {
    auto* to = response.add_offsets();
    to->set_partition(entry.partition);
    to->set_offset(entry.offset);
    to->set_time_ms(entry.time_ms);
    if (entry.error) (void)to->mutable_error()->ParseFromString(error_detail(*entry.error));
  }
  return response.SerializeAsString();
}

struct TopicAnswers::Gathered {
  v1::ListTopicsResponse topics;
  v1::ClusterInfoResponse brokers;
};

TopicAnswers::TopicAnswers() : gathered_(std::make_unique<Gathered>()) {}
TopicAnswers::~TopicAnswers() = default;

void TopicAnswers::each(void* self, const ion_topic_info* topic) noexcept {
  fill(*static_cast<TopicAnswers*>(self)->gathered_->topics.add_topics(), *topic);
}

void TopicAnswers::each_broker(void* self, const ion_broker_info* broker) noexcept {
  const ion_broker_info from = bridge::take(broker);
  v1::BrokerInfo* to = static_cast<TopicAnswers*>(self)->gathered_->brokers.add_brokers();
  to->set_node(from.node);
  set(to->mutable_address(), from.address);
  set(to->mutable_rack(), from.rack);
  set(to->mutable_version(), from.version);
}

void TopicAnswers::failed(const std::string& topic, const Failure& failure) {
  v1::TopicInfo* to = gathered_->topics.add_topics();
  to->set_name(topic);
  (void)to->mutable_error()->ParseFromString(error_detail(failure));
}

size_t TopicAnswers::topics() const { return static_cast<size_t>(gathered_->topics.topics_size()); }
uint32_t TopicAnswers::partitions_of_first() const {
  return topics() == 0 ? 0 : static_cast<uint32_t>(gathered_->topics.topics(0).partitions_size());
}

std::string TopicAnswers::created() const {
  v1::CreateTopicResponse response;
  if (topics() != 0) *response.mutable_topic() = gathered_->topics.topics(0);
  return response.SerializeAsString();
}
std::string TopicAnswers::listed() const { return gathered_->topics.SerializeAsString(); }
std::string TopicAnswers::described() const {
  v1::DescribeTopicResponse response;
  if (topics() != 0) *response.mutable_topic() = gathered_->topics.topics(0);
  return response.SerializeAsString();
}
std::string TopicAnswers::metadata(const ion_cluster_answer& cluster, uint64_t message_bytes_max) const {
  v1::MetadataResponse response;
  response.set_cluster_id(std::string(ended_text(cluster.cluster_id, sizeof cluster.cluster_id)));
  response.set_controller(cluster.controller);
  *response.mutable_brokers() = gathered_->brokers.brokers();
  *response.mutable_topics() = gathered_->topics.topics();
  fill(*response.mutable_limits(), cluster, message_bytes_max);
  return response.SerializeAsString();
}
std::string TopicAnswers::cluster_info(const ion_cluster_answer& cluster, uint64_t message_bytes_max) const {
  v1::ClusterInfoResponse response = gathered_->brokers;
  response.set_cluster_id(std::string(ended_text(cluster.cluster_id, sizeof cluster.cluster_id)));
  response.set_controller(cluster.controller);
  response.set_node(cluster.node);
  response.set_version(std::string(ended_text(cluster.version, sizeof cluster.version)));
  response.set_topics(cluster.topics);
  response.set_partitions(cluster.partitions);
  response.set_started_ms(cluster.started_ms);
  fill(*response.mutable_limits(), cluster, message_bytes_max);
  return response.SerializeAsString();
}

struct PluginAnswers::Gathered {
  v1::ListPluginsResponse plugins;
};
PluginAnswers::PluginAnswers() : gathered_(std::make_unique<Gathered>()) {}
PluginAnswers::~PluginAnswers() = default;

void PluginAnswers::each(void* self, const ion_plugin_info* plugin) noexcept {
  const ion_plugin_info from = bridge::take(plugin);
  v1::PluginInfo* to = static_cast<PluginAnswers*>(self)->gathered_->plugins.add_plugins();
  set(to->mutable_name(), from.name);
  set(to->mutable_id(), from.id);
  set(to->mutable_version(), from.version);
  set(to->mutable_build(), from.build);
  set(to->mutable_file(), from.file);
  set(to->mutable_sha256(), from.sha256);
  for (const std::string_view item : split(text_of(from.provides))) to->add_provides(std::string(item));
  for (const std::string_view item : split(text_of(from.needs))) to->add_needs(std::string(item));
  to->set_state(std::string(state_name(from.state)));
  set(to->mutable_last_error(), from.last_error);
  to->set_faults(from.faults);
}
std::string PluginAnswers::listed() const { return gathered_->plugins.SerializeAsString(); }

std::string write_init_producer(const ion_producer_answer& answer) {
  v1::InitProducerResponse response;
  response.set_producer_id(answer.producer_id);
  response.set_producer_epoch(answer.epoch);
  return response.SerializeAsString();
}
std::string write_delete_topic() { return {}; }

}  // namespace ion::transport_grpc
