#include "io/grpc_call.h"

#include "io/call_registry.h"

namespace ion::transport_grpc {

GrpcCall::GrpcCall(World world, std::unique_ptr<CallPort> port, CallFacts facts, Instant deadline)
    : world_(std::move(world)), port_(std::move(port)), facts_(std::move(facts)), deadline_(deadline) {
  world_.metrics->call_began();
  who_ = {sizeof(ion_caller), 0, {}, {}, bytes_of(facts_.peer)};  // no principal: nothing was proved
}

GrpcCall::~GrpcCall() {
  handler_.reset();  // before the registry may say that the last one has left
  world_.metrics->call_left();
  world_.registry->left(*this);
}

void GrpcCall::open(std::unique_ptr<CallHandler> handler) {
  handler_ = std::move(handler);
  self_ = shared_from_this();
  post(opened_);
}

void GrpcCall::post(Event& event) noexcept {
  const std::shared_ptr<GrpcCall> keep = shared_from_this();
  strand_.post(event);
}

void GrpcCall::post_drain() noexcept {
  if (!drain_posted_.exchange(true)) post(drain_);
}

void GrpcCall::post_tick() noexcept {
  if (!tick_posted_.exchange(true)) post(tick_);
}

void GrpcCall::post_cut() noexcept {
  if (!cut_posted_.exchange(true)) post(cut_);
}

void GrpcCall::on_read(Message message) noexcept {
  incoming_ = std::move(message);
  post(read_);
}

void GrpcCall::read() {
  if (phase_ != Phase::kOpen || reading_ || read_ended_) return;
  reading_ = true;
  port_->start_read();
}

void GrpcCall::write(OutMessage message) {
  if (phase_ != Phase::kOpen) return;
  ION_ASSERT(!writing_);
  writing_ = true;
  world_.metrics->sent(message.bytes());
  port_->start_write(std::move(message));
}

void GrpcCall::finish(const CallEnd& end) {
  if (phase_ != Phase::kOpen) return;
  phase_ = Phase::kEnding;
  end_ = end;
  if (!writing_) send_end();
}

void GrpcCall::answer(OutMessage message) {
  if (phase_ != Phase::kOpen) return;
  ION_ASSERT(!writing_);
  phase_ = Phase::kEnding;
  end_sent_ = true;
  world_.metrics->sent(message.bytes());
  world_.metrics->ended(world_.verb, GrpcCode::kOk);
  port_->start_answer(std::move(message));
}

// What went well is counted and not told: there may be a hundred thousand of them in a second.
void GrpcCall::tell_end() const {
  if (end_.code == GrpcCode::kOk) return;
  const std::string_view what = phase_ == Phase::kClosed ? "the client of a call has gone" : "a call failed";
  world_.host->log(LogLevel::kDebug, what, {{"peer", facts_.peer}, {"method", facts_.method}, {"status", std::string(name_of(end_.code))}, {"why", end_.words}});
}

void GrpcCall::send_end() {
  end_sent_ = true;
  tell_end();
  world_.metrics->ended(world_.verb, end_.code);
  port_->start_finish(end_);
}

void GrpcCall::close_handler() {
  if (std::exchange(handler_closed_, true)) return;
  phase_ = Phase::kClosed;
  handler_->closed();
}

void GrpcCall::end_if_over() {
  if (!finished_seen_ || !done_seen_ || reading_ || writing_) return;
  close_handler();
  port_.reset();
  self_.reset();  // post() still holds one
}

void GrpcCall::step_opened() { handler_->accepted(); }

void GrpcCall::step_read() {
  reading_ = false;
  Message message = std::move(incoming_);
  if (!message) read_ended_ = true;
  if (message) world_.metrics->received(message.bytes());
  if (phase_ == Phase::kOpen) {
    if (message && world_.request_bytes_max != 0 && message.bytes() > world_.request_bytes_max) refuse_request(message.bytes());
    else if (message) handler_->message(std::move(message));
    else handler_->half_closed();
  }
  end_if_over();
}

void GrpcCall::refuse_request(uint64_t bytes) {
  fail(Failure::of(Status(ION_E_INVALID, facts_.method + " takes requests of at most " + std::to_string(world_.request_bytes_max) + " bytes, not " +
                                             std::to_string(bytes), "REQUEST_TOO_LARGE")));
}

void GrpcCall::step_written() {
  writing_ = false;
  if (phase_ == Phase::kOpen) handler_->writable();
  else if (!end_sent_) send_end();
  end_if_over();
}

void GrpcCall::step_finished() {
  finished_seen_ = true;
  close_handler();
  end_if_over();
}

// The client has gone or the server is cut. gRPC wants an end all the same; a write that is outstanding returns soon.
void GrpcCall::step_cancelled() {
  const bool was_open = phase_ == Phase::kOpen;
  close_handler();
  if (!was_open) return;
  end_ = {GrpcCode::kCancelled, "the client has gone", {}};
  if (!writing_) send_end();
}

void GrpcCall::step_done() {
  done_seen_ = true;
  end_if_over();
}

void GrpcCall::step_drain() {
  if (phase_ == Phase::kOpen) handler_->draining();
}

// A message or a status that the peer does not take, a request that it does not send. What the kernel works on goes on: its answer
// can still reach the client.
void GrpcCall::step_cut() {
  cut_posted_.store(false);
  if (port_ == nullptr || finished_seen_) return;
  if (writing_ || end_sent_ || (reading_ && asked_ == 0)) port_->cut();
}

void GrpcCall::step_tick() {
  tick_posted_.store(false);
  if (phase_ == Phase::kOpen) handler_->tick();
}

}  // namespace ion::transport_grpc
