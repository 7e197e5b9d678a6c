// What a topic may be called and what may be set on it. Pure.
#pragma once
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ion::cluster {

// 1 to 249 of a-z A-Z 0-9 . _ -, not "." or "..", not a name that the broker keeps for itself. INVALID, reason INVALID_TOPIC.
Status check_topic_name(std::string_view name);

// Settings of a topic, effective: what the user set over the defaults.
struct TopicSettings {
  bool fsync = true;            // durability = fsync | os
  uint64_t segment_bytes = 0;   // segment.bytes; 0: the storage's own setting
  Nanos segment_age{};          // segment.ms; 0: never
  Nanos retention_age{};        // retention.ms; 0: for ever (-1 in the setting)
  Nanos producer_expiry{};      // of the broker, no setting of a topic: when the state of a producer is forgotten
  uint64_t retention_bytes = 0; // retention.bytes, of a partition; 0: no bound (-1 in the setting)
  bool deletes = true, compacts = false;       // cleanup.policy = delete | compact | compact,delete
  Nanos compaction_lag_min{}, compaction_lag_max{};  // min.compaction.lag.ms, max.compaction.lag.ms; most 0: none (-1 in the setting)
  Nanos tombstone_age = seconds(86'400);       // delete.retention.ms
  uint32_t dirty_ppm = 500'000;                // min.cleanable.dirty.ratio, in millionths
  uint64_t batch_bytes_max = 0; // max.message.bytes; 0: what the broker takes
  bool append_time = false;     // message.timestamp.type = CreateTime | LogAppendTime
  // message.timestamp.before.max.ms and .after.max.ms: how far a time of a producer may lie from the broker's clock; none: any (-1).
  // Nothing in a broker goes by the times of records, so by default any is taken.
  std::optional<Nanos> time_before_max, time_after_max;
};
inline constexpr uint64_t kBatchBytesMaxMin = 1u << 10;
inline constexpr uint64_t kSegmentBytesMin = 64u << 10, kSegmentBytesMax = 4ull << 30;

// INVALID with reason INVALID_CONFIG for an unknown key (with a suggestion) or a bad value; UNSUPPORTED for keys of later versions.
Result<TopicSettings> read_settings(const std::map<std::string, std::string>& config, const TopicSettings& defaults);
// INVALID for a key that is none, with a suggestion.
Status check_setting_name(std::string_view key);
// Keys and values as an operator reads them.
std::map<std::string, std::string> show_settings(const TopicSettings& settings);

}  // namespace ion::cluster
