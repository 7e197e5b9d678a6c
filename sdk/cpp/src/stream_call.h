// One long-lived gRPC stream of raw bytes. Messages to send wait here in order while one is being written; the next message is
// read when the one before has been taken. It ends once, with a reason, after which nothing is told any more.
// Any thread may enqueue, flush and cancel; the owner is told on the driver's thread, never under a lock of ours.
#pragma once
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "core/failure.h"
#include "driver.h"

namespace ion::client {

class StreamCall final : public Driver::Call, public std::enable_shared_from_this<StreamCall> {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void opened() = 0;
    virtual void received(const grpc::ByteBuffer& message) = 0;
    virtual void written(uint64_t cookie) = 0;
    virtual void closed(Failure why) = 0;  // the last call
  };
  struct Target {
    std::shared_ptr<grpc::Channel> channel;
    std::string method, address;
  };

  // The owner is held until closed().
  static std::shared_ptr<StreamCall> start(const std::shared_ptr<Driver>& driver, Target target, std::shared_ptr<Owner> owner);

  enum class Then { kMore, kHalfClose };  // kHalfClose: the last message
  void enqueue(grpc::ByteBuffer message, uint64_t cookie, Then then = Then::kMore);
  // Begins to write, if nobody does. Apart from enqueue so that the system call happens outside the caller's lock.
  void flush();
  // Nothing more will be enqueued: when all is written the other side is told so, and ends the stream when it has read everything.
  void half_close();
  void cancel() override { context_.TryCancel(); }

 private:
  struct Op final : Tag {
    void done(bool ok) override {
      const std::shared_ptr<StreamCall> call = std::move(self);  // this op may start again inside
      (call.get()->*then)(ok);
    }
    void (StreamCall::*then)(bool) = nullptr;
    std::shared_ptr<StreamCall> self;  // while gRPC holds the tag
  };
  struct Outgoing {
    grpc::ByteBuffer message;
    uint64_t cookie = 0;
    Then then = Then::kMore;
  };

  StreamCall(std::shared_ptr<Driver> driver, Target target, std::shared_ptr<Owner> owner);
  Op* begin(Op& op, void (StreamCall::*then)(bool));
  void on_start(bool ok);
  void on_read(bool ok);
  void on_write(bool ok);
  void on_finish(bool ok);
  void finish_if_still();

  const std::shared_ptr<Driver> driver_;
  const Target target_;
  std::shared_ptr<Owner> owner_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  Op start_op_, read_op_, write_op_, finish_op_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;

  std::mutex mutex_;
  std::deque<Outgoing> out_;  // bounded by what the owner has in flight
  uint64_t writing_cookie_ = 0;
  enum class HalfClose { kNo, kWanted, kBegun } half_close_ = HalfClose::kNo;
  bool open_ = false, writing_ = false, reads_ended_ = false, broken_ = false, finishing_ = false;
};

// One request, one answer, always with a deadline. `done` runs on the driver's thread.
struct Reply {
  Failure failure;  // status OK: none
  std::string bytes;
};
struct UnaryRequest {
  StreamCall::Target target;
  std::string bytes;
  Nanos timeout;
};
void call_unary(const std::shared_ptr<Driver>& driver, const UnaryRequest& request, std::function<void(Reply)> done);

}  // namespace ion::client
