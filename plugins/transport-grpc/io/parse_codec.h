// Bytes -> a generated message, with words when they are none. For *_codec.cpp only.
#pragma once
#include <ion/result.h>

#include <climits>
#include <string>
#include <string_view>

namespace ion::transport_grpc {

template <class T>
Result<T> parse_request(std::string_view bytes) {
  T request;
  if (bytes.size() <= INT_MAX && request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return request;
  return Status(ION_E_INVALID, "the " + std::to_string(bytes.size()) + " bytes of the request are no " + request.GetTypeName(), "MALFORMED_MESSAGE");
}

}  // namespace ion::transport_grpc
