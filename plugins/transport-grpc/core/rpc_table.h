// Full gRPC method name -> what serves it: every RPC that this transport knows by itself. Others are asked of ion.rpc/1. Pure.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ion::transport_grpc {

enum class Rpc : uint8_t {
  kInitProducer, kProduce, kProduceStream, kFetch, kSubscribe, kCredit, kListOffsets, kMetadata,
  kCreateTopic, kListTopics, kDescribeTopic, kDeleteTopic, kClusterInfo, kListPlugins,
  kHealthCheck, kHealthWatch, kReflection,
};
inline constexpr size_t kRpcCount = 17;

struct RpcRow {
  Rpc rpc;
  std::string_view method;  // "/ionstream.v1.Broker/Produce"
  std::string_view verb;    // label of metrics: "produce"
  bool streams;             // lives until one side ends it
};

std::span<const RpcRow> rpc_rows();
const RpcRow* find_rpc(std::string_view method);  // nullptr: not ours
// "ionstream.v1.Broker" and so on, each once, for reflection and health.
std::vector<std::string_view> rpc_services();

}  // namespace ion::transport_grpc
