// The rule of a group with one member, without any I/O: an entry is appended, then made durable, then applied and answered, in
// index order, never otherwise. One sync is outstanding at a time; what arrives meanwhile rides on the next.
//
//   propose ─▶ append ─▶ Appended{upto} ─▶ sync ─▶ Persisted{upto} ─▶ apply (applied, upto]
//
// Invariant: applied <= durable <= appended < next. Pure: events in, actions out. Thread: the group's shard.
#pragma once
#include <cstdint>

namespace ion::consensus_single {

// What the driver must do, in this order.
struct Actions {
  bool sync = false;        // ask for everything up to sync_upto
  uint64_t sync_upto = 0;
  uint64_t apply_from = 0;  // apply and answer [apply_from, apply_upto); empty when equal
  uint64_t apply_upto = 0;
};

class SingleCore {
 public:
  // `first`: of the oldest entry in the log; `next`: behind the newest. Nothing is applied before it was synced again: an entry
  // that recovery found may never have reached the disk's own memory.
  SingleCore(uint64_t first, uint64_t next);

  Actions opened();
  uint64_t propose();                   // the index of the new entry; append it, in this order
  Actions appended(uint64_t upto);      // entries below `upto` are in the log
  Actions persisted(uint64_t upto);     // entries below `upto` are durable
  void withdraw() { next_ = appended_; }  // what is not in the log was refused; its indexes are given again. No append is on its way
  void fail() { failed_ = true; }       // append or sync failed: nothing more is claimed

  bool failed() const { return failed_; }
  bool idle() const { return applied_ == next_ && !syncing_; }
  uint64_t next() const { return next_; }
  uint64_t applied() const { return applied_; }

 private:
  Actions sync_if_needed();
  uint64_t next_, appended_, durable_, applied_;
  bool syncing_ = false, failed_ = false;
};

}  // namespace ion::consensus_single
