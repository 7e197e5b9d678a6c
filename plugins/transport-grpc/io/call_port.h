// gRPC's half of one RPC: what a GrpcCall may ask of it. Each of read, write and
// finish may be outstanding once; their ends come to GrpcCall as on_read, on_written, on_finished, on any thread.
// Owned by its GrpcCall, which destroys it when nothing is outstanding any more.
#pragma once
#include "core/failure.h"
#include "io/message.h"

#include <ion/time.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ion::transport_grpc {

// How a call ends.
struct CallEnd {
  GrpcCode code = GrpcCode::kOk;
  std::string words;
  std::string details;  // an encoded RpcStatus

  static CallEnd of(const Failure& f) { return {map_status(f.code).grpc, utf8_text(f.detail), rpc_status(f)}; }
  static CallEnd of(const Status& status) { return of(Failure::of(status)); }
};

struct CallFacts {
  std::string method, peer;
  std::optional<Nanos> left;  // until the client's deadline
};
using Metadata = std::vector<std::pair<std::string, std::string>>;

class GrpcCall;

class CallPort {
 public:
  virtual ~CallPort() = default;
  void attach(GrpcCall& call) noexcept { call_ = &call; }  // before anything is started
  virtual void start_read() = 0;
  virtual void start_write(OutMessage message) = 0;
  virtual void start_finish(const CallEnd& end) = 0;
  virtual void start_answer(OutMessage message) = 0;  // the last message and OK, in one piece
  virtual void cut() = 0;                             // ends the call now: what is outstanding comes back, then on_cancelled
  virtual Metadata metadata() const = 0;              // only while the call is being accepted

 protected:
  GrpcCall* call_ = nullptr;
};

}  // namespace ion::transport_grpc
