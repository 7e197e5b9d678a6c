// Between gRPC's types and ours: byte buffers and statuses. No state.
#pragma once
#include <ion/result.h>

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/failure.h"
#include "core/producer_types.h"

namespace ion::client {

grpc::ByteBuffer buffer_of(std::string_view bytes);
// `head`, then the batch, which is lent and not copied: the buffer holds a reference to it.
grpc::ByteBuffer buffer_of(std::string_view head, const BatchBytes& batch);
std::string text_of_buffer(const grpc::ByteBuffer& buffer);

// The pieces of a buffer, borrowed from `slices`.
struct Dumped {
  std::vector<grpc::Slice> slices;
  std::vector<std::span<const uint8_t>> pieces;
};
Dumped dump(const grpc::ByteBuffer& buffer);

// Not for OK. What the broker says in its details wins; a bare status is gRPC's own: nobody there, too late, cancelled.
Failure failure_of(const grpc::Status& status, std::string_view address);

}  // namespace ion::client
