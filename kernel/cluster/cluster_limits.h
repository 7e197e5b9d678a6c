// Bounds of the metadata module. What an operator may turn is a row of `limits` in the configuration.
#pragma once
#include <cstdint>

namespace ion::cluster {

inline constexpr uint32_t kProducerBlock = 1'000;      // ids reserved at a time; the rest of a block is lost at a restart
inline constexpr uint32_t kPartitionsOfTopicMax = 10'000;
inline constexpr uint64_t kDescriptorsOfPartition = 1;  // its active segment
inline constexpr uint64_t kMapsOfPartition = 2;         // of that one, and of the one that follows it
inline constexpr uint64_t kProposalsInFlightMax = 4'096;

struct ClusterLimits {
  uint64_t topics_max = 10'000;
  uint64_t partitions_max = 10'000;
  uint64_t descriptors_max = UINT64_MAX;  // files that the logs of this broker may hold open; a partition with records holds one
  uint64_t maps_max = UINT64_MAX;         // of files, that the logs of this broker may hold
};

}  // namespace ion::cluster
