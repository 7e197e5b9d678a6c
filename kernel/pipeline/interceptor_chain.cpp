#include "pipeline/interceptor_chain.h"

#include <fmt/format.h>

#include <atomic>

namespace ion::pipeline {

struct InterceptorChain::Run {  // shared by the chain and whoever answers PENDING
  Run(Hook h, const BatchInFlight& b, std::function<void(ChainResult)> d) : hook(h), batch(b), view(batch), done(std::move(d)) {}
  Hook hook;
  const BatchInFlight batch;
  MessageView view;
  std::function<void(ChainResult)> done;
  ChainResult result;
  size_t at = 0;
};

InterceptorChain::Seat::Seat(InterceptorSeat s) : config(std::move(s)), table(static_cast<const ion_interceptor*>(config.ref.table)) {}

bool InterceptorChain::Seat::open(Instant now) {
  if (config.breaker.failures == 0) return false;
  const std::lock_guard<std::mutex> lock(breaker_mutex_);
  return now < open_until_;
}

void InterceptorChain::Seat::failed(const Status& why, Instant now) {
  if (config.misbehaved) config.misbehaved(why);
  if (config.breaker.failures == 0) return;
  const std::lock_guard<std::mutex> lock(breaker_mutex_);
  std::erase_if(failures_, [&](Instant at) { return at + config.breaker.window < now; });
  failures_.push_back(now);
  if (failures_.size() < config.breaker.failures) return;
  open_until_ = now + config.breaker.pause;
  failures_.clear();
}

bool InterceptorChain::wants(Hook hook) const noexcept {
  for (const auto& seat : seats_)
    if ((seat->table->hooks & static_cast<uint32_t>(hook)) != 0) return true;
  return false;
}

void InterceptorChain::run(Hook hook, const BatchInFlight& batch, std::function<void(ChainResult)> done) {
  go_on(std::make_shared<Run>(hook, batch, std::move(done)));
}

void InterceptorChain::go_on(const std::shared_ptr<Run>& run) {
  while (run->at < seats_.size()) {
    Seat& seat = *seats_[run->at++];
    if ((seat.table->hooks & static_cast<uint32_t>(run->hook)) == 0) continue;
    if ((seat.table->needs & ION_NEED_RECORDS) != 0) {
      if (const Status decoded = run->view.decode(); !decoded.ok()) {
        run->view.reason = decoded;
        if (!after(run, seat, ION_V_REJECT)) return;
        continue;
      }
    }
    if (seat.open(clock_.now())) {
      if (seat.config.on_error == OnError::kOpen) continue;
      run->view.reason = Status(ION_E_REJECTED, "it failed too often and is passed over; its policy is closed");
      if (!after(run, seat, ION_V_REJECT)) return;
    }
    // Whoever comes second goes on: the call that returned PENDING, or the resume that may overtake it.
    auto met = std::make_shared<std::atomic<int>>(0);
    auto later = std::make_shared<int32_t>(0);
    run->view.resume = [this, run, met, later, &seat](int32_t resumed) -> ion_status {
      *later = resumed;
      if (met->fetch_add(1, std::memory_order_acq_rel) == 1 && after(run, seat, resumed)) go_on(run);
      return ION_OK;
    };
    int32_t verdict = 0;
    const Instant began = clock_.now();
    {
      std::unique_lock<std::mutex> alone(seat.one_at_a_time, std::defer_lock);
      if ((seat.table->flags & ION_INTERCEPTOR_REENTRANT) == 0) alone.lock();
      verdict = seat.table->on(seat.config.ref.self, static_cast<uint32_t>(run->hook), run->view.handle(), MessageView::api());
    }
    const Nanos took = clock_.now() - began;
    if (verdict == ION_V_PENDING) {
      if (met->fetch_add(1, std::memory_order_acq_rel) == 0) return;  // resume() goes on
      verdict = *later;
    }
    run->view.resume = nullptr;
    if (took > seat.config.budget &&
        !faulted(run, seat, Status(ION_E_DEADLINE, fmt::format("interceptor {} took {} us, its budget is {} us", seat.config.name, took.n / 1000, seat.config.budget.n / 1000))))
      return;
    if (!after(run, seat, verdict)) return;
  }
  if (run->view.edited() && run->result.kind == ChainResult::Kind::kGo) {
    run->result.replaced = run->view.encode();
    if (run->result.replaced.empty()) run->result.kind = ChainResult::Kind::kDropped;
  }
  std::exchange(run->done, nullptr)(std::move(run->result));
}

bool InterceptorChain::after(const std::shared_ptr<Run>& run, Seat& seat, int32_t verdict) {
  const auto end = [&](ChainResult::Kind kind, Status why) {
    run->result.kind = kind;
    run->result.why = std::move(why);
    std::exchange(run->done, nullptr)(std::move(run->result));
    return false;
  };
  switch (verdict) {
    case ION_V_CONTINUE:
    case ION_V_REPLACE: return true;
    case ION_V_DROP: return end(ChainResult::Kind::kDropped, {});
    case ION_V_ROUTE:
      if (run->view.routed) std::tie(run->result.topic, run->result.partition) = *run->view.routed;
      return true;
    case ION_V_REJECT: {
      const Status& said = run->view.reason;
      return end(ChainResult::Kind::kRejected, Status(said.ok() ? ION_E_REJECTED : said.code(), fmt::format("interceptor {}: {}", seat.config.name, said.message())));
    }
    default: return faulted(run, seat, Status(ION_E_EXCEPTION, fmt::format("interceptor {} answered {}", seat.config.name, verdict)));
  }
}

// The plugin's fault; what it means for the batch is the operator's choice.
bool InterceptorChain::faulted(const std::shared_ptr<Run>& run, Seat& seat, const Status& why) {
  seat.failed(why, clock_.now());
  if (seat.config.on_error == OnError::kOpen) return true;
  run->result.kind = ChainResult::Kind::kRejected;
  run->result.why = Status(ION_E_REJECTED, why.message());
  std::exchange(run->done, nullptr)(std::move(run->result));
  return false;
}

}  // namespace ion::pipeline
