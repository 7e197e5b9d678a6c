// Subscribe: one stream that reads many partitions and is fed by credit. Which part is read when, and what may be held for a slow
// reader: core/subscription_plan.h. Here: fetches, frames, the one write slot, heartbeats.
// Thread: the call's strand; feed() from any.
#pragma once
#include "core/fetch_envelope.h"
#include "core/subscription_plan.h"
#include "io/decode_job.h"
#include "io/fetch_op.h"
#include "io/message_codec.h"
#include "io/services.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ion::transport_grpc {

// More credit for a stream, on its way from a Credit call.
class CreditGrant : public Event {
 public:
  uint64_t bytes = 0, left = 0;
  SubscribeStream* stream = nullptr;
};

class SubscribeStream final : public CallHandler {
 public:
  SubscribeStream(GrpcCall& call, Services& services)
      : call_(call), services_(services), kept_memory_(services.decoded, decoded_bytes_max(services.config)) {}

  void accepted() override { call_.read(); }
  void message(Message request) override;
  void half_closed() override;
  void writable() override;
  void draining() override;
  void tick() override;
  void closed() override;
  uint64_t grant(uint64_t bytes);  // in the strand: answers what is left

 private:
  class One final : public FetchOp {
   public:
    One(SubscribeStream& stream, size_t part) : stream_(stream), part_(part) {}
    Instant asked_at{};
    bool parks = false;
    void run() noexcept override {
      taken();
      stream_.fetched(*this, part_);
    }

   private:
    SubscribeStream& stream_;
    const size_t part_;
  };
  class Decoding final : public DecodeJob {
   public:
    explicit Decoding(SubscribeStream& stream) : stream_(stream) {}
    void run() noexcept override { stream_.opened(take_decoded()); }

   private:
    SubscribeStream& stream_;
  };
  // Batches that a fetch brought, of a part that is not asked again before they are a frame, dropped or an error.
  struct Fetched {
    size_t part = 0;
    FetchHead head;
    Bufs batches;
    uint64_t bytes = 0;  // of the batches
  };
  struct Frame {
    OutMessage message;
    uint64_t held_bytes = 0;  // counted by the plan until it is written
  };

  Status begin(Message request);
  void fetched(One& op, size_t part);
  void frame_of(One& op, size_t part);
  void messages_of(Fetched fetched);
  void decoded(const Fetched& fetched, const Result<Decoded>& result);
  void opened(const Result<Decoded>& result);
  bool keep_decoded(uint64_t bytes);
  void forget_decoded(uint64_t bytes);
  void forget_kept();
  void rest_for_memory(size_t part);
  void end_if_starved();
  void fail_part(size_t part, Failure failure, FetchHead head = {});
  void go_on();
  void share_memory();
  void write(Frame frame);
  FetchHead head_of(const One& op, size_t part) const;

  GrpcCall& call_;
  Services& services_;
  Delivery delivery_ = Delivery::kBatches;
  std::string session_;
  std::optional<SubscriptionPlan> plan_;
  std::deque<One> ops_;       // one for each part
  std::deque<Frame> ready_;
  std::vector<size_t> resting_;  // parts that were refused for a while, or whose wait ended before its time: next tick
  uint64_t writing_bytes_ = 0;
  uint64_t frame_bytes_ = 0;    // that the client wished
  bool counted_ = false;        // in services_.decoded.streams
  uint64_t decoded_bytes_ = 0;  // of ours in services_.decoded
  bool crowded_ = false;         // half of the memory for messages is in use: this stream has its share and no more
  uint64_t decode_bytes_max_ = 0;  // of one frame of messages
  OpenedBatch kept_;               // the compressed batch in which the last frame of messages ended, of kept_part_
  OpenedMemory kept_memory_;       // this and kept_ are the decoding's while it is under way
  Decoding decoding_{*this};
  Fetched being_opened_;           // what the decoding works on, without its batches
  std::deque<Fetched> to_decode_;  // behind it; reads alone, so SubscriptionPlan::kReadsAtOnceMax at most
  size_t kept_part_ = SIZE_MAX;
  bool kept_used_ = false;         // since the last tick
  Instant starved_since_{};      // no memory since then; 0: it had some the last time
  Instant last_frame_{};
  std::optional<CallEnd> end_;  // when the ready frames have left
};

}  // namespace ion::transport_grpc
