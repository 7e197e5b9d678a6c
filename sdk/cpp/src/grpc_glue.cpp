#include "grpc_glue.h"

#include "status_codec.h"

namespace ion::client {

namespace {
// The reverse of the table in the user's guide, for statuses without details.
Code code_of_grpc(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::CANCELLED: return ION_E_CANCELLED;
    case grpc::StatusCode::INVALID_ARGUMENT: return ION_E_INVALID;
    case grpc::StatusCode::DEADLINE_EXCEEDED: return ION_E_DEADLINE;
    case grpc::StatusCode::NOT_FOUND: return ION_E_NOT_FOUND;
    case grpc::StatusCode::ALREADY_EXISTS: return ION_E_EXISTS;
    case grpc::StatusCode::PERMISSION_DENIED: return ION_E_FORBIDDEN;
    case grpc::StatusCode::UNAUTHENTICATED: return ION_E_UNAUTHENTICATED;
    case grpc::StatusCode::RESOURCE_EXHAUSTED: return ION_E_OVERLOADED;
    case grpc::StatusCode::FAILED_PRECONDITION: return ION_E_FENCED;
    case grpc::StatusCode::ABORTED: return ION_E_CONFLICT;
    case grpc::StatusCode::OUT_OF_RANGE: return ION_E_OUT_OF_RANGE;
    case grpc::StatusCode::UNIMPLEMENTED: return ION_E_UNSUPPORTED;
    case grpc::StatusCode::UNAVAILABLE: return ION_E_CLOSED;
    case grpc::StatusCode::DATA_LOSS: return ION_E_CORRUPT;
    default: return ION_E_INTERNAL;
  }
}
}  // namespace

grpc::ByteBuffer buffer_of(std::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer buffer_of(std::string_view head, const BatchBytes& batch) {
  auto* held = new BatchBytes(batch);
  const grpc::Slice slices[2] = {
      grpc::Slice(head.data(), head.size()),
      grpc::Slice(const_cast<uint8_t*>(batch->data()), batch->size(), [](void* p) { delete static_cast<BatchBytes*>(p); }, held)};
  return grpc::ByteBuffer(slices, 2);
}

Dumped dump(const grpc::ByteBuffer& buffer) {
  Dumped out;
  if (!buffer.Valid() || !buffer.Dump(&out.slices).ok()) return out;
  out.pieces.reserve(out.slices.size());
  for (const grpc::Slice& s : out.slices) out.pieces.emplace_back(s.begin(), s.size());
  return out;
}

std::string text_of_buffer(const grpc::ByteBuffer& buffer) {
  std::string out;
  out.reserve(buffer.Valid() ? buffer.Length() : 0);
  for (const auto piece : dump(buffer).pieces) out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  return out;
}

Failure failure_of(const grpc::Status& status, std::string_view address) {
  if (auto said = decode_status_details(status.error_details())) return *std::move(said);
  Failure f;
  const Code code = code_of_grpc(status.error_code());
  std::string reason;
  if (code == ION_E_CLOSED) reason = kUnreachable;
  if (code == ION_E_DEADLINE) reason = kTimedOut;
  f.status = Status(code, std::string(address) + ": " + (status.error_message().empty() ? "no further words" : status.error_message()), std::move(reason));
  // Without details nobody but gRPC speaks: a reset stream or a broken connection has many names.
  // Only a connection that was never made proves that the request did not arrive. gRPC has no code for that, only these words.
  const bool never_sent = status.error_message().find("failed to connect") != std::string::npos || status.error_message().find("DNS") != std::string::npos ||
                          status.error_message().find("connections to all backends failing") != std::string::npos;
  const bool broken_off = code == ION_E_CLOSED || code == ION_E_DEADLINE || code == ION_E_CANCELLED || code == ION_E_INTERNAL;
  f.outcome = broken_off && !never_sent ? Failure::Outcome::kUnknown : Failure::Outcome::kKnown;
  f.retriable = is_retriable(code, Repeat::kUnsafe) || code == ION_E_INTERNAL || code == ION_E_CANCELLED;
  return f;
}

}  // namespace ion::client
