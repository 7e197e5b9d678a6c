#include "driver.h"

#include <algorithm>
#include <chrono>

namespace ion::client {

namespace {
constexpr Instant kNever{UINT64_MAX};
constexpr Nanos kLongestSleep = seconds(60);

gpr_timespec deadline_at(Instant at, Instant now) {
  // kNever - now does not fit a duration: it would wrap to the past, and the thread would never sleep.
  const Nanos wait = at <= now ? Nanos{} : at == kNever ? kLongestSleep : std::min(at - now, kLongestSleep);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(wait.n, GPR_TIMESPAN));
}
}  // namespace

std::shared_ptr<Driver> Driver::start() {
  std::shared_ptr<Driver> driver(new Driver);  // shared: its thread and every call keep it
  driver->thread_ = std::thread([driver] { driver->run(); });
  return driver;
}

void Driver::stop() {
  std::vector<std::shared_ptr<Call>> calls;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [raw, weak] : calls_)
      if (auto call = weak.lock()) calls.push_back(std::move(call));
    due_ns_ = 0;
    ring();
  }
  for (const auto& call : calls) call->cancel();
  calls.clear();
  if (!thread_.joinable()) return;
  if (here()) thread_.detach();
  else thread_.join();
}

Instant Driver::now() {
  return {static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count())};
}

WallMs WallClock::at(Instant now) {
  if (asked_.ns == 0 || now - asked_ >= milliseconds(100)) {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    ahead_ns_ = std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count() - static_cast<int64_t>(now.ns);
    asked_ = now;
  }
  return {(static_cast<int64_t>(now.ns) + ahead_ns_) / 1'000'000};
}

uint64_t Driver::random() {
  const std::lock_guard lock(mutex_);
  return random_();
}

bool Driver::enter(const std::shared_ptr<Call>& call) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  calls_[call.get()] = call;
  return true;
}

void Driver::leave(const Call* call) {
  const std::lock_guard lock(mutex_);
  calls_.erase(call);
}

void Driver::add(std::weak_ptr<Ticker> ticker) {
  const std::lock_guard lock(mutex_);
  tickers_.push_back(std::move(ticker));
}

void Driver::wake_by(Instant at) {
  if (at.ns >= due_ns_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  lower_due(at);
}

void Driver::lower_due(Instant at) {
  if (at.ns >= due_ns_.load(std::memory_order_relaxed)) return;
  due_ns_.store(at.ns, std::memory_order_relaxed);
  if (at < sleeping_until_) ring();
}

void Driver::ring() {
  if (ringing_ || shut_) return;
  ringing_ = true;
  alarm_.Set(&queue_, gpr_now(GPR_CLOCK_MONOTONIC), &alarm_tag_);
}

void Driver::Alarm::done(bool) {
  const std::lock_guard lock(driver.mutex_);
  driver.ringing_ = false;
}

bool Driver::may_end() {
  const std::lock_guard lock(mutex_);
  if (!stopping_ || shut_ || ringing_ || !calls_.empty()) return false;
  return shut_ = true;
}

void Driver::run() {
  id_ = std::this_thread::get_id();
  for (;;) {
    const Instant at = now();
    Instant due;
    {
      const std::lock_guard lock(mutex_);
      due = {due_ns_.load(std::memory_order_relaxed)};
      if (due > at) sleeping_until_ = due;
    }
    if (due <= at) {
      tick_all(at);
      if (may_end()) queue_.Shutdown();
      continue;
    }
    void* tag = nullptr;
    bool ok = false;
    const auto got = queue_.AsyncNext(&tag, &ok, deadline_at(due, at));
    {
      const std::lock_guard lock(mutex_);
      sleeping_until_ = {};
    }
    if (got == grpc::CompletionQueue::SHUTDOWN) return;
    if (got == grpc::CompletionQueue::GOT_EVENT) static_cast<Tag*>(tag)->done(ok);
    if (may_end()) queue_.Shutdown();
  }
}

void Driver::tick_all(Instant now) {
  std::vector<std::shared_ptr<Ticker>> tickers;
  {
    const std::lock_guard lock(mutex_);
    due_ns_ = kNever.ns;  // whoever wants to be woken from here on lowers it again
    std::erase_if(tickers_, [](const auto& t) { return t.expired(); });
    for (const auto& weak : tickers_)
      if (auto ticker = weak.lock()) tickers.push_back(std::move(ticker));
  }
  Instant next = kNever;
  for (const auto& ticker : tickers) {
    if (ticker->wake_at() <= now) ticker->tick(now);
    next = std::min(next, ticker->wake_at());
  }
  const std::lock_guard lock(mutex_);
  lower_due(next);
}

}  // namespace ion::client
