// Which brokers there are, who leads a partition, and whom to ask next. Filled from Metadata answers. Pure, one owner.
// Invariant: there is always an address to ask: those that the user gave are never forgotten.
#pragma once
#include <ion/ids.h>
#include <ion/result.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::client {

// What a broker takes, as it says itself; 0: it does not say.
struct BrokerLimits {
  uint64_t record_bytes_max = 0, batch_bytes_max = 0, message_bytes_max = 0;
  static constexpr uint64_t kEnvelopeBytes = 8 << 10;  // of a message around its batch

  // The largest batch that fits a message, too.
  uint64_t batch() const noexcept {
    const uint64_t in_message = message_bytes_max > kEnvelopeBytes ? message_bytes_max - kEnvelopeBytes : message_bytes_max;
    if (batch_bytes_max == 0 || in_message == 0) return std::max(batch_bytes_max, in_message);
    return std::min(batch_bytes_max, in_message);
  }
};

struct ClusterMetadata {
  struct Broker {
    NodeId node;
    std::string address;
  };
  struct Partition {
    PartitionId partition;
    NodeId leader;
    LogId log;
  };
  struct Topic {
    std::string name;
    Uuid id = {};  // of this topic; one that is made again under the name has another. All zero: not said
    std::vector<Partition> partitions;
    Status error;
    uint64_t batch_bytes_max = 0;  // its max.message.bytes; 0: not said
  };
  std::string cluster_id;
  std::vector<Broker> brokers;
  std::vector<Topic> topics;
  BrokerLimits limits = {};
};

class MetadataCache {
 public:
  static constexpr size_t kAddressesMax = 1024;

  explicit MetadataCache(std::vector<std::string> given);

  // Whom to ask. It stays the same until it failed.
  const std::string& address() const { return addresses_[at_]; }
  // The next one is asked from now on; false when all of them failed in a row.
  bool failed(std::string_view address);
  void answered() { failed_in_a_row_ = 0; }

  void update(const ClusterMetadata& answer, std::string_view answered_by);

  struct Leader {
    PartitionId partition;
    std::string address;  // empty: nobody leads, or its address is not known
  };
  // All zero: not known.
  Uuid topic_id(std::string_view topic) const;
  // What is taken into a topic: the broker's limits, and its own where that is less.
  BrokerLimits limits(std::string_view topic) const;
  // From the last update that named this topic; sorted by partition, without gaps.
  Result<std::vector<Leader>> leaders(std::string_view topic) const;

 private:
  std::vector<std::string> given_, addresses_;
  size_t at_ = 0, failed_in_a_row_ = 0;
  std::map<uint64_t, std::string> nodes_;
  BrokerLimits limits_;
  std::map<std::string, ClusterMetadata::Topic, std::less<>> topics_;
};

// Where to reach a broker that calls itself `advertised`. A lone broker is reached as it was found, through whatever forwards
// to it; a wildcard host is replaced by the host that answered.
std::string reachable_address(std::string_view advertised, std::string_view answered_by, size_t brokers);

}  // namespace ion::client
