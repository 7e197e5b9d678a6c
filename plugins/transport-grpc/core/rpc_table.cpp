#include "core/rpc_table.h"

#include <algorithm>
#include <array>

namespace ion::transport_grpc {
namespace {

constexpr bool UNARY = false, STREAM = true;
constexpr std::array<RpcRow, kRpcCount> kRows{{
#define ION_RPC(enumerator, method, label, lives) {Rpc::enumerator, method, label, lives},
    ION_RPC_LIST(ION_RPC)
#undef ION_RPC
}};

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
