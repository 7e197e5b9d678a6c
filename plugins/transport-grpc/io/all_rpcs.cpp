#include "io/all_rpcs.h"

namespace ion::transport_grpc {

#define X(name) std::span<const RpcRow> rpcs_in_##name();
#include <ion_rpc_files.inc>
#undef X

RpcTable all_rpcs() {
  const std::span<const RpcRow> files[] = {
#define X(name) rpcs_in_##name(),
#include <ion_rpc_files.inc>
#undef X
  };
  return RpcTable(files);
}

}  // namespace ion::transport_grpc
