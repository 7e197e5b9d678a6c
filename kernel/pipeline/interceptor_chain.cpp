#include "pipeline/interceptor_chain.h"

#include <fmt/format.h>
#include <ion/units.h>

#include <atomic>
#include <map>
#include <utility>

namespace ion::pipeline {

namespace {
constexpr uint32_t kHooksHonoured = ION_HOOK_PRODUCE | ION_HOOK_FETCH;
constexpr uint32_t kNeedsHonoured = ION_NEED_HEADER | ION_NEED_RECORDS;
constexpr uint32_t kFlagsHonoured = ION_INTERCEPTOR_REENTRANT;
constexpr int32_t kExpiredMax = 1000;     // messages that an interceptor keeps beyond their deadline; then it is passed over
constexpr uint64_t kExpiredBytesMax = uint64_t{64} << 20;  // or so much in them
constexpr int32_t kStillPending = INT32_MIN;
constexpr Nanos kLogWindow = seconds(10);  // one line per plugin and kind in this time
}  // namespace

struct InterceptorChain::Member : std::enable_shared_from_this<Member> {
  Member(InterceptorPolicy p, const std::shared_ptr<PendingRuns>& of_chain, ChainServices& s)
      : policy(std::move(p)), table(static_cast<const ion_interceptor*>(policy.ref.table)), chain(of_chain), services(s), breaker(policy.breaker),
        breaker_since(s.clock.wall()) {}

  bool passed_over(Instant now) {
    if (expired.load(std::memory_order_relaxed) >= kExpiredMax || expired_bytes.load(std::memory_order_relaxed) >= kExpiredBytesMax) return true;
    if (!breaker.enabled()) return false;
    const std::lock_guard<std::mutex> lock(mutex);
    look_at_breaker(now);
    return breaker_open;
  }
  void count(bool bad, Instant now) {
    if (!breaker.enabled()) return;
    const std::lock_guard<std::mutex> lock(mutex);
    if (breaker.count(bad, now) && !breaker_open) open_breaker();
  }
  void open_breaker();                // under the lock
  void look_at_breaker(Instant now);  // under the lock: closes one whose pause is over
  void arm_breaker();                 // under the lock: somebody looks when the pause is over, also when nothing is produced
  InterceptorReport report();
  // The records that it took out in this call: their words name it, and they are counted.
  void settle(MessageView& view, size_t outcomes_before, int32_t verdict);
  // At most one line in kLogWindow, with the number of those that were left out.
  void log(const char* text, std::string why, Instant now) {
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

  InterceptorPolicy policy;
  const ion_interceptor* const table;
  const std::weak_ptr<PendingRuns> chain;  // owns the services
  ChainServices& services;
  std::mutex one_at_a_time;
  // Messages that it has kept too long and has still, and the bytes of their batches.
  std::atomic<int32_t> expired{0};
  std::atomic<uint64_t> expired_bytes{0};

  std::mutex mutex;  // of what follows; taken when a breaker is enabled, and on failures
  Breaker breaker;
  bool breaker_open = false;  // as it was told
  WallMs breaker_since;
  Instant quiet_until;
  uint64_t unlogged = 0;
};

struct InterceptorChain::Run {
  enum class Phase { kIdle, kCalling, kResumed, kPending, kExpired };
  Run(const RunOptions& o, BatchInFlight b, std::function<void(ChainResult)> d, InterceptorChain& c)
      : options(o), view(std::move(b)), done(std::move(d)), members(c.members_), pending(c.pending_) {
    view.resume = [this](int32_t answer) { return resumed(kept, answer); };
  }

  const RunOptions options;
  MessageView view;
  std::function<void(ChainResult)> done;
  const std::vector<std::shared_ptr<Member>> members;
  const std::shared_ptr<PendingRuns> pending;
  size_t at = 0;
  bool slow = false;           // the last call took more than its budget
  size_t outcomes_before = 0;  // of the interceptors before the one being asked

  std::mutex mutex;  // of what follows
  Phase phase = Phase::kIdle;
  int32_t verdict = 0;
  std::shared_ptr<Run> kept;  // itself, while the plugin holds the message
  std::shared_ptr<Member> holder;
};

// Who is pending, by deadline. One timer, armed for the earliest.
struct InterceptorChain::PendingRuns : std::enable_shared_from_this<PendingRuns> {
  explicit PendingRuns(ChainServices s) : services(std::move(s)) {}

  // False: the chain has stopped.
  bool add(const std::shared_ptr<Run>& run, Instant until) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (stopped) return false;
    runs.emplace(until, run);
    return arm();
  }
  void remove(const Run* run) {
    const std::lock_guard<std::mutex> lock(mutex);
    std::erase_if(runs, [&](const auto& entry) { return entry.second.get() == run; });
  }
  bool arm() {  // under the lock
    if (runs.empty() || (armed != Instant{} && armed <= runs.begin()->first)) return true;
    auto* ctx = new std::weak_ptr<PendingRuns>(weak_from_this());
    const Instant at = runs.begin()->first;
    const auto timer = services.timers.arm(
        services.shard, at,
        [](void* raw) noexcept {
          const std::unique_ptr<std::weak_ptr<PendingRuns>> mine(static_cast<std::weak_ptr<PendingRuns>*>(raw));
          if (const auto self = mine->lock()) self->expire();
        },
        ctx);
    if (!timer) {
      delete ctx;
      return false;
    }
    armed = at;
    return true;
  }
  void expire() {
    std::vector<std::shared_ptr<Run>> due;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      armed = {};
      const Instant now = services.clock.now();
      while (!runs.empty() && runs.begin()->first <= now) due.push_back(std::move(runs.begin()->second)), runs.erase(runs.begin());
      (void)arm();
    }
    for (const auto& run : due) give_up(run, ION_E_DEADLINE);
  }
  void stop() {
    std::multimap<Instant, std::shared_ptr<Run>> all;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stopped = true;
      all.swap(runs);
    }
    for (const auto& [until, run] : all) give_up(run, ION_E_CLOSED);
  }
  static void give_up(const std::shared_ptr<Run>& run, Code code);

  ChainServices services;
  std::mutex mutex;
  std::multimap<Instant, std::shared_ptr<Run>> runs;
  Instant armed;
  bool stopped = false;
};

void InterceptorChain::PendingRuns::give_up(const std::shared_ptr<Run>& run, Code code) {
  Member* holder = nullptr;
  {
    const std::lock_guard<std::mutex> lock(run->mutex);
    if (run->phase != Run::Phase::kPending) return;
    run->phase = Run::Phase::kExpired;
    holder = run->holder.get();
    // Counted before anybody may resume, which takes it off again: the sums never fall below zero.
    holder->expired.fetch_add(1, std::memory_order_relaxed);
    holder->expired_bytes.fetch_add(run->view.batch().header.total_bytes(), std::memory_order_relaxed);
  }
  if (code == ION_E_CLOSED) {
    end_kept(run, Status(ION_E_CLOSED, "interceptor " + holder->policy.name + " kept the batch, and this broker is going down", "DRAINING"));
    return;
  }
  const Status late(ION_E_DEADLINE,
                    fmt::format("interceptor {} kept the batch for more than pending_deadline, {} ms", holder->policy.name, holder->policy.pending_deadline.n / 1'000'000),
                    "INTERCEPTOR_DEADLINE");
  const Instant now = holder->services.clock.now();
  holder->policy.metrics.failed();
  holder->count(true, now);
  holder->log("an interceptor answered too late", late.message(), now);
  if (holder->policy.misbehaved) holder->policy.misbehaved(late);
  end_kept(run, late);
}

void InterceptorChain::Member::open_breaker() {
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

void InterceptorChain::Member::look_at_breaker(Instant now) {
  if (!breaker_open || breaker.open(now)) return;
  breaker_open = false;
  breaker_since = services.clock.wall();
  policy.metrics.breaker_closed();
  services.health.clear("interceptor " + policy.name);
  services.logger.info("an interceptor is asked again", {{"plugin", policy.name}});
}

// Without a timer the next batch finds it closed.
void InterceptorChain::Member::arm_breaker() {
  struct Look {
    std::weak_ptr<PendingRuns> chain;
    std::weak_ptr<Member> member;
  };
  auto look = std::make_unique<Look>(Look{chain, weak_from_this()});
  const auto timer = services.timers.arm(
      services.shard, breaker.open_until(),
      [](void* raw) noexcept {
        const std::unique_ptr<Look> mine(static_cast<Look*>(raw));
        const auto services_stay = mine->chain.lock();
        const auto self = mine->member.lock();
        if (services_stay == nullptr || self == nullptr) return;
        const std::lock_guard<std::mutex> lock(self->mutex);
        self->look_at_breaker(self->services.clock.now());
        if (self->breaker_open) self->arm_breaker();
      },
      look.get());
  if (timer) (void)look.release();
}

InterceptorReport InterceptorChain::Member::report() {
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

void InterceptorChain::Member::settle(MessageView& view, size_t outcomes_before, int32_t verdict) {
  uint64_t dropped = 0, rejected = 0;
  for (size_t i = outcomes_before; i < view.outcomes.size(); ++i) {
    RecordOutcome& outcome = view.outcomes[i];
    ++(outcome.why.ok() ? dropped : rejected);
    if (outcome.why.ok()) continue;
    outcome.why = Status(outcome.why.code(), "interceptor " + policy.name + (outcome.why.message().empty() ? " rejected it" : ": " + outcome.why.message()), "INTERCEPTOR");
  }
  const bool whole = verdict == ION_V_REJECT || (rejected != 0 && policy.on_reject == OnReject::kBatch);
  if (whole) policy.metrics.rejected(view.count());
  else policy.metrics.rejected(rejected), policy.metrics.dropped(dropped + (verdict == ION_V_DROP ? static_cast<uint64_t>(view.records_left()) : 0));
}

InterceptorChain::InterceptorChain(ChainServices services) : pending_(std::make_shared<PendingRuns>(std::move(services))) {}
InterceptorChain::~InterceptorChain() { stop(); }
void InterceptorChain::stop() { pending_->stop(); }

Status InterceptorChain::add(InterceptorPolicy policy) {
  const auto* table = static_cast<const ion_interceptor*>(policy.ref.table);
  if (table == nullptr || table->size < sizeof(ion_interceptor) || table->on == nullptr)
    return {ION_E_INVALID, fmt::format("plugin {}: its table of {} has no `on`", policy.name, ION_INTERCEPTOR_ID)};
  const auto refused = [&](const char* what, uint32_t bits) {
    return Status(ION_E_UNSUPPORTED, fmt::format("plugin {} asks {} for {} {:#x}, which this broker does not honour; it is not loaded, because a "
                                                 "filter that is never asked would let everything pass", policy.name, ION_INTERCEPTOR_ID, what, bits));
  };
  if ((table->hooks & ION_HOOK_ACK) != 0) return refused("the hook ACK,", ION_HOOK_ACK);
  if ((table->hooks & ION_HOOK_CONNECT) != 0) return refused("the hook CONNECT,", ION_HOOK_CONNECT);
  if (const uint32_t more = table->hooks & ~kHooksHonoured; more != 0) return refused("hooks", more);
  if (const uint32_t more = table->needs & ~kNeedsHonoured; more != 0) return refused("needs", more);
  if (const uint32_t more = table->flags & ~kFlagsHonoured; more != 0) return refused("flags", more);
  if (table->hooks == 0) return {ION_E_INVALID, fmt::format("plugin {}: it names no hook of {}, so it would never be asked", policy.name, ION_INTERCEPTOR_ID)};
  hooks_ |= table->hooks;
  if ((table->needs & ION_NEED_RECORDS) != 0) hooks_with_records_ |= table->hooks;
  members_.push_back(std::make_shared<Member>(std::move(policy), pending_, pending_->services));
  return {};
}

std::optional<InterceptorReport> InterceptorChain::report(std::string_view name) const {
  for (const std::shared_ptr<Member>& member : members_)
    if (member->policy.name == name) return member->report();
  return std::nullopt;
}

void InterceptorChain::run(const RunOptions& options, BatchInFlight batch, std::function<void(ChainResult)> done) {
  go_on(std::make_shared<Run>(options, std::move(batch), std::move(done), *this));
}

void InterceptorChain::go_on(const std::shared_ptr<Run>& run) {
  while (run->at < run->members.size() && run->view.records_left() != 0) {
    Member& member = *run->members[run->at++];
    if ((member.table->hooks & static_cast<uint32_t>(run->options.hook)) == 0) continue;
    if (!ask(run, member)) return;
  }
  ChainResult result;
  result.records_left = run->view.records_left();
  // Nothing is left to be routed: what remains of the batch uses up its sequences where it was sent.
  if (run->view.routed && result.records_left != 0) std::tie(result.topic, result.partition) = *run->view.routed;
  result.outcomes = std::move(run->view.outcomes);
  const bool for_other_log = !result.topic.empty() && run->view.batch().header.idempotent();
  if (run->view.edited() || for_other_log) {
    if (run->options.admit)
      if (const Status full = run->options.admit(run->view.batch().header.total_bytes()); !full.ok()) return (void)end(run, full);
    result.replaced = run->view.encode(!result.topic.empty());
  }
  std::exchange(run->done, nullptr)(std::move(result));
}

bool InterceptorChain::ask(const std::shared_ptr<Run>& run, Member& member) {
  MessageView& view = run->view;
  ChainServices& services = member.services;
  const Instant now = services.clock.now();
  if (member.passed_over(now)) {
    member.policy.metrics.passed_over();
    if (member.policy.on_error == OnError::kOpen) return true;
    return end(run, Status(ION_E_REJECTED, fmt::format("interceptor {} failed too often and is passed over for now, and its on_error is \"closed\"", member.policy.name),
                           "INTERCEPTOR_FAILED"));
  }
  if ((member.table->needs & ION_NEED_RECORDS) != 0) {
    if (const uint64_t bytes = view.decode_bytes(); bytes != 0 && run->options.admit)
      if (const Status full = run->options.admit(bytes); !full.ok()) return end(run, full);
    if (const Status decoded = view.decode(); !decoded.ok()) return end(run, decoded);
  }
  view.next_interceptor();
  run->outcomes_before = view.outcomes.size();
  {
    const std::lock_guard<std::mutex> lock(run->mutex);
    run->phase = Run::Phase::kCalling;
    run->holder = run->members[run->at - 1];
    run->kept = run;
  }
  const Nanos before = services.thread_cpu();
  int32_t verdict = 0;
  {
    std::unique_lock<std::mutex> alone(member.one_at_a_time, std::defer_lock);
    if ((member.table->flags & ION_INTERCEPTOR_REENTRANT) == 0) alone.lock();
    verdict = member.table->on(member.policy.ref.self, static_cast<uint32_t>(run->options.hook), view.handle(), MessageView::api());
  }
  run->slow = measure(member, {services.thread_cpu().n - before.n});
  if (verdict == ION_V_PENDING) {
    verdict = wait_for_resume(run, member);
    if (verdict == kStillPending) return false;
  } else {
    const std::lock_guard<std::mutex> lock(run->mutex);
    run->phase = Run::Phase::kIdle;
    run->kept.reset();
  }
  return after(run, member, verdict);
}

bool InterceptorChain::measure(Member& member, Nanos cpu) {
  member.policy.metrics.called(cpu);
  if (cpu <= member.policy.budget) return false;
  member.policy.metrics.slow();
  member.log("an interceptor is slow", fmt::format("{} us of processor time for one batch, its budget is {} us", cpu.n / 1000, member.policy.budget.n / 1000),
             member.services.clock.now());
  return true;
}

// The call answered PENDING: its resume may have come already.
int32_t InterceptorChain::wait_for_resume(const std::shared_ptr<Run>& run, Member& member) {
  const Instant until = member.services.clock.now() + member.policy.pending_deadline;
  bool added = false;
  {
    const std::lock_guard<std::mutex> lock(run->mutex);
    if (run->phase == Run::Phase::kResumed) {
      run->phase = Run::Phase::kIdle;
      run->kept.reset();
      return run->verdict;
    }
    added = run->pending->add(run, until);  // here, so that a resume finds the entry that it removes
    run->phase = Run::Phase::kPending;
  }
  if (!added) PendingRuns::give_up(run, ION_E_CLOSED);
  return kStillPending;
}

// `run` is null where nothing was asked: the message lives as long as the plugin may call.
ion_status InterceptorChain::resumed(std::shared_ptr<Run> run, int32_t verdict) {
  if (run == nullptr) return ION_E_INVALID;
  Member& member = *run->holder;
  {
    const std::lock_guard<std::mutex> lock(run->mutex);
    switch (run->phase) {
      case Run::Phase::kCalling:
        run->phase = Run::Phase::kResumed;
        run->verdict = verdict;
        return ION_OK;
      case Run::Phase::kExpired:
        run->phase = Run::Phase::kIdle;
        run->kept.reset();  // `run` is the last that holds it
        member.expired.fetch_sub(1, std::memory_order_relaxed);
        member.expired_bytes.fetch_sub(run->view.batch().header.total_bytes(), std::memory_order_relaxed);
        return ION_E_DEADLINE;
      case Run::Phase::kPending:
        run->phase = Run::Phase::kIdle;
        run->kept.reset();
        break;
      default: return ION_E_INVALID;
    }
  }
  run->pending->remove(run.get());
  if (after(run, member, verdict)) go_on(run);
  return ION_OK;
}

void InterceptorChain::end_kept(const std::shared_ptr<Run>& run, Status why) {
  ChainResult result;
  result.kind = ChainResult::Kind::kRejected;
  result.why = std::move(why);
  result.message_kept = true;
  std::exchange(run->done, nullptr)(std::move(result));
}

bool InterceptorChain::end(const std::shared_ptr<Run>& run, Status why, std::vector<RecordOutcome> because) {
  ChainResult result;
  result.kind = ChainResult::Kind::kRejected;
  result.why = std::move(why);
  result.outcomes = std::move(because);
  std::exchange(run->done, nullptr)(std::move(result));
  return false;
}

bool InterceptorChain::after(const std::shared_ptr<Run>& run, Member& member, int32_t verdict) {
  MessageView& view = run->view;
  const std::string who = "interceptor " + member.policy.name;
  const auto rejected = [&](const Status& said, std::vector<RecordOutcome> because = {}) {
    return end(run, Status(said.ok() ? ION_E_REJECTED : said.code(), said.message().empty() ? who + " rejected the batch" : who + ": " + said.message(), "INTERCEPTOR"),
               std::move(because));
  };
  if (verdict < ION_V_CONTINUE || verdict > ION_V_ROUTE) {
    const std::string& said = view.reason.message();
    return failed(run, member, Status(ION_E_EXCEPTION, said.empty() ? fmt::format("{} failed with {}", who, verdict) : fmt::format("{} failed: {}", who, said)));
  }
  if (!view.misused.ok()) return failed(run, member, Status(ION_E_EXCEPTION, who + " failed: " + view.misused.message()));
  if (verdict == ION_V_ROUTE && (run->options.hook != Hook::kProduce || !view.routed))
    return failed(run, member, Status(ION_E_EXCEPTION, who + " answered ROUTE " + (view.routed ? "for a fetched batch" : "and named no topic")));
  member.count(run->slow, member.services.clock.now());
  member.settle(view, run->outcomes_before, verdict);
  if (verdict == ION_V_REJECT) return rejected(view.reason);
  if (view.rejected_record && member.policy.on_reject == OnReject::kBatch) {
    view.outcomes.erase(view.outcomes.begin(), view.outcomes.begin() + static_cast<std::ptrdiff_t>(run->outcomes_before));
    std::erase_if(view.outcomes, [](const RecordOutcome& o) { return o.why.ok(); });
    return rejected(*view.rejected_record, std::move(view.outcomes));
  }
  if (verdict == ION_V_DROP) view.drop_all();
  return true;
}

// The plugin's fault; what it means for the batch is the operator's choice.
bool InterceptorChain::failed(const std::shared_ptr<Run>& run, Member& member, const Status& why) {
  const Instant now = member.services.clock.now();
  member.policy.metrics.failed();
  member.count(true, now);
  member.log("an interceptor failed", why.message(), now);
  if (member.policy.misbehaved) member.policy.misbehaved(why);
  if (member.policy.on_error == OnError::kOpen) return true;
  return end(run, Status(ION_E_REJECTED, why.message(), "INTERCEPTOR_FAILED"));
}

}  // namespace ion::pipeline
