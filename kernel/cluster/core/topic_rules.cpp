#include "cluster/core/topic_rules.h"

#include <ion/suggestion.h>
#include <ion/units.h>

#include <algorithm>
#include <array>
#include <vector>

namespace ion::cluster {

namespace {

// Accepted by no version before the one that obeys them: an ignored promise is worse than a refusal.
constexpr std::array kLater{"compression.type"};

Status invalid(std::string words) { return {ION_E_INVALID, std::move(words), "INVALID_CONFIG"}; }

Status bad_value(std::string_view key, std::string_view wanted, std::string_view value) {
  return invalid("topic setting " + std::string(key) + ": want " + std::string(wanted) + ", have '" + std::string(value) + "'");
}

// A number alone is in milliseconds; -1 is none, which the settings keep as 0.
Result<Nanos> limit_of_time(std::string_view key, std::string_view value) {
  constexpr std::string_view kWanted = "milliseconds, a time with a unit such as 7d, or -1 for no limit";
  if (value == "-1") return Nanos{};
  const bool number = !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
  const Result<Nanos> time = parse_duration(number ? std::string(value) + "ms" : std::string(value));
  if (!time || time->n < milliseconds(1).n) return bad_value(key, kWanted, value);
  return *time;
}
Result<uint64_t> limit_of_bytes(std::string_view key, std::string_view value) {
  if (value == "-1") return uint64_t{0};
  const Result<int64_t> bytes = parse_bytes(value);
  if (!bytes || *bytes < 1) return bad_value(key, "bytes, a size such as 10GiB, or -1 for no limit", value);
  return static_cast<uint64_t>(*bytes);
}
// A number alone is in milliseconds.
Result<Nanos> time_from_zero(std::string_view key, std::string_view value) {
  const bool number = !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
  const Result<Nanos> time = parse_duration(number ? std::string(value) + "ms" : std::string(value));
  if (!time || time->n < 0) return bad_value(key, "milliseconds from 0 on, or a time with a unit such as 7d", value);
  return *time;
}
// "0" to "1" in millionths; further digits are cut off.
Result<uint32_t> millionths(std::string_view key, std::string_view value) {
  uint32_t ppm = 0, unit = 1'000'000;
  bool behind_point = false, digits = false, good = value.size() <= 32;
  for (const char c : value) {
    if (c == '.' && !behind_point) {
      behind_point = true;
      continue;
    }
    good &= c >= '0' && c <= '9';
    digits = true;
    if (behind_point) unit /= 10;
    const auto digit = static_cast<uint32_t>(c - '0');
    if (good) ppm = behind_point ? ppm + digit * unit : ppm == 0 ? digit * unit : UINT32_MAX / 2;
    good &= ppm <= 1'000'000;
  }
  if (!good || !digits) return bad_value(key, "a part from 0 to 1, such as 0.5", value);
  return ppm;
}
Status read_policy(std::string_view value, TopicSettings& to) {
  bool deletes = false, compacts = false, good = true;
  for (size_t at = 0; at <= value.size();) {
    const size_t comma = std::min(value.find(',', at), value.size());
    std::string_view word = value.substr(at, comma - at);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    bool& named = word == "delete" ? deletes : compacts;
    good &= (word == "delete" || word == "compact") && !named;
    named = true;
    at = comma + 1;
  }
  if (!good) return bad_value("cleanup.policy", "delete, compact, or both with a comma", value);
  to.deletes = deletes, to.compacts = compacts;
  return {};
}
std::string text_of_policy(const TopicSettings& s) { return !s.compacts ? "delete" : s.deletes ? "compact,delete" : "compact"; }
std::string text_of_ppm(uint32_t ppm) {
  std::string digits = std::to_string(1'000'000 + ppm % 1'000'000).substr(1);
  while (digits.size() > 1 && digits.ends_with('0')) digits.pop_back();
  return std::to_string(ppm / 1'000'000) + "." + digits;
}
// From 0 on, where a limit of 0 means something. Kafka writes no limit as 2^63 - 1.
Result<std::optional<Nanos>> distance_of_time(std::string_view key, std::string_view value) {
  if (value == "0" || value == "0ms") return std::optional<Nanos>(Nanos{});
  if (value == "9223372036854775807") return std::optional<Nanos>();
  ION_TRY(const Nanos limit, limit_of_time(key, value));
  return limit.n == 0 ? std::optional<Nanos>() : std::optional<Nanos>(limit);
}
std::string text_of_distance(const std::optional<Nanos>& limit) { return limit ? std::to_string(limit->n / 1'000'000) : std::string("-1"); }
std::string text_of_limit(int64_t limit) { return std::to_string(limit > 0 ? limit : -1); }
std::string text_of_limit(Nanos limit) { return text_of_limit(limit.n / 1'000'000); }

// One setting: its name, how a value is read, and how it is shown.
struct SettingRow {
  std::string_view key;
  Status (*read)(std::string_view value, TopicSettings& to);
  std::string (*show)(const TopicSettings& settings);
};
constexpr std::array kSettings{
    SettingRow{"cleanup.policy", read_policy, text_of_policy},
    SettingRow{"delete.retention.ms",
               [](std::string_view value, TopicSettings& to) -> Status {
                 ION_TRY(to.tombstone_age, time_from_zero("delete.retention.ms", value));
                 return {};
               },
               [](const TopicSettings& s) { return std::to_string(s.tombstone_age.n / 1'000'000); }},
    SettingRow{"durability",
               [](std::string_view value, TopicSettings& to) -> Status {
                 if (value != "fsync" && value != "os") return bad_value("durability", "fsync or os", value);
                 to.fsync = value == "fsync";
                 return {};
               },
               [](const TopicSettings& s) { return std::string(s.fsync ? "fsync" : "os"); }},
    SettingRow{"max.compaction.lag.ms",
               [](std::string_view value, TopicSettings& to) -> Status {
                 ION_TRY(to.compaction_lag_max, limit_of_time("max.compaction.lag.ms", value));
                 return {};
               },
               [](const TopicSettings& s) { return text_of_limit(s.compaction_lag_max); }},
    SettingRow{"max.message.bytes",
               [](std::string_view value, TopicSettings& to) -> Status {
                 const Result<int64_t> bytes = parse_bytes(value);
                 if (!bytes || *bytes < static_cast<int64_t>(kBatchBytesMaxMin)) return bad_value("max.message.bytes", "bytes of a batch, at least 1KiB", value);
                 to.batch_bytes_max = static_cast<uint64_t>(*bytes);
                 return {};
               },
               [](const TopicSettings& s) { return s.batch_bytes_max == 0 ? std::string("broker's limit") : std::to_string(s.batch_bytes_max); }},
    SettingRow{"message.timestamp.after.max.ms",
               [](std::string_view value, TopicSettings& to) -> Status {
                 ION_TRY(to.time_after_max, distance_of_time("message.timestamp.after.max.ms", value));
                 return {};
               },
               [](const TopicSettings& s) { return text_of_distance(s.time_after_max); }},
    SettingRow{"message.timestamp.before.max.ms",
               [](std::string_view value, TopicSettings& to) -> Status {
                 ION_TRY(to.time_before_max, distance_of_time("message.timestamp.before.max.ms", value));
                 return {};
               },
               [](const TopicSettings& s) { return text_of_distance(s.time_before_max); }},
    SettingRow{"message.timestamp.type",
               [](std::string_view value, TopicSettings& to) -> Status {
                 if (value != "CreateTime" && value != "LogAppendTime") return bad_value("message.timestamp.type", "CreateTime or LogAppendTime", value);
                 to.append_time = value == "LogAppendTime";
                 return {};
               },
               [](const TopicSettings& s) { return std::string(s.append_time ? "LogAppendTime" : "CreateTime"); }},
    SettingRow{"min.cleanable.dirty.ratio",
               [](std::string_view value, TopicSettings& to) -> Status {
                 ION_TRY(to.dirty_ppm, millionths("min.cleanable.dirty.ratio", value));
                 return {};
               },
               [](const TopicSettings& s) { return text_of_ppm(s.dirty_ppm); }},
    SettingRow{"min.compaction.lag.ms",
               [](std::string_view value, TopicSettings& to) -> Status {
                 ION_TRY(to.compaction_lag_min, time_from_zero("min.compaction.lag.ms", value));
                 return {};
               },
               [](const TopicSettings& s) { return std::to_string(s.compaction_lag_min.n / 1'000'000); }},
    SettingRow{"min.insync.replicas",
               [](std::string_view value, TopicSettings&) -> Status {
                 if (value != "1") return bad_value("min.insync.replicas", "1, since a partition has one replica", value);
                 return {};
               },
               [](const TopicSettings&) { return std::string("1"); }},
    SettingRow{"retention.bytes",
               [](std::string_view value, TopicSettings& to) -> Status {
                 ION_TRY(to.retention_bytes, limit_of_bytes("retention.bytes", value));
                 return {};
               },
               [](const TopicSettings& s) { return text_of_limit(static_cast<int64_t>(s.retention_bytes)); }},
    SettingRow{"retention.ms",
               [](std::string_view value, TopicSettings& to) -> Status {
                 ION_TRY(to.retention_age, limit_of_time("retention.ms", value));
                 return {};
               },
               [](const TopicSettings& s) { return text_of_limit(s.retention_age); }},
    SettingRow{"segment.bytes",
               [](std::string_view value, TopicSettings& to) -> Status {
                 const Result<int64_t> bytes = parse_bytes(value);
                 if (!bytes || *bytes < static_cast<int64_t>(kSegmentBytesMin) || *bytes > static_cast<int64_t>(kSegmentBytesMax))
                   return bad_value("segment.bytes", "64KiB to 4GiB", value);
                 to.segment_bytes = static_cast<uint64_t>(*bytes);
                 return {};
               },
               [](const TopicSettings& s) { return s.segment_bytes == 0 ? std::string("storage default") : std::to_string(s.segment_bytes); }},
    SettingRow{"segment.ms",
               [](std::string_view value, TopicSettings& to) -> Status {
                 ION_TRY(to.segment_age, limit_of_time("segment.ms", value));
                 return {};
               },
               [](const TopicSettings& s) { return text_of_limit(s.segment_age); }},
};

std::string unknown_key(std::string_view key) {
  std::vector<std::string> known;
  std::string all;
  for (const SettingRow& row : kSettings) {
    known.emplace_back(row.key);
    all += (all.empty() ? "" : ", ") + known.back();
  }
  const std::string words = "unknown topic setting '" + std::string(key) + "'", near = nearest(key, known);
  return words + (near.empty() ? ": there are " + all : ": did you mean '" + near + "'?");
}

}  // namespace

Status check_topic_name(std::string_view name) {
  const auto bad = [&](std::string why) { return Status(ION_E_INVALID, "topic name '" + std::string(name) + "': " + std::move(why), "INVALID_TOPIC"); };
  if (name.empty()) return bad("is empty");
  if (name.size() > 249) return bad("has " + std::to_string(name.size()) + " characters, at most 249 are taken");
  if (name == "." || name == "..") return bad("is a directory's");
  for (char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!fine) return bad("only a-z A-Z 0-9 . _ - are taken");
  }
  if (name.starts_with("__ion_")) return bad("names that begin with __ion_ are the broker's");
  if (name.ends_with(".dlq")) return bad("names that end in .dlq are made by the broker");
  return {};
}

Result<TopicSettings> read_settings(const std::map<std::string, std::string>& config, const TopicSettings& defaults) {
  TopicSettings s = defaults;
  for (const auto& [key, value] : config) {
    const auto row = std::find_if(kSettings.begin(), kSettings.end(), [&key = key](const SettingRow& r) { return r.key == key; });
    if (row == kSettings.end() && std::find(kLater.begin(), kLater.end(), key) != kLater.end())
      return Status(ION_E_UNSUPPORTED, "topic setting " + key + " is not offered yet", "INVALID_CONFIG");
    if (row == kSettings.end()) return invalid(unknown_key(key));
    ION_CHECK(row->read(value, s));
  }
  if (s.compaction_lag_max.n > 0 && s.compaction_lag_max < s.compaction_lag_min)
    return invalid("topic setting max.compaction.lag.ms: want at least min.compaction.lag.ms, which is " + std::to_string(s.compaction_lag_min.n / 1'000'000) + ", have " +
                   text_of_limit(s.compaction_lag_max));
  return s;
}

Status check_setting_name(std::string_view key) {
  const bool known = std::any_of(kSettings.begin(), kSettings.end(), [&](const SettingRow& r) { return r.key == key; });
  return known ? Status() : invalid(unknown_key(key));
}

std::map<std::string, std::string> show_settings(const TopicSettings& s) {
  std::map<std::string, std::string> shown;
  for (const SettingRow& row : kSettings) shown[std::string(row.key)] = row.show(s);
  return shown;
}

}  // namespace ion::cluster
