#include "core/rpc_table.h"

#include <ion/assert.h>

#include <algorithm>

namespace ion::transport_grpc {

RpcTable::RpcTable(std::span<const std::span<const RpcRow>> files) {
  for (const std::span<const RpcRow> rows : files) rows_.insert(rows_.end(), rows.begin(), rows.end());
  std::sort(rows_.begin(), rows_.end(), [](const RpcRow& a, const RpcRow& b) { return a.method < b.method; });
  const auto twice = std::adjacent_find(rows_.begin(), rows_.end(), [](const RpcRow& a, const RpcRow& b) { return a.method == b.method; });
  ION_ASSERT(twice == rows_.end());
}

const RpcRow* RpcTable::find(std::string_view method) const noexcept {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), method, [](const RpcRow& row, std::string_view wanted) { return row.method < wanted; });
  return at == rows_.end() || at->method != method ? nullptr : &*at;
}

std::vector<std::string_view> RpcTable::services() const {
  std::vector<std::string_view> names;
  for (const RpcRow& row : rows_) {
    const std::string_view service = row.method.substr(1, row.method.rfind('/') - 1);
    if (names.empty() || names.back() != service) names.push_back(service);
  }
  return names;
}

}  // namespace ion::transport_grpc
