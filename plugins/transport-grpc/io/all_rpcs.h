// Joins the rows of all files in io/verbs/. A file NAME.cpp there defines rpcs_in_NAME(); nothing else has to know it.
#pragma once
#include "core/rpc_table.h"

namespace ion::transport_grpc {

RpcTable all_rpcs();

}  // namespace ion::transport_grpc
