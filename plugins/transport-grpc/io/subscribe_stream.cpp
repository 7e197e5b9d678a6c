#include "io/subscribe_stream.h"

#include "core/request_limits.h"
#include "io/message_codec.h"
#include "io/subscribe_codec.h"
#include "io/unary_handler.h"

#include <algorithm>

namespace ion::transport_grpc {
namespace {

constexpr Nanos kWait = seconds(15);       // of one fetch at the log's end
constexpr Nanos kHeartbeat = seconds(13);  // ticks come about once a second; a frame is promised every 15 s
constexpr Nanos kRest = milliseconds(100);

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

Status SubscribeStream::begin(Message request) {
  const std::string whole = request.joined();
  ION_TRY(SubscribeWish wish, read_subscribe(whole));
  if (wish.parts.empty()) return {ION_E_INVALID, "SubscribeRequest: want at least one part, have none"};
  if (wish.parts.size() > services_.config.subscribe_parts_max)
    return {ION_E_INVALID, "SubscribeRequest: " + std::to_string(wish.parts.size()) + " parts, at most " +
                               std::to_string(services_.config.subscribe_parts_max) + " are taken in one subscription"};
  for (const auto& part : wish.parts)
    if (part.topic.empty()) return {ION_E_INVALID, "SubscribeRequest: a part names no topic", "NO_TOPIC"};
  delivery_ = wish.delivery;
  const uint64_t frame = wish.bytes_max == 0 ? kFetchBytesDefault : std::min(wish.bytes_max, services_.config.message_bytes_max / 2);
  const SubscriptionPlan::Limits limits{frame, services_.config.subscribe_ready_bytes, services_.config.subscribe_credit_max};
  ION_TRY(session_, services_.sessions.open(*services_.random, call_.weak_from_this(), *this));
  plan_.emplace(std::move(wish.parts), wish.credit_bytes == 0 ? kCreditBytesDefault : wish.credit_bytes, limits);
  for (size_t i = 0; i < plan_->size(); ++i) ops_.emplace_back(*this, i);
  return {};
}

void SubscribeStream::half_closed() {
  if (!plan_) call_.fail(Failure::of(Status(ION_E_INVALID, "want one request message, have none", "MALFORMED_MESSAGE")));
}

void SubscribeStream::writable() {
  plan_->sent(std::exchange(writing_bytes_, 0));
  go_on();
}

void SubscribeStream::draining() {
  ready_.clear();  // the client knows how far it has come
  end_ = CallEnd::of(Status(ION_E_CLOSED, "this broker is draining; subscribe again elsewhere or a little later", "DRAINING"));
  go_on();
}

void SubscribeStream::tick() {
  if (!plan_) return;
  for (const size_t part : std::exchange(resting_, {})) plan_->waited(part);
  go_on();
  if (call_.can_write() && services_.host.now() - last_frame_ >= kHeartbeat) write({{write_fetch_head({}, 0), {}}, 0});
}

void SubscribeStream::closed() {
  if (!session_.empty()) services_.sessions.close(session_);
  for (One& op : ops_) op.cancel(*services_.api);
  ready_.clear();
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
  if (!op.ok()) fail_part(part, op.failure());
  else if (op.bytes() != 0) frame_of(op, part);
  else if (services_.host.now() - op.asked_at < kRest) resting_.push_back(part);  // it did not wait: do not ask it in a circle
  else plan_->waited(part);
  go_on();
}

void SubscribeStream::frame_of(One& op, size_t part) {
  const uint64_t bytes = op.bytes();
  FetchHead head = head_of(op, part);
  Decoded decoded;
  if (delivery_ == Delivery::kMessages) {
    Result<Decoded> read = decode_messages(
        op.joined(), {head.partition, plan_->part(part).offset, head.log_id, services_.config.message_bytes_max / 2});
    if (!read) {
      op.bufs.clear();
      return fail_part(part, Failure::of(read.error()));
    }
    decoded = *std::move(read);
    head.messages = decoded.messages, head.next_offset = decoded.next_offset;
    op.bufs.clear();
  }
  if (plan_->fetched(part, head.next_offset, bytes) == SubscriptionPlan::Verdict::kDrop) return op.bufs.clear();
  ready_.push_back({{write_fetch_head(head, delivery_ == Delivery::kBatches ? bytes : 0), std::move(op.bufs)}, bytes});
  op.bufs.clear();
}

void SubscribeStream::fail_part(size_t part, Failure failure) {
  const auto& p = plan_->part(part);
  failure.on(p.topic, p.partition);
  plan_->failed(part);
  if (plan_->all_failed() && !end_) end_ = CallEnd::of(failure);  // nothing more can come
  FetchHead head;
  head.topic = p.topic, head.partition = p.partition, head.error = std::move(failure);
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
  while (const auto next = plan_->next_fetch()) {
    const auto& part = plan_->part(next->part);
    ops_[next->part].asked_at = services_.host.now();
    ops_[next->part].send(call_, *services_.api, {&part.topic, part.partition, part.offset, 1, next->bytes_max, kWait, part.topic_id}, services_.next_op_id());
  }
}

void SubscribeStream::write(Frame frame) {
  last_frame_ = services_.host.now();
  writing_bytes_ = frame.payload_bytes;
  call_.write(std::move(frame.message));
}

namespace {

// Credit: finds the subscription and asks it in its own strand; the answer comes back into this call's.
class CreditHandler final : public UnaryHandler {
 public:
  using UnaryHandler::UnaryHandler;

 private:
  class Grant final : public CreditGrant {
   public:
    explicit Grant(CreditHandler& handler) : handler_(handler) {}
    void run() noexcept override {  // in the subscription's strand
      left = stream->grant(bytes);
      handler_.call_.post(handler_.granted_);
      const std::shared_ptr<GrpcCall> last = std::move(handler_.keep_);  // after this nothing here is touched
    }

   private:
    CreditHandler& handler_;
  };
  class Granted final : public Event {
   public:
    explicit Granted(CreditHandler& handler) : handler_(handler) {}
    void run() noexcept override { handler_.reply(write_credit(handler_.grant_.left)); }

   private:
    CreditHandler& handler_;
  };

  void request(Message message) override {
    const std::string whole = message.joined();
    const Result<CreditWish> wish = read_credit(whole);
    if (!wish) return call_.fail(Failure::of(wish.error()));
    const Sessions::Found found = services_.sessions.find(wish->session.substr(0, kSessionBytesMax));
    if (found.call == nullptr)
      return call_.fail(Failure::of(Status(ION_E_NOT_FOUND, "Credit: no subscription of that session is open here", "SESSION_NOT_FOUND")));
    grant_.bytes = wish->bytes, grant_.stream = found.stream;
    keep_ = call_.shared_from_this();
    found.call->post(grant_);
  }

  Grant grant_{*this};
  Granted granted_{*this};
  std::shared_ptr<GrpcCall> keep_;  // this call, while the other strand works for it
};

}  // namespace

std::unique_ptr<CallHandler> make_credit_handler(GrpcCall& call, Services& services) {
  return std::make_unique<CreditHandler>(call, services);
}

}  // namespace ion::transport_grpc
