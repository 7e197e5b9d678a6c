// One read through the front door. Base of the unary fetch and of a subscription's parts.
// Thread: the call's strand, except for the completion, which only posts.
#pragma once
#include "io/door_op.h"

#include <ion/contract/front_door.h>

#include <string>

namespace ion::transport_grpc {

class FetchOp : public DoorOp {
 public:
  struct Wish {
    const std::string* topic = nullptr;  // stays until the answer
    int32_t partition = 0;
    int64_t offset = 0;
    uint64_t bytes_min = 1, bytes_max = 0;
    Nanos wait{};
  };
  void send(GrpcCall& call, FrontDoor& door, const Wish& wish, uint64_t op_id) {
    request_ = {sizeof request_, 0, &call.who(), bytes_of(*wish.topic), wish.partition, 0, wish.offset,
                wish.bytes_min, wish.bytes_max, static_cast<uint64_t>(wish.wait.n)};
    answer_ = {};
    answer_.size = sizeof answer_, answer_.error = &error;
    ask(call, op_id, [&](Op& op) { return door.fetch(op, request_, answer_); });
  }
  void cancel(FrontDoor& door) {
    if (asked()) (void)door.cancel(id);  // NOT_FOUND: its answer is on the way
  }
  const ion_fetch_answer& answer() const noexcept { return answer_; }
  uint64_t bytes() const noexcept {
    uint64_t n = 0;
    for (const Buf& buf : bufs) n += buf.size();
    return n;
  }
  // For delivery as plain messages, where the bytes are taken apart anyway.
  std::string joined() const {
    std::string to;
    to.reserve(bytes());
    for (const Buf& buf : bufs) to.append(buf.text());
    return to;
  }

 private:
  ion_fetch_req request_{};
  ion_fetch_answer answer_{};
};

}  // namespace ion::transport_grpc
