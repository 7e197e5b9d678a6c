#include "admin_codec.h"

#include "ionstream/v1/cluster.pb.h"
#include "ionstream/v1/topic.pb.h"
#include "status_codec.h"

namespace ion::client::codec {

namespace pb = ionstream::v1;

namespace {
template <class M>
Result<M> parse(std::string_view bytes, std::string_view what) {
  M m;
  if (!m.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Status(ION_E_INTERNAL, "the broker sent a " + std::string(what) + " that cannot be read");
  return m;
}

TopicView topic_of(const pb::TopicInfo& t) {
  TopicView out;
  out.name = t.name(), out.uuid = t.uuid(), out.replication = t.replication();
  for (const pb::PartitionInfo& p : t.partitions()) {
    PartitionView v;
    v.partition = {p.partition()}, v.leader = {p.leader()}, v.leader_epoch = {p.leader_epoch()};
    for (const uint64_t r : p.replicas()) v.replicas.push_back({r});
    v.log = {p.log_id()};
    if (p.has_log_start()) v.log_start = Offset{p.log_start()};
    if (p.has_high_watermark()) v.high_watermark = Offset{p.high_watermark()};
    v.bytes = p.bytes();
    v.health = code_of_proto(p.health());
    out.partitions.push_back(std::move(v));
  }
  for (const auto& s : t.config()) out.config.push_back({s.key(), s.value(), s.set() ? Setting::Origin::kUser : Setting::Origin::kDefault});
  if (t.has_error() && t.error().code() != pb::CODE_UNSPECIFIED) out.error = decode_error_detail(t.error().SerializeAsString()).status;
  return out;
}
BrokerView broker_of(const pb::BrokerInfo& b) { return {{b.node()}, b.address(), b.rack(), b.version()}; }
}  // namespace

std::string encode_create_topic(const NewTopic& topic) {
  pb::CreateTopicRequest m;
  m.set_name(topic.name);
  m.set_partitions(topic.partitions);
  m.set_replication(topic.replication);
  for (const auto& [key, value] : topic.config) (*m.mutable_config())[key] = value;
  m.set_dry_run(topic.mode == NewTopic::Mode::kDryRun);
  return m.SerializeAsString();
}

Result<TopicView> decode_create_topic(std::string_view bytes) {
  ION_TRY(const auto m, parse<pb::CreateTopicResponse>(bytes, "CreateTopicResponse"));
  return topic_of(m.topic());
}

std::string encode_list_topics(std::string_view prefix) {
  pb::ListTopicsRequest m;
  m.set_prefix(std::string(prefix));
  return m.SerializeAsString();
}

Result<std::vector<TopicView>> decode_list_topics(std::string_view bytes) {
  ION_TRY(const auto m, parse<pb::ListTopicsResponse>(bytes, "ListTopicsResponse"));
  std::vector<TopicView> out;
  for (const pb::TopicInfo& t : m.topics()) out.push_back(topic_of(t));
  return out;
}

std::string encode_name(std::string_view name) {
  pb::DescribeTopicRequest m;
  m.set_name(std::string(name));
  return m.SerializeAsString();
}

Result<TopicView> decode_describe_topic(std::string_view bytes) {
  ION_TRY(const auto m, parse<pb::DescribeTopicResponse>(bytes, "DescribeTopicResponse"));
  return topic_of(m.topic());
}

Result<ClusterView> decode_cluster_info(std::string_view bytes) {
  ION_TRY(const auto m, parse<pb::ClusterInfoResponse>(bytes, "ClusterInfoResponse"));
  ClusterView out;
  out.cluster_id = m.cluster_id(), out.controller = {m.controller()}, out.node = {m.node()}, out.version = m.version();
  for (const pb::BrokerInfo& b : m.brokers()) out.brokers.push_back(broker_of(b));
  out.record_bytes_max = m.limits().record_bytes_max(), out.batch_bytes_max = m.limits().batch_bytes_max();
  out.message_bytes_max = m.limits().message_bytes_max();
  out.topics = m.topics(), out.partitions = m.partitions(), out.started_ms = m.started_ms();
  return out;
}

Result<std::vector<PluginView>> decode_list_plugins(std::string_view bytes) {
  ION_TRY(const auto m, parse<pb::ListPluginsResponse>(bytes, "ListPluginsResponse"));
  std::vector<PluginView> out;
  for (const pb::PluginInfo& p : m.plugins())
    out.push_back({p.name(), p.id(), p.version(), p.build(), p.file(), p.sha256(), {p.provides().begin(), p.provides().end()},
                   {p.needs().begin(), p.needs().end()}, p.state(), p.last_error(), p.faults()});
  return out;
}

}  // namespace ion::client::codec
