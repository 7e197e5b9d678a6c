#include "io/log_writer.h"

#include "core/batch_check.h"

#include <algorithm>
#include <utility>

namespace ion::storage_mmap {

namespace {
constexpr int64_t kAgeMsMax = INT64_MAX / 4'000'000;
}  // namespace

void LogWriter::begin(SegmentRef active) {
  active_ = std::move(active);
  resting_ = active_->disk.file == nullptr;
  body_ = resting_ ? nullptr : active_->body();
  const SegmentSummary summary = active_->summary();
  tracker_ = summary.end == 0 ? SegmentTracker(summary.base, context_.config.index_interval)
                              : SegmentTracker(summary, context_.config.index_interval);
  first_append_ = summary.end == 0 ? Instant{} : began(summary.first_append);
  last_append_ = std::max(last_append_, state_.segments()->last_append());
  retired_ = false;
  written_back_ = summary.end;
  flushes_before_ = state_.flushes(), taken_before_ = summary.end;
}

// On the clock of this process, which may have begun later.
Instant LogWriter::began(WallMs first_append) const {
  Clock& clock = context_.ports.clock;
  const Instant now = clock.now();
  const int64_t age_ms = first_append.ms < 0 ? 0 : std::max<int64_t>(0, clock.wall().ms - first_append.ms);
  const uint64_t age_ns = static_cast<uint64_t>(std::min(age_ms, kAgeMsMax)) * 1'000'000;
  return {now.ns > age_ns ? now.ns - age_ns : 1};
}

void LogWriter::begin_without(Offset next) { tracker_ = SegmentTracker(next, context_.config.index_interval); }

LogWriter::Appended LogWriter::append(std::span<const ion_batch> batches) {
  if (batches.empty()) return state_.next();
  uint64_t bytes = 0;
  for (const ion_batch& b : batches) bytes += bytes_in({b.parts, b.nparts});
  if (bytes > kAppendBytesMax)
    return Status(ION_E_INVALID, "append of " + std::to_string(bytes) + " bytes: at most " + std::to_string(kAppendBytesMax) + " at once");
  const Instant now = context_.ports.clock.now();
  ActiveFacts active = facts();
  if (resting_) active.capacity = resumed_capacity(active.used, segment_bytes_, bytes);
  const Roll roll = active_ == nullptr ? Roll::kFull : roll_before(active, bytes, rules(), now);
  if (roll != Roll::kNo || resting_) {
    if (const Status right = check(batches); !right.ok()) return right;  // a wrong call must not cost a segment
    if (roll == Roll::kNo) return NeedSegment{resumed_size(active.used, segment_bytes_, bytes), bytes, false, false, true};
    const uint64_t first = first_capacity(segment_bytes_, bytes);
    const SegmentSize size = active_ == nullptr ? SegmentSize{first, first} : next_size(active_->capacity(), roll, segment_bytes_, bytes);
    return NeedSegment{size, bytes, retired_ || batches[0].base > tracker_.next().v, active_ == nullptr, false};
  }
  if (Status right = check(batches); !right.ok()) return right;
  if (Status written = write(bytes); !written.ok()) return written;
  if (first_append_.ns == 0) first_append_ = now;
  return state_.next();
}

// Fills ahead_, new_entries_ and parts_ with what the write will make true.
Status LogWriter::check(std::span<const ion_batch> batches) {
  ahead_ = tracker_;
  new_entries_.clear(), parts_.clear();
  for (const ion_batch& b : batches) {
    ION_TRY(const CheckedBatch checked, check_batch(b, ahead_.next()));
    if (const auto entry = ahead_.add(checked.raw.data(), checked.header)) new_entries_.push_back(*entry);
    parts_.insert(parts_.end(), b.parts, b.parts + b.nparts);
  }
  return {};
}

Status LogWriter::write(uint64_t bytes) {
  ION_ASSERT(tracker_.position() + bytes <= active_->capacity() && ahead_.position() == tracker_.position() + bytes);
  if (const Status written = active_->disk.file->append(tracker_.position(), parts_); !written.ok()) {
    if (written.code() == ION_E_OVERLOADED) return written;  // its file could not be opened again, nothing was written
    if (written.code() != ION_E_NO_SPACE) {
      state_.fail(written);
      return state_.failure();
    }
    retired_ = true;
    context_.probe.refused(state_.name, first_capacity(segment_bytes_, bytes));  // what comes wants another segment
    return written;
  }
  last_append_ = std::max(last_append_, context_.ports.clock.wall());  // a clock that is set back does not make it younger
  ahead_.appended(last_append_);
  for (const Checkpoint& entry : new_entries_) body_->push(entry);
  tracker_ = ahead_;
  active_->publish(tracker_.summary());
  state_.set_next(tracker_.next());
  context_.metrics.appended(bytes);
  return {};
}

SegmentRef LogWriter::segment_at(Offset base, ReadySegment ready) const {
  const uint64_t capacity = ready.file->capacity();
  auto segment = std::make_shared<Segment>(SegmentSummary{base, base, 0, digest_seed(base)},
                                           Segment::DiskSide{std::move(ready.file), 0, false, false}, capacity);
  segment->set_body(std::make_shared<SegmentBody>(std::move(ready.map), capacity / context_.config.index_interval + 2));
  segment->trust();
  return segment;
}

// Its name follows on the blocking pool, unless it has one already.
void LogWriter::roll_to(SegmentRef next) {
  ION_ASSERT(next->base() == tracker_.next());
  const bool is_first = active_ == nullptr;
  state_.change_segments([&](const SegmentList& list) { return list.with(next); });
  if (is_first) return begin(std::move(next));
  flushed_often_ = is_flushed_often();
  context_.ports.logger.write(LogLevel::kDebug, "segment rolled", {{"log", state_.name}, {"from", std::to_string(active_->base().v)},
                                                                  {"next", std::to_string(next->base().v)}, {"bytes", std::to_string(active_->end())}});
  begin(std::move(next));
  has_rolled_ = true;
  context_.metrics.rolled();
}

LogWriter::NeedSegment LogWriter::seal_needs() const {
  const uint64_t first = first_capacity(segment_bytes_, 0);
  return {SegmentSize{first, first}, 0, true, false, false};  // what it begins with is not known yet, nor when that comes
}

std::optional<LogWriter::Writeback> LogWriter::take_writeback() {
  const uint64_t every = context_.config.writeback_bytes;
  if (every == 0 || active_ == nullptr || tracker_.position() - written_back_ < every) return std::nullopt;
  const uint64_t from = std::exchange(written_back_, tracker_.position());
  return Writeback{active_, from, tracker_.position() - from};
}

ActiveFacts LogWriter::facts() const noexcept {
  return {active_ == nullptr ? 0 : active_->capacity(), tracker_.position(), first_append_, retired_};
}
uint32_t LogWriter::wants_ahead() const noexcept {
  return active_ == nullptr || resting_ ? 0 : segments_ahead(facts(), has_rolled_, context_.config.prepare_ahead, next_bytes());
}
bool LogWriter::is_flushed_often() const noexcept {
  return worth_zeroing(tracker_.position() - taken_before_, state_.flushes() - flushes_before_);
}
Prepare LogWriter::prepare_next() const noexcept {
  return context_.config.prepare_zeroed && (flushed_often_ || is_flushed_often()) ? Prepare::kZeroed : Prepare::kAllocated;
}
uint64_t LogWriter::next_bytes() const noexcept { return next_capacity(active_->capacity(), Roll::kFull, segment_bytes_, 0); }

}  // namespace ion::storage_mmap
