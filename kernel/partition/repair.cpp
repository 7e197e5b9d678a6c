#include "partition/repair.h"

#include "partition/compactor.h"
#include "partition/partition_limits.h"
#include "partition/partition_log.h"

#include <fmt/format.h>
#include <ion/continuation.h>

#include <algorithm>
#include <utility>

namespace ion::partition {

Repair::Repair(PartitionServices around, PartitionLog& log, PartitionContext& context, Compactor& compactor, RepairMode mode, Instant until)
    : around_(around), log_(log), context_(context), compactor_(compactor), alive_(context.alive()), mode_(mode), until_(until) {}

void Repair::start(Done done) {
  done_ = std::move(done);
  const LogStat stat = log_.storage_stat();
  Result<std::vector<ion_range>> sealed = pieces();
  if (!sealed) return finish(sealed.error());
  survey_.emplace(stat.first, stat.next, *std::move(sealed), stat.bytes);
  at_ = stat.first, end_ = stat.next;
  survey();
}

template <class Next>
auto Repair::then(Next next) {
  return [self = shared_from_this(), next](const ion_result& r) {
    self->alive_->on_shard([self, next, status = Status::from(r.status, r.err)] {
      if (status.ok()) next();
      else self->end(status);
    });
  };
}

Status Repair::may_go_on() const {
  if (stopped_ || !context_.serving()) return {ION_E_CLOSED, log_.name() + " is closing", "DRAINING"};
  if (until_.ns != 0 && around_.clock.now() >= until_)
    return {ION_E_DEADLINE, fmt::format("{}: the time for a look at all of it is over at offset {} of {}; --timeout gives it more", log_.name(), at_.v, end_.v)};
  return {};
}

Result<std::vector<ion_range>> Repair::pieces() {
  std::vector<ion_range> all;
  for (Offset from = log_.storage_stat().first; all.size() < kCompactionPiecesMax;) {
    ION_TRY(const std::vector<ion_range> some, log_.ranges(from, kPiecesOfALook));
    const size_t had = all.size();
    for (const ion_range& piece : some)
      if (piece.next > from.v) all.push_back(piece), from = {piece.next};
    if (some.size() < kPiecesOfALook || all.size() == had) break;
  }
  return all;
}

// Posted: what comes from memory answers at once, and the shard has others to serve between two chunks.
void Repair::read(Got got) {
  if (!log_.enter()) return end(Status(ION_E_CLOSED, log_.name() + " is closed", "DRAINING"));
  log_.read(at_, end_, kCompactionChunkBytes, [self = shared_from_this(), got](const ion_result& r) {
    auto kept = std::make_shared<Outcome>(Outcome::from(r));  // shared: std::function copies
    const Status given = go_on_at({self->around_.executor, self->around_.timers, self->around_.clock}, self->log_.options().shard, Hop::kPost, [self, got, kept] {
      RoleScope scope(shard_role);
      ((*self).*got)(*kept);
    });
    if (!given.ok()) self->around_.logger.error("a repair was dropped", {{"partition", self->log_.name()}, {"why", given.text()}});
  });
}

// Offsets without a batch are legal, though nothing makes them: what lies behind them is not given up.
Result<Offset> Repair::behind(const Outcome& outcome) {
  if (!outcome.bufs.empty()) return empty_reads_ = 0, Offset{static_cast<int64_t>(outcome.u1)};
  if (++empty_reads_ > kRepairEmptyReadsMax)
    return Status(ION_E_CORRUPT, fmt::format("{}: nothing can be read from offset {} on, and its storage calls nothing damaged there", log_.name(), at_.v));
  return at_ + 1;
}

// ---- what is lost

void Repair::survey() {
  if (const Status right = may_go_on(); !right.ok()) return end(right);
  if (at_ >= end_) return survey_ended();
  read(&Repair::surveyed);
}

void Repair::surveyed(Outcome& outcome) {
  if (outcome.status.code() == ION_E_CORRUPT && static_cast<int64_t>(outcome.u1) > at_.v) {
    const Offset upto = std::min(end_, Offset{static_cast<int64_t>(outcome.u1)});
    survey_->lost(at_, upto);
    at_ = upto;
    return survey();
  }
  if (!outcome.status.ok()) return end(outcome.status);
  for (const Buf& b : outcome.bufs) {
    for (std::span<const uint8_t> bytes = b.span(); bytes.size() >= batch::kHeaderBytes;) {
      const batch::Header h = batch::read_header(bytes.data());
      if (h.length <= 0 || h.total_bytes() > bytes.size()) return end(Status(ION_E_CORRUPT, fmt::format("{}: what was read at offset {} is no batch", log_.name(), at_.v)));
      survey_->read(h);
      bytes = bytes.subspan(h.total_bytes());
    }
  }
  const Result<Offset> next = behind(outcome);
  if (!next) return end(next.error());
  at_ = std::max(at_, *next);
  survey();
}

void Repair::survey_ended() {
  report_ = survey_->report();
  survey_.reset();
  if (mode_ == RepairMode::kDryRun || !log_.storage_stat().damaged) return end({});
  compactor_.hold(true);
  if (!compactor_.resting()) {
    waits_ = true;
    return;
  }
  seal();
}

void Repair::others_ended() {
  if (!waits_ || !compactor_.resting()) return;
  waits_ = false;
  seal();
}

// ---- without it

void Repair::seal() {
  if (const Status right = may_go_on(); !right.ok()) return end(right);
  log_.seal([self = shared_from_this()](const Status& status) {
    if (status.ok()) self->next_step();
    else self->end(status);
  });
}

void Repair::next_step() {
  if (const Status right = may_go_on(); !right.ok()) return end(right);
  const LogStat stat = log_.storage_stat();
  const Result<std::vector<ion_range>> sealed = pieces();
  if (!sealed) return end(sealed.error());
  const RepairStep step = next_repair_step(stat, *sealed);
  if (step.kind == RepairStep::Kind::kNone) {
    report_.first = stat.first, report_.next = stat.next, report_.repaired = true;
    log_.end_damage();
    around_.logger.warn("a damaged partition was repaired, its loss was accepted",
                        {{"partition", log_.name()}, {"parts", std::to_string(report_.parts_all)}, {"bytes_lost", std::to_string(report_.bytes_lost)}, {"pieces", std::to_string(steps_)}});
    return end({});
  }
  if (step == step_)
    return end(Status(ION_E_INTERNAL, fmt::format("{}: offsets {} to {} stay damaged although [{}, {}) was written anew", log_.name(), stat.bad_from.v, stat.bad_upto.v, step.base.v, step.next.v)));
  step_ = step, ++steps_;
  if (step.kind == RepairStep::Kind::kCutPrefix) return cut_prefix(step.next);
  replace();
}

void Repair::cut_prefix(Offset before) {
  log_.cover(before, [self = shared_from_this(), before](const Status& status) {
    if (!status.ok()) return self->end(status);
    self->log_.cut_prefix(before, [self](const Status& cut) {
      if (cut.ok()) self->next_step();
      else self->end(cut);
    });
  });
}

void Repair::replace() {
  call([&](Op& op) { return log_.storage().replace(op, step_.base, step_.next, &replacement_); }, then([this] {
         at_ = step_.base, end_ = step_.next;
         cleaner_.emplace(no_keys_, no_producers_, keep_all_, tools_, at_);
         write();
       }));
}

void Repair::write() {
  out_.clear(), chunk_.clear();
  if (const Status right = may_go_on(); !right.ok()) return end(right);
  if (at_ < end_) return read(&Repair::got_batches);
  cleaner_->finish(end_, out_);
  if (out_.empty()) return commit();
  append();
}

void Repair::got_batches(Outcome& outcome) {
  if (outcome.status.code() == ION_E_CORRUPT && static_cast<int64_t>(outcome.u1) > at_.v) {
    at_ = std::min(end_, Offset{static_cast<int64_t>(outcome.u1)});
    return write();
  }
  if (!outcome.status.ok()) return end(outcome.status);
  const Result<Offset> next = behind(outcome);
  if (!next) return end(next.error());
  chunk_ = std::move(outcome.bufs);
  for (const Buf& b : chunk_) {
    for (std::span<const uint8_t> bytes = b.span(); bytes.size() >= batch::kHeaderBytes;) {
      const uint64_t n = batch::read_header(bytes.data()).total_bytes();
      if (n > bytes.size()) return end(Status(ION_E_CORRUPT, fmt::format("{}: what was read at offset {} is no batch", log_.name(), at_.v)));
      if (const Status taken = cleaner_->clean(bytes.first(n), out_); !taken.ok()) return end(taken);
      bytes = bytes.subspan(n);
    }
  }
  at_ = std::max(at_, *next);
  if (out_.empty()) return write();
  append();
}

void Repair::append() {
  parts_.clear(), batches_.clear();
  parts_.reserve(out_.size()), batches_.reserve(out_.size());
  for (const BatchCleaner::Out& o : out_) {
    parts_.push_back(borrowed(o.bytes()));
    batches_.push_back({o.header.base_offset.v, o.header.next_offset().v, o.header.max_time.ms, o.header.leader_epoch.v, 1, &parts_.back()});
  }
  call([&](Op& op) { return replacement_->append(op, batches_); }, then([this] {
         const bool is_last = at_ >= end_ && batches_.back().next >= end_.v;
         if (is_last) out_.clear(), chunk_.clear(), commit();
         else write();
       }));
}

void Repair::commit() {
  call([&](Op& op) { return replacement_->commit(op); }, then([this] {
         replacement_.reset();
         next_step();
       }));
}

// ---- the end

void Repair::end(const Status& status) {
  if (replacement_ == nullptr) return finish(status);
  call([&](Op& op) { return replacement_->abort(op); },
       [self = shared_from_this(), status](const ion_result&) {
         self->alive_->on_shard([self, status] {
           self->replacement_.reset();
           self->finish(status);
         });
       });
}

void Repair::finish(const Status& status) {
  chunk_.clear();
  const Done done = std::exchange(done_, nullptr);
  const bool changed = status.code() == ION_E_OUT_OF_RANGE || status.code() == ION_E_CONFLICT;
  if (status.ok()) done(std::move(report_));
  else done(changed ? Status(ION_E_CONFLICT, fmt::format("{}: records were deleted meanwhile, ask again: {}", log_.name(), status.message())) : status);
}

}  // namespace ion::partition
