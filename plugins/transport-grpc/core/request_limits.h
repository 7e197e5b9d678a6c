// Bounds on what one request may say. Those that an operator may turn are rows of transport_grpc_config.h.
#pragma once
#include <cstddef>
#include <cstdint>

namespace ion::transport_grpc {

inline constexpr uint64_t kTopicIdBytes = 16;
inline constexpr uint64_t kTopicNameBytesMax = 4096;   // far above what the kernel takes: it gives the better words
inline constexpr uint64_t kSessionBytesMax = 64;
inline constexpr uint64_t kFetchBytesDefault = 1 << 20;
inline constexpr uint64_t kCreditBytesDefault = 32 << 20;
inline constexpr size_t kAcksPerMessageMax = 1024;
inline constexpr size_t kLanesIdleMax = 256;           // partitions that a produce stream remembers without a batch in flight
inline constexpr size_t kMessagesPerRequestMax = 100'000;
inline constexpr size_t kPartitionsPerListMax = 10'000;
inline constexpr size_t kReflectionFilesMax = 256;     // of one answer
inline constexpr size_t kDescriptorSetBytesMax = 16 << 20;
inline constexpr size_t kRpcQueueMessagesMax = 16;     // messages of a plugin's stream that wait for the write slot
inline constexpr uint32_t kRpcWindowMax = 1024;        // messages that a plugin may ask for ahead

}  // namespace ion::transport_grpc
