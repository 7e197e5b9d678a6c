// Requests and answers about topics, metadata and offsets. Values only; any thread.
#pragma once
#include "core/failure.h"

#include <ion/abi/host/broker_api.h>
#include <ion/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ion::transport_grpc {

struct CreateTopicWish {
  std::string name;
  uint32_t partitions = 0, replication = 0;
  std::vector<std::pair<std::string, std::string>> config;  // sorted by key
  bool dry_run = false;
};
Result<CreateTopicWish> read_create_topic(std::string_view request);

struct ListTopicsWish {
  std::string prefix;
  bool internal_too = false;
};
Result<ListTopicsWish> read_list_topics(std::string_view request);
Result<std::string> read_describe_topic(std::string_view request);  // the name
Result<std::string> read_delete_topic(std::string_view request);
Result<std::vector<std::string>> read_metadata(std::string_view request);

struct ListOffsetsWish {
  std::string topic;
  std::vector<int32_t> partitions;  // none: all
  uint32_t what = ION_OFFSET_START;
  int64_t time_ms = 0;
};
Result<ListOffsetsWish> read_list_offsets(std::string_view request);
struct OffsetEntry {
  int32_t partition = 0;
  int64_t offset = 0, time_ms = 0;
  std::optional<Failure> error;
};
std::string write_list_offsets(const std::vector<OffsetEntry>& entries);

// Gathers what the kernel tells by `each`, and writes it as whichever answer was asked for. Not for several threads at once.
class TopicAnswers {
 public:
  TopicAnswers();
  ~TopicAnswers();
  TopicAnswers(const TopicAnswers&) = delete;
  TopicAnswers& operator=(const TopicAnswers&) = delete;

  static void each(void* self, const ion_topic_info* topic) noexcept;
  static void each_broker(void* self, const ion_broker_info* broker) noexcept;
  void failed(const std::string& topic, const Failure& failure);  // stands for that topic
  size_t topics() const;
  uint32_t partitions_of_first() const;

  std::string created() const;
  std::string listed() const;
  std::string described() const;
  std::string metadata(const ion_cluster_answer& cluster, uint64_t message_bytes_max) const;
  std::string cluster_info(const ion_cluster_answer& cluster, uint64_t message_bytes_max) const;

 private:
  struct Gathered;
  std::unique_ptr<Gathered> gathered_;
};

// The same for ListPlugins.
class PluginAnswers {
 public:
  PluginAnswers();
  ~PluginAnswers();
  PluginAnswers(const PluginAnswers&) = delete;
  PluginAnswers& operator=(const PluginAnswers&) = delete;
  static void each(void* self, const ion_plugin_info* plugin) noexcept;
  std::string listed() const;

 private:
  struct Gathered;
  std::unique_ptr<Gathered> gathered_;
};

std::string write_init_producer(const ion_producer_answer& answer);
std::string write_delete_topic();

}  // namespace ion::transport_grpc
