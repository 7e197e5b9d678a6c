// What a file of this folder is made of: handlers, the reading of their requests, the writing of their answers, and at its end the
// rows of its RPCs:
//   std::span<const RpcRow> rpcs_in_NAME();   // in NAME.cpp, called by io/all_rpcs
// Here alone, and in *_codec.cpp, protobuf objects may appear; never on the way of a payload.
#pragma once
#include "core/rpc_table.h"
#include "io/unary_handler.h"

#include <ion/result.h>

#include <climits>
#include <memory>
#include <string>
#include <type_traits>

namespace ion::transport_grpc {

// RpcRow::make of a handler class.
template <class Handler>
std::unique_ptr<CallHandler> make_call(GrpcCall& call, Services& services, Listening listening) {
  if constexpr (std::is_constructible_v<Handler, GrpcCall&, Services&, Listening>) return std::make_unique<Handler>(call, services, listening);
  else return std::make_unique<Handler>(call, services);
}

}  // namespace ion::transport_grpc
