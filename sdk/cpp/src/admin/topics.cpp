#include <ion/client/admin.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "admin_codec.h"
#include "produce_codec.h"
#include "runtime.h"

namespace ion::client {

namespace {
constexpr Nanos kAskAgain = milliseconds(50);

bool is_as_wanted(const TopicView& there, const NewTopic& wanted) {
  if (wanted.partitions != 0 && there.partitions.size() != wanted.partitions) return false;
  if (wanted.replication != 0 && there.replication != wanted.replication) return false;
  for (const auto& [key, value] : wanted.config) {
    const bool same = std::any_of(there.config.begin(), there.config.end(), [&](const Setting& s) { return s.key == key && s.value == value; });
    if (!same) return false;
  }
  return true;
}
}  // namespace

Result<TopicView> Admin::create_topic(const NewTopic& topic, Nanos timeout) {
  Status unanswered;
  const Result<std::string> bytes = runtime_->call({method::kCreateTopic, codec::encode_create_topic(topic), timeout}, Repeat::kUnsafe, &unanswered);
  if (bytes) return codec::decode_create_topic(*bytes);
  if (bytes.error().code() != ION_E_EXISTS || unanswered.ok()) return bytes.error();
  // The topic that is there may be what the attempt without an answer has made.
  Result<TopicView> there = describe_topic(topic.name, timeout);
  if (there && is_as_wanted(*there, topic)) return there;
  return Status(ION_E_UNKNOWN_OUTCOME, "topic " + topic.name + " is there now, not as it was asked for, and an attempt to make it got no answer: " + unanswered.message(),
                "TOPIC_EXISTS");
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
  Status unanswered;
  const Result<std::string> bytes = runtime_->call({method::kDeleteTopic, codec::encode_name(name), timeout}, Repeat::kUnsafe, &unanswered);
  if (bytes || (bytes.error().code() == ION_E_NOT_FOUND && !unanswered.ok())) return {};  // the attempt without an answer has deleted it
  return bytes.error();
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
  // A partition that is still being opened, or that has just moved, is asked again as a call would be.
  const Instant end = Driver::now() + timeout;
  for (;;) {
    const Nanos left = std::max(end - Driver::now(), milliseconds(1));
    ION_TRY(const std::string bytes, runtime_->call({method::kListOffsets, codec::encode_list_offsets(topic, partitions, what), left}, Repeat::kSafe));
    ION_TRY(std::vector<PartitionOffset> offsets, codec::decode_offsets(bytes));
    const bool again = std::any_of(offsets.begin(), offsets.end(), [](const auto& o) { return is_retriable(o.error.code(), Repeat::kSafe); });
    if (!again || end - Driver::now() <= kAskAgain) return offsets;
    std::this_thread::sleep_for(std::chrono::nanoseconds(kAskAgain.n));
  }
}

}  // namespace ion::client
