// A verb of the broker API called with structs of an older size: the callee sees structs of today's size, the caller's are read
// and written only up to their own `size`. Costs four comparisons when the sizes are current, else one allocation.
#pragma once
#include <ion/abi/host/broker_api_admin.h>
#include <ion/bridge/crossing.h>

#include <memory>
#include <new>

namespace ion::bridge {

// Is each struct that this call hands in at least of today's size? A null pointer is no struct.
template <class Request, class Reply>
bool has_current_size(const Request& r, const Reply& a) noexcept {
  const auto covers = [](const auto* p) { return p == nullptr || p->size >= sizeof *p; };
  return r.size >= sizeof r && a.size >= sizeof a && covers(r.who) && covers(a.error);
}

template <class Request, class Reply>
class SizedCall {
 public:
  SizedCall(const Request* r, Reply* a) noexcept : request(take(r)), reply(take(a)), to_(a), error_to_(reply.error) {
    if (request.who != nullptr) who_ = take(request.who), request.who = &who_;
    if (error_to_ != nullptr) error_ = take(error_to_), reply.error = &error_;
  }
  // Writes the answer into the caller's structs, each up to its size.
  void hand_back() noexcept {
    if (error_to_ != nullptr) give(error_to_, error_);
    reply.error = error_to_;
    give(to_, reply);
  }

  // `f(Op&, const Request&, Reply&)` answers an Answer.
  template <class F>
  static ion_status run(const Request* r, Reply* a, const ion_op* raw, ion_result* now, F&& f) noexcept {
    std::unique_ptr<SizedCall> call(new (std::nothrow) SizedCall(r, a));
    if (call == nullptr) return say(now->err, ION_E_NO_MEMORY, "no memory for structs of an older size");
    call->caller_ = *raw;
    ion_op inner = *raw;
    inner.done = &SizedCall::done, inner.ctx = call.get();
    Op op(inner, *now);
    const ion_status code = cross(op, [&] { return f(op, call->request, call->reply); });
    if (code == ION_PENDING) (void)call.release();  // done() may have ended it already
    else call->hand_back();
    return code;
  }

  Request request;
  Reply reply;

 private:
  static void done(void* ctx, const ion_result* r) noexcept {
    const std::unique_ptr<SizedCall> call(static_cast<SizedCall*>(ctx));
    call->hand_back();
    call->caller_.done(call->caller_.ctx, r);
  }
  Reply* const to_;
  ion_error_info* const error_to_;
  ion_caller who_{};
  ion_error_info error_{};
  ion_op caller_{};
};

}  // namespace ion::bridge
