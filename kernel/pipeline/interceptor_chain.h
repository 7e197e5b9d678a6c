// The interceptors in config order, each with its policy. A batch passes them before the shard hop: continue, replace, drop,
// reject, route, or pending and resumed later. Decoded once and only if somebody needs records, encoded once if somebody edited.
// Thread: ANY; an instance without REENTRANT is called one call at a time (its own lock, never held across anything else).
#pragma once
#include "pipeline/message_view.h"

#include <ion/contract/interceptor.h>
#include <ion/ports.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ion::pipeline {

enum class OnError { kClosed, kOpen };  // what a failing interceptor means for the batch: refuse it, or let it pass

// A plugin that failed too often within the window is passed over for a while, as `on_error` says. failures 0: never.
struct BreakerRule {
  uint32_t failures = 0;
  Nanos window, pause;
};
struct InterceptorSeat {
  std::string name;  // of the plugin instance, for words
  ion_ref ref{};     // ion.interceptor/1
  OnError on_error = OnError::kClosed;
  Nanos budget = milliseconds(1);  // the longest that one call may take; longer counts as a failure of the plugin
  BreakerRule breaker;
  std::function<void(const Status&)> misbehaved;  // counts a fault of the plugin; may be empty
};

// How a run ended.
struct ChainResult {
  enum class Kind { kGo, kDropped, kRejected } kind = Kind::kGo;
  Status why;               // of a rejection
  std::string topic;        // routed elsewhere if not empty
  int32_t partition = -1;
  std::vector<uint8_t> replaced;  // the new batch if not empty
};

class InterceptorChain {
 public:
  explicit InterceptorChain(Clock& clock) : clock_(clock) {}
  void seat(InterceptorSeat seat) { seats_.push_back(std::make_unique<Seat>(std::move(seat))); }  // before serving
  bool wants(Hook hook) const noexcept;

  // Runs the produce hook. `done` runs once, inline unless an interceptor answered PENDING.
  void run(Hook hook, const BatchInFlight& batch, std::function<void(ChainResult)> done);

 private:
  struct Seat {
    explicit Seat(InterceptorSeat s);
    bool open(Instant now);                        // the breaker: true while the plugin is passed over
    void failed(const Status& why, Instant now);
    const InterceptorSeat config;
    const ion_interceptor* const table;
    std::mutex one_at_a_time;

   private:
    std::mutex breaker_mutex_;  // taken only when a breaker is configured, or on a failure
    std::vector<Instant> failures_;
    Instant open_until_;
  };
  struct Run;
  void go_on(const std::shared_ptr<Run>& run);
  bool after(const std::shared_ptr<Run>& run, Seat& seat, int32_t verdict);  // true: go on
  bool faulted(const std::shared_ptr<Run>& run, Seat& seat, const Status& why);

  Clock& clock_;
  std::vector<std::unique_ptr<Seat>> seats_;
};

}  // namespace ion::pipeline
