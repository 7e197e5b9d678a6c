// Op and Later: how a slow function answers. `return op.ok(u0, u1)` answers now, `Later later = op.later()` answers once from
// any thread, `return op.refuse(status)` says that nothing happened. call() is the asking side.
#pragma once
#include <ion/bytes.h>
#include <ion/result.h>
#include <ion/time.h>

#include <array>
#include <span>
#include <utility>

namespace ion {

// What an op returns. PENDING, OK or negative; made by Op only.
class [[nodiscard]] Answer {
 public:
  explicit constexpr Answer(ion_status code) noexcept : code_(code) {}
  constexpr ion_status code() const noexcept { return code_; }
  constexpr bool pending() const noexcept { return code_ == ION_PENDING; }

 private:
  ion_status code_;
};

// One completion that must happen exactly once: dropped it completes with INTERNAL, called twice it asserts. Any thread.
class Later {
 public:
  Later() noexcept = default;
  explicit Later(const ion_op& op) noexcept : done_(op.done), ctx_(op.ctx), deadline_{op.deadline_ns}, id_(op.id) {}
  Later(Later&& o) noexcept : done_(std::exchange(o.done_, nullptr)), ctx_(o.ctx_), deadline_(o.deadline_), id_(o.id_) {}
  Later& operator=(Later&& o) noexcept {
    if (this == &o) return *this;
    drop();
    done_ = std::exchange(o.done_, nullptr), ctx_ = o.ctx_, deadline_ = o.deadline_, id_ = o.id_;
    return *this;
  }
  ~Later() { drop(); }

  explicit operator bool() const noexcept { return done_ != nullptr; }
  Instant deadline() const noexcept { return deadline_; }
  uint64_t id() const noexcept { return id_; }

  void ok(uint64_t u0 = 0, uint64_t u1 = 0) noexcept { ok(u0, u1, {}); }
  // Each buffer is lent to the receiver.
  void ok(uint64_t u0, uint64_t u1, std::span<Buf> bufs) noexcept {
    std::array<ion_buf, 16> small{};
    std::vector<ion_buf> large;
    ion_buf* raw = small.data();
    if (bufs.size() > small.size()) large.resize(bufs.size()), raw = large.data();
    for (size_t i = 0; i < bufs.size(); ++i) raw[i] = bufs[i].release();
    const auto n = static_cast<uint32_t>(bufs.size());
    complete({sizeof(ion_result), ION_OK, u0, u1, n, n, raw, nullptr});
  }
  void fail(const Status& status) noexcept { fail(status, 0, 0); }
  void fail(const Status& status, uint64_t u0, uint64_t u1) noexcept {
    ion_err err{sizeof(ion_err), ION_OK, {}};
    (void)status.to(&err);
    complete({sizeof(ion_result), status.code(), u0, u1, 0, 0, nullptr, &err});
  }
  void pass(const ion_result& result) noexcept { complete(result); }  // hands on what another op answered, buffers too

 private:
  void complete(const ion_result& result) noexcept {
    ION_ASSERT(done_ != nullptr);
    std::exchange(done_, nullptr)(ctx_, &result);
  }
  void drop() noexcept {
    if (done_ != nullptr) fail(Status(ION_E_INTERNAL, "an operation was dropped without an answer"));
  }
  void (*done_)(void*, const ion_result*) noexcept = nullptr;
  void* ctx_ = nullptr;
  Instant deadline_{};
  uint64_t id_ = 0;
};

// The callee's view of a call in progress. Borrowed: never kept.
class Op {
 public:
  Op(const ion_op& op, ion_result& now) noexcept : op_(op), now_(now) {}
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;

  Instant deadline() const noexcept { return {op_.deadline_ns}; }
  const ion_op& raw() const noexcept { return op_; }
  ion_result& now() noexcept { return now_; }
  bool taken() const noexcept { return taken_; }  // a bridge asks after an exception: PENDING, since unwinding has completed it

  Answer ok(uint64_t u0 = 0, uint64_t u1 = 0) noexcept {
    ION_ASSERT(!taken_);
    now_.status = ION_OK, now_.u0 = u0, now_.u1 = u1, now_.nbufs = 0;
    return Answer(ION_OK);
  }
  Answer ok(uint64_t u0, uint64_t u1, std::span<Buf> bufs) noexcept {
    if (bufs.size() > now_.bufs_cap) {
      later().ok(u0, u1, bufs);
      return Answer(ION_PENDING);
    }
    for (size_t i = 0; i < bufs.size(); ++i) now_.bufs[i] = bufs[i].release();
    (void)ok(u0, u1);
    now_.nbufs = static_cast<uint32_t>(bufs.size());
    return Answer(ION_OK);
  }
  Answer refuse(const Status& status) noexcept {
    ION_ASSERT(!taken_);
    return Answer(status.to(now_.err));
  }
  [[nodiscard]] Later later() noexcept {
    ION_ASSERT(!taken_);
    taken_ = true;
    return Later(op_);
  }
  // The op was handed on to another table with raw() and now(): what that table said. Its PENDING takes the op like later().
  Answer passed(ion_status code) noexcept {
    ION_ASSERT(!taken_);
    taken_ = code == ION_PENDING;
    return Answer(code);
  }
  // After later() was parked somewhere: `return op.pending();`
  Answer pending() const noexcept {
    ION_ASSERT(taken_);
    return Answer(ION_PENDING);
  }

 private:
  const ion_op& op_;
  ion_result& now_;
  bool taken_ = false;
};

// How an op ended, in C++ words. Owns its buffers.
struct Outcome {
  Status status;
  uint64_t u0 = 0, u1 = 0;
  Bufs bufs;
  static Outcome from(const ion_result& r) {
    Outcome o{Status::from(r.status, r.err), r.u0, r.u1, {}};
    o.bufs.reserve(r.nbufs);
    for (uint32_t i = 0; i < r.nbufs; ++i) o.bufs.push_back(Buf::adopt(r.bufs[i]));
    return o;
  }
};

struct CallOptions {
  Instant deadline{};
  uint64_t id = 0;
};

namespace detail {
template <class Done>
struct PendingCall {
  Done done;
  static void complete(void* ctx, const ion_result* r) noexcept {
    auto* self = static_cast<PendingCall*>(ctx);
    Done done = std::move(self->done);
    delete self;
    done(*r);
  }
};
}  // namespace detail

// Asks: `start` gets an Op& to hand to the callee, `done(const ion_result&)` runs exactly once, before call() returns or later
// from any thread. It owns what it needs; captures by reference pass every inline test and fail at the first late answer.
// Buffers in the result are lent to `done`: adopt each. One allocation per call.
template <class Start, class Done>
void call(CallOptions options, Start&& start, Done done) {
  auto* pending = new detail::PendingCall<Done>{std::move(done)};
  const ion_op raw{sizeof(ion_op), 0, options.id, options.deadline.ns, &detail::PendingCall<Done>::complete, pending, 0, 0, 0};
  std::array<ion_buf, 16> bufs{};
  ion_err err{sizeof(ion_err), ION_OK, {}};
  ion_result now{sizeof(ion_result), ION_OK, 0, 0, 0, bufs.size(), bufs.data(), &err};
  Op op(raw, now);
  const Answer answer = start(op);
  if (answer.pending()) return;  // `pending` may be gone already
  now.status = answer.code();
  detail::PendingCall<Done>::complete(pending, &now);
}
template <class Start, class Done>
void call(Start&& start, Done done) {
  call(CallOptions{}, std::forward<Start>(start), std::move(done));
}

}  // namespace ion
