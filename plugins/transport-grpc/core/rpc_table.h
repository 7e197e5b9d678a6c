// Full gRPC method name -> what serves it: every RPC that this transport knows by itself. Others are asked of ion.rpc/1. Pure.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ion::transport_grpc {

// X(enumerator, method, label, lives): full method name; label of metrics; UNARY or STREAM, which lives until one side ends it.
#define ION_RPC_LIST(X)                                                                \
  X(kInitProducer, "/ionstream.v1.Broker/InitProducer", "init_producer", UNARY)        \
  X(kProduce, "/ionstream.v1.Broker/Produce", "produce", UNARY)                        \
  X(kProduceStream, "/ionstream.v1.Broker/ProduceStream", "produce_stream", STREAM)    \
  X(kFetch, "/ionstream.v1.Broker/Fetch", "fetch", UNARY)                              \
  X(kSubscribe, "/ionstream.v1.Broker/Subscribe", "subscribe", STREAM)                 \
  X(kCredit, "/ionstream.v1.Broker/Credit", "credit", UNARY)                           \
  X(kListOffsets, "/ionstream.v1.Broker/ListOffsets", "list_offsets", UNARY)           \
  X(kMetadata, "/ionstream.v1.Broker/Metadata", "metadata", UNARY)                     \
  X(kCreateTopic, "/ionstream.v1.Admin/CreateTopic", "create_topic", UNARY)            \
  X(kListTopics, "/ionstream.v1.Admin/ListTopics", "list_topics", UNARY)               \
  X(kDescribeTopic, "/ionstream.v1.Admin/DescribeTopic", "describe_topic", UNARY)      \
  X(kDeleteTopic, "/ionstream.v1.Admin/DeleteTopic", "delete_topic", UNARY)            \
  X(kClusterInfo, "/ionstream.v1.Admin/ClusterInfo", "cluster_info", UNARY)            \
  X(kListPlugins, "/ionstream.v1.Admin/ListPlugins", "list_plugins", UNARY)            \
  X(kHealthCheck, "/grpc.health.v1.Health/Check", "health_check", UNARY)               \
  X(kHealthWatch, "/grpc.health.v1.Health/Watch", "health_watch", STREAM)              \
  X(kReflection, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "reflection", STREAM)

enum class Rpc : uint8_t {
#define ION_RPC(enumerator, ...) enumerator,
  ION_RPC_LIST(ION_RPC)
#undef ION_RPC
};
#define ION_RPC(...) +1
inline constexpr size_t kRpcCount = 0 ION_RPC_LIST(ION_RPC);
#undef ION_RPC

struct RpcRow {
  Rpc rpc;
  std::string_view method;  // "/ionstream.v1.Broker/Produce"
  std::string_view verb;    // label of metrics: "produce"
  bool streams;             // lives until one side ends it
};

std::span<const RpcRow> rpc_rows();               // at the index of their Rpc
const RpcRow* find_rpc(std::string_view method);  // nullptr: not ours
// "ionstream.v1.Broker" and so on, each once, for reflection and health.
std::vector<std::string_view> rpc_services();

}  // namespace ion::transport_grpc
