#include "partition/compactor.h"

#include "partition/compaction_run.h"
#include "partition/partition_limits.h"
#include "partition/partition_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ion::partition {

namespace {
// The state in the log's meta: version 1 | clean 8 | when the first tombstone may go 8, big-endian.
constexpr std::string_view kStateKey = "compaction";
constexpr char kStateVersion = 1;
constexpr size_t kStateBytes = 17;
constexpr uint64_t kGroupBytes = 64u << 20;  // where the storage decides how large segments are
}  // namespace

Compactor::Compactor(PartitionServices around, const PartitionConfig& config, PartitionLog& log, PartitionContext& context)
    : around_(around), log_(log), context_(context), rules_(config.compaction), segment_bytes_(config.segment_bytes), wanted_(config.compaction.on) {}

void Compactor::configure(const PartitionConfig& config) {
  rules_ = config.compaction, segment_bytes_ = config.segment_bytes;
  wanted_.store(rules_.on, std::memory_order_relaxed);
  next_look_ms_.store(INT64_MIN, std::memory_order_relaxed);
  if (!rules_.on) stop();
}

void Compactor::hold(bool held) {
  held_ = held;
  if (held) stop();
  else next_look_ms_.store(INT64_MIN, std::memory_order_relaxed);
}

void Compactor::stop() {
  if (run_ != nullptr) run_->cancel();
}

bool Compactor::may_run() const { return rules_.on && !held_ && context_.serving() && log_.failed().ok() && around_.compaction != nullptr; }

void Compactor::look() {
  if (busy_ || asked_ || !may_run()) return;
  if (!loaded_) return load();
  const Result<Planned> planned = plan();
  if (!planned) {
    look_again_after(kCompactionRetry);
    return around_.logger.warn("compaction cannot see the log", {{"partition", log_.name()}, {"why", planned.error().text()}});
  }
  if (!planned->plan.due) return;
  asked_ = true;  // who closes need not wait for it
  around_.compaction->turns.ask([this, alive = context_.alive()] { alive->on_shard([this, alive] { granted(); }); });
}

// What a state says that is not there, or of a log that lost its end, is not believed.
void Compactor::load() {
  busy_ = true;
  call([&](Op& op) { return log_.storage().meta_get(op, kStateKey); }, [this, alive = context_.alive()](const ion_result& r) {
    auto got = std::make_shared<Outcome>(Outcome::from(r));  // shared: std::function copies
    alive->on_shard([this, got] {
      loaded_ = true;
      if (got->status.ok() && !got->bufs.empty()) {
        const Buf& state = got->bufs.front();
        if (state.size() == kStateBytes && state.data()[0] == kStateVersion)
          clean_ = {batch::load_big<int64_t>(state.data() + 1)}, tombstones_due_ = {batch::load_big<int64_t>(state.data() + 9)};
      }
      rest();
      look();
    });
  });
}

Result<Compactor::Planned> Compactor::plan() {
  const LogStat stat = log_.storage_stat();
  if (clean_ > stat.sealed) clean_ = stat.first, tombstones_due_ = {-1};
  clean_ = std::max(clean_, stat.first);
  Planned planned;
  for (Offset from = stat.first; planned.pieces.size() < kCompactionPiecesMax;) {
    ION_TRY(const std::vector<ion_range> some, log_.ranges(from, kPiecesOfALook));
    const size_t had = planned.pieces.size();
    for (const ion_range& piece : some)
      if (piece.next > from.v) planned.pieces.push_back(piece), from = {piece.next};
    if (some.size() < kPiecesOfALook || planned.pieces.size() == had) break;
  }
  const WallMs now = around_.clock.wall();
  const CompactionFacts facts{stat.first, stat.sealed, stat.next, context_.high_watermark(), log_.fsync() ? stat.durable : stat.next, stat.appended, clean_, tombstones_due_};
  planned.plan = plan_compaction(rules_, facts, planned.pieces, now);
  looked_at_sealed_.store(stat.sealed.v, std::memory_order_relaxed);
  next_look_ms_.store(std::min(planned.plan.next_look.ms, now.ms + kLookPauseMaxMs), std::memory_order_relaxed);
  return planned;
}

// Things may have changed since it was asked for.
void Compactor::granted() {
  asked_ = false;
  Result<Planned> planned = busy_ || !may_run() ? Result<Planned>(Status(ION_E_CANCELLED, "not any more")) : plan();
  if (!planned || !planned->plan.due) return around_.compaction->turns.done();
  busy_ = true, began_ = around_.clock.now();
  CompactionSpec spec;
  spec.pieces = std::move(planned->pieces);
  spec.clean = clean_, spec.upto = planned->plan.upto;
  spec.producers = NewestBatches(log_.window().newest_batches());
  spec.now = around_.clock.wall(), spec.tombstone_age = rules_.tombstone_age;
  spec.group_bytes_max = segment_bytes_ == 0 ? kGroupBytes : segment_bytes_;
  const auto run = run_ = std::make_shared<CompactionRun>(around_, *around_.compaction, log_, context_, std::move(spec));  // it may end at once
  run->start([this](const CompactionReport& report) { ended(report); });
}

void Compactor::ended(const CompactionReport& report) {
  run_.reset();
  around_.compaction->turns.done();
  tell(report);
  if (!report.status.ok()) {
    const Code code = report.status.code();
    const bool passes = code == ION_E_CONFLICT || code == ION_E_OUT_OF_RANGE || code == ION_E_CANCELLED;  // the log was changed meanwhile
    look_again_after(passes ? Nanos{} : code == ION_E_CORRUPT ? kCompactionRetryDamaged : kCompactionRetry);
    return rest();
  }
  clean_ = report.clean, tombstones_due_ = report.tombstones_due;
  next_look_ms_.store(INT64_MIN, std::memory_order_relaxed);
  keep([this](const Status& status) {
    if (!status.ok()) around_.logger.warn("what a compaction did is not written down; after a restart it is done again", {{"partition", log_.name()}, {"why", status.text()}});
    rest();
  });
}

void Compactor::keep(std::function<void(const Status&)> then) {
  state_.assign(kStateBytes, kStateVersion);
  auto* const at = reinterpret_cast<uint8_t*>(state_.data());
  batch::store_big<int64_t>(at + 1, clean_.v);
  batch::store_big<int64_t>(at + 9, tombstones_due_.ms);
  const ion_field item{bytes_of(kStateKey), bytes_of(state_)};
  call([&](Op& op) { return log_.storage().meta_put(op, {&item, 1}); },
       [alive = context_.alive(), then = std::move(then)](const ion_result& r) { alive->on_shard([then, status = Status::from(r.status, r.err)] { then(status); }); });
}

void Compactor::rest() {
  busy_ = false;
  context_.operation_ended();
}

void Compactor::look_again_after(Nanos pause) {
  next_look_ms_.store(around_.clock.wall().ms + pause.n / 1'000'000, std::memory_order_relaxed);
  looked_at_sealed_.store(log_.storage_stat().sealed.v, std::memory_order_relaxed);
}

void Compactor::tell(const CompactionReport& report) {
  const CleanedCounts& c = report.counts;
  around_.metrics.compacted(report.status.ok() || report.status.code() == ION_E_CANCELLED, static_cast<int64_t>(report.bytes_read), static_cast<int64_t>(c.removed));
  const std::string took = fmt::format("{} ms", (around_.clock.now() - began_).n / 1'000'000);
  if (report.status.ok())
    around_.logger.info("partition compacted", {{"partition", log_.name()}, {"upto", std::to_string(report.clean.v)}, {"removed", fmt::format("{} of {} records", c.removed, c.records)},
                                                {"tombstones", std::to_string(c.tombstones_removed)}, {"bytes", fmt::format("{} became {}", c.bytes_in, c.bytes_out)}, {"read", std::to_string(report.bytes_read)}, {"took", took}});
  else if (report.status.code() != ION_E_CANCELLED)
    around_.logger.warn("partition was not compacted to the end and is tried again", {{"partition", log_.name()}, {"why", report.status.text()}, {"took", took}});
}

}  // namespace ion::partition
