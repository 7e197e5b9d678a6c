// A failure as clients see it: code, reason, words, advice; and its two wire forms, ErrorDetail inside streams and RpcStatus in
// the trailing metadata grpc-status-details-bin. Written by hand, so that no protobuf object is needed on the hot path. Pure.
#pragma once
#include "core/status_map.h"
#include "core/utf8_text.h"
#include "core/wire.h"

#include <ion/status.h>
#include <ion/time.h>

#include <string>
#include <utility>

namespace ion::transport_grpc {

struct Failure {
  Code code = ION_E_INTERNAL;
  std::string reason, detail;
  Nanos retry_after{};
  std::string leader_hint, topic;
  int32_t partition = 0;

  static Failure of(const Status& status) { return {status.code(), status.reason(), status.message(), {}, {}, {}, 0}; }
  Failure& on(std::string_view topic_name, int32_t partition_number) {
    topic = topic_name, partition = partition_number;
    return *this;
  }
};

// ionstream.v1.ErrorDetail. `Code` there is our list with the sign turned.
inline std::string error_detail(const Failure& f) {
  std::string bytes;
  WireWriter w(bytes);
  w.number(1, static_cast<uint64_t>(-static_cast<int64_t>(f.code)));
  w.text(2, utf8_text(f.reason));
  w.text(3, utf8_text(f.detail));
  w.flag(4, map_status(f.code).retriable);
  w.number(5, f.retry_after.n <= 0 ? 0 : static_cast<uint64_t>((f.retry_after.n + 999'999) / 1'000'000));  // a wait is never cut short
  w.text(6, utf8_text(f.leader_hint));
  w.text(7, utf8_text(f.topic));
  w.signed_number(8, f.partition);
  return bytes;
}

// ionstream.v1.RpcStatus, field for field a google.rpc.Status, with one Any.
inline std::string rpc_status(const Failure& f) {
  std::string any, bytes;
  WireWriter details(any);
  details.text(1, "type.googleapis.com/ionstream.v1.ErrorDetail");
  details.message(2, error_detail(f));
  WireWriter w(bytes);
  w.signed_number(1, static_cast<int32_t>(map_status(f.code).grpc));
  w.text(2, utf8_text(f.detail));
  w.message(3, any);
  return bytes;
}

}  // namespace ion::transport_grpc
