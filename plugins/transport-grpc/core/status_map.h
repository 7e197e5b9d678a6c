// The one list of errors as gRPC statuses, and which of them a client may try again: the table of the user's guide, row by row.
// The only place where gRPC's numbers stand. Pure.
#pragma once
#include <ion/status.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ion::transport_grpc {

// Numbers of grpc::StatusCode (github.com/grpc/grpc, doc/statuscodes.md).
enum class GrpcCode : int32_t {
  kOk = 0, kCancelled = 1, kUnknown = 2, kInvalidArgument = 3, kDeadlineExceeded = 4, kNotFound = 5, kAlreadyExists = 6,
  kPermissionDenied = 7, kResourceExhausted = 8, kFailedPrecondition = 9, kAborted = 10, kOutOfRange = 11, kUnimplemented = 12,
  kInternal = 13, kUnavailable = 14, kDataLoss = 15, kUnauthenticated = 16
};

// As in gRPC's documents.
constexpr std::string_view name_of(GrpcCode code) noexcept {
  constexpr std::array<std::string_view, 17> kNames{
      "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
      "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
      "UNAUTHENTICATED"};
  const auto at = static_cast<size_t>(code);
  return at < kNames.size() ? kNames[at] : kNames[2];
}

struct StatusRow {
  GrpcCode grpc;
  bool retriable;
};

// An unknown number reads as INTERNAL.
constexpr StatusRow map_status(ion_status code) noexcept {
  switch (code) {
    case ION_OK: return {GrpcCode::kOk, false};
    case ION_E_INVALID: return {GrpcCode::kInvalidArgument, false};
    case ION_E_UNSUPPORTED:
    case ION_E_VERSION: return {GrpcCode::kUnimplemented, false};
    case ION_E_UNAUTHENTICATED: return {GrpcCode::kUnauthenticated, false};
    case ION_E_FORBIDDEN: return {GrpcCode::kPermissionDenied, false};
    case ION_E_NOT_FOUND: return {GrpcCode::kNotFound, false};
    case ION_E_EXISTS: return {GrpcCode::kAlreadyExists, false};
    case ION_E_OUT_OF_RANGE: return {GrpcCode::kOutOfRange, false};
    case ION_E_OVERLOADED:
    case ION_E_BUSY: return {GrpcCode::kResourceExhausted, true};  // after retry_after
    case ION_E_NO_SPACE: return {GrpcCode::kResourceExhausted, false};  // space comes from an operator, who must learn of it
    case ION_E_NOT_LEADER:
    case ION_E_CLOSED: return {GrpcCode::kUnavailable, true};
    case ION_E_UNKNOWN_OUTCOME:
    case ION_E_DEADLINE: return {GrpcCode::kDeadlineExceeded, true};  // for producers: if idempotent
    case ION_E_FENCED:
    case ION_E_REJECTED: return {GrpcCode::kFailedPrecondition, false};
    case ION_E_CONFLICT: return {GrpcCode::kAborted, false};
    case ION_E_CANCELLED: return {GrpcCode::kCancelled, false};
    case ION_E_CORRUPT: return {GrpcCode::kDataLoss, false};
    default: return {GrpcCode::kInternal, false};  // IO, FAILED, NO_MEMORY, EXCEPTION, INTERNAL
  }
}

}  // namespace ion::transport_grpc
