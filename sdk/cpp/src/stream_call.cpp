#include "stream_call.h"

#include <chrono>

#include "grpc_glue.h"

namespace ion::client {

StreamCall::StreamCall(std::shared_ptr<Driver> driver, Target target, std::shared_ptr<Owner> owner)
    : driver_(std::move(driver)), target_(std::move(target)), owner_(std::move(owner)), stub_(target_.channel) {}

std::shared_ptr<StreamCall> StreamCall::start(const std::shared_ptr<Driver>& driver, Target target, std::shared_ptr<Owner> owner) {
  std::shared_ptr<StreamCall> call(new StreamCall(driver, std::move(target), std::move(owner)));
  if (!driver->enter(call)) return nullptr;  // the client is closing
  // No deadline of gRPC's: the stream lives as long as the client. Its watchdogs are the request timeout of producers and the
  // silence limit of readers.
  call->call_ = call->stub_.PrepareCall(&call->context_, call->target_.method, &driver->queue());
  call->call_->StartCall(call->begin(call->start_op_, &StreamCall::on_start));
  return call;
}

StreamCall::Op* StreamCall::begin(Op& op, void (StreamCall::*then)(bool)) {
  ION_ASSERT(op.self == nullptr);
  op.then = then;
  op.self = shared_from_this();
  return &op;
}

void StreamCall::enqueue(grpc::ByteBuffer message, uint64_t cookie, Then then) {
  const std::lock_guard lock(mutex_);
  if (broken_ || reads_ended_) return;  // closed() tells the owner that nothing arrived
  out_.push_back({std::move(message), cookie, then});
}

void StreamCall::flush() {
  Outgoing next;
  bool ends = false;
  {
    const std::lock_guard lock(mutex_);
    if (!open_ || writing_ || broken_ || reads_ended_) return;
    if (out_.empty() && half_close_ != HalfClose::kWanted) return;
    writing_ = true;
    begin(write_op_, &StreamCall::on_write);
    if (out_.empty()) {
      half_close_ = HalfClose::kBegun;
    } else {
      next = std::move(out_.front());
      out_.pop_front();
      writing_cookie_ = next.cookie;
    }
    ends = half_close_ == HalfClose::kBegun;
  }
  if (ends) return call_->WritesDone(&write_op_);
  // Only who set writing_ is here, so order is kept without the lock.
  if (next.then == Then::kHalfClose) call_->WriteLast(next.message, grpc::WriteOptions(), &write_op_);
  else call_->Write(next.message, &write_op_);
}

void StreamCall::half_close() {
  {
    const std::lock_guard lock(mutex_);
    if (half_close_ == HalfClose::kNo) half_close_ = HalfClose::kWanted;
  }
  flush();
}

void StreamCall::on_start(bool ok) {
  {
    const std::lock_guard lock(mutex_);
    open_ = ok;
    reads_ended_ = !ok;
  }
  if (!ok) return finish_if_still();
  owner_->opened();
  call_->Read(&incoming_, begin(read_op_, &StreamCall::on_read));
  flush();
}

void StreamCall::on_read(bool ok) {
  if (!ok) {
    {
      const std::lock_guard lock(mutex_);
      reads_ended_ = true;
    }
    return finish_if_still();
  }
  owner_->received(incoming_);
  incoming_.Clear();
  call_->Read(&incoming_, begin(read_op_, &StreamCall::on_read));
}

void StreamCall::on_write(bool ok) {
  uint64_t cookie = 0;
  bool message = true;
  {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    broken_ = broken_ || !ok;
    cookie = writing_cookie_;
    message = half_close_ != HalfClose::kBegun;
  }
  if (ok && message) {
    flush();
    owner_->written(cookie);
  }
  finish_if_still();
}

// When neither a read nor a write is with gRPC, the reason can be asked for.
void StreamCall::finish_if_still() {
  {
    const std::lock_guard lock(mutex_);
    if (!reads_ended_ || writing_ || finishing_) return;
    finishing_ = true;
    out_.clear();
  }
  call_->Finish(&status_, begin(finish_op_, &StreamCall::on_finish));
}

void StreamCall::on_finish(bool) {
  Failure why;
  if (status_.ok()) why = {Status(ION_E_CLOSED, target_.address + ": the broker ended the stream", "DRAINING"), true, {}, {}};
  else why = failure_of(status_, target_.address);
  const std::shared_ptr<Owner> owner = std::move(owner_);
  owner->closed(std::move(why));
  driver_->leave(this);
}

namespace {
class UnaryCall final : public Driver::Call, public Tag, public std::enable_shared_from_this<UnaryCall> {
 public:
  UnaryCall(std::shared_ptr<Driver> driver, const UnaryRequest& request, std::function<void(Reply)> done)
      : driver_(std::move(driver)), target_(request.target), done_(std::move(done)), stub_(target_.channel) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::nanoseconds(request.timeout.n));
  }
  void start(const std::string& bytes) {
    self_ = shared_from_this();
    call_ = stub_.PrepareUnaryCall(&context_, target_.method, buffer_of(bytes), &driver_->queue());
    call_->StartCall();
    call_->Finish(&answer_, &status_, static_cast<Tag*>(this));
  }
  void cancel() override { context_.TryCancel(); }
  void done(bool) override {
    const std::shared_ptr<UnaryCall> self = std::move(self_);
    Reply reply;
    if (status_.ok()) reply.bytes = text_of_buffer(answer_);
    else reply.failure = failure_of(status_, target_.address);
    done_(std::move(reply));
    driver_->leave(this);
  }

 private:
  const std::shared_ptr<Driver> driver_;
  const StreamCall::Target target_;
  std::function<void(Reply)> done_;
  std::shared_ptr<UnaryCall> self_;  // while gRPC holds the tag
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call_;
  grpc::ByteBuffer answer_;
  grpc::Status status_;
};
}  // namespace

void call_unary(const std::shared_ptr<Driver>& driver, const UnaryRequest& request, std::function<void(Reply)> done) {
  // Kept when the driver refuses, so that `done` is told in any case.
  const auto call = std::make_shared<UnaryCall>(driver, request, done);
  if (!driver->enter(call)) return done({{Status(ION_E_CANCELLED, "the client is closing"), false, {}, {}}, {}});
  call->start(request.bytes);
}

}  // namespace ion::client
