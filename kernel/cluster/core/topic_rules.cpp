#include "cluster/core/topic_rules.h"

#include <ion/suggestion.h>
#include <ion/units.h>

#include <algorithm>
#include <array>
#include <vector>

namespace ion::cluster {

namespace {

constexpr std::array kKnown{"durability", "segment.bytes"};
// Accepted by no version before the one that obeys them: an ignored promise is worse than a refusal.
constexpr std::array kLater{"retention.ms", "retention.bytes", "cleanup.policy", "min.insync.replicas", "compression.type", "message.timestamp.type"};

Status invalid(std::string words) { return {ION_E_INVALID, std::move(words), "INVALID_CONFIG"}; }

std::string unknown_key(std::string_view key) {
  std::string words = "unknown topic setting '" + std::string(key) + "'";
  const std::string near = nearest(key, std::vector<std::string>(kKnown.begin(), kKnown.end()));
  if (!near.empty()) return words + ": did you mean '" + near + "'?";
  return words + ": there are durability, segment.bytes";
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
    if (key == "durability") {
      if (value != "fsync" && value != "os") return invalid("topic setting durability: want fsync or os, have '" + value + "'");
      s.fsync = value == "fsync";
    } else if (key == "segment.bytes") {
      const Result<int64_t> bytes = parse_bytes(value);
      if (!bytes) return invalid("topic setting segment.bytes: " + bytes.error().message());
      s.segment_bytes = static_cast<uint64_t>(*bytes);
      if (s.segment_bytes < kSegmentBytesMin || s.segment_bytes > kSegmentBytesMax)
        return invalid("topic setting segment.bytes: want 64KiB to 4GiB, have " + value);
    } else if (std::find(kLater.begin(), kLater.end(), key) != kLater.end()) {
      return Status(ION_E_UNSUPPORTED, "topic setting " + key + " is not offered yet", "INVALID_CONFIG");
    } else {
      return invalid(unknown_key(key));
    }
  }
  return s;
}

std::map<std::string, std::string> show_settings(const TopicSettings& s) {
  return {{"durability", s.fsync ? "fsync" : "os"}, {"segment.bytes", s.segment_bytes == 0 ? "storage default" : std::to_string(s.segment_bytes)}};
}

}  // namespace ion::cluster
