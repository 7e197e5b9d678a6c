// Admin: what operators do, one blocking call each, retried until the timeout where that is safe. Any thread.
#pragma once
#include <ion/ids.h>
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::client {

class Runtime;

struct NewTopic {
  std::string name = {};
  uint32_t partitions = 0;   // 0: the broker's default
  uint32_t replication = 0;  // 0: the broker's default
  std::map<std::string, std::string> config = {};
  enum class Mode { kCreate, kDryRun } mode = Mode::kCreate;
};
struct PartitionView {
  PartitionId partition;
  NodeId leader;
  Epoch leader_epoch;
  std::vector<NodeId> replicas;
  LogId log;
  std::optional<Offset> log_start, high_watermark;
  uint64_t bytes = 0;
  Code health = ION_OK;
};
struct Setting {
  std::string key, value;
  enum class Origin { kDefault, kUser } origin = Origin::kDefault;
};
struct TopicView {
  std::string name, uuid;
  uint32_t replication = 0;
  std::vector<PartitionView> partitions;
  std::vector<Setting> config;
  Status error;  // of this topic, where many were asked for
};
struct BrokerView {
  NodeId node;
  std::string address, rack, version;
};
struct ClusterView {
  std::string cluster_id;
  NodeId controller, node;
  std::string version;
  std::vector<BrokerView> brokers;
  uint64_t topics = 0, partitions = 0, started_ms = 0;
  uint64_t record_bytes_max = 0, batch_bytes_max = 0, message_bytes_max = 0;  // what the broker takes; 0: it does not say
};
struct PluginView {
  std::string name, id, version, build, file, sha256;
  std::vector<std::string> provides, needs;
  std::string state, last_error;
  uint64_t faults = 0;
};
enum class OffsetOf { kStart, kEnd };
struct PartitionOffset {
  PartitionId partition;
  Offset offset;
  Status error;
};

class Admin {
 public:
  Result<TopicView> create_topic(const NewTopic& topic, Nanos timeout = seconds(10));
  Result<std::vector<TopicView>> list_topics(std::string_view prefix = {}, Nanos timeout = seconds(10));
  Result<TopicView> describe_topic(std::string_view name, Nanos timeout = seconds(10));
  Status delete_topic(std::string_view name, Nanos timeout = seconds(10));
  Result<ClusterView> cluster_info(Nanos timeout = seconds(10));
  Result<std::vector<PluginView>> list_plugins(Nanos timeout = seconds(10));
  // No partitions is all.
  Result<std::vector<PartitionOffset>> list_offsets(std::string_view topic, const std::vector<int32_t>& partitions, OffsetOf what,
                                                    Nanos timeout = seconds(10));

 private:
  friend class Client;
  explicit Admin(std::shared_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {}
  std::shared_ptr<Runtime> runtime_;  // shared by the client and all its handles
};

}  // namespace ion::client
