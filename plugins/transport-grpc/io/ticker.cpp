#include "io/ticker.h"

namespace ion::transport_grpc {
namespace {
constexpr Nanos kStep = seconds(1);
}

Status Ticker::start() {
  ION_CHECK(post(executor_, executor_.home(), [this] { arm(); }));
  started_ = true;
  return {};
}

void Ticker::arm() {
  if (stopping_ || timer_ != nullptr) return;
  const Result<TimerHandle> armed = timers_.arm(executor_.home(), clock_.now() + kStep, &Ticker::fired, this);
  if (armed) timer_ = *armed;
}

void Ticker::fired(void* self) noexcept {
  auto& ticker = *static_cast<Ticker*>(self);
  ticker.timer_ = nullptr;
  if (ticker.stopping_) {
    Later stopped = std::move(ticker.stopped_);
    if (stopped) stopped.ok();
    return;
  }
  ticker.step_(ticker.clock_.now());
  ticker.arm();
}

void Ticker::stop(Later later) {
  if (!started_) return later.ok();
  stopped_ = std::move(later);  // the shard sees it through the post
  const Status posted = post(executor_, executor_.home(), [this] { stop_on_shard(); });
  if (!posted.ok() && stopped_) std::exchange(stopped_, {}).fail(posted);
}

void Ticker::stop_on_shard() {
  stopping_ = true;
  if (timer_ != nullptr && !timers_.disarm(std::exchange(timer_, nullptr))) return;  // it has fired and will come here
  Later stopped = std::move(stopped_);
  stopped.ok();
}

}  // namespace ion::transport_grpc
