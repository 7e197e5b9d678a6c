// Topics: made, altered, listed, described, deleted.
#include <ion/client/admin.h>

#include <algorithm>

#include "ionstream/v1/admin.pb.h"
#include "parse_answer.h"
#include "runtime.h"
#include "status_codec.h"

namespace ion::client {

namespace pb = ionstream::v1;

namespace {
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
    if (p.has_bad_from() && p.has_bad_upto()) v.damaged = PartitionView::Damaged{{p.bad_from()}, {p.bad_upto()}};
    out.partitions.push_back(std::move(v));
  }
  for (const auto& s : t.config()) out.config.push_back({s.key(), s.value(), s.set() ? Setting::Origin::kUser : Setting::Origin::kDefault});
  if (t.has_error() && t.error().code() != pb::CODE_UNSPECIFIED) out.error = decode_error_detail(t.error().SerializeAsString()).status;
  return out;
}

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
  pb::CreateTopicRequest m;
  m.set_name(topic.name);
  m.set_partitions(topic.partitions);
  m.set_replication(topic.replication);
  for (const auto& [key, value] : topic.config) (*m.mutable_config())[key] = value;
  m.set_dry_run(topic.mode == NewTopic::Mode::kDryRun);
  Status unanswered;
  const Result<std::string> bytes = runtime_->call({"/ionstream.v1.Admin/CreateTopic", m.SerializeAsString(), timeout}, Repeat::kUnsafe, &unanswered);
  if (bytes) {
    ION_TRY(const auto made, parse_answer<pb::CreateTopicResponse>(*bytes));
    return topic_of(made.topic());
  }
  if (bytes.error().code() != ION_E_EXISTS || unanswered.ok()) return bytes.error();
  // The topic that is there may be what the attempt without an answer has made.
  Result<TopicView> there = describe_topic(topic.name, timeout);
  if (there && is_as_wanted(*there, topic)) return there;
  return Status(ION_E_UNKNOWN_OUTCOME, "topic " + topic.name + " is there now, not as it was asked for, and an attempt to make it got no answer: " + unanswered.message(),
                "TOPIC_EXISTS");
}

Result<std::vector<TopicView>> Admin::list_topics(std::string_view prefix, Nanos timeout) {
  pb::ListTopicsRequest m;
  m.set_prefix(std::string(prefix));
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Admin/ListTopics", m.SerializeAsString(), timeout}, Repeat::kSafe));
  ION_TRY(const auto listed, parse_answer<pb::ListTopicsResponse>(bytes));
  std::vector<TopicView> out;
  for (const pb::TopicInfo& t : listed.topics()) out.push_back(topic_of(t));
  return out;
}

Result<TopicView> Admin::describe_topic(std::string_view name, Nanos timeout) {
  pb::DescribeTopicRequest m;
  m.set_name(std::string(name));
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Admin/DescribeTopic", m.SerializeAsString(), timeout}, Repeat::kSafe));
  ION_TRY(const auto described, parse_answer<pb::DescribeTopicResponse>(bytes));
  return topic_of(described.topic());
}

Result<TopicView> Admin::alter_topic(const TopicChange& change, Nanos timeout) {
  pb::AlterTopicRequest m;
  m.set_name(change.name);
  for (const auto& [key, value] : change.set) (*m.mutable_set())[key] = value;
  for (const std::string& key : change.unset) m.add_unset(key);
  m.set_dry_run(change.mode == TopicChange::Mode::kDryRun);
  // Asking again sets the same.
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Admin/AlterTopic", m.SerializeAsString(), timeout}, Repeat::kSafe));
  ION_TRY(const auto altered, parse_answer<pb::AlterTopicResponse>(bytes));
  return topic_of(altered.topic());
}

Result<TopicView> Admin::add_partitions(std::string_view name, uint32_t partitions, TopicChange::Mode mode, Nanos timeout) {
  pb::AlterTopicRequest m;
  m.set_name(std::string(name));
  m.set_partitions(partitions);
  m.set_dry_run(mode == TopicChange::Mode::kDryRun);
  Status unanswered;
  const Result<std::string> bytes = runtime_->call({"/ionstream.v1.Admin/AlterTopic", m.SerializeAsString(), timeout}, Repeat::kUnsafe, &unanswered);
  if (bytes) {
    ION_TRY(const auto altered, parse_answer<pb::AlterTopicResponse>(*bytes));
    return topic_of(altered.topic());
  }
  if (unanswered.ok()) return bytes.error();
  Result<TopicView> there = describe_topic(name, timeout);  // the attempt without an answer may have done it
  if (there && there->partitions.size() == partitions) return there;
  return bytes.error();
}

Status Admin::delete_topic(std::string_view name, Nanos timeout) {
  pb::DeleteTopicRequest m;
  m.set_name(std::string(name));
  Status unanswered;
  const Result<std::string> bytes = runtime_->call({"/ionstream.v1.Admin/DeleteTopic", m.SerializeAsString(), timeout}, Repeat::kUnsafe, &unanswered);
  if (bytes || (bytes.error().code() == ION_E_NOT_FOUND && !unanswered.ok())) return {};  // the attempt without an answer has deleted it
  return bytes.error();
}

}  // namespace ion::client
