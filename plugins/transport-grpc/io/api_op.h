// One question to the broker API from a call: its end comes back as an event in the call's strand, whichever thread answered and
// also when the answer was there at once. So a handler is never called from within its own question.
// A ApiOp belongs to its handler, which lives until the answer came: the completion keeps the call alive.
#pragma once
#include "core/failure.h"
#include "io/grpc_call.h"

#include <ion/abi/host/broker_api_admin.h>
#include <ion/op.h>

#include <string_view>
#include <utility>

namespace ion::transport_grpc {

class ApiOp : public Event {
 public:
  ion_error_info error{};  // what the kernel says when it refuses; answers point here
  uint64_t id = 0;         // for cancel; 0: none
  Bufs bufs;

  bool asked() const noexcept { return asked_; }  // and not answered yet
  Code code() const noexcept { return code_; }
  bool ok() const noexcept { return code_ == ION_OK; }
  Failure failure() const;

  // `start(Op&)` hands the op to the broker API. Everything it borrows is a member of the op or of its handler.
  template <class Start>
  void ask(GrpcCall& call, uint64_t op_id, Start&& start) {
    ION_ASSERT(!asked_);
    asked_ = true, id = op_id, call_ = &call;
    call.asked();
    error.size = sizeof error, error.code = ION_OK, error.reason[0] = error.detail[0] = error.leader_hint[0] = 0, error.retry_after_ns = 0;
    ion::call({call.deadline(), op_id}, std::forward<Start>(start), [this, keep = call.shared_from_this()](const ion_result& r) {
      answered(r);
      keep->post(*this);
    });
  }

 protected:
  void taken() noexcept {  // first thing in run()
    asked_ = false;
    call_->answered();
  }

 private:
  void answered(const ion_result& r) {
    code_ = to_code(r.status);
    if (code_ == ION_PENDING) code_ = ION_E_INTERNAL;  // no answer that can be
    message_ = code_ == ION_OK ? std::string() : Status::from(code_, r.err).message();
    bufs.clear();
    for (uint32_t i = 0; i < r.nbufs; ++i) bufs.push_back(Buf::adopt(r.bufs[i]));
  }

  GrpcCall* call_ = nullptr;  // the completion keeps it alive
  bool asked_ = false;
  Code code_ = ION_OK;
  std::string message_;
};

// The kernel's words when it gave any, else those of the op.
inline Failure failure_from(Code code, const ion_error_info& error, const std::string& words) {
  const auto text = [](const char* p, size_t n) { return std::string(p, strnlen(p, n)); };
  Failure f;
  f.code = code;
  f.detail = words;
  if (error.code == ION_OK) return f;
  f.reason = text(error.reason, sizeof error.reason);
  if (error.detail[0] != 0) f.detail = text(error.detail, sizeof error.detail);
  f.retry_after = {static_cast<int64_t>(error.retry_after_ns)};
  f.leader_hint = text(error.leader_hint, sizeof error.leader_hint);
  return f;
}

inline Failure ApiOp::failure() const { return failure_from(code_, error, message_); }

// An op whose end is a member function of its handler.
template <class Handler, void (Handler::*Answered)()>
class ApiCall final : public ApiOp {
 public:
  explicit ApiCall(Handler& handler) : handler_(handler) {}
  void run() noexcept override {
    taken();
    (handler_.*Answered)();
  }

 private:
  Handler& handler_;
};

}  // namespace ion::transport_grpc
