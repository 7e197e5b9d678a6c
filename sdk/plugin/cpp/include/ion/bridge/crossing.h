// What all bridges are made of: the only place that catches, words for a member that is not there, structs with a `size`, and
// ops whose end a bridge must see before the caller does. Users of bridges need nothing of this file. Thread: any.
#pragma once
#include <ion/abi/host.h>
#include <ion/op.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ion::bridge {

// Words without memory: an exception may be the news that there is none.
inline ion_status say(ion_err* err, Code code, std::string_view words) noexcept {
  if (err == nullptr) return code;
  if (const size_t all = message_bytes(*err); all > 0) {
    const size_t n = std::min(words.size(), all - 1);
    std::memcpy(err->msg, words.data(), n);
    err->msg[n] = 0;
  }
  return err->code = code;
}
inline void fail(ion_result& r, Code code, std::string_view words) noexcept { r.status = say(r.err, code, words); }

// Runs our side of a plain function; `f` answers an ion_status.
template <class F>
ion_status cross(ion_err* err, F&& f) noexcept {
  try {
    return f();
  } catch (const std::exception& thrown) {
    return say(err, ION_E_EXCEPTION, thrown.what());
  } catch (...) {
    return say(err, ION_E_EXCEPTION, "an exception that is no std::exception");
  }
}
// Runs our side of an op. If the completion was taken before the throw, unwinding has completed it or somebody still holds it:
// EXCEPTION would be a second answer.
template <class F>
ion_status cross(Op& op, F&& f) noexcept {
  ion_err* const err = op.now().err;
  try {
    const Answer answer = f();
    ION_ASSERT(answer.pending() || !op.taken());
    return answer.code();
  } catch (const std::exception& thrown) {
    return op.taken() ? ION_PENDING : say(err, ION_E_EXCEPTION, thrown.what());
  } catch (...) {
    return op.taken() ? ION_PENDING : say(err, ION_E_EXCEPTION, "an exception that is no std::exception");
  }
}
template <class F>
ion_status cross(const ion_op* raw, ion_result* now, F&& f) noexcept {
  Op op(*raw, *now);
  return cross(op, [&] { return f(op); });
}

// What a table answered, in words that name contract and member when the other side had none.
inline Status told(std::string_view contract, std::string_view member, ion_status code, const ion_err* err = nullptr) {
  if (code == ION_OK || (err != nullptr && err->msg[0] != 0)) return Status::from(code, err);
  return {to_code(code), std::string(contract) + " " + std::string(member) + " answered " + std::string(code_name(code))};
}
inline Status missing(std::string_view contract, std::string_view member) {
  return {ION_E_UNSUPPORTED, std::string(contract) + " has no member " + std::string(member) + " here"};
}

// The words of a member that an implementation in C++ does not have.
template <class Function>
struct Absent;
template <class... A>
struct Absent<ion_status (*)(void*, A...) noexcept> {
  static ion_status answer(void*, A... arguments) noexcept {
    (tell(arguments), ...);
    return ION_E_UNSUPPORTED;
  }
  static void tell(ion_result* now) noexcept { (void)say(now->err, ION_E_UNSUPPORTED, "not offered by this implementation"); }
  template <class T>
  static void tell(const T&) noexcept {}
};

constexpr uint32_t bit_if(bool on, uint32_t bit) noexcept { return on ? bit : 0; }

// Structs that begin with `size`. Given out: at most what the asker knows. Taken in: what the other side filled, the rest zero.
template <class T>
void give(T* out, const T& full) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  const uint32_t size = out->size;
  std::memcpy(out, &full, std::min<size_t>(size, sizeof(T)));
  out->size = size;
}
template <class T>
T take(const T* in) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  T full{};
  if (in != nullptr) std::memcpy(&full, in, std::min<size_t>(in->size, sizeof(T)));
  full.size = sizeof(T);
  return full;
}

// An op whose end the bridge sees first: State::succeeded(ion_result&) runs once when the other side has answered OK, before the
// caller hears of it, and may turn the answer into a failure. State lives on the heap until then: what is borrowed until
// completion stands there. Not for results with buffers. One allocation; append, read and sync do without.
//
// A late answer is held back until `start` has returned. So State may destroy the object that was asked (close, stop) although
// it completed inside its own function. Rule for implementations: completing close or stop with OK is the last thing that
// an object does. Afterwards no function of it runs on, no thread touches it, no lock of it is held; its destructor may run on
// the completing thread, inside Later::ok(), and must not block. A Later that is a member of the object is fine.
// A close that fails frees nothing: the handle is still the caller's, who may close again.
template <class State>
class Watched {
 public:
  Watched(const ion_op& caller, State&& state) : caller_(take(&caller)), inner_(caller_), state_(std::move(state)) {
    inner_.done = &Watched::done, inner_.ctx = this;
  }

  // `start(Op&, State&)` asks the other side.
  template <class Start>
  static Answer run(Op& op, State state, Start&& start) {
    auto watched = std::make_unique<Watched>(op.raw(), std::move(state));
    Op inner(watched->inner_, op.now());
    const ion_status code = cross(inner, [&] { return start(inner, watched->state_); });
    if (code == ION_PENDING) {
      const Answer pending = op.passed(code);
      watched.release()->one_is_through();
      return pending;
    }
    if (code == ION_OK) {
      op.now().status = code;
      watched->state_.succeeded(op.now());
      return op.passed(op.now().status);
    }
    return op.passed(code);
  }

 private:
  static void done(void* ctx, const ion_result* r) noexcept {
    auto* watched = static_cast<Watched*>(ctx);
    for (uint32_t i = 0; i < r->nbufs; ++i) (void)Buf::adopt(r->bufs[i]);
    watched->result_.status = r->status, watched->result_.u0 = r->u0, watched->result_.u1 = r->u1;
    if (r->err != nullptr) (void)say(&watched->err_, to_code(r->status), {r->err->msg, strnlen(r->err->msg, message_bytes(*r->err))});
    watched->one_is_through();
  }
  // `start` returned, or the answer came: the second of them ends the op.
  void one_is_through() noexcept {
    if (!first_is_through_.exchange(true, std::memory_order_acq_rel)) return;
    const std::unique_ptr<Watched> owner(this);
    if (result_.status == ION_OK) state_.succeeded(result_);
    caller_.done(caller_.ctx, &result_);
  }

  const ion_op caller_;
  ion_op inner_;
  State state_;
  ion_err err_{sizeof(ion_err), ION_OK, {}};
  ion_result result_{sizeof(ion_result), ION_OK, 0, 0, 0, 0, nullptr, &err_};
  std::atomic<bool> first_is_through_{false};
};

}  // namespace ion::bridge

// For classes with table_, self_ and kId. The table may be null: then no member is there.
#define ION_OFFERS(table, member) ((table) != nullptr && ION_HAS(table, member))
// Hands an op straight on; touches nothing of the object after the call, which may have ended it.
#define ION_PASS(op, member, ...)                                                                                       \
  (ION_OFFERS(table_, member) ? (op).passed(table_->member(self_ __VA_OPT__(, ) __VA_ARGS__, &(op).raw(), &(op).now())) \
                              : (op).refuse(::ion::bridge::missing(kId, #member)))
// Asks a plain function: a Status.
#define ION_CALL(member, ...)                                                                                         \
  (ION_OFFERS(table_, member) ? ::ion::bridge::told(kId, #member, table_->member(self_ __VA_OPT__(, ) __VA_ARGS__)) \
                              : ::ion::bridge::missing(kId, #member))
