#include "core/rpc_table.h"

#include <algorithm>

namespace ion::transport_grpc {

const RpcRow* find_rpc(std::string_view method) {
  const auto found = std::find_if(std::begin(kRpcRows), std::end(kRpcRows), [&](const RpcRow& row) { return row.method == method; });
  return found == std::end(kRpcRows) ? nullptr : found;
}

std::vector<std::string_view> rpc_services() {
  std::vector<std::string_view> names;
  for (const RpcRow& row : kRpcRows) {
    const std::string_view service = row.method.substr(1, row.method.rfind('/') - 1);
    if (std::find(names.begin(), names.end(), service) == names.end()) names.push_back(service);
  }
  return names;
}

}  // namespace ion::transport_grpc
