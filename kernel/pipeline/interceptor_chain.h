// The interceptors in config order, each with its policy. A batch passes them before its partition is asked (produce) or before the
// reader gets it (fetch): continue, replace, drop, reject, route, or pending and resumed later. Decoded once and only if somebody
// needs records, encoded once if somebody edited.
//
// A run that an interceptor keeps (PENDING) is a state machine under its own lock:
//   calling ── answers PENDING ──▶ pending ── resume ──▶ goes on        calling ── resume comes first ──▶ goes on when the call returns
//                                  pending ── deadline or stop ──▶ expired ── resume ──▶ over; the message lives until then
//   calling ── does not come back ──▶ expired ── comes back ──▶ over (or, with PENDING, when it is resumed)
// The last kMessagesKept messages that were pending stay in memory, empty: a second resume is a fault with a name and no crash.
// An interceptor can be replaced by another generation while batches are in flight: those that began with the old one end there.
// Thread: ANY; an instance without REENTRANT is called one call at a time.
#pragma once
#include "observe/health.h"
#include "pipeline/breaker.h"
#include "pipeline/departure.h"
#include "pipeline/interceptor_metrics.h"
#include "pipeline/message_view.h"

#include <ion/contract/interceptor.h>
#include <ion/ports.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::pipeline {

enum class OnError { kClosed, kOpen };      // what a failing interceptor means for the batch: refuse it, or let it pass
enum class OnReject { kBatch, kRecord };    // what a rejected record means: refuse its whole batch, or only itself

struct InterceptorPolicy {
  std::string name;  // of the plugin instance, for messages
  std::string file;  // of its code, for the log
  ion_ref ref{};     // ion.interceptor/1
  OnError on_error = OnError::kClosed;
  OnReject on_reject = OnReject::kBatch;
  Nanos budget = milliseconds(1);              // processor time of one call; more is slow: counted and logged, never refused
  Nanos pending_deadline = seconds(10);        // how long a batch may stay PENDING, or a call may take to come back
  BreakerRule breaker;
  InterceptorMetrics metrics;
  std::function<void(const Status&)> misbehaved;  // counts a fault of the plugin; may be empty
};

// How a run ended.
struct ChainResult {
  enum class Kind { kGo, kRejected } kind = Kind::kGo;
  Status why;                           // of a rejection
  std::string topic;                    // routed elsewhere if not empty
  int32_t partition = -1;               // -1: the router's choice
  std::vector<RecordOutcome> outcomes;  // records that are not kept; of a rejection those because of which the batch was refused
  int32_t records_left = 0;
  bool message_kept = false;            // an interceptor has the message still: what was admitted for it stays until its resume
  std::vector<uint8_t> replaced;        // the batch as it is to be stored, if not empty: it may hold no record
};

struct RunOptions {
  Hook hook = Hook::kProduce;
  // Asked before memory of the run is taken; a refusal rejects the batch. May be empty.
  std::function<Status(uint64_t bytes)> admit;
};

struct ChainServices {
  Clock& clock;
  Timers& timers;
  Logger& logger;
  ShardId shard;                      // where deadlines are looked at; no interceptor is called there
  std::function<Nanos()> thread_cpu;  // processor time of the calling thread
  observe::Health& health;            // hears of an open breaker; as refused writes when it refuses what is produced
};

// What an interceptor did since the broker began.
struct InterceptorReport {
  enum class Breaker { kOff, kClosed, kOpen } breaker = Breaker::kOff;
  uint32_t hooks = 0;  // ION_HOOK_* that it is asked at
  InterceptorMetrics::Counts counts;
  WallMs since;                 // when the breaker came into its state
  std::optional<WallMs> until;  // an open one: when it closes by itself
};

struct InterceptorMember;

class InterceptorChain {
 public:
  static constexpr size_t kMessagesKept = 256;
  explicit InterceptorChain(ChainServices services);
  ~InterceptorChain();
  InterceptorChain(const InterceptorChain&) = delete;

  // Before serving. UNSUPPORTED for hooks, needs or flags that this broker does not honour, INVALID for a table without `on`.
  Status add(InterceptorPolicy policy);
  // Whether `next` may take the place of the interceptor `name`: UNSUPPORTED when it asks for hooks, needs or flags that the first one did
  // not have, since batches in flight were prepared for those. INVALID, NOT_FOUND.
  Status accepts(std::string_view name, ion_ref next) const;
  // Batches that begin from now on are shown to `next`, in the same place and under the same policy. `departure` hears when no batch will be
  // shown to the old one any more; messages that it has kept beyond their deadline may still be there. After accepts(); one at a time.
  void replace(std::string_view name, std::string file, ion_ref next, std::shared_ptr<Departure> departure);
  bool wants(Hook hook) const noexcept { return (hooks_ & static_cast<uint32_t>(hook)) != 0; }
  // Some interceptor of this hook looks at records: a compressed batch must come with `opened`.
  bool needs_records(Hook hook) const noexcept { return (hooks_with_records_ & static_cast<uint32_t>(hook)) != 0; }

  // `done` runs once, inline unless an interceptor answered PENDING; then on the thread of its resume, or of the deadline.
  void run(const RunOptions& options, BatchInFlight batch, std::function<void(ChainResult)> done);

  // Nothing: no interceptor has that name. Any thread.
  std::optional<InterceptorReport> report(std::string_view name) const;

  // What is pending fails at once with CLOSED, and whatever becomes pending later does too; calls have a second to come back. Any thread.
  void stop();

 private:
  struct Members;
  struct Run;
  struct PendingRuns;
  using MembersPtr = std::shared_ptr<const Members>;
  static void go_on(const std::shared_ptr<Run>& run);
  static bool ask(const std::shared_ptr<Run>& run, InterceptorMember& member);  // true: go on
  static bool prepare(const std::shared_ptr<Run>& run, InterceptorMember& member, bool* asked);
  static bool pass_over(const std::shared_ptr<Run>& run, InterceptorMember& member);
  static bool after(const std::shared_ptr<Run>& run, InterceptorMember& member, int32_t verdict);
  static bool failed(const std::shared_ptr<Run>& run, InterceptorMember& member, const Status& why);
  static bool end(const std::shared_ptr<Run>& run, Status why, std::vector<RecordOutcome> because = {});
  static void finish(const std::shared_ptr<Run>& run, ChainResult result);
  static void end_kept(const std::shared_ptr<Run>& run, Status why);
  static ion_status resumed(const std::shared_ptr<Run>& run, int32_t verdict);
  static ion_status resumed_in_vain(InterceptorMember* member);
  static int32_t wait_for_resume(const std::shared_ptr<Run>& run, InterceptorMember& member);
  static void expire(Run& run, InterceptorMember& member);      // under the lock of the run
  static void end_expired(Run& run, InterceptorMember& member);  // likewise

  const std::shared_ptr<PendingRuns> pending_;  // shared with timers and with runs that outlive the chain's owner
  std::atomic<MembersPtr> members_;             // shared: a run holds the one it began with
  uint32_t hooks_ = 0, hooks_with_records_ = 0;  // written before serving
};

}  // namespace ion::pipeline
