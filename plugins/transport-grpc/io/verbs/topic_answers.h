// Gathers what the kernel tells by callbacks about topics and brokers, as messages of the wire. Not for several threads at once.
#pragma once
#include "core/failure.h"

#include <ion/abi/host/broker_api.h>
#include <ion/bridge/crossing.h>
#include <ion/ids.h>

#include <ionstream/v1/cluster.pb.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace ion::transport_grpc {

namespace v1 = ionstream::v1;

inline void set(std::string* to, ion_bytes from) { to->assign(text_of(from)); }
inline std::string ended_text(const char* p, size_t n) { return std::string(p, strnlen(p, n)); }

inline void fill(v1::PartitionInfo& to, const ion_partition_info& raw) {
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
  if (from.bad_upto > from.bad_from) to.set_bad_from(from.bad_from), to.set_bad_upto(from.bad_upto);
}

inline void fill(v1::TopicInfo& to, const ion_topic_info& raw) {
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

inline void fill(v1::Limits& to, const ion_cluster_answer& cluster, uint64_t message_bytes_max) {
  to.set_record_bytes_max(cluster.record_bytes_max);
  to.set_batch_bytes_max(cluster.batch_bytes_max);
  to.set_message_bytes_max(message_bytes_max);
}

struct TopicAnswers {
  google::protobuf::RepeatedPtrField<v1::TopicInfo> topics;
  google::protobuf::RepeatedPtrField<v1::BrokerInfo> brokers;

  // Callbacks of ion_topic_req and ion_cluster_req; `self` is the TopicAnswers.
  static void each(void* self, const ion_topic_info* topic) noexcept { fill(*static_cast<TopicAnswers*>(self)->topics.Add(), *topic); }
  static void each_broker(void* self, const ion_broker_info* broker) noexcept {
    const ion_broker_info from = bridge::take(broker);
    v1::BrokerInfo* to = static_cast<TopicAnswers*>(self)->brokers.Add();
    to->set_node(from.node);
    set(to->mutable_address(), from.address);
    set(to->mutable_rack(), from.rack);
    set(to->mutable_version(), from.version);
  }
  // Stands in the answer for that topic.
  void failed(const std::string& topic, const Failure& failure) {
    v1::TopicInfo* to = topics.Add();
    to->set_name(topic);
    (void)to->mutable_error()->ParseFromString(error_detail(failure));
  }
};

}  // namespace ion::transport_grpc
