// Full gRPC method name -> what serves it: every RPC that this transport knows by itself. Others are asked of ion.rpc/1. Pure.
#pragma once
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

namespace ion::transport_grpc {

// X(name, method, verb, streams): see RpcRow. The order is that of Rpc.
#define ION_TRANSPORT_RPCS(X) \
  X(kInitProducer, "/ionstream.v1.Broker/InitProducer", "init_producer", false) \
  X(kProduce, "/ionstream.v1.Broker/Produce", "produce", false) \
  X(kProduceStream, "/ionstream.v1.Broker/ProduceStream", "produce_stream", true) \
  X(kFetch, "/ionstream.v1.Broker/Fetch", "fetch", false) \
  X(kSubscribe, "/ionstream.v1.Broker/Subscribe", "subscribe", true) \
  X(kCredit, "/ionstream.v1.Broker/Credit", "credit", false) \
  X(kListOffsets, "/ionstream.v1.Broker/ListOffsets", "offset_for", false) \
  X(kMetadata, "/ionstream.v1.Broker/Metadata", "metadata", false) \
  X(kCreateTopic, "/ionstream.v1.Admin/CreateTopic", "topic_create", false) \
  X(kListTopics, "/ionstream.v1.Admin/ListTopics", "topic_list", false) \
  X(kDescribeTopic, "/ionstream.v1.Admin/DescribeTopic", "topic_describe", false) \
  X(kDeleteTopic, "/ionstream.v1.Admin/DeleteTopic", "topic_delete", false) \
  X(kClusterInfo, "/ionstream.v1.Admin/ClusterInfo", "cluster_info", false) \
  X(kListPlugins, "/ionstream.v1.Admin/ListPlugins", "plugin_list", false) \
  X(kHealthCheck, "/grpc.health.v1.Health/Check", "health_check", false) \
  X(kHealthWatch, "/grpc.health.v1.Health/Watch", "health_watch", true) \
  X(kReflection, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "reflection", true)

enum class Rpc : uint8_t {
#define ION_RPC_ENUMERATOR(name, method, verb, streams) name,
  ION_TRANSPORT_RPCS(ION_RPC_ENUMERATOR)
#undef ION_RPC_ENUMERATOR
};

struct RpcRow {
  Rpc rpc;
  std::string_view method;  // "/ionstream.v1.Broker/Produce"
  std::string_view verb;    // label of metrics: the verb of the broker API where there is one, "produce"
  bool streams;             // lives until one side ends it
};

inline constexpr RpcRow kRpcRows[] = {
#define ION_RPC_TABLE_ROW(name, method, verb, streams) {Rpc::name, method, verb, streams},
    ION_TRANSPORT_RPCS(ION_RPC_TABLE_ROW)
#undef ION_RPC_TABLE_ROW
};
inline constexpr size_t kRpcCount = std::size(kRpcRows);

constexpr std::span<const RpcRow> rpc_rows() { return kRpcRows; }
const RpcRow* find_rpc(std::string_view method);  // nullptr: not ours
// "ionstream.v1.Broker" and so on, each once, for reflection and health.
std::vector<std::string_view> rpc_services();

}  // namespace ion::transport_grpc
