#include "pipeline/interceptor_chain.h"

#include "base/kept_objects.h"
#include "base/thread_place.h"
#include "pipeline/interceptor_member.h"

#include <fmt/format.h>
#include <ion/bridge/interceptor_bridge.h>
#include <ion/units.h>

#include <deque>
#include <map>
#include <unordered_set>
#include <utility>

namespace ion::pipeline {

using Member = InterceptorMember;

namespace {
constexpr uint32_t kHooksHonoured = ION_HOOK_PRODUCE | ION_HOOK_FETCH;
constexpr uint32_t kNeedsHonoured = ION_NEED_HEADER | ION_NEED_RECORDS;
constexpr uint32_t kFlagsHonoured = ION_INTERCEPTOR_REENTRANT;
constexpr int32_t kStillPending = INT32_MIN;
constexpr Nanos kStopGrace = seconds(1);  // of calls in progress when the broker stops
}  // namespace

// The chain as it was when a run began.
struct InterceptorChain::Members {
  std::vector<std::shared_ptr<Member>> list;
  std::shared_ptr<Departure> departure;  // of the one that the next list has no more; set before the last run lets go
  ~Members() {
    if (departure != nullptr) departure->gone();
  }
};

struct InterceptorChain::Run final : CallInProgress, std::enable_shared_from_this<Run> {
  enum class Phase { kIdle, kCalling, kResumed, kPending, kExpired };
  Run(const RunOptions& o, BatchInFlight b, std::function<void(ChainResult)> d, InterceptorChain& c)
      : options(o), view(std::move(b)), done(std::move(d)), members(c.members_.load()), pending(c.pending_) {
    view.resume = [this](int32_t answer) { return resumed(shared_from_this(), answer); };
  }
  void give_up_call(Member& by) override;
  std::shared_ptr<CallInProgress> self() override { return shared_from_this(); }

  RunOptions options;
  MessageView view;
  std::function<void(ChainResult)> done;
  MembersPtr members;  // null once nobody will be asked any more
  const std::shared_ptr<PendingRuns> pending;
  size_t at = 0;
  Instant now;                 // read after the last call
  bool slow = false;           // the last call took more than its budget
  bool was_pending = false;    // a plugin has been told that it may resume
  size_t outcomes_before = 0;  // of the interceptors before the one being asked

  // While a call goes on: whose. Written before `phase` says so.
  std::atomic<Member*> asked{nullptr};
  // The thread that calls goes to kCalling and from there to kIdle without the lock, by exchange; everybody else changes it under the lock,
  // and leaves kCalling by exchange too.
  std::atomic<Phase> phase{Phase::kIdle};

  std::mutex mutex;  // of what follows
  int32_t verdict = 0;
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
  // A plugin has the message beyond its deadline: it lives until its resume. Under the lock of the run.
  void keep(const std::shared_ptr<Run>& run) {
    const std::lock_guard<std::mutex> lock(mutex);
    expired.insert(run);
  }
  void let_go(const std::shared_ptr<Run>& run) {
    const std::lock_guard<std::mutex> lock(mutex);
    expired.erase(run);
  }
  bool keeps_some() {
    const std::lock_guard<std::mutex> lock(mutex);
    return !over.empty() || !expired.empty();
  }
  // A plugin may know the message still: its address is not used again soon, its memory is given back.
  void keep_empty(const std::shared_ptr<Run>& run) {
    run->view.forget();
    run->options.admit = nullptr;
    std::shared_ptr<Run> oldest;
    const std::lock_guard<std::mutex> lock(mutex);
    over.push_back(run);
    if (over.size() <= kMessagesKept) return;
    oldest = std::move(over.front());  // destroyed after the lock
    over.pop_front();
  }

  ChainServices services;
  std::mutex mutex;
  std::multimap<Instant, std::shared_ptr<Run>> runs;
  std::unordered_set<std::shared_ptr<Run>> expired;  // shared: the plugin and the thread of a late call reach them
  std::deque<std::shared_ptr<Run>> over;
  Instant armed;
  bool stopped = false;
};

// Counted before anybody may resume, which takes it off again: the sums never fall below zero.
void InterceptorChain::expire(Run& run, Member& member) {
  run.phase = Run::Phase::kExpired;
  run.pending->keep(run.shared_from_this());
  member.expired.fetch_add(1, std::memory_order_relaxed);
  member.expired_bytes.fetch_add(run.view.batch().header.total_bytes(), std::memory_order_relaxed);
}

void InterceptorChain::end_expired(Run& run, Member& member) {
  run.phase = Run::Phase::kIdle;
  run.pending->let_go(run.shared_from_this());
  member.expired.fetch_sub(1, std::memory_order_relaxed);
  member.expired_bytes.fetch_sub(run.view.batch().header.total_bytes(), std::memory_order_relaxed);
}

void InterceptorChain::PendingRuns::give_up(const std::shared_ptr<Run>& run, Code code) {
  Member* holder = nullptr;
  {
    const std::lock_guard<std::mutex> lock(run->mutex);
    if (run->phase != Run::Phase::kPending) return;
    holder = run->holder.get();
    InterceptorChain::expire(*run, *holder);
  }
  if (code == ION_E_CLOSED) {
    run->members.reset();
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
  run->members.reset();  // nobody is asked about it any more
  if (holder->policy.misbehaved) holder->policy.misbehaved(late);
  end_kept(run, late);
}

// The member has told of it.
void InterceptorChain::Run::give_up_call(Member& by) {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    Phase calling = Phase::kCalling;
    if (asked.load() != &by || !phase.compare_exchange_strong(calling, Phase::kExpired)) return;
    if (asked.load() != &by) return phase.store(Phase::kCalling);  // it came back, and another is asked by now, whose return waits for the lock
    holder = by.shared_from_this();
    expire(*this, by);
  }
  by.policy.metrics.failed();
  end_kept(shared_from_this(), Status(ION_E_DEADLINE, "interceptor " + by.policy.name + " did not come back from its call for this batch", "INTERCEPTOR_DEADLINE"));
}

InterceptorChain::InterceptorChain(ChainServices services)
    : pending_(std::make_shared<PendingRuns>(std::move(services))), members_(std::make_shared<const Members>()) {}
InterceptorChain::~InterceptorChain() {
  stop();
  if (pending_->keeps_some()) base::keep_until_exit(pending_);  // a plugin that broke its contract may resume them yet
}
void InterceptorChain::stop() {
  pending_->stop();
  for (const std::shared_ptr<Member>& member : members_.load()->list) member->hurry(kStopGrace);
}

namespace {
Status check_table(const std::string& name, const ion_interceptor* table) {
  if (table == nullptr || table->size < sizeof(ion_interceptor) || table->on == nullptr)
    return {ION_E_INVALID, fmt::format("plugin {}: its table of {} has size {} and no `on`: wanted a size of at least {}", name, ION_INTERCEPTOR_ID,
                                       table == nullptr ? 0 : table->size, sizeof(ion_interceptor))};
  const auto refused = [&](const char* what, uint32_t bits) {
    return Status(ION_E_UNSUPPORTED, fmt::format("plugin {} asks {} for {} {:#x}, which this broker does not honour; it is not loaded, because a "
                                                 "filter that is never asked would let everything pass", name, ION_INTERCEPTOR_ID, what, bits));
  };
  if ((table->hooks & ION_HOOK_ACK) != 0) return refused("the hook ACK,", ION_HOOK_ACK);
  if ((table->hooks & ION_HOOK_CONNECT) != 0) return refused("the hook CONNECT,", ION_HOOK_CONNECT);
  if (const uint32_t more = table->hooks & ~kHooksHonoured; more != 0) return refused("hooks", more);
  if (const uint32_t more = table->needs & ~kNeedsHonoured; more != 0) return refused("needs", more);
  if (const uint32_t more = table->flags & ~kFlagsHonoured; more != 0) return refused("flags", more);
  if (table->hooks == 0) return {ION_E_INVALID, fmt::format("plugin {}: it names no hook of {}, so it would never be asked", name, ION_INTERCEPTOR_ID)};
  return {};
}
}  // namespace

Status InterceptorChain::add(InterceptorPolicy policy) {
  const auto* table = static_cast<const ion_interceptor*>(policy.ref.table);
  ION_CHECK(check_table(policy.name, table));
  hooks_ |= table->hooks;
  if ((table->needs & ION_NEED_RECORDS) != 0) hooks_with_records_ |= table->hooks;
  auto more = std::make_shared<Members>();
  more->list = members_.load()->list;
  more->list.push_back(std::make_shared<Member>(std::move(policy), pending_, pending_->services));
  members_.store(std::move(more));
  return {};
}

Status InterceptorChain::accepts(std::string_view name, ion_ref next) const {
  const auto* table = static_cast<const ion_interceptor*>(next.table);
  ION_CHECK(check_table(std::string(name), table));
  for (const std::shared_ptr<Member>& member : members_.load()->list) {
    if (member->policy.name != name) continue;
    const ion_interceptor& old = *member->table;
    if (((table->hooks & ~old.hooks) | (table->needs & ~old.needs)) == 0) return {};
    return {ION_E_UNSUPPORTED, fmt::format("plugin {}: the new file asks for hooks {:#x} and needs {:#x}, the one that serves has {:#x} and {:#x}: more than that "
                                           "takes a restart", name, table->hooks, table->needs, old.hooks, old.needs)};
  }
  return {ION_E_NOT_FOUND, fmt::format("no interceptor is named {}", name)};
}

void InterceptorChain::replace(std::string_view name, std::string file, ion_ref next, std::shared_ptr<Departure> departure) {
  const MembersPtr now = members_.load();
  auto later = std::make_shared<Members>();
  later->list = now->list;
  for (std::shared_ptr<Member>& member : later->list) {
    if (member->policy.name != name) continue;
    InterceptorPolicy policy = member->policy;
    policy.ref = next, policy.file = std::move(file);
    member->withdraw();
    member = std::make_shared<Member>(std::move(policy), pending_, pending_->services);
    break;
  }
  // Nobody reads it before this reference goes, which is after the exchange.
  std::const_pointer_cast<Members>(now)->departure = std::move(departure);
  members_.store(std::move(later));
}

std::optional<InterceptorReport> InterceptorChain::report(std::string_view name) const {
  for (const std::shared_ptr<Member>& member : members_.load()->list)
    if (member->policy.name == name) return member->report();
  return std::nullopt;
}

void InterceptorChain::run(const RunOptions& options, BatchInFlight batch, std::function<void(ChainResult)> done) {
  auto run = std::make_shared<Run>(options, std::move(batch), std::move(done), *this);
  run->now = pending_->services.clock.now();
  go_on(run);
}

void InterceptorChain::go_on(const std::shared_ptr<Run>& run) {
  while (run->at < run->members->list.size() && run->view.records_left() != 0) {
    Member& member = *run->members->list[run->at++];
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
  finish(run, std::move(result));
}

bool InterceptorChain::pass_over(const std::shared_ptr<Run>& run, Member& member) {
  member.policy.metrics.passed_over();
  if (member.policy.on_error == OnError::kOpen) return true;
  return end(run, Status(ION_E_REJECTED, fmt::format("interceptor {} {} and is passed over for now, and its on_error is \"closed\"", member.policy.name, member.why_passed_over()),
                         "INTERCEPTOR_FAILED"));
}

// What it needs is there, and it is its turn: *asked. Else the answer is that of `ask`.
bool InterceptorChain::prepare(const std::shared_ptr<Run>& run, Member& member, bool* asked) {
  MessageView& view = run->view;
  if (member.passed_over(run->now)) return pass_over(run, member);
  if ((member.table->needs & ION_NEED_RECORDS) != 0) {
    if (const uint64_t bytes = view.decode_bytes(); bytes != 0 && run->options.admit)
      if (const Status full = run->options.admit(bytes); !full.ok()) return end(run, full);
    if (const Status decoded = view.decode(); !decoded.ok()) return end(run, decoded);
  }
  view.next_interceptor();
  run->outcomes_before = view.outcomes.size();
  run->asked.store(&member, std::memory_order_relaxed);
  run->phase.store(Run::Phase::kCalling, std::memory_order_release);
  if (member.enter(*run, run->now)) return *asked = true;
  run->phase.store(Run::Phase::kIdle);
  return pass_over(run, member);
}

bool InterceptorChain::ask(const std::shared_ptr<Run>& run, Member& member) {
  bool asked = false;
  if (const bool go = prepare(run, member, &asked); !asked) return go;
  MessageView& view = run->view;
  ChainServices& services = member.services;
  const bool measured = member.measured();
  const Nanos before = measured ? services.thread_cpu() : Nanos{};
  int32_t verdict = 0;
  {
    base::ThreadPlace here = base::current_place();
    here.plugin = member.policy.name.c_str();
    const base::PlaceScope inside(here);
    verdict = bridge::ask(*member.table, member.policy.ref.self, static_cast<uint32_t>(run->options.hook), view.handle(), MessageView::api());
  }
  member.policy.metrics.called();
  run->slow = false;
  const Instant began = std::exchange(run->now, services.clock.now());
  if (measured) member.measure({services.thread_cpu().n - before.n}, run->slow, run->now);
  else if (run->now - began > member.policy.budget) member.suspect_slow();
  member.leave(*run);
  if (verdict == ION_V_PENDING) {
    verdict = wait_for_resume(run, member);
    if (verdict == kStillPending) return false;
  } else if (Run::Phase calling = Run::Phase::kCalling; !run->phase.compare_exchange_strong(calling, Run::Phase::kIdle)) {
    const std::lock_guard<std::mutex> lock(run->mutex);
    if (run->phase == Run::Phase::kExpired) {  // too late: its batch was given up
      const std::shared_ptr<Run> stays = run;
      end_expired(*run, member);
      run->members.reset();
      return false;
    }
    run->phase = Run::Phase::kIdle;
  }
  return after(run, member, verdict);
}

// The call answered PENDING: its resume may have come already, or its batch may have been given up.
int32_t InterceptorChain::wait_for_resume(const std::shared_ptr<Run>& run, Member& member) {
  const Instant until = run->now + member.policy.pending_deadline;
  bool added = false;
  {
    const std::lock_guard<std::mutex> lock(run->mutex);
    run->was_pending = true;
    if (run->phase == Run::Phase::kExpired) return run->members.reset(), kStillPending;
    run->holder = run->members->list[run->at - 1];
    if (run->phase == Run::Phase::kResumed) {
      run->phase = Run::Phase::kIdle;
      return run->verdict;
    }
    added = run->pending->add(run, until);  // here, so that a resume finds the entry that it removes
    run->phase = Run::Phase::kPending;
  }
  if (!added) PendingRuns::give_up(run, ION_E_CLOSED);
  return kStillPending;
}

// A completion that nobody waits for: the second of one batch, or of a batch that was answered without PENDING.
ion_status InterceptorChain::resumed_in_vain(Member* member) {
  if (member == nullptr) return ION_E_INVALID;
  const Status why(ION_E_INVALID, fmt::format("interceptor {} resumed a batch that is not pending: each is resumed once, after PENDING", member->policy.name));
  member->log("an interceptor completed a batch twice", why.message(), member->services.clock.now());
  if (member->policy.misbehaved) member->policy.misbehaved(why);
  return ION_E_INVALID;
}

ion_status InterceptorChain::resumed(const std::shared_ptr<Run>& run, int32_t verdict) {
  std::shared_ptr<Member> member;
  bool late = false, unasked = false;
  {
    const std::lock_guard<std::mutex> lock(run->mutex);
    member = run->holder;
    if (run->phase == Run::Phase::kResumed) member = run->asked.load()->shared_from_this();
    if (Run::Phase calling = Run::Phase::kCalling; run->phase.compare_exchange_strong(calling, Run::Phase::kResumed)) {
      run->verdict = verdict;
      return ION_OK;
    }
    switch (run->phase) {
      case Run::Phase::kPending:
        run->phase = Run::Phase::kIdle;
        break;
      case Run::Phase::kExpired:
        end_expired(*run, *member);
        late = true;
        break;
      default: unasked = true; break;
    }
  }
  if (unasked) return resumed_in_vain(member.get());
  if (late) return run->pending->keep_empty(run), ION_E_DEADLINE;
  run->pending->remove(run.get());
  run->now = member->services.clock.now();
  if (after(run, *member, verdict)) go_on(run);
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
  finish(run, std::move(result));
  return false;
}

void InterceptorChain::finish(const std::shared_ptr<Run>& run, ChainResult result) {
  run->members.reset();
  std::exchange(run->done, nullptr)(std::move(result));
  if (run->was_pending) run->pending->keep_empty(run);
}

bool InterceptorChain::after(const std::shared_ptr<Run>& run, Member& member, int32_t verdict) {
  MessageView& view = run->view;
  const auto who = [&member] { return "interceptor " + member.policy.name; };
  const auto rejected = [&](const Status& said, std::vector<RecordOutcome> because = {}) {
    return end(run, Status(said.ok() ? ION_E_REJECTED : said.code(), said.message().empty() ? who() + " rejected the batch" : who() + ": " + said.message(), "INTERCEPTOR"),
               std::move(because));
  };
  if (verdict < ION_V_CONTINUE || verdict > ION_V_ROUTE) {
    const std::string& said = view.reason.message();
    return failed(run, member, Status(ION_E_EXCEPTION, said.empty() ? fmt::format("{} failed with {}", who(), verdict) : fmt::format("{} failed: {}", who(), said)));
  }
  if (!view.misused.ok()) return failed(run, member, Status(ION_E_EXCEPTION, who() + " failed: " + view.misused.message()));
  if (verdict == ION_V_ROUTE && (run->options.hook != Hook::kProduce || !view.routed))
    return failed(run, member, Status(ION_E_EXCEPTION, who() + " answered ROUTE " + (view.routed ? "for a fetched batch" : "and named no topic")));
  member.count(run->slow, run->now);
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
