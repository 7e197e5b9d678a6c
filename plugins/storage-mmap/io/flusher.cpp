#include "io/flusher.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace ion::storage_mmap {

namespace {
constexpr size_t kWaitersMax = size_t{1} << 16;  // per log
}

void Flusher::request(const std::shared_ptr<SyncTarget>& log, Offset upto, Later later) {
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    full = log->waiters_.size() >= kWaitersMax;
  }
  if (full) return later.fail(Status(ION_E_OVERLOADED, std::to_string(kWaitersMax) + " syncs of this log wait already"));
  {
    const std::lock_guard lock(mutex_);
    log->waiters_.push_back({upto, std::move(later)});
    if (!std::exchange(log->queued_, true)) queue_.push_back(log);
    if (std::exchange(running_, true)) return;  // the round that runs goes on with the next
  }
  const Status posted = jobs_.post([this] { run(); });
  if (posted.ok()) return;
  // The pool is full and nobody flushes: all who came meanwhile hear it.
  std::vector<SyncTarget::Waiter> refused;
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
    for (const auto& waiting : queue_) {
      waiting->queued_ = false;
      refused.insert(refused.end(), std::move_iterator(waiting->waiters_.begin()), std::move_iterator(waiting->waiters_.end()));
      waiting->waiters_.clear();
    }
    queue_.clear();
  }
  for (auto& waiter : refused) waiter.later.fail(posted);
}

void Flusher::run() {
  for (;;) {
    std::vector<std::shared_ptr<SyncTarget>> logs;
    {
      const std::lock_guard lock(mutex_);
      logs = std::exchange(queue_, {});  // never empty while somebody has the role
      for (const auto& log : logs) log->queued_ = false;
      ++rounds_;
    }
    if (round(logs) == Role::kLeft) break;
  }
  (void)flush_marks_(ctx_);  // a failure is remembered there and met by the next write of a mark
}

Flusher::Role Flusher::round(const std::vector<std::shared_ptr<SyncTarget>>& logs) {
  Role role = Role::kKept;
  for (const auto& log : logs) {
    const Result<Offset> durable = log->sync_now();
    std::vector<SyncTarget::Waiter> done = take_waiters(*log, durable);
    {
      const std::lock_guard lock(mutex_);
      if (!log->waiters_.empty() && !std::exchange(log->queued_, true)) queue_.push_back(log);  // they came after the round began
      if (log == logs.back() && queue_.empty()) role = Role::kLeft, running_ = false;
    }
    if (role == Role::kLeft) answer(done, durable);
    else answer_later(std::move(done), durable);
  }
  for (const auto& log : logs) (void)log->write_mark();  // remembered as the failure of the log
  return role;
}

void Flusher::tell(SyncTarget& log, const Result<Offset>& durable) {
  std::vector<SyncTarget::Waiter> done = take_waiters(log, durable);
  answer(done, durable);
}

void Flusher::answer_later(std::vector<SyncTarget::Waiter> waiters, const Result<Offset>& durable) {
  if (waiters.empty()) return;
  auto done = std::make_shared<std::vector<SyncTarget::Waiter>>(std::move(waiters));  // shared: a refused job is destroyed
  if (!jobs_.post([done, durable] { answer(*done, durable); }).ok()) answer(*done, durable);
}

void Flusher::answer(std::vector<SyncTarget::Waiter>& waiters, const Result<Offset>& durable) {
  for (auto& waiter : waiters) {
    if (durable) waiter.later.ok(static_cast<uint64_t>(durable->v));
    else waiter.later.fail(durable.error());
  }
}

std::vector<SyncTarget::Waiter> Flusher::take_waiters(SyncTarget& log, const Result<Offset>& durable) {
  const std::lock_guard lock(mutex_);
  std::vector<SyncTarget::Waiter> done, rest;
  for (auto& waiter : log.waiters_) (!durable || waiter.upto <= *durable ? done : rest).push_back(std::move(waiter));
  log.waiters_ = std::move(rest);
  return done;
}

void Flusher::cancel_above(SyncTarget& log, Offset next) {
  std::vector<SyncTarget::Waiter> cut, rest;
  {
    const std::lock_guard lock(mutex_);
    for (auto& waiter : log.waiters_) (waiter.upto > next ? cut : rest).push_back(std::move(waiter));
    log.waiters_ = std::move(rest);
  }
  for (auto& waiter : cut)
    waiter.later.fail(Status(ION_E_CANCELLED, "sync up to " + std::to_string(waiter.upto.v) + ": the log was cut at " + std::to_string(next.v)));
}

uint64_t Flusher::rounds() const {
  const std::lock_guard lock(mutex_);
  return rounds_;
}

}  // namespace ion::storage_mmap
