#include "pipeline/interceptor_member.h"

#include <fmt/format.h>
#include <ion/units.h>

#include <algorithm>
#include <utility>

namespace ion::pipeline {

namespace {
constexpr int32_t kExpiredMax = 1000;     // messages that an interceptor keeps beyond their deadline; then it is passed over
constexpr uint64_t kExpiredBytesMax = uint64_t{64} << 20;  // or so much in them
constexpr Nanos kLogWindow = seconds(10);  // one line per plugin and kind in this time
constexpr Nanos kLookPause = milliseconds(100);  // between two looks at calls in progress, at least
}  // namespace

InterceptorMember::InterceptorMember(InterceptorPolicy p, std::weak_ptr<void> of_chain, ChainServices& s)
    : policy(std::move(p)), table(static_cast<const ion_interceptor*>(policy.ref.table)), chain(std::move(of_chain)), services(s),
      call_limit_ns(policy.pending_deadline.n), breaker(policy.breaker), breaker_since(s.clock.wall()) {}

bool InterceptorMember::passed_over(Instant now) {
  if (expired.load(std::memory_order_relaxed) >= kExpiredMax || expired_bytes.load(std::memory_order_relaxed) >= kExpiredBytesMax) return true;
  if (late_calls.load(std::memory_order_relaxed) != 0) return true;
  if (!breaker.enabled()) return false;
  const std::lock_guard<std::mutex> lock(mutex);
  look_at_breaker(now);
  return breaker_open;
}

void InterceptorMember::count(bool bad, Instant now) {
  if (!breaker.enabled()) return;
  const std::lock_guard<std::mutex> lock(mutex);
  if (breaker.count(bad, now) && !breaker_open) open_breaker();
}

void InterceptorMember::measure(Nanos cpu, bool& slow, Instant now) {
  const bool each = suspect.load(std::memory_order_relaxed) != 0;
  if (each) suspect.fetch_sub(1, std::memory_order_relaxed);
  policy.metrics.measured(Nanos{each ? cpu.n : cpu.n * kMeasureEach});
  slow = cpu > policy.budget;
  if (!slow) return;
  suspect.store(kSuspectCalls, std::memory_order_relaxed);
  policy.metrics.slow();
  log("an interceptor is slow", fmt::format("{} us of processor time for one batch, its budget is {} us", cpu.n / 1000, policy.budget.n / 1000), now);
}

void InterceptorMember::log(const char* text, std::string why, Instant now) {
  uint64_t left_out = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (now < quiet_until) {
      ++unlogged;
      return;
    }
    quiet_until = now + kLogWindow;
    left_out = std::exchange(unlogged, 0);
  }
  services.logger.warn(text, {{"plugin", policy.name}, {"why", std::move(why)}, {"not_logged", std::to_string(left_out)}});
}

// ---- calls in progress

bool InterceptorMember::enter(CallInProgress& call, Instant now) {
  const bool reentrant = (table->flags & ION_INTERCEPTOR_REENTRANT) != 0;
  if (reentrant) {
    if (late_calls.load(std::memory_order_relaxed) != 0) return false;
    call.since_ = now;
    call.slot_ = slots.put(call);
    if (call.slot_ != nullptr) return watch(now + Nanos{call_limit_ns.load(std::memory_order_relaxed)}), true;
  }
  std::unique_lock<std::mutex> lock(turn);
  if (!reentrant && busy) {
    ++waiting;
    moved.wait(lock, [this] { return !busy || late_calls.load(std::memory_order_relaxed) != 0; });  // look_at_calls bounds it
    --waiting;
    now = services.clock.now();
  }
  if (late_calls.load(std::memory_order_relaxed) != 0) return false;
  busy = true;
  call.since_ = now;
  call.before_ = nullptr, call.after_ = calls;
  if (calls != nullptr) calls->before_ = &call;
  calls = &call;
  lock.unlock();
  watch(now + Nanos{call_limit_ns.load(std::memory_order_relaxed)});
  return true;
}

void InterceptorMember::leave(CallInProgress& call) {
  if (call.slot_ != nullptr && CallSlots::take(*call.slot_, call)) return;
  bool back = false;
  {
    const std::lock_guard<std::mutex> lock(turn);
    if (call.slot_ != nullptr) {
      std::exchange(call.slot_, nullptr)->store(0);
    } else {
      (call.before_ != nullptr ? call.before_->after_ : calls) = call.after_;
      if (call.after_ != nullptr) call.after_->before_ = call.before_;
      busy = false;
    }
    if (std::exchange(call.late_, false)) back = late_calls.fetch_sub(1, std::memory_order_relaxed) == 1;
    if (waiting != 0) moved.notify_one();
  }
  if (back) tell_back();
}

// Behind the entry of the call: either the look that is coming sees it, or it sees that none is coming.
void InterceptorMember::watch(Instant until) {
  if (!watched.load() && !watched.exchange(true)) arm_watch(until);
}

void InterceptorMember::hurry(Nanos limit) {
  const Instant at = services.clock.now() + limit;
  {
    const std::lock_guard<std::mutex> lock(turn);
    call_limit_ns = std::min(call_limit_ns.load(), limit.n);
    if (calls == nullptr && slots.empty()) return;
  }
  watched = true;
  arm_watch(at);
}

// Runs `look` at that time, if chain and member are still there.
bool InterceptorMember::arm(Instant at, void (InterceptorMember::*look)()) {
  struct Look {
    std::weak_ptr<void> chain;
    std::weak_ptr<InterceptorMember> member;
    void (InterceptorMember::*look)();
  };
  auto ctx = std::make_unique<Look>(Look{chain, weak_from_this(), look});
  const auto timer = services.timers.arm(
      services.shard, at,
      [](void* raw) noexcept {
        const std::unique_ptr<Look> mine(static_cast<Look*>(raw));
        const auto services_stay = mine->chain.lock();
        const auto member = mine->member.lock();
        if (services_stay != nullptr && member != nullptr) ((*member).*(mine->look))();
      },
      ctx.get());
  if (timer) (void)ctx.release();
  return static_cast<bool>(timer);
}

// Without a timer the next call tries again.
void InterceptorMember::arm_watch(Instant at) {
  if (!arm(at, &InterceptorMember::look_at_calls)) watched = false;
}

// True: it is not late. `next` becomes the earliest time at which one will be, or stays.
bool InterceptorMember::look_at(CallInProgress& call, Instant now, Instant* next, std::vector<std::shared_ptr<CallInProgress>>& late) {
  if (call.late_) return false;
  const Instant until = call.since_ + Nanos{call_limit_ns.load(std::memory_order_relaxed)};
  if (until > now) {
    if (*next == Instant{} || until < *next) *next = until;
    return true;
  }
  call.late_ = true;
  late_calls.fetch_add(1, std::memory_order_relaxed);
  late.push_back(call.self());
  return false;
}

void InterceptorMember::look_at_calls() {
  const Instant now = services.clock.now();
  std::vector<std::shared_ptr<CallInProgress>> late;
  Instant next;
  watched = false;
  {
    const std::lock_guard<std::mutex> lock(turn);
    for (CallInProgress* call = calls; call != nullptr; call = call->after_) (void)look_at(*call, now, &next, late);
    slots.each([&](CallInProgress& call) { return look_at(call, now, &next, late); });
    if (!late.empty()) moved.notify_all();
  }
  if (next != Instant{} && !watched.exchange(true)) arm_watch(std::max(next, now + kLookPause));
  if (late.empty()) return;
  tell_late(late.size(), now);
  for (const auto& call : late) call->give_up_call(*this);
}

void InterceptorMember::tell_late(size_t calls_late, Instant now) {
  const Nanos call_limit{call_limit_ns.load(std::memory_order_relaxed)};
  const Status why(ION_E_DEADLINE, fmt::format("interceptor {}: {} call{} of `on` did not come back within {}; it is not asked until {} back", policy.name, calls_late,
                                               calls_late == 1 ? "" : "s", duration_text(call_limit), calls_late == 1 ? "it comes" : "they come"));
  services.logger.error("an interceptor does not come back", {{"plugin", policy.name}, {"file", policy.file}, {"why", why.message()}});
  if (policy.misbehaved) policy.misbehaved(why);
  const bool refuses = policy.on_error == OnError::kClosed;
  const std::lock_guard<std::mutex> lock(mutex);
  breaker.count(true, now);
  if (withdrawn) return;
  services.health.raise("calls of interceptor " + policy.name,
                        fmt::format("one has not come back within {}; until it does, batches {} (on_error: {}). `ion plugin replace` puts another file in its place",
                                    duration_text(call_limit), refuses ? "are refused" : "pass unseen", refuses ? "closed" : "open"),
                        refuses && (table->hooks & ION_HOOK_PRODUCE) != 0 ? observe::Harm::kWrites : observe::Harm::kPart);
}

void InterceptorMember::tell_back() {
  services.logger.warn("an interceptor has come back and is asked again", {{"plugin", policy.name}});
  const std::lock_guard<std::mutex> lock(mutex);
  if (!withdrawn) services.health.clear("calls of interceptor " + policy.name);
}

void InterceptorMember::withdraw() {
  const std::lock_guard<std::mutex> lock(mutex);
  withdrawn = true;
  if (std::exchange(breaker_open, false)) policy.metrics.breaker_closed();
  services.health.clear("interceptor " + policy.name);
  services.health.clear("calls of interceptor " + policy.name);
}

// ---- breaker

void InterceptorMember::open_breaker() {
  if (withdrawn) return;
  breaker_open = true;
  breaker_since = services.clock.wall();
  policy.metrics.breaker_opened();
  const bool refuses = policy.on_error == OnError::kClosed;
  const bool stops_writes = refuses && (table->hooks & ION_HOOK_PRODUCE) != 0;
  services.health.raise("interceptor " + policy.name,
                        fmt::format("its breaker is open: at least {} % of its calls failed or were slow; it is not asked for {}, and its batches {} (on_error: {})",
                                    policy.breaker.failure_percent, duration_text(policy.breaker.pause), refuses ? "are refused" : "pass unseen", refuses ? "closed" : "open"),
                        stops_writes ? observe::Harm::kWrites : observe::Harm::kPart);
  services.logger.warn("an interceptor failed too often and is passed over", {{"plugin", policy.name}, {"for_ms", std::to_string(policy.breaker.pause.n / 1'000'000)}});
  arm_breaker();
}

void InterceptorMember::look_at_breaker(Instant now) {
  if (!breaker_open || breaker.open(now)) return;
  breaker_open = false;
  breaker_since = services.clock.wall();
  policy.metrics.breaker_closed();
  services.health.clear("interceptor " + policy.name);
  services.logger.info("an interceptor is asked again", {{"plugin", policy.name}});
}

void InterceptorMember::look_again() {
  const std::lock_guard<std::mutex> lock(mutex);
  look_at_breaker(services.clock.now());
  if (breaker_open) arm_breaker();
}

// Without a timer the next batch finds it closed.
void InterceptorMember::arm_breaker() { (void)arm(breaker.open_until(), &InterceptorMember::look_again); }

// ---- what is told

InterceptorReport InterceptorMember::report() {
  InterceptorReport r;
  r.hooks = table->hooks;
  r.counts = policy.metrics.counts();
  const std::lock_guard<std::mutex> lock(mutex);
  const Instant now = services.clock.now();
  look_at_breaker(now);
  r.since = breaker_since;
  if (!breaker.enabled()) return r;
  r.breaker = breaker_open ? InterceptorReport::Breaker::kOpen : InterceptorReport::Breaker::kClosed;
  if (breaker_open) r.until = WallMs{services.clock.wall().ms + (breaker.open_until() - now).n / 1'000'000};
  return r;
}

void InterceptorMember::settle(MessageView& view, size_t outcomes_before, int32_t verdict) {
  uint64_t dropped = 0, rejected = 0;
  for (size_t i = outcomes_before; i < view.outcomes.size(); ++i) {
    RecordOutcome& outcome = view.outcomes[i];
    ++(outcome.why.ok() ? dropped : rejected);
    if (outcome.why.ok()) continue;
    outcome.why = Status(outcome.why.code(), "interceptor " + policy.name + (outcome.why.message().empty() ? " rejected it" : ": " + outcome.why.message()), "INTERCEPTOR");
  }
  const bool whole = verdict == ION_V_REJECT || (rejected != 0 && policy.on_reject == OnReject::kBatch);
  if (whole) return policy.metrics.rejected(view.count());
  const uint64_t all = verdict == ION_V_DROP ? static_cast<uint64_t>(view.records_left()) : 0;
  if (rejected != 0) policy.metrics.rejected(rejected);
  if (dropped + all != 0) policy.metrics.dropped(dropped + all);
}

}  // namespace ion::pipeline
