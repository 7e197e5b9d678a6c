#include "base/asio_timers.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fmt/format.h>

#include <chrono>

namespace ion::base {
namespace {

// How many timers are posted under one hold of the lock; armers wait no longer than that.
constexpr int kPostedAtOnce = 64;
// Far instants are waited for in steps, so that no sum of clocks overflows.
constexpr Nanos kWaitMax = seconds(3600);

static_assert(sizeof(TimerHandle) == sizeof(uint64_t), "a handle holds a slot and its generation");
TimerHandle handle_of(uint32_t number, uint32_t generation) {
  return reinterpret_cast<TimerHandle>(static_cast<uintptr_t>(generation) << 32 | number);  // NOLINT: a number, not an address
}

}  // namespace

struct AsioTimers::SteadyTimer {
  explicit SteadyTimer(boost::asio::io_context& context) : timer(context) {}
  boost::asio::steady_timer timer;
};

AsioTimers::AsioTimers(Clock& clock, Executor& executor, IoLoop& loop, uint32_t timers_max)
    : clock_(clock), executor_(executor), loop_(loop), timers_max_(timers_max),
      timer_(std::make_unique<SteadyTimer>(loop.context())) {}

AsioTimers::~AsioTimers() {
  ION_ASSERT(loop_.stopped());
  for (const Slot& slot : slots_) ION_ASSERT(slot.state == State::kFree || slot.state == State::kArmed);  // a shard still holds it
}

Result<TimerHandle> AsioTimers::arm(ShardId shard, Instant at, ion_fn fn, void* ctx) {
  ION_ASSERT(fn != nullptr);
  if (shard.v >= executor_.shards())
    return Status(ION_E_INVALID, fmt::format("timer: wanted a shard below {}, found {}", executor_.shards(), shard.v));
  if (loop_.stopped()) return Status(ION_E_CLOSED, "timer: the io loop is stopped");
  TimerHandle handle = nullptr;
  {
    const std::lock_guard lock(mutex_);
    Slot* slot = take_slot();
    if (slot == nullptr) return Status(ION_E_OVERLOADED, fmt::format("timer: {} are armed, and no more is allowed", timers_max_));
    slot->fn = fn, slot->ctx = ctx, slot->shard = shard, slot->state = State::kArmed;
    queue_.add(slot->number, at);
    handle = handle_of(slot->number, slot->generation);
    if (waits_for_ && *waits_for_ <= at) return handle;
    waits_for_ = at;
  }
  loop_.post([this] { wait_for_next(); });
  return handle;
}

bool AsioTimers::disarm(TimerHandle timer) {
  const auto word = reinterpret_cast<uintptr_t>(timer);
  const auto number = static_cast<uint32_t>(word);
  const std::lock_guard lock(mutex_);
  if (number >= slots_.size() || slots_[number].generation != word >> 32) return false;
  Slot& slot = slots_[number];
  if (slot.state == State::kArmed) {
    ION_ASSERT(queue_.remove(number));
    free_slot(slot);
    return true;
  }
  ION_ASSERT(slot.state == State::kPosted);  // the generation of every other state was left behind
  slot.state = State::kWithdrawn;
  ++slot.generation;
  return true;
}

uint32_t AsioTimers::armed() const {
  const std::lock_guard lock(mutex_);
  return static_cast<uint32_t>(queue_.size());
}

// On the shard. The handle ends before fn runs, so fn may arm the next one in its place.
void AsioTimers::fire(void* at) noexcept {
  auto& slot = *static_cast<Slot*>(at);
  AsioTimers& timers = *slot.timers;
  std::unique_lock lock(timers.mutex_);
  const State state = slot.state;
  const ion_fn fn = slot.fn;
  void* ctx = slot.ctx;
  ION_ASSERT(state == State::kPosted || state == State::kWithdrawn);
  timers.free_slot(slot);
  lock.unlock();
  if (state == State::kPosted) fn(ctx);
}

// On the loop's thread: posts what is due and sets the steady timer to what comes next.
void AsioTimers::wait_for_next() {
  const std::optional<Instant> next = post_due(clock_.now());
  if (!next) return;
  const Instant now = clock_.now();
  const Nanos wait = *next <= now ? Nanos{0} : *next >= now + kWaitMax ? kWaitMax : *next - now;
  timer_->timer.expires_after(std::chrono::nanoseconds(wait.n));  // an earlier wait ends as cancelled
  timer_->timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) wait_for_next();
  });
}

std::optional<Instant> AsioTimers::post_due(Instant now) {
  for (;;) {
    const std::lock_guard lock(mutex_);
    for (int n = 0; n < kPostedAtOnce; ++n) {
      const std::optional<uint32_t> due = queue_.take_due(now);
      if (!due) return waits_for_ = queue_.next();
      post_one(slots_[*due], now);
    }
  }
}

void AsioTimers::post_one(Slot& slot, Instant now) {
  slot.state = State::kPosted;
  const Status posted = executor_.post(slot.shard, &AsioTimers::fire, &slot);
  if (posted.ok()) return;
  if (posted.code() == ION_E_OVERLOADED) {
    slot.state = State::kArmed;
    queue_.add(slot.number, now + kRetry);
    return;
  }
  free_slot(slot);
}

// Under the lock. nullptr: timers_max_ are taken.
AsioTimers::Slot* AsioTimers::take_slot() {
  if (free_.empty()) {
    if (slots_.size() >= timers_max_) return nullptr;
    Slot& made = slots_.emplace_back();
    made.timers = this;
    made.number = static_cast<uint32_t>(slots_.size() - 1);
    return &made;
  }
  Slot& slot = slots_[free_.back()];
  free_.pop_back();
  return &slot;
}

void AsioTimers::free_slot(Slot& slot) {
  slot.state = State::kFree;
  slot.fn = nullptr, slot.ctx = nullptr;
  ++slot.generation;
  free_.push_back(slot.number);
}

}  // namespace ion::base
