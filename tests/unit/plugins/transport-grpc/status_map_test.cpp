// The table of the user's guide, row by row.
#include "core/status_map.h"

#include <gtest/gtest.h>

namespace ion::transport_grpc {
namespace {

struct Row {
  ion_status code;
  GrpcCode grpc;
  bool retriable;
};
constexpr Row kTable[] = {
    {ION_E_INVALID, GrpcCode::kInvalidArgument, false},      {ION_E_UNSUPPORTED, GrpcCode::kUnimplemented, false},
    {ION_E_VERSION, GrpcCode::kUnimplemented, false},        {ION_E_UNAUTHENTICATED, GrpcCode::kUnauthenticated, false},
    {ION_E_FORBIDDEN, GrpcCode::kPermissionDenied, false},   {ION_E_NOT_FOUND, GrpcCode::kNotFound, false},
    {ION_E_EXISTS, GrpcCode::kAlreadyExists, false},         {ION_E_OUT_OF_RANGE, GrpcCode::kOutOfRange, false},
    {ION_E_OVERLOADED, GrpcCode::kResourceExhausted, true},  {ION_E_BUSY, GrpcCode::kResourceExhausted, true},
    {ION_E_NO_SPACE, GrpcCode::kResourceExhausted, false},   {ION_E_NOT_LEADER, GrpcCode::kUnavailable, true},
    {ION_E_CLOSED, GrpcCode::kUnavailable, true},            {ION_E_UNKNOWN_OUTCOME, GrpcCode::kDeadlineExceeded, true},
    {ION_E_DEADLINE, GrpcCode::kDeadlineExceeded, true},     {ION_E_FENCED, GrpcCode::kFailedPrecondition, false},
    {ION_E_CONFLICT, GrpcCode::kAborted, false},             {ION_E_REJECTED, GrpcCode::kFailedPrecondition, false},
    {ION_E_CANCELLED, GrpcCode::kCancelled, false},          {ION_E_CORRUPT, GrpcCode::kDataLoss, false},
    {ION_E_IO, GrpcCode::kInternal, false},                  {ION_E_FAILED, GrpcCode::kInternal, false},
    {ION_E_NO_MEMORY, GrpcCode::kInternal, false},           {ION_E_EXCEPTION, GrpcCode::kInternal, false},
    {ION_E_INTERNAL, GrpcCode::kInternal, false},
};

TEST(StatusMap, follows_the_table) {
  for (const Row& row : kTable) {
    SCOPED_TRACE(code_name(row.code));
    EXPECT_EQ(map_status(row.code).grpc, row.grpc);
    EXPECT_EQ(map_status(row.code).retriable, row.retriable);
  }
}

TEST(StatusMap, no_error_of_the_list_is_left_out_of_the_table) {
  size_t errors = 0;
#define ION_COUNT(name, value) errors += value < 0 ? 1 : 0;
  ION_STATUS_LIST(ION_COUNT)
#undef ION_COUNT
  EXPECT_EQ(std::size(kTable), errors);
}

TEST(StatusMap, an_unknown_number_reads_as_internal_and_ok_as_ok) {
  EXPECT_EQ(map_status(-99).grpc, GrpcCode::kInternal);
  EXPECT_EQ(map_status(ION_OK).grpc, GrpcCode::kOk);
}

}  // namespace
}  // namespace ion::transport_grpc
