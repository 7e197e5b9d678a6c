// Errors as they stand on the wire: ErrorDetail inside streams, google.rpc.Status in grpc-status-details-bin.
#pragma once
#include <optional>
#include <string_view>

#include "core/failure.h"

namespace ion::client {

// An ErrorDetail; one that cannot be read is INTERNAL.
Failure decode_error_detail(std::string_view bytes);
// The ErrorDetail inside an encoded google.rpc.Status; nothing if there is none.
std::optional<Failure> decode_status_details(std::string_view bytes);
// A Code of the proto (positive numbers) as ours.
Code code_of_proto(int number);

}  // namespace ion::client
