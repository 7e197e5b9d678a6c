#include "host/plugin_work.h"

#include <fmt/core.h>

namespace ion::host {
namespace {

Status drained() { return {ION_E_CLOSED, "this plugin instance was drained"}; }
TimerHandle handle_of(uint64_t number) {
  return reinterpret_cast<TimerHandle>(static_cast<uintptr_t>(number));
}  // NOLINT: no address

}  // namespace

// Sequentially consistent on purpose: either close() sees us running, or we see that it is closed.
void PluginWork::call(ion_fn fn, void* ctx) noexcept {
  running_.fetch_add(1);
  if (!closed_.load()) fn(ctx);
  if (running_.fetch_sub(1) == 1 && closed_.load()) {
    const std::lock_guard lock(mutex_);
    idle_.notify_all();
  }
}

void PluginWork::Posted::run(void* self) noexcept {
  const std::unique_ptr<Posted> posted(static_cast<Posted*>(self));
  posted->work.posts_.fetch_sub(1);
  posted->work.call(posted->fn, posted->ctx);
}

void PluginWork::Armed::fire(void* self) noexcept {
  auto* armed = static_cast<Armed*>(self);
  PluginWork& work = armed->work;
  const ion_fn fn = armed->fn;
  void* const ctx = armed->ctx;
  {
    const std::lock_guard lock(work.mutex_);
    work.armed_.erase(armed->number);
  }
  work.call(fn, ctx);
}

template <class Give>
Status PluginWork::give(ion_fn fn, void* ctx, Give give) {
  if (closed_.load()) return drained();
  auto posted = std::make_unique<Posted>(Posted{*this, fn, ctx});
  posts_.fetch_add(1);
  Status given = give(&Posted::run, posted.get());
  if (given.ok())
    (void)posted.release();
  else
    posts_.fetch_sub(1);
  return given;
}

Status PluginWork::post(ShardId shard, ion_fn fn, void* ctx) {
  return give(fn, ctx, [&](ion_fn f, void* c) { return executor_.post(shard, f, c); });
}
Status PluginWork::run(ShardId shard, ion_fn fn, void* ctx) {
  return give(fn, ctx, [&](ion_fn f, void* c) { return executor_.run(shard, f, c); });
}
Status PluginWork::post_blocking(ion_fn fn, void* ctx) {
  return give(fn, ctx, [&](ion_fn f, void* c) { return executor_.post_blocking(f, c); });
}

Result<TimerHandle> PluginWork::arm(ShardId shard, Instant at, ion_fn fn, void* ctx) {
  if (closed_.load()) return drained();
  Armed* armed = nullptr;
  uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = next_number_++;
    auto& place = armed_[number];
    place = std::make_unique<Armed>(Armed{*this, number, fn, ctx, nullptr, false});
    armed = place.get();
  }
  Result<TimerHandle> inner = timers_.arm(shard, at, &Armed::fire, armed);  // may fire before it returns
  const std::lock_guard lock(mutex_);
  const auto place = armed_.find(number);
  if (!inner) {
    armed_.erase(place);
    return inner;
  }
  if (place != armed_.end()) place->second->inner = *inner, place->second->noted = true;
  return handle_of(number);
}

bool PluginWork::disarm(TimerHandle timer) {
  const auto number = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(timer));
  TimerHandle inner = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto place = armed_.find(number);
    if (place == armed_.end() || !place->second->noted) return false;
    inner = place->second->inner;
  }
  if (!timers_.disarm(inner)) return false;
  const std::lock_guard lock(mutex_);
  armed_.erase(number);
  return true;
}

bool PluginWork::close(World& world, Nanos limit) {
  closed_.store(true);
  std::unique_lock lock(mutex_);
  return world.await(lock, idle_, limit, [&] { return running_.load() == 0; });
}

std::string PluginWork::outstanding() const {
  const std::lock_guard lock(mutex_);
  const uint32_t posts = posts_.load();
  std::string text;
  if (posts != 0) text = fmt::format("{} post{}", posts, posts == 1 ? "" : "s");
  if (!armed_.empty())
    text += fmt::format("{}{} timer{}", text.empty() ? "" : ", ", armed_.size(), armed_.size() == 1 ? "" : "s");
  return text;
}

}  // namespace ion::host
