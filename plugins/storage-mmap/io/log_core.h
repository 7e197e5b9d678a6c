// One open log: joins its write side (turn, writer, supply), readers, meta items and disk, and says which operation waits for
// what. MmapLog is the handle; this lives on in jobs that were begun, hence shared_ptr.
//
// Whoever changes the log holds the write turn: appends, truncations, seal, close, in the order of the calls. Compaction has a turn of its
// own, which truncations and close take behind the write turn. Reads, syncs, stat and meta items need no turn.
#pragma once
#include "io/log_disk.h"
#include "io/log_reader.h"
#include "io/log_recovery.h"
#include "io/log_state.h"
#include "io/log_writer.h"
#include "io/meta_store.h"
#include "io/segment_rewrite.h"
#include "io/segment_supply.h"
#include "io/write_turn.h"

#include <ion/contract/storage.h>

#include <memory>

namespace ion::storage_mmap {

class LogCore final : public SyncTarget, public std::enable_shared_from_this<LogCore> {
 public:
  // Tells the storage that the log is closed: before the closing operation is answered.
  using OnClosed = UniqueFunction<void()>;
  LogCore(StorageContext& context, std::string name, const Owner& owner, const OpenOptions& options, OnClosed on_closed);
  // BLOCKING, once, before anything else.
  Status open(IfMissing missing);

  Answer append(Op& op, std::span<const ion_batch> batches);
  Answer read(Op& op, const ReadBounds& bounds);
  Answer offset_for_time(Op& op, Offset from, WallMs time);
  Answer sync(Op& op, Offset upto);
  Answer truncate_suffix(Op& op, Offset from);
  Answer truncate_prefix(Op& op, Offset before);
  Answer seal(Op& op);
  Answer close(Op& op);
  Answer replace(Op& op, Offset base, Offset next, std::unique_ptr<Replacement>* out);
  Answer append_to(Op& op, const std::shared_ptr<SegmentRewrite>& rewrite, std::span<const ion_batch> batches);
  Answer commit(Op& op, const std::shared_ptr<SegmentRewrite>& rewrite);
  Answer abort(Op& op, const std::shared_ptr<SegmentRewrite>& rewrite);
  void forget(const std::shared_ptr<SegmentRewrite>& rewrite);  // abort, and nobody waits for it
  Answer meta_put(Op& op, std::span<const ion_field> items) { return meta_->put(op, items); }
  Answer meta_get(Op& op, std::string_view key) { return meta_->get(op, key); }
  LogStat stat() const;
  std::vector<ion_range> ranges(Offset from, size_t cap) const { return state_.segments()->sealed_ranges(from, cap); }
  Status configure(const OpenOptions& options);

  // ---- any thread
  const LogState& state() const noexcept { return state_; }
  bool is_closing() const noexcept { return closing_.load(std::memory_order_relaxed); }
  // Somebody else than a reader has met it.
  void met_damage(const std::vector<Damage>& damage) { reader_.publish(damage); }

  // ---- SyncTarget
  Result<Offset> sync_now() override { return disk_.sync(); }
  Status write_mark() override { return disk_.write_mark(); }

 private:
  // Why nothing can be asked of it that changes it, damaged or not; OK when it can.
  Status usable() const;
  // Why it takes no batches; OK when it does.
  Status changeable() const;
  Status changeable_now() const;  // of a log that is being closed too: what was asked for before is done
  Status may_cut_prefix(Offset before) const;
  // One append of the turn's holder: answered, or waiting for a segment with the turn kept.
  Turn run_append(Later later, std::span<const ion_batch> batches);
  Turn append_now(Later later, std::span<const ion_batch> batches);
  Turn wait_for_segment(Later later, std::span<const ion_batch> batches, const LogWriter::NeedSegment& need);
  Turn wait_for_resume(Later later, std::span<const ion_batch> batches, SegmentSize size);
  Status resume(SegmentSize size);
  // Takes a segment into use; names it first where that must be.
  Status take_into_use(ReadySegment ready, bool name_first);
  void after_append();
  void settle_later();
  Turn run_seal(Later later);
  template <class Work>
  Answer replace_slowly(Op& op, Work work);
  Status replaceable(const SegmentRewrite& rewrite) const;
  void drop_later(Later later, const std::shared_ptr<SegmentRewrite>& rewrite);
  // Runs `work` on the blocking pool while both turns are held. `right`: why it must not; OK when it may.
  template <class Work>
  Answer change_slowly(Op& op, const Status& right, Work work);
  Status cut_suffix(Offset from);
  Status cut_prefix(Offset before);
  Status restart_at(Offset before);
  Status go_on_behind_damage();
  Status remove_strangers(LogDisk::Hold& disk);
  Result<SegmentRef> fresh_segment(Offset base, SegmentSupply::Why why);
  Status name_or_undo(LogDisk::Hold& disk, Segment& fresh, const Mark& before);
  Turn run_close(Later later);
  void finish_close(Later later);
  void reopen();
  RollRules rules_from(const OpenOptions& options) const;

  StorageContext& context_;
  LogState state_;
  WriteTurn turn_;
  LogWriter writer_;
  LogReader reader_;
  LogDisk disk_;
  std::shared_ptr<SegmentSupply> supply_;
  std::shared_ptr<MetaStore> meta_;
  OnClosed on_closed_;
  WriteTurn replace_turn_;                   // whoever takes both has the other one first
  std::shared_ptr<SegmentRewrite> rewrite_;  // its holder's: the replacement that is open
  std::atomic<bool> compaction_;
  std::atomic<bool> writable_{false};  // there is a segment to write on: not damaged when it was opened, or emptied since
  std::atomic<bool> closing_{false};
};

}  // namespace ion::storage_mmap
