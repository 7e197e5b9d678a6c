// LogCore: compaction, and repair, which replaces what is damaged. A replacement does not hold the write turn: appends go on. Its own turn keeps its calls in order, and truncations
// and close, which take both turns, away from a commit in progress.
#include "io/log_core.h"
#include "io/mmap_replacement.h"

#include <utility>

namespace ion::storage_mmap {

// `work(LogCore&)` on the blocking pool, while the turn of replacements is held.
template <class Work>
Answer LogCore::replace_slowly(Op& op, Work work) {
  replace_turn_.claim_or_wait({op.later(), [self = shared_from_this(), work](Later later) {
                                 return self->context_.jobs.answer(std::move(later), [self, work](Later l) {
                                   const Status done = self->state_.failed() ? self->state_.failure() : work(*self);
                                   if (done.ok()) l.ok();
                                   else l.fail(done);
                                   self->replace_turn_.release();
                                 }) ? Turn::kKept : Turn::kDone;
                               }});
  return op.pending();
}

Answer LogCore::replace(Op& op, Offset base, Offset next, std::unique_ptr<Replacement>* out) {
  if (const Status right = usable(); !right.ok()) return op.refuse(right);
  if (!compaction_.load(std::memory_order_relaxed))
    return op.refuse(Status(ION_E_UNSUPPORTED, "log " + state_.name + " was opened without compaction"));
  return replace_slowly(op, [base, next, out](LogCore& self) -> Status {
    if (self.rewrite_ != nullptr) return {ION_E_BUSY, "log " + self.state_.name + " has a replacement already"};
    ION_TRY(self.rewrite_, SegmentRewrite::begin(self.context_, self.state_, base, next));
    *out = std::make_unique<MmapReplacement>(self.shared_from_this(), self.rewrite_);
    return {};
  });
}

Status LogCore::replaceable(const SegmentRewrite& rewrite) const {
  if (closing_.load(std::memory_order_relaxed) || rewrite.has_ended())
    return {ION_E_CLOSED, "log " + state_.name + ": this replacement was ended"};
  return state_.failure();
}

Answer LogCore::append_to(Op& op, const std::shared_ptr<SegmentRewrite>& rewrite, std::span<const ion_batch> batches) {
  if (const Status right = replaceable(*rewrite); !right.ok()) return op.refuse(right);
  return replace_slowly(op, [rewrite, batches](LogCore&) { return rewrite->append(batches); });
}

Answer LogCore::commit(Op& op, const std::shared_ptr<SegmentRewrite>& rewrite) {
  if (const Status right = replaceable(*rewrite); !right.ok()) return op.refuse(right);
  return replace_slowly(op, [rewrite](LogCore& self) {
    const Status done = rewrite->commit(self.disk_);
    self.state_.note_damage();
    if (rewrite->has_ended()) self.rewrite_.reset();
    return done;
  });
}

// Whether the log failed or not: its files go. A log that is being closed drops it.
Answer LogCore::abort(Op& op, const std::shared_ptr<SegmentRewrite>& rewrite) {
  if (closing_.load(std::memory_order_relaxed) || rewrite->has_ended()) return op.ok();
  drop_later(op.later(), rewrite);
  return op.pending();
}

void LogCore::forget(const std::shared_ptr<SegmentRewrite>& rewrite) {
  if (!closing_.load(std::memory_order_relaxed) && !rewrite->has_ended()) drop_later(Later(), rewrite);
}

void LogCore::drop_later(Later later, const std::shared_ptr<SegmentRewrite>& rewrite) {
  replace_turn_.claim_or_wait({Later(), [self = shared_from_this(), rewrite, asked = std::move(later)](Later) mutable {
                                 auto answer = std::make_shared<Later>(std::move(asked));  // the job is lost when the pool is full
                                 const auto drop = [self, rewrite, answer] {
                                   rewrite->drop();
                                   if (self->rewrite_ == rewrite) self->rewrite_.reset();
                                   if (*answer) answer->ok();
                                 };
                                 const Status posted = self->context_.jobs.post([self, drop] {
                                   drop();
                                   self->replace_turn_.release();
                                 });
                                 if (posted.ok()) return Turn::kKept;
                                 rewrite->end();  // its files go with the next one, or when the log is opened
                                 if (self->rewrite_ == rewrite) self->rewrite_.reset();
                                 if (*answer) answer->ok();
                                 return Turn::kDone;
                               }});
}

}  // namespace ion::storage_mmap
