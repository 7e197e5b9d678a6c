// What the checked tables of contract_guard.h share: ops and leases that are out, calls in progress, and whom to tell.
#pragma once
#include <ion/abi/host/threads.h>
#include <ion/op.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ion::check {

struct GuardHooks {
  std::function<void(const Status& why)> report;  // a rule that was broken; any thread, without a lock
  std::function<Instant()> now;
  uint32_t (*word)() noexcept = nullptr;  // the ion_word of the calling thread; null: threads are not checked
};
struct GuardCounts {
  uint64_t ops = 0, leases = 0, leased_bytes = 0;
  std::optional<Nanos> oldest_op, oldest_lease;
  std::string oldest_op_name;
};

enum class Wanted { kAny, kShard, kControl, kBlocking };
struct Call {
  const char *contract, *member;
  std::string text() const { return std::string(contract) + " " + member; }
};

class GuardCore;

// One op on its way through: what the plugin completes, and whom that tells.
struct OpRecord {
  enum State { kOut, kDone, kAnswered, kEnded };
  OpRecord(std::shared_ptr<GuardCore> c, const Call& what, const ion_op& from, Instant at);
  ion_status returned(ion_status status, ion_result& now);
  static void done(void* ctx, const ion_result* result) noexcept;

  const std::shared_ptr<GuardCore> core;
  const Call about;
  ion_op caller{}, op{};
  const Instant since;
  std::atomic<int> state{kOut};
};

// One buffer that a plugin has lent, with its last release in sight.
struct LeaseRecord {
  LeaseRecord(std::shared_ptr<GuardCore> c, const ion_buf& b, Instant at) : core(std::move(c)), inner(b), since(at) {}
  static void retain(void* owner) noexcept;
  static void release(void* owner) noexcept;

  const std::shared_ptr<GuardCore> core;
  const ion_buf inner;
  const Instant since;
  std::atomic<uint64_t> references{1};
};
inline constexpr ion_buf_ops kLeaseOps{sizeof(ion_buf_ops), 0, &LeaseRecord::retain, &LeaseRecord::release};
inline constexpr ion_buf_ops kMappedLeaseOps{sizeof(ion_buf_ops), ION_BUF_MAPPED, &LeaseRecord::retain, &LeaseRecord::release};

class GuardCore : public std::enable_shared_from_this<GuardCore> {
 public:
  static constexpr size_t kOverMax = 16'384;  // ops that have ended and stay in memory, so that a late completion meets no other op

  explicit GuardCore(GuardHooks hooks) : hooks_(std::move(hooks)) {}

  void tell(const Call& about, const std::string& what) const {
    if (hooks_.report && !retired_.load(std::memory_order_acquire)) hooks_.report(Status(ION_E_INTERNAL, about.text() + " " + what));
  }
  OpRecord& begin(const Call& about, const ion_op& caller) {
    auto record = std::make_unique<OpRecord>(shared_from_this(), about, caller, hooks_.now());
    OpRecord& out = *record;
    const std::lock_guard lock(mutex_);
    ops_.emplace(&out, std::move(record));
    return out;
  }
  void ended(OpRecord& record) {
    std::unique_ptr<OpRecord> oldest;  // destroyed after the lock
    const std::lock_guard lock(mutex_);
    const auto at = ops_.find(&record);
    if (at == ops_.end()) return;
    if (retired_.load(std::memory_order_relaxed)) {
      oldest = std::move(at->second);
      ops_.erase(at);
      return;
    }
    over_.push_back(std::move(at->second));
    ops_.erase(at);
    if (over_.size() <= kOverMax) return;
    oldest = std::move(over_.front());
    over_.pop_front();
  }
  // The buffers of an answer are counted from here on.
  void lend(ion_buf* bufs, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i) {
      if (bufs[i].ops == nullptr) continue;
      auto* lease = new LeaseRecord(shared_from_this(), bufs[i], hooks_.now());
      bufs[i].ops = (bufs[i].ops->flags & ION_BUF_MAPPED) != 0 ? &kMappedLeaseOps : &kLeaseOps;
      bufs[i].owner = lease;
      const std::lock_guard lock(mutex_);
      leases_.insert(lease);
    }
  }
  void given_back(LeaseRecord* lease) {
    const std::lock_guard lock(mutex_);
    leases_.erase(lease);
  }
  void drained();
  // Whoever listened is gone, and with it the plugin: nothing is told any more, and no op that has ended is kept. Each holds the core.
  void retire() noexcept {
    std::deque<std::unique_ptr<OpRecord>> over;  // destroyed after the lock
    const std::lock_guard lock(mutex_);
    retired_.store(true, std::memory_order_release);
    over.swap(over_);
  }
  bool is_drained() const noexcept { return drained_.load(std::memory_order_acquire); }
  GuardCounts counts() const;
  std::string outstanding() const;

  void check_word(const Call& about, Wanted wanted) const {
    if (hooks_.word == nullptr || wanted == Wanted::kAny) return;
    const uint32_t word = hooks_.word();
    const bool good = wanted == Wanted::kShard ? word == ION_WORD_SHARD : wanted == Wanted::kControl ? word == ION_WORD_CONTROL : word != ION_WORD_SHARD;
    if (good) return;
    static constexpr const char* kWords[] = {"a thread that is not the host's", "a shard", "the control thread", "the blocking pool"};
    static constexpr const char* kWanted[] = {"any", "a shard", "the control thread", "a thread that may block"};
    tell(about, std::string("was called on ") + kWords[std::min<uint32_t>(word, 3)] + ": wanted " + kWanted[static_cast<int>(wanted)]);
  }
  bool enter(const void* handle) {
    const std::lock_guard lock(mutex_);
    return ++inside_[handle] == 1;
  }
  void leave(const void* handle) {
    const std::lock_guard lock(mutex_);
    const auto at = inside_.find(handle);
    if (--at->second == 0) inside_.erase(at);
  }

 private:
  const GuardHooks hooks_;
  std::atomic<bool> drained_{false}, retired_{false};
  mutable std::mutex mutex_;
  std::map<OpRecord*, std::unique_ptr<OpRecord>> ops_;
  std::deque<std::unique_ptr<OpRecord>> over_;
  std::set<LeaseRecord*> leases_;
  std::map<const void*, uint32_t> inside_;  // calls in progress by handle
};

// The checks around one call.
class Entered {
 public:
  // A plugin may use the host's services until it is destroyed, its own contracts until it has drained.
  enum class Of { kContract, kService };
  Entered(GuardCore& core, const Call& about, Wanted wanted, const void* handle, Of of) : core_(core), handle_(handle) {
    core.check_word(about, wanted);
    if (of == Of::kContract && core.is_drained()) core.tell(about, "was called after drain");
    if (handle_ != nullptr && !core.enter(handle_)) core.tell(about, "was called while another call on the same handle went on");
  }
  ~Entered() {
    if (handle_ != nullptr) core_.leave(handle_);
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  GuardCore& core_;
  const void* const handle_;
};

inline OpRecord::OpRecord(std::shared_ptr<GuardCore> c, const Call& what, const ion_op& from, Instant at) : core(std::move(c)), about(what), caller(from), op(from), since(at) {
  op.done = &OpRecord::done, op.ctx = this;
}

inline ion_status OpRecord::returned(ion_status status, ion_result& now) {
  if (status == ION_PENDING) return status;  // this may have ended already
  int seen = kOut;
  if (!state.compare_exchange_strong(seen, kAnswered)) {
    core->tell(about, "completed and answered " + std::string(code_name(to_code(status))) + " as well: wanted PENDING");
    return ION_PENDING;
  }
  const std::shared_ptr<GuardCore> stays = core;
  if (status == ION_OK) stays->lend(now.bufs, now.nbufs);
  stays->ended(*this);
  return status;
}

inline void OpRecord::done(void* ctx, const ion_result* result) noexcept {
  auto& record = *static_cast<OpRecord*>(ctx);
  const std::shared_ptr<GuardCore> core = record.core;
  int seen = kOut;
  if (!record.state.compare_exchange_strong(seen, kDone)) {
    core->tell(record.about, seen == kDone ? "was completed twice" : seen == kAnswered ? "was completed after it had answered at once" : "was completed after drain");
    for (uint32_t i = 0; i < result->nbufs; ++i) (void)Buf::adopt(result->bufs[i]);
    return;
  }
  const ion_op caller = record.caller;
  std::vector<ion_buf> bufs(result->bufs, result->bufs + result->nbufs);
  core->lend(bufs.data(), static_cast<uint32_t>(bufs.size()));
  ion_result given{sizeof(ion_result), result->status, result->u0, result->u1, result->nbufs, result->nbufs, bufs.data(), result->err};
  core->ended(record);
  caller.done(caller.ctx, &given);
}

inline void LeaseRecord::retain(void* owner) noexcept { static_cast<LeaseRecord*>(owner)->references.fetch_add(1, std::memory_order_relaxed); }
inline void LeaseRecord::release(void* owner) noexcept {
  auto* lease = static_cast<LeaseRecord*>(owner);
  if (lease->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  lease->core->given_back(lease);
  lease->inner.ops->release(lease->inner.owner);
  delete lease;
}

inline void GuardCore::drained() {
  drained_.store(true, std::memory_order_release);
  std::vector<OpRecord*> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [record, owner] : ops_) out.push_back(record);
  }
  for (OpRecord* record : out) {
    int seen = OpRecord::kOut;
    if (!record->state.compare_exchange_strong(seen, OpRecord::kEnded)) continue;
    tell(record->about, "was not completed when it had drained");
    ion_err err{sizeof(ion_err), ION_OK, {}};
    ion_result result{sizeof(ion_result), Status(ION_E_UNKNOWN_OUTCOME, record->about.text() + " was not completed before drain").to(&err), 0, 0, 0, 0, nullptr, &err};
    const ion_op caller = record->caller;
    ended(*record);
    caller.done(caller.ctx, &result);
  }
}

inline GuardCounts GuardCore::counts() const {
  const Instant now = hooks_.now();
  GuardCounts c;
  const std::lock_guard lock(mutex_);
  c.ops = ops_.size(), c.leases = leases_.size();
  for (const auto& [record, owner] : ops_)
    if (const Nanos age = now - record->since; !c.oldest_op || age > *c.oldest_op) c.oldest_op = age, c.oldest_op_name = record->about.member;
  for (const LeaseRecord* lease : leases_) {
    c.leased_bytes += lease->inner.n;
    if (const Nanos age = now - lease->since; !c.oldest_lease || age > *c.oldest_lease) c.oldest_lease = age;
  }
  return c;
}

inline std::string GuardCore::outstanding() const {
  const GuardCounts c = counts();
  std::string text;
  if (c.ops != 0) text = std::to_string(c.ops) + (c.ops == 1 ? " op" : " ops") + " that did not complete, the oldest is " + c.oldest_op_name;
  if (c.leases != 0)
    text += (text.empty() ? "" : ", ") + std::to_string(c.leases) + (c.leases == 1 ? " lease of " : " leases of ") + std::to_string(c.leased_bytes) + " bytes, the oldest for " +
            std::to_string(c.oldest_lease->n / 1'000'000'000) + " s";
  return text;
}

}  // namespace ion::check
