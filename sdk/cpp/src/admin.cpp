#include <ion/client/admin.h>

#include "admin_codec.h"
#include "produce_codec.h"
#include "runtime.h"

namespace ion::client {

Result<TopicView> Admin::create_topic(const NewTopic& topic, Nanos timeout) {
  ION_TRY(const std::string bytes, runtime_->call({method::kCreateTopic, codec::encode_create_topic(topic), timeout}, Repeat::kUnsafe));
  return codec::decode_create_topic(bytes);
}

Result<std::vector<TopicView>> Admin::list_topics(std::string_view prefix, Nanos timeout) {
  ION_TRY(const std::string bytes, runtime_->call({method::kListTopics, codec::encode_list_topics(prefix), timeout}, Repeat::kSafe));
  return codec::decode_list_topics(bytes);
}

Result<TopicView> Admin::describe_topic(std::string_view name, Nanos timeout) {
  ION_TRY(const std::string bytes, runtime_->call({method::kDescribeTopic, codec::encode_name(name), timeout}, Repeat::kSafe));
  return codec::decode_describe_topic(bytes);
}

Status Admin::delete_topic(std::string_view name, Nanos timeout) {
  ION_CHECK(runtime_->call({method::kDeleteTopic, codec::encode_name(name), timeout}, Repeat::kUnsafe));
  return {};
}

Result<ClusterView> Admin::cluster_info(Nanos timeout) {
  ION_TRY(const std::string bytes, runtime_->call({method::kClusterInfo, {}, timeout}, Repeat::kSafe));
  return codec::decode_cluster_info(bytes);
}

Result<std::vector<PluginView>> Admin::list_plugins(Nanos timeout) {
  ION_TRY(const std::string bytes, runtime_->call({method::kListPlugins, {}, timeout}, Repeat::kSafe));
  return codec::decode_list_plugins(bytes);
}

Result<std::vector<PartitionOffset>> Admin::list_offsets(std::string_view topic, const std::vector<int32_t>& partitions, OffsetOf what, Nanos timeout) {
  ION_TRY(const std::string bytes, runtime_->call({method::kListOffsets, codec::encode_list_offsets(topic, partitions, what), timeout}, Repeat::kSafe));
  return codec::decode_offsets(bytes);
}

}  // namespace ion::client
