// Fetched batches on their way to messages, on a thread of the blocking pool: what is compressed takes long to open, and whoever completes
// a fetch is a shard. One decoding at a time, of one call, whose handler this is a member of; it keeps the call alive.
// Thread: the call's strand.
#pragma once
#include "io/grpc_call.h"
#include "io/message_codec.h"

#include <ion/limited_jobs.h>

#include <optional>
#include <utility>

namespace ion::transport_grpc {

class DecodeJob : public Event {
 public:
  // False: opening nothing, the batches are decoded where they are.
  static bool is_needed(const Bufs& batches);
  bool under_way() const noexcept { return call_ != nullptr; }
  // run() follows in the strand; until then `kept`, which may be null, and what `wish.admit` refers to are the job's. Refused, as
  // LimitedJobs refuses: run() does not follow.
  Status start(GrpcCall& call, LimitedJobs& jobs, Bufs batches, DecodeWish wish, OpenedBatch* kept);

 protected:
  Result<Decoded> take_decoded();  // first thing in run()

 private:
  GrpcCall* call_ = nullptr;
  Bufs batches_;
  DecodeWish wish_;
  OpenedBatch* kept_ = nullptr;
  std::optional<Result<Decoded>> decoded_;
};

// Batches in one piece, as decode_messages takes them.
std::string joined(const Bufs& batches);

}  // namespace ion::transport_grpc
