#include "partition/retention.h"

#include "partition/partition_limits.h"
#include "partition/partition_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ion::partition {

Retention::Retention(PartitionServices around, const RetentionRules& rules, PartitionLog& log, PartitionContext& context)
    : around_(around), rules_(rules), log_(log), context_(context) {
  set_limits();
}

void Retention::configure(const RetentionRules& rules) {
  rules_ = rules;
  set_limits();
}

void Retention::set_limits() {
  bytes_max_.store(rules_.bytes > 0 ? rules_.bytes : UINT64_MAX, std::memory_order_relaxed);
  const bool by_age = rules_.age.n > 0 || rules_.segment_age.n > 0;
  next_look_ms_.store(by_age ? INT64_MIN : INT64_MAX, std::memory_order_relaxed);
}

bool Retention::limited(WallMs now) const noexcept {
  return bytes_max_.load(std::memory_order_relaxed) != UINT64_MAX || now.ms >= next_look_ms_.load(std::memory_order_relaxed);
}

bool Retention::due(WallMs now, uint64_t bytes) const noexcept {
  if (bytes == 0) return false;
  return bytes > bytes_max_.load(std::memory_order_relaxed) || now.ms >= next_look_ms_.load(std::memory_order_relaxed);
}

void Retention::appended(uint64_t bytes) {
  if (rules_.bytes == 0 || busy_ || bytes - looked_at_bytes_ < std::max(rules_.bytes / kSegmentsOfBytes, kRetentionStepLeast)) return;
  looked_at_bytes_ = bytes;
  look();
}

void Retention::look() {
  if (busy_ || !rules_.any() || !context_.serving() || !log_.failed().ok()) return;
  const LogStat stat = log_.storage_stat();
  const auto pieces = log_.ranges(stat.first, kPiecesOfALook);
  if (!pieces) return around_.logger.warn("retention cannot see the log", {{"partition", log_.name()}, {"why", pieces.error().text()}});
  const WallMs now = around_.clock.wall();
  const LogFacts facts{stat.first, stat.sealed, stat.next, context_.high_watermark(), stat.bytes, stat.appended, stat.active_since};
  const RetentionPlan plan = plan_retention(rules_, facts, *pieces, now);
  if (rules_.age.n > 0 || rules_.segment_age.n > 0) next_look_ms_.store(plan.next_look.ms, std::memory_order_relaxed);
  if (plan.start > stat.first) {
    const bool more = pieces->size() == kPiecesOfALook;  // and perhaps as old
    trim(plan.start, [this, from = stat.first, upto = plan.start, more](const Status& status) { looked(from, upto, more, status); });
  } else if (plan.seal) {
    seal();
  }
}

void Retention::looked(Offset from, Offset upto, bool more, const Status& status) {
  if (status.ok()) {
    around_.logger.write(LogLevel::kDebug, "retention deleted records", {{"partition", log_.name()}, {"from", std::to_string(from.v)}, {"upto", std::to_string(upto.v)}});
    if (more) look_again_after(0);
  } else if (status.code() != ION_E_CLOSED) {
    around_.logger.warn("retention could not delete records and tries again", {{"partition", log_.name()}, {"why", status.text()}});
    look_again_after(kTrimRetryMs);
  }
}

// By age; what is too much by bytes is looked at every time.
void Retention::look_again_after(int64_t pause_ms) {
  const int64_t at = around_.clock.wall().ms + pause_ms;
  if (at < next_look_ms_.load(std::memory_order_relaxed)) next_look_ms_.store(at, std::memory_order_relaxed);
}

// What was sealed may go at once, if it is old enough.
void Retention::seal() {
  busy_ = true;
  log_.seal([this](const Status& status) {
    busy_ = false;
    if (!status.ok() && status.code() != ION_E_CLOSED) {
      look_again_after(kTrimRetryMs);
      around_.logger.warn("the active segment of a partition cannot be closed for retention", {{"partition", log_.name()}, {"why", status.text()}});
    }
    if (status.ok()) look();
    begin_next();
    if (!busy_) context_.operation_ended();
  });
}

void Retention::trim(Offset before, Trimmed done) {
  if (!context_.serving()) return done(Status(ION_E_CLOSED, log_.name() + " is closing", "DRAINING"));
  if (!log_.failed().ok() && !log_.damaged()) return done(log_.failed());
  if (before > context_.high_watermark())
    return done(Status(ION_E_OUT_OF_RANGE, fmt::format("{}: delete before {} wanted, the last record is before {}", log_.name(), before.v, context_.high_watermark().v), "OFFSET_OUT_OF_RANGE"));
  if (trims_.size() >= kTrimsWaitingMax)
    return done(Status(ION_E_OVERLOADED, fmt::format("{}: {} deletes of records wait already", log_.name(), kTrimsWaitingMax), "QUEUE_FULL"));
  trims_.push_back({before, std::move(done)});
  begin_next();
}

void Retention::begin_next() {
  if (busy_ || trims_.empty()) return;
  busy_ = true;
  Trim trim = std::move(trims_.front());
  trims_.pop_front();
  if (trim.before <= log_.start()) {
    trim.done({});
    return ended();
  }
  const Offset before = trim.before;
  log_.cover(before, [this, kept = std::make_shared<Trim>(std::move(trim))](const Status& status) {  // shared: std::function copies
    if (!status.ok()) return kept->done(status), ended();
    cut(std::move(*kept));
  });
}

void Retention::cut(Trim trim) {
  log_.cut_prefix(trim.before, [this, done = std::move(trim.done)](const Status& status) {
    done(status);
    ended();
  });
}

void Retention::ended() {
  busy_ = false;
  begin_next();
  if (!busy_) context_.operation_ended();
}

void Retention::stop() {
  for (Trim& trim : std::exchange(trims_, {})) trim.done(Status(ION_E_CLOSED, log_.name() + " is closing", "DRAINING"));
}

}  // namespace ion::partition
