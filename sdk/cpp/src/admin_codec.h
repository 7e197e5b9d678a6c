// Requests and answers of the operators' side as bytes.
#pragma once
#include <ion/client/admin.h>

#include <string>
#include <string_view>
#include <vector>

namespace ion::client::codec {

std::string encode_create_topic(const NewTopic& topic);
Result<TopicView> decode_create_topic(std::string_view bytes);
std::string encode_list_topics(std::string_view prefix);
Result<std::vector<TopicView>> decode_list_topics(std::string_view bytes);
std::string encode_name(std::string_view name);  // DescribeTopic and DeleteTopic
Result<TopicView> decode_describe_topic(std::string_view bytes);
Result<ClusterView> decode_cluster_info(std::string_view bytes);
Result<std::vector<PluginView>> decode_list_plugins(std::string_view bytes);

}  // namespace ion::client::codec
