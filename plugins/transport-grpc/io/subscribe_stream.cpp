#include "io/subscribe_stream.h"

#include "core/request_limits.h"
#include "io/message_codec.h"
#include "io/subscribe_codec.h"

#include <algorithm>

namespace ion::transport_grpc {
namespace {

constexpr Nanos kWait = seconds(15);       // of one fetch at the log's end
constexpr Nanos kHeartbeat = seconds(13);  // ticks come about once a second; a frame is promised every 15 s
constexpr Nanos kRest = milliseconds(100);
constexpr uint64_t kShareBytesMin = 64 << 10;
constexpr Nanos kStarvedMax = seconds(15);  // without memory for a single message

// What passes by itself; the part waits instead of ending.
bool is_passing(Code code) { return code == ION_E_OVERLOADED || code == ION_E_BUSY; }

}  // namespace

void SubscribeStream::message(Message request) {
  if (plan_) return call_.fail(Failure::of(Status(ION_E_INVALID, "Subscribe takes one request message", "MALFORMED_MESSAGE")));
  if (const Status status = begin(std::move(request)); !status.ok()) return call_.fail(Failure::of(status));
  // The session goes out at once: a client may need it before there is a record.
  FetchHead head;
  head.session = session_;
  write({{write_fetch_head(head, 0), {}}, 0});
  go_on();
}

// Each stream of messages gets an equal share of the memory for them, once half of it is in use.
void SubscribeStream::share_memory() {
  if (delivery_ != Delivery::kMessages) return;
  const TransportGrpcConfig& config = services_.config;
  const uint64_t half = decoded_bytes_max(config) / 2;
  uint64_t ready = config.subscribe_ready_bytes;
  crowded_ = services_.decoded.bytes.load(std::memory_order_relaxed) > half;
  if (crowded_) ready = std::clamp(half / std::max<uint64_t>(1, services_.decoded.streams.load(std::memory_order_relaxed)), kShareBytesMin, ready);
  plan_->limit(std::min(frame_bytes_, ready), ready);
  decode_bytes_max_ = crowded_ ? std::min(frame_bytes_, ready) : config.message_bytes_max / 2;
}

// Messages of `bytes` are about to be kept. False: there is no memory for them now; alone, they always fit.
bool SubscribeStream::keep_decoded(uint64_t bytes) {
  const uint64_t before = services_.decoded.bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (before == 0 || before + bytes <= decoded_bytes_max(services_.config)) return decoded_bytes_ += bytes, true;
  services_.decoded.bytes.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

// Tried again at the next tick, for a while.
void SubscribeStream::rest_for_memory(size_t part) {
  resting_.push_back(part);
  if (decoded_bytes_ != 0) starved_since_ = {};  // it waits for its own client
  else if (starved_since_ == Instant{}) starved_since_ = services_.host.now();
}

void SubscribeStream::end_if_starved() {
  if (starved_since_ == Instant{} || decoded_bytes_ != 0 || end_ || services_.host.now() - starved_since_ < kStarvedMax) return;
  end_ = CallEnd::of(Status(ION_E_OVERLOADED, "Subscribe: other subscriptions hold " + std::to_string(decoded_bytes_max(services_.config)) +
                                                  " bytes of messages that their clients do not take, a quarter of memory_bytes_max", "MEMORY"));
}

Status SubscribeStream::begin(Message request) {
  const std::string whole = request.joined();
  ION_TRY(SubscribeWish wish, read_subscribe(whole));
  if (wish.parts.empty()) return {ION_E_INVALID, "SubscribeRequest: want at least one part, have none"};
  if (const uint32_t most = services_.reloadable.subscribe_parts_max; wish.parts.size() > most)
    return {ION_E_INVALID, "SubscribeRequest: " + std::to_string(wish.parts.size()) + " parts, at most " + std::to_string(most) + " are taken in one subscription"};
  for (const auto& part : wish.parts)
    if (part.topic.empty()) return {ION_E_INVALID, "SubscribeRequest: a part names no topic", "NO_TOPIC"};
  delivery_ = wish.delivery;
  frame_bytes_ = wish.bytes_max == 0 ? kFetchBytesDefault : std::min(wish.bytes_max, services_.config.message_bytes_max / 2);
  if (delivery_ == Delivery::kMessages) {
    const uint64_t streams_max = std::max<uint64_t>(1, decoded_bytes_max(services_.config) / kShareBytesMin);
    const uint64_t before = services_.decoded.streams.fetch_add(1, std::memory_order_relaxed);
    counted_ = true;  // until closed()
    if (before >= streams_max)
      return {ION_E_OVERLOADED, "Subscribe: " + std::to_string(before) + " streams of messages are open, which is the most for memory_bytes_max " +
                                    std::to_string(services_.config.memory_bytes_max), "MEMORY"};
  }
  const SubscriptionPlan::Limits limits{frame_bytes_, services_.config.subscribe_ready_bytes, services_.config.subscribe_credit_max};
  ION_TRY(session_, services_.sessions.open(*services_.random, call_.weak_from_this(), *this));
  plan_.emplace(std::move(wish.parts), wish.credit_bytes == 0 ? kCreditBytesDefault : wish.credit_bytes, limits);
  for (size_t i = 0; i < plan_->size(); ++i) ops_.emplace_back(*this, i);
  return {};
}

void SubscribeStream::half_closed() {
  if (!plan_) call_.fail(Failure::of(Status(ION_E_INVALID, "want one request message, have none", "MALFORMED_MESSAGE")));
}

void SubscribeStream::writable() {
  const uint64_t bytes = std::exchange(writing_bytes_, 0);
  plan_->sent(bytes);
  forget_decoded(bytes);
  go_on();
}

void SubscribeStream::forget_decoded(uint64_t bytes) {
  const uint64_t ours = std::min(bytes, decoded_bytes_);
  decoded_bytes_ -= ours;
  services_.decoded.bytes.fetch_sub(ours, std::memory_order_relaxed);
}

void SubscribeStream::forget_kept() {
  if (decoding_.under_way()) return;  // opened() comes to it
  kept_ = {};
  kept_memory_.give_back();
}

void SubscribeStream::draining() {
  ready_.clear();  // the client knows how far it has come
  end_ = CallEnd::of(Status(ION_E_CLOSED, "this broker is draining; subscribe again elsewhere or a little later", "DRAINING"));
  go_on();
}

void SubscribeStream::tick() {
  if (!plan_) return;
  end_if_starved();
  if (!std::exchange(kept_used_, false)) forget_kept();  // its client does not take: others may need the memory
  for (const size_t part : std::exchange(resting_, {})) plan_->dropped(part);
  go_on();
  if (call_.can_write() && services_.host.now() - last_frame_ >= kHeartbeat) write({{write_fetch_head({}, 0), {}}, 0});
}

void SubscribeStream::closed() {
  if (!session_.empty()) services_.sessions.close(session_);
  for (One& op : ops_) op.cancel(*services_.api);
  ready_.clear();
  to_decode_.clear();
  forget_decoded(decoded_bytes_);
  forget_kept();
  if (std::exchange(counted_, false)) services_.decoded.streams.fetch_sub(1, std::memory_order_relaxed);
}

uint64_t SubscribeStream::grant(uint64_t bytes) {
  if (!plan_) return 0;
  const uint64_t left = plan_->grant(bytes);
  go_on();
  return left;
}

FetchHead SubscribeStream::head_of(const One& op, size_t part) const {
  const ion_fetch_answer& a = op.answer();
  const auto& p = plan_->part(part);
  return {p.topic, p.partition, a.base, a.next, a.log_start, a.high_watermark, a.log_id, std::nullopt, {}, {}};
}

void SubscribeStream::fetched(One& op, size_t part) {
  if (!call_.is_open()) return op.bufs.clear();
  if (!op.ok()) is_passing(op.code()) ? resting_.push_back(part) : fail_part(part, op.failure(), head_of(op, part));
  else if (op.bytes() != 0) frame_of(op, part);
  else if (op.parks && services_.host.now() - op.asked_at < kRest) resting_.push_back(part);  // it did not wait: do not ask it in a circle
  else plan_->waited(part);
  go_on();
}

void SubscribeStream::frame_of(One& op, size_t part) {
  Bufs payload = std::exchange(op.bufs, {});
  if (!plan_->has_space()) return plan_->dropped(part);  // before anything is decoded
  uint64_t bytes = 0;
  for (const Buf& buf : payload) bytes += buf.size();
  FetchHead head = head_of(op, part);
  if (delivery_ == Delivery::kBatches) {
    plan_->fetched(part, head.next_offset, bytes, bytes);
    return ready_.push_back({{write_fetch_head(head, bytes), std::move(payload)}, bytes});
  }
  if (!decoding_.under_way()) return messages_of({part, head, std::move(payload), bytes});
  if (op.parks) return plan_->dropped(part);  // any number of those may wake: it is read in its turn
  to_decode_.push_back({part, head, std::move(payload), bytes});
}

// Nothing else is being decoded for this stream.
void SubscribeStream::messages_of(Fetched fetched) {
  if (services_.decoded.bytes.load(std::memory_order_relaxed) >= decoded_bytes_max(services_.config)) return rest_for_memory(fetched.part);
  share_memory();
  if (std::exchange(kept_part_, fetched.part) != fetched.part) forget_kept();
  kept_used_ = true;
  const DecodeWish wish{fetched.head.partition, plan_->part(fetched.part).offset, fetched.head.log_id, decode_bytes_max_,
                        std::min(frame_bytes_, decode_bytes_max_),
                        [this, also = decoded_bytes_](uint64_t more) { return kept_memory_.take(more, also); }};
  if (!DecodeJob::is_needed(fetched.batches)) return decoded(fetched, decode_messages(joined(fetched.batches), wish, &kept_));
  being_opened_ = {fetched.part, fetched.head, {}, fetched.bytes};
  if (const Status started = decoding_.start(call_, *services_.opening, std::move(fetched.batches), wish, &kept_); !started.ok())
    resting_.push_back(fetched.part);
}

// What was being opened, and what waited for it.
void SubscribeStream::opened(const Result<Decoded>& result) {
  if (!call_.is_open()) return forget_kept();
  decoded(being_opened_, result);
  while (!to_decode_.empty() && !decoding_.under_way()) {
    Fetched next = std::move(to_decode_.front());
    to_decode_.pop_front();
    if (plan_->has_space()) messages_of(std::move(next));
    else plan_->dropped(next.part);
  }
  go_on();
}

void SubscribeStream::decoded(const Fetched& fetched, const Result<Decoded>& result) {
  const size_t part = fetched.part;
  if (kept_.bytes.empty()) forget_kept();
  if (!result && is_passing(result.error().code())) return rest_for_memory(part);
  if (!result) return fail_part(part, Failure::of(result.error()));
  FetchHead head = fetched.head;
  head.messages = result->messages, head.next_offset = result->next_offset;
  std::string bytes = write_fetch_head(head, 0);
  const uint64_t held = bytes.size();
  if (!keep_decoded(held)) return rest_for_memory(part);
  starved_since_ = {};
  plan_->fetched(part, head.next_offset, crowded_ || result->opened ? held : fetched.bytes, held);  // what is cut off now is read, and paid, again
  ready_.push_back({{std::move(bytes), {}}, held});
}

// `head` says where the log begins and ends, for who asked for what is not there.
void SubscribeStream::fail_part(size_t part, Failure failure, FetchHead head) {
  const auto& p = plan_->part(part);
  failure.on(p.topic, p.partition);
  plan_->failed(part);
  if (plan_->all_failed() && !end_) end_ = CallEnd::of(failure);  // nothing more can come
  const std::string topic = utf8_text(p.topic);
  head.topic = topic, head.partition = p.partition, head.error = std::move(failure);
  ready_.push_back({{write_fetch_head(head, 0), {}}, 0});
}

void SubscribeStream::go_on() {
  if (!call_.is_open() || !plan_) {
    if (end_) call_.finish(*end_);
    return;
  }
  if (call_.can_write() && !ready_.empty()) {
    Frame frame = std::move(ready_.front());
    ready_.pop_front();
    write(std::move(frame));
  }
  if (end_) {
    if (ready_.empty()) call_.finish(*end_);  // behind the frame that is being written
    return;
  }
  share_memory();
  while (const auto next = plan_->next_fetch()) {
    const auto& part = plan_->part(next->part);
    One& op = ops_[next->part];
    op.parks = next->kind == SubscriptionPlan::Kind::kPark;
    op.asked_at = services_.host.now();
    op.send(call_, *services_.api,
            {&part.topic, part.partition, part.offset, 1, next->bytes_max, op.parks ? kWait : Nanos{}, part.topic_id}, services_.next_op_id());
  }
}

void SubscribeStream::write(Frame frame) {
  last_frame_ = services_.host.now();
  writing_bytes_ = frame.held_bytes;
  call_.write(std::move(frame.message));
}

}  // namespace ion::transport_grpc
