#include "io/log_core.h"

#include "io/time_seek.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace ion::storage_mmap {

LogCore::LogCore(StorageContext& context, std::string name, const Owner& owner, const OpenOptions& options, OnClosed on_closed)
    : context_(context), state_(std::move(name), owner, options.exact_mark), writer_(context, state_, rules_from(options)),
      reader_(context, state_), disk_(context, state_), meta_(std::make_shared<MetaStore>(context, state_)), on_closed_(std::move(on_closed)),
      compaction_(options.compaction) {}

RollRules LogCore::rules_from(const OpenOptions& options) const {
  return {options.segment_bytes != 0 ? options.segment_bytes : context_.config.segment_bytes,
          options.segment_age.n != 0 ? options.segment_age : context_.config.segment_age};
}

Status LogCore::open(IfMissing missing) {
  ION_TRY(RecoveredLog recovered, recover_log(context_, state_, missing, writer_.first_bytes()));
  ION_CHECK(meta_->load(recovered.names_are_durable ? MetaStore::Names::kDurable : MetaStore::Names::kUnknown));
  supply_ = std::make_shared<SegmentSupply>(context_, state_, recovered.next_number);
  const auto& segments = recovered.segments->segments();
  writable_ = recovered.writable;
  state_.cut_tail = recovered.cut_tail;
  state_.begin(recovered.segments, recovered.next, recovered.next);
  disk_.begin(recovered.mark);
  if (writable_ && segments.empty()) writer_.begin_without(recovered.next);
  else if (writable_) writer_.begin(segments.back());
  for (const Damage& d : recovered.segments->damage()) {
    state_.note_damage();
    context_.metrics.found_damage();
    context_.ports.logger.error("damage", {{"log", state_.name}, {"what", LogReader::corrupt(state_.name, d.range).message()}});
  }
  context_.ports.logger.write(LogLevel::kDebug, "log opened", {{"log", state_.name}, {"first", std::to_string(recovered.segments->first().v)},
                                                              {"next", std::to_string(recovered.next.v)}, {"segments", std::to_string(segments.size())},
                                                              {"closed_in_order", recovered.in_order ? "yes" : "no"}});
  if (recovered.cut_tail) context_.ports.logger.warn("torn tail cut", {{"log", state_.name}, {"next", std::to_string(recovered.next.v)}});
  return writable_ && segments.size() > 1 ? disk_.settle() : Status();
}

Status LogCore::usable() const {
  if (closing_.load(std::memory_order_relaxed)) return {ION_E_CLOSED, "log " + state_.name + " is being closed"};
  return state_.failure();
}

Status LogCore::changeable() const {
  ION_CHECK(usable());
  return changeable_now();
}

Status LogCore::changeable_now() const {
  ION_CHECK(state_.failure());
  if (state_.damaged()) return LogReader::corrupt(state_.name, state_.segments()->damage().front().range);
  ION_ASSERT(writable_);
  return {};
}

// ---- append

Answer LogCore::append(Op& op, std::span<const ion_batch> batches) {
  if (const Status right = changeable(); !right.ok()) return op.refuse(right);
  if (!turn_.try_claim()) {
    turn_.claim_or_wait({op.later(), [self = shared_from_this(), batches](Later l) { return self->run_append(std::move(l), batches); }});
    return op.pending();
  }
  for (;;) {
    LogWriter::Appended done = writer_.append(batches);
    if (const auto* need = std::get_if<LogWriter::NeedSegment>(&done)) {
      std::optional<ReadySegment> ready = need->name_first || need->first || need->resume ? std::nullopt : supply_->take(need->bytes);
      if (!ready) {
        if (wait_for_segment(op.later(), batches, *need) == Turn::kDone) turn_.release();
        return op.pending();
      }
      writer_.roll_to(writer_.segment_of(*std::move(ready)));
      settle_later();
      continue;
    }
    after_append();
    turn_.release();
    if (const auto* why = std::get_if<Status>(&done)) return op.refuse(*why);
    return op.ok(static_cast<uint64_t>(std::get<Offset>(done).v));
  }
}

Turn LogCore::run_append(Later later, std::span<const ion_batch> batches) {
  if (later.deadline().ns != 0 && context_.ports.clock.now() >= later.deadline())
    return later.fail(Status(ION_E_DEADLINE, "append waited too long for its turn")), Turn::kDone;
  return append_now(std::move(later), batches);
}

Turn LogCore::append_now(Later later, std::span<const ion_batch> batches) {
  if (const Status right = changeable_now(); !right.ok()) return later.fail(right), Turn::kDone;
  LogWriter::Appended done = writer_.append(batches);
  if (const auto* need = std::get_if<LogWriter::NeedSegment>(&done)) return wait_for_segment(std::move(later), batches, *need);
  after_append();
  if (const auto* why = std::get_if<Status>(&done)) later.fail(*why);
  else later.ok(static_cast<uint64_t>(std::get<Offset>(done).v));
  return Turn::kDone;
}

Turn LogCore::wait_for_segment(Later later, std::span<const ion_batch> batches, const LogWriter::NeedSegment& need) {
  context_.metrics.append_waited();
  if (need.resume) return wait_for_resume(std::move(later), batches, need.size);
  supply_->await(need.size, [self = shared_from_this(), batches, first = need.name_first, l = std::move(later)](Result<ReadySegment> ready) mutable {
    const Status begun = ready ? self->take_into_use(*std::move(ready), first) : ready.error();
    Turn turn = Turn::kDone;
    if (begun.ok()) turn = self->append_now(std::move(l), batches);  // whatever its deadline says: the segment was made for it
    else l.fail(begun);
    if (turn == Turn::kDone) self->turn_.release();
  });
  return Turn::kKept;
}

Turn LogCore::wait_for_resume(Later later, std::span<const ion_batch> batches, SegmentSize size) {
  const auto work = [self = shared_from_this(), batches, size](Later l) {
    const Status resumed = self->resume(size);
    Turn turn = Turn::kDone;
    if (resumed.ok()) turn = self->append_now(std::move(l), batches);
    else l.fail(resumed);
    if (turn == Turn::kDone) self->turn_.release();
  };
  return context_.jobs.answer(std::move(later), work) ? Turn::kKept : Turn::kDone;
}

// The log was closed in order, and this is the first append since it was opened.
Status LogCore::resume(SegmentSize size) {
  const SegmentRef active = state_.segments()->segments().back();
  if (active->end() > 0) ION_CHECK(reader_.load(active));
  ION_CHECK(changeable_now());  // loading may have found damage
  ION_CHECK(disk_.resume(*active, size));
  writer_.resumed();
  return {};
}

// Not on a shard when the name must come first.
Status LogCore::take_into_use(ReadySegment ready, bool name_first) {
  SegmentRef segment = writer_.segment_of(std::move(ready));
  // Until the mark says that nothing is durable, a torn tail could not be told from damage.
  if (state_.segments()->segments().empty()) {
    if (const Status marked = context_.marks->flush(); !marked.ok()) {
      LogDisk::Hold(disk_).discard(*segment);
      return marked;
    }
  }
  std::optional<LogDisk::Hold> disk;  // until it is in the list: a flush must not give its name to an empty one before it
  if (name_first) {
    disk.emplace(disk_);
    if (const Status named = disk->name(*segment); !named.ok()) {
      disk->discard(*segment);
      return named;
    }
  }
  writer_.roll_to(std::move(segment));
  disk.reset();
  settle_later();
  return {};
}

void LogCore::after_append() {
  if (const auto due = writer_.take_writeback())
    (void)context_.jobs.post([self = shared_from_this(), due = *due] { self->disk_.write_back(*due.segment, due.from, due.bytes); });
  if (const uint32_t ahead = writer_.wants_ahead(); ahead > 0) supply_->keep_ready(ahead, writer_.next_bytes(), writer_.prepare_next());
}

// Naming, flushing and indexing of what was sealed. If the pool is full, the next roll, sync or close does it.
void LogCore::settle_later() {
  (void)context_.jobs.post([self = shared_from_this()] { (void)self->disk_.settle(); });
}

// ---- read, sync, stat

Answer LogCore::read(Op& op, const ReadBounds& bounds) {
  std::optional<LogReader::Found> found = reader_.find(bounds);
  if (!found) {
    (void)context_.jobs.answer(op.later(), [self = shared_from_this(), bounds](Later l) { self->reader_.answer_slowly(std::move(l), bounds); });
    return op.pending();
  }
  if (found->status.code() == ION_E_CORRUPT) {  // with what is damaged, so that a reader may go on behind it
    op.later().fail(found->status, static_cast<uint64_t>(found->base.v), static_cast<uint64_t>(found->next.v));
    return op.pending();
  }
  if (!found->status.ok()) return op.refuse(found->status);
  const std::span<Buf> bufs(&found->bytes, found->bytes.empty() ? 0 : 1);
  return op.ok(static_cast<uint64_t>(found->base.v), static_cast<uint64_t>(found->next.v), bufs);
}

Answer LogCore::offset_for_time(Op& op, Offset from, WallMs time) {
  (void)context_.jobs.answer(op.later(), [self = shared_from_this(), from, time](Later l) {
    const auto found = seek_time(self->reader_, self->state_, from, time);
    if (!found) return l.fail(found.error());
    if (!*found) return l.fail(Status(ION_E_NOT_FOUND, "log " + self->state_.name + " has no record at or after " + std::to_string(time.ms) + " ms"));
    l.ok(static_cast<uint64_t>((*found)->base.v), static_cast<uint64_t>((*found)->time_max.ms));
  });
  return op.pending();
}

Answer LogCore::sync(Op& op, Offset upto) {
  if (const Status failed = state_.failure(); !failed.ok()) return op.refuse(failed);
  context_.metrics.asked_sync();
  const Offset durable = state_.durable();
  if (upto <= durable) return op.ok(static_cast<uint64_t>(durable.v));
  const auto beyond = [this](Offset asked) {
    return Status(ION_E_OUT_OF_RANGE, "sync up to " + std::to_string(asked.v) + ": log " + state_.name + " ends at " + std::to_string(state_.next().v));
  };
  if (upto > state_.next()) {
    if (!turn_.held()) return op.refuse(beyond(upto));
    // It may be for appends that wait: asked again behind them.
    turn_.claim_or_wait({op.later(), [self = shared_from_this(), upto, beyond](Later l) {
                           if (upto > self->state_.next()) l.fail(beyond(upto));
                           else self->context_.flusher.request(self, upto, std::move(l));
                           return Turn::kDone;
                         }});
    return op.pending();
  }
  context_.flusher.request(shared_from_this(), upto, op.later());
  return op.pending();
}

LogStat LogCore::stat() const {
  LogStat s;
  const SegmentsNow list = state_.segments();
  s.next = state_.next(), s.durable = std::min(state_.durable(), s.next);
  s.first = list->first();
  s.sealed = list->segments().empty() ? s.next : std::max(list->segments().back()->base(), s.first);
  s.bytes = list->bytes();
  s.appended = list->last_append();
  if (!list->segments().empty()) s.active_since = list->segments().back()->summary().first_append;
  s.cut_tail = state_.cut_tail, s.failed = state_.failed();
  if (!list->damage().empty()) {
    s.damaged = true;
    s.bad_from = list->damage().front().range.from, s.bad_upto = list->damage().front().range.upto;
  }
  return s;
}

Status LogCore::configure(const OpenOptions& options) {
  compaction_.store(options.compaction, std::memory_order_relaxed);
  writer_.configure(rules_from(options));
  return {};
}

}  // namespace ion::storage_mmap
