// One read through the broker API. Base of the unary fetch and of a subscription's parts.
// Thread: the call's strand, except for the completion, which only posts.
#pragma once
#include "io/api_op.h"

#include <ion/contract/broker_api.h>

#include <string>

namespace ion::transport_grpc {

class FetchOp : public ApiOp {
 public:
  struct Wish {
    const std::string* topic = nullptr;  // stays until the answer
    int32_t partition = 0;
    int64_t offset = 0;
    uint64_t bytes_min = 1, bytes_max = 0;
    Nanos wait{};
    std::string_view topic_id = {};  // stays until the answer; empty: whichever topic has the name
  };
  void send(GrpcCall& call, BrokerApi& api, const Wish& wish, uint64_t op_id) {
    request_ = {sizeof request_, 0, &call.who(), bytes_of(*wish.topic), wish.partition, 0, wish.offset,
                wish.bytes_min, wish.bytes_max, static_cast<uint64_t>(wish.wait.n), bytes_of(wish.topic_id)};
    answer_ = {};
    answer_.size = sizeof answer_, answer_.error = &error;
    ask(call, op_id, [&](Op& op) { return api.fetch(op, request_, answer_); });
  }
  void cancel(BrokerApi& api) {
    if (asked()) (void)api.cancel(id);  // NOT_FOUND: its answer is on the way
  }
  const ion_fetch_answer& answer() const noexcept { return answer_; }
  uint64_t bytes() const noexcept {
    uint64_t n = 0;
    for (const Buf& buf : bufs) n += buf.size();
    return n;
  }

 private:
  ion_fetch_req request_{};
  ion_fetch_answer answer_{};
};

}  // namespace ion::transport_grpc
