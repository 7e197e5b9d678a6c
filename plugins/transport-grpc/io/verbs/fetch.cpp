// Fetch, the unary call: whole batches from an offset on, perhaps after a wait. The bytes go out as they lie.
#include "core/fetch_envelope.h"
#include "core/request_limits.h"
#include "io/decode_job.h"
#include "io/fetch_op.h"
#include "io/message_codec.h"
#include "io/verbs/verb_file.h"

#include <algorithm>

namespace ion::transport_grpc {
namespace {

class FetchHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;
  void closed() override { op_.cancel(*services_.api); }
  void draining() override {  // a parked read would hold the drain for its whole wait
    draining_ = true;
    op_.cancel(*services_.api);
  }

 private:
  class One final : public FetchOp {
   public:
    explicit One(FetchHandler& handler) : handler_(handler) {}
    void run() noexcept override {
      taken();
      handler_.answered();
    }

   private:
    FetchHandler& handler_;
  };
  class Decoding final : public DecodeJob {
   public:
    explicit Decoding(FetchHandler& handler) : handler_(handler) {}
    void run() noexcept override { handler_.decoded(take_decoded()); }

   private:
    FetchHandler& handler_;
  };

  void request(Message message) override {
    Result<FetchEnvelope> envelope = read_fetch(message.parts());
    if (!envelope) return call_.fail(Failure::of(envelope.error()));
    envelope_ = *std::move(envelope);
    if (envelope_.topic.empty()) return call_.fail(Failure::of(Status(ION_E_INVALID, "FetchRequest: no topic is named", "NO_TOPIC")));
    const uint64_t bytes_max = bytes_wished();
    const Nanos wait = std::min(milliseconds(envelope_.wait_ms), Nanos{services_.reloadable.fetch_wait_max_ns.load()});
    op_.send(call_, *services_.api,
             {&envelope_.topic, envelope_.partition, envelope_.offset, std::clamp<uint64_t>(envelope_.bytes_min, 1, bytes_max), bytes_max, wait, envelope_.topic_id},
             services_.next_op_id());
  }

  uint64_t bytes_wished() const {
    return envelope_.bytes_max == 0 ? kFetchBytesDefault : std::min(envelope_.bytes_max, services_.config.message_bytes_max);
  }

  void answered() {
    if (draining_ && op_.code() == ION_E_CANCELLED)
      return call_.fail(Failure::of(Status(ION_E_CLOSED, "this broker is draining", "DRAINING")).on(envelope_.topic, envelope_.partition));
    if (!op_.ok()) return call_.fail(op_.failure().on(envelope_.topic, envelope_.partition));
    if (envelope_.delivery == Delivery::kBatches) return call_.answer({write_fetch_head(head(), op_.bytes()), std::move(op_.bufs)});
    const uint64_t half = services_.config.message_bytes_max / 2;
    const DecodeWish wish{envelope_.partition, envelope_.offset, op_.answer().log_id, half, std::min(bytes_wished(), half),
                          [this](uint64_t bytes) { return opened_.take(bytes); }};
    Bufs batches = std::exchange(op_.bufs, {});
    if (!DecodeJob::is_needed(batches)) return decoded(decode_messages(joined(batches), wish));
    if (const Status started = decoding_.start(call_, *services_.opening, std::move(batches), wish, nullptr); !started.ok()) decoded(started);
  }

  void decoded(const Result<Decoded>& result) {
    opened_.give_back();
    if (!result) return call_.fail(Failure::of(result.error()).on(envelope_.topic, envelope_.partition));
    FetchHead with = head();
    with.messages = result->messages, with.next_offset = result->next_offset;
    reply(write_fetch_head(with, 0));
  }

  FetchHead head() const {
    const ion_fetch_answer& a = op_.answer();
    return {{}, envelope_.partition, a.base, a.next, a.log_start, a.high_watermark, a.log_id, std::nullopt, {}, {}};
  }

  FetchEnvelope envelope_;
  One op_{*this};
  OpenedMemory opened_{services_.decoded, decoded_bytes_max(services_.config)};
  Decoding decoding_{*this};
  bool draining_ = false;
};

}  // namespace

std::span<const RpcRow> rpcs_in_fetch() {
  static constexpr RpcRow kRows[] = {
      {.method = "/ionstream.v1.Broker/Fetch", .label = "fetch", .asks = kVerbs<Verb::fetch>, .make = make_call<FetchHandler>},
  };
  return kRows;
}

}  // namespace ion::transport_grpc
