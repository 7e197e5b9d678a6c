#include "core/rpc_table.h"

#include <algorithm>
#include <array>

namespace ion::transport_grpc {
namespace {

constexpr std::array<RpcRow, kRpcCount> kRows{{
    {Rpc::kInitProducer, "/ionstream.v1.Broker/InitProducer", "init_producer", false},
    {Rpc::kProduce, "/ionstream.v1.Broker/Produce", "produce", false},
    {Rpc::kProduceStream, "/ionstream.v1.Broker/ProduceStream", "produce_stream", true},
    {Rpc::kFetch, "/ionstream.v1.Broker/Fetch", "fetch", false},
    {Rpc::kSubscribe, "/ionstream.v1.Broker/Subscribe", "subscribe", true},
    {Rpc::kCredit, "/ionstream.v1.Broker/Credit", "credit", false},
    {Rpc::kListOffsets, "/ionstream.v1.Broker/ListOffsets", "list_offsets", false},
    {Rpc::kMetadata, "/ionstream.v1.Broker/Metadata", "metadata", false},
    {Rpc::kCreateTopic, "/ionstream.v1.Admin/CreateTopic", "create_topic", false},
    {Rpc::kListTopics, "/ionstream.v1.Admin/ListTopics", "list_topics", false},
    {Rpc::kDescribeTopic, "/ionstream.v1.Admin/DescribeTopic", "describe_topic", false},
    {Rpc::kDeleteTopic, "/ionstream.v1.Admin/DeleteTopic", "delete_topic", false},
    {Rpc::kClusterInfo, "/ionstream.v1.Admin/ClusterInfo", "cluster_info", false},
    {Rpc::kListPlugins, "/ionstream.v1.Admin/ListPlugins", "list_plugins", false},
    {Rpc::kHealthCheck, "/grpc.health.v1.Health/Check", "health_check", false},
    {Rpc::kHealthWatch, "/grpc.health.v1.Health/Watch", "health_watch", true},
    {Rpc::kReflection, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "reflection", true},
}};

constexpr bool rows_stand_in_the_order_of_the_enum() {
  for (size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<size_t>(kRows[i].rpc) != i) return false;
  return true;
}
static_assert(rows_stand_in_the_order_of_the_enum());

}  // namespace

std::span<const RpcRow> rpc_rows() { return kRows; }

const RpcRow* find_rpc(std::string_view method) {
  const auto found = std::find_if(kRows.begin(), kRows.end(), [&](const RpcRow& row) { return row.method == method; });
  return found == kRows.end() ? nullptr : &*found;
}

std::vector<std::string_view> rpc_services() {
  std::vector<std::string_view> names;
  for (const RpcRow& row : kRows) {
    const std::string_view service = row.method.substr(1, row.method.rfind('/') - 1);
    if (std::find(names.begin(), names.end(), service) == names.end()) names.push_back(service);
  }
  return names;
}

}  // namespace ion::transport_grpc
