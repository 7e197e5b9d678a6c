// LogCore: truncation, seal and close. All of them hold the write turn; what touches the disk runs on the blocking pool.
#include "io/log_core.h"

#include <ion/simulated_bug.h>

#include <algorithm>
#include <utility>

namespace ion::storage_mmap {

template <class Work>
Answer LogCore::change_slowly(Op& op, const Status& right, Work work) {
  if (!right.ok()) return op.refuse(right);
  const auto with_both = [self = shared_from_this(), work](Later later) {
    const auto job = [self, work](Later l) {
      const Status done = self->state_.failed() ? self->state_.failure() : work(*self);
      if (done.ok()) l.ok(static_cast<uint64_t>(self->state_.next().v));
      else l.fail(done);
      self->replace_turn_.release();
      self->turn_.release();
    };
    if (self->context_.jobs.answer(std::move(later), job)) return Turn::kKept;
    self->turn_.release();
    return Turn::kDone;
  };
  turn_.claim_or_wait({op.later(), [self = shared_from_this(), with_both](Later later) {
                         self->replace_turn_.claim_or_wait({Later(), [with_both, l = std::move(later)](Later) mutable { return with_both(std::move(l)); }});
                         return Turn::kKept;
                       }});
  return op.pending();
}

Answer LogCore::truncate_suffix(Op& op, Offset from) {
  return change_slowly(op, changeable(), [from](LogCore& self) { return self.cut_suffix(from); });
}

// Damage may go with the beginning of a log: behind it the log is whole, and is written on. Where the damage left no segment to write on,
// the log can only be emptied.
Status LogCore::may_cut_prefix(Offset before) const {
  ION_CHECK(usable());
  const SegmentsNow list = state_.segments();
  if (writable_ || list->damage().empty() || before >= state_.next()) return {};
  return {ION_E_CORRUPT, LogReader::corrupt(state_.name, list->damage().front().range).message() +
                             "; its end is not known to be whole, so it can only be emptied: by deleting what is before " + std::to_string(state_.next().v)};
}

Answer LogCore::truncate_prefix(Op& op, Offset before) {
  return change_slowly(op, may_cut_prefix(before), [before](LogCore& self) { return self.cut_prefix(before); });
}

Result<SegmentRef> LogCore::fresh_segment(Offset base, SegmentSupply::Why why) {
  std::optional<ReadySegment> ready = supply_->take(0);
  if (ready) return writer_.segment_at(base, *std::move(ready));
  const uint64_t least = why == SegmentSupply::Why::kToLetOthersGo ? kSegmentBytesMin : writer_.first_bytes();
  ION_TRY(ReadySegment made, supply_->make({writer_.first_bytes(), least}, why));
  return writer_.segment_at(base, std::move(made));
}

// For want of space nothing has changed: the mark that was moved for it goes back.
Status LogCore::name_or_undo(LogDisk::Hold& disk, Segment& fresh, const Mark& before) {
  const Status named = disk.name(fresh);
  if (named.ok()) return named;
  disk.discard(fresh);
  if (!state_.failed() && disk.mark() != before) ION_CHECK(disk.move_mark(before));
  return named;
}

// correctness D8: the mark first, then the name of the segment in which the log goes on, then the others go. Bytes of cut batches
// stay in their file, where somebody may hold them; the name of the next segment is what ends it, so there is a next one at every
// moment. Segments that a crash leaves behind do not join the new one and lie above the mark: recovery removes them.
// A batch that reaches over `from` goes whole: the log ends with the last batch that is kept, or is empty at its first offset.
Status LogCore::cut_suffix(Offset from) {
  const SegmentsNow list = state_.segments();
  if (from < list->first())
    return {ION_E_OUT_OF_RANGE, "truncate at " + std::to_string(from.v) + ": log " + state_.name + " begins at " + std::to_string(list->first().v)};
  if (from >= state_.next()) return {};
  const SegmentRef holder = list->find(from);
  ION_ASSERT(holder != nullptr);
  ION_TRY(const SegmentSummary kept, reader_.summary_at(holder, from));
  const bool holder_goes = kept.end == 0;
  const Offset next = std::max(kept.next, list->first());
  ION_TRY(const SegmentRef fresh, fresh_segment(next, SegmentSupply::Why::kForRecords));
  {
    LogDisk::Hold disk(disk_);
    ION_CHECK(disk.settle());
    const Mark before = disk.mark();
    if (Mark mark = before; mark.offset > next) {
      mark.offset = next, mark.epoch = kept.epoch;
      mark.segment = holder_goes ? next : kept.base, mark.position = kept.end;
      mark.digest = holder_goes ? digest_seed(next) : kept.digest;
      ION_CHECK(disk.move_mark(mark));
    }
    ION_CHECK(name_or_undo(disk, *fresh, before));  // replaces the holder if that has the same name
    const auto& segments = list->segments();
    for (size_t i = segments.size(); i-- > 0 && segments[i] != holder;) ION_CHECK(disk.remove_files(*segments[i]));
    if (holder_goes && holder->base() < next) ION_CHECK(disk.remove_files(*holder));
    ION_CHECK(disk.sync_names());  // before anything is appended that they could join
    if (!holder_goes) {
      holder->cut(kept, reader_.body_below(*holder, kept.end));
      disk.forget_index(*holder);
    }
    state_.set_durable(std::min(state_.durable(), next));
    state_.set_next(next);
    state_.change_segments([&](const SegmentList& now) { return now.cut(holder_goes ? holder->base() : next, fresh); });
    writer_.begin(fresh);
  }
  context_.flusher.cancel_above(*this, next);
  settle_later();
  return {};
}

Status LogCore::cut_prefix(Offset before) {
  const SegmentsNow list = state_.segments();
  if (before <= list->first()) return {};
  const SegmentRef active = list->segments().empty() ? nullptr : list->segments().back();
  if (before > state_.next() || (!writable_ && before == state_.next())) return restart_at(before);
  if (before == state_.next() && active != nullptr && active->end() > 0) {  // nothing of it stays, so neither does the active segment
    const Status restarted = restart_at(before);
    if (restarted.code() != ION_E_NO_SPACE) return restarted;  // else the active one stays: the others make space
  }
  const auto remove_below = [&](const SegmentRef& kept) -> Status {
    for (const SegmentRef& segment : list->segments()) {
      if (segment == kept) break;
      ION_CHECK(disk_.remove_gone(*segment));
    }
    return {};
  };
  if (ION_BUG(multi_step_without_intent)) ION_CHECK(remove_below(list->from(before)->segments().front()));
  {
    LogDisk::Hold disk(disk_);
    const SegmentRef kept = list->from(before)->segments().front();
    // Every segment that stays needs its name, and the mark must not lie in what goes.
    if (disk.mark().segment < kept->base() || disk.mark().offset < before) ION_CHECK(disk.sync());
    Mark mark = disk.mark();
    mark.first = before;
    ION_CHECK(disk.move_mark(mark));
    state_.change_segments([&](const SegmentList& now) { return now.from(before); });
    state_.note_damage();
  }
  return ION_BUG(multi_step_without_intent) ? Status() : remove_below(state_.segments()->segments().front());
}

// Empties the log and goes on at its end, or at an offset beyond.
Status LogCore::restart_at(Offset before) {
  const SegmentsNow list = state_.segments();
  ION_TRY(const SegmentRef fresh, fresh_segment(before, SegmentSupply::Why::kToLetOthersGo));
  LogDisk::Hold disk(disk_);
  const Mark mark = disk.mark();
  ION_CHECK(disk.move_mark({before, before, before, 0, digest_seed(before), Epoch{-1}}));
  ION_CHECK(name_or_undo(disk, *fresh, mark));
  state_.change_segments([&](const SegmentList&) {
    return std::make_shared<const SegmentList>(before, std::vector<SegmentRef>{fresh}, std::vector<Damage>{});
  });
  state_.set_next(before), state_.set_durable(before);
  writer_.begin(fresh);
  state_.note_damage();
  // An empty one that began there gave its name away.
  for (const SegmentRef& segment : list->segments())
    if (segment->base() != before) ION_CHECK(disk.remove_files(*segment));
  if (!writable_) ION_CHECK(remove_strangers(disk));
  writable_ = true;
  return {};
}

// The start met damage and left no segment to write on: the log goes on in a fresh one at its end. What is damaged stays so. The name
// before the mark: without the mark the log is as it was, and who opens it finds an empty segment at its end.
Status LogCore::go_on_behind_damage() {
  if (writable_) return {};
  const Offset next = state_.next();
  ION_TRY(const SegmentRef fresh, fresh_segment(next, SegmentSupply::Why::kForRecords));
  LogDisk::Hold disk(disk_);
  const SegmentsNow list = state_.segments();
  for (const SegmentRef& segment : list->segments()) disk.forgo_index(*segment);
  const Mark before = disk.mark();
  ION_CHECK(name_or_undo(disk, *fresh, before));
  ION_CHECK(disk.move_mark({list->first(), next, next, 0, digest_seed(next), before.epoch}));
  state_.change_segments([&](const SegmentList& now) { return now.with(fresh); });
  writer_.begin(fresh);
  ION_CHECK(remove_strangers(disk));
  writable_ = true;
  return {};
}

// Files of segments that are not in the list: recovery leaves a damaged log as it is, with what lay behind the end of it. They would
// end the log at their names once it has grown beyond them. Nothing waits ready yet: nothing was appended.
Status LogCore::remove_strangers(LogDisk::Hold& disk) {
  Files& files = context_.ports.files;
  ION_TRY(const std::vector<DirEntry> entries, files.list(state_.directory.path()));
  const SegmentsNow list = state_.segments();
  std::vector<Offset> strangers;
  for (const DirEntry& e : entries) {
    if (const auto number = LogDirectory::ahead_of(e.name)) ION_CHECK(files.remove(state_.directory.ahead(*number)));
    const auto base = LogDirectory::segment_of(e.name);
    if (base && std::none_of(list->segments().begin(), list->segments().end(), [&](const SegmentRef& s) { return s->base() == *base; })) strangers.push_back(*base);
  }
  std::sort(strangers.rbegin(), strangers.rend());  // what is left after a crash has no hole
  for (const Offset base : strangers) {
    ION_CHECK(remove_if_there(files, state_.directory.index(base)));
    ION_CHECK(files.remove(state_.directory.segment(base)));
  }
  return disk.sync_names();
}

// ---- seal

// Of a damaged log too: what is damaged in the active segment can be replaced then.
Answer LogCore::seal(Op& op) {
  if (const Status right = usable(); !right.ok()) return op.refuse(right);
  if (!writable_) return change_slowly(op, {}, [](LogCore& self) { return self.go_on_behind_damage(); });
  turn_.claim_or_wait({op.later(), [self = shared_from_this()](Later l) { return self->run_seal(std::move(l)); }});
  return op.pending();
}

Turn LogCore::run_seal(Later later) {
  if (!writer_.has_bytes()) return later.ok(static_cast<uint64_t>(state_.next().v)), Turn::kDone;
  const LogWriter::NeedSegment need = writer_.seal_needs();
  supply_->await(need.size, [self = shared_from_this(), first = need.name_first, l = std::move(later)](Result<ReadySegment> ready) mutable {
    const Status begun = ready ? self->take_into_use(*std::move(ready), first) : ready.error();
    if (begun.ok()) l.ok(static_cast<uint64_t>(self->state_.next().v));
    else l.fail(begun);
    self->turn_.release();
  });
  return Turn::kKept;
}

// ---- close

Answer LogCore::close(Op& op) {
  if (closing_.exchange(true)) return op.refuse(Status(ION_E_CLOSED, "log " + state_.name + " is being closed already"));
  turn_.claim_or_wait({op.later(), [self = shared_from_this()](Later l) { return self->run_close(std::move(l)); }});
  return op.pending();
}

// The turn is kept for good, unless closing fails.
Turn LogCore::run_close(Later later) {
  supply_->stop([self = shared_from_this(), l = std::move(later)]() mutable {
    self->meta_->when_idle([self, later = std::move(l)]() mutable {
      // Behind a commit in progress; the turn is kept for good, too.
      self->replace_turn_.claim_or_wait({Later(), [self, asked = std::move(later)](Later) mutable {
        const bool no_file_is_open = self->writer_.rests() && self->rewrite_ == nullptr;  // no work for the pool
        if (no_file_is_open) self->finish_close(std::move(asked));
        else if (!self->context_.closing.answer(std::move(asked), [self](Later last) { self->finish_close(std::move(last)); })) self->reopen();
        return Turn::kKept;
      }});
    });
  });
  return Turn::kKept;
}

void LogCore::finish_close(Later later) {
  if (rewrite_ != nullptr) rewrite_->drop();
  rewrite_.reset();
  const Status closed = disk_.close();
  context_.flusher.tell(*this, closed.ok() ? Result<Offset>(state_.durable()) : Result<Offset>(closed));
  if (!closed.ok()) {
    later.fail(closed);
    return reopen();
  }
  writer_.end();
  disk_.release();
  supply_->give_back_prepared();
  on_closed_();
  later.ok();
}

// Closing failed: the handle is still the caller's, who may close again.
void LogCore::reopen() {
  closing_.store(false);
  supply_->resume();
  meta_->resume();
  replace_turn_.release();
  turn_.release();
}

}  // namespace ion::storage_mmap
