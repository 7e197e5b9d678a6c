#include "partition/compaction_run.h"

#include "partition/partition_limits.h"
#include "partition/partition_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ion::partition {

CompactionRun::CompactionRun(PartitionServices around, CompactionServices& shared, PartitionLog& log, PartitionContext& context, CompactionSpec spec)
    : around_(around), shared_(shared), log_(log), context_(context), alive_(context.alive()), spec_(std::move(spec)), keys_(shared.limits.key_bytes_max) {
  rules_.secret = shared.secret;
  rules_.upto = spec_.upto, rules_.now = spec_.now;
  rules_.horizon = {spec_.now.ms + spec_.tombstone_age.n / 1'000'000};
}

void CompactionRun::on_shard(std::function<void()> work) {
  alive_->on_shard([self = shared_from_this(), work = std::move(work)] { work(); });
}

void CompactionRun::start(Ended ended) {
  ended_ = std::move(ended);
  at_ = spec_.clean, end_ = spec_.upto;
  step();
}

// ---- one chunk after the other

void CompactionRun::step() {
  if (cancelled_ || !context_.serving()) return end(Status(ION_E_CANCELLED, "the compaction was ended"));
  if (at_ >= end_ || keys_full_) return stage_ended();
  read();
}

void CompactionRun::read() {
  if (!log_.enter()) return end(Status(ION_E_CLOSED, "the log is closed"));
  log_.read(at_, end_, kCompactionChunkBytes, [self = shared_from_this()](const ion_result& r) { self->got(Outcome::from(r)); });
}

void CompactionRun::got(Outcome outcome) {
  auto kept = std::make_shared<Outcome>(std::move(outcome));  // shared: std::function copies
  if (!kept->status.ok()) return on_shard([this, kept] { end(kept->status); });
  const Status posted = shared_.jobs.post([self = shared_from_this(), kept] { self->work_on(std::move(*kept)); });
  if (!posted.ok()) on_shard([this, posted] { end(posted); });
}

void CompactionRun::work_on(Outcome outcome) {
  chunk_ = std::move(outcome.bufs);
  uint64_t bytes = 0;
  for (const Buf& b : chunk_) bytes += b.size();
  std::span<const uint8_t> all = chunk_.empty() ? std::span<const uint8_t>() : chunk_.front().span();
  if (chunk_.size() > 1) {
    joined_.clear();
    for (const Buf& b : chunk_) joined_.insert(joined_.end(), b.data(), b.data() + b.size());
    all = joined_;
  }
  const Offset behind = bytes == 0 ? piece_end(at_) : Offset{static_cast<int64_t>(outcome.u1)};  // nothing more is in this piece
  const Status status = work_on_batches(all);
  if (stage_ != Stage::kCollect && status.ok() && behind >= end_) cleaner_->finish(end_, out_);
  on_shard([this, status, behind, bytes] {
    at_ = std::max(at_, behind);
    report_.bytes_read += bytes;
    if (!status.ok()) return end(status);
    if (!pause(bytes)) worked();
  });
}

Status CompactionRun::work_on_batches(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    if (bytes.size() < batch::kHeaderBytes) return {ION_E_CORRUPT, fmt::format("{} bytes behind offset {} are no batch", bytes.size(), at_.v)};
    const batch::Header h = batch::read_header(bytes.data());
    if (h.length < static_cast<int32_t>(batch::kHeaderBytes - batch::kLengthEnd) || h.total_bytes() > bytes.size())
      return {ION_E_CORRUPT, fmt::format("the batch at offset {} does not fit what was read", h.base_offset.v)};
    const std::span<const uint8_t> one = bytes.first(h.total_bytes());
    bytes = bytes.subspan(h.total_bytes());
    if (stage_ != Stage::kCollect) {
      ION_CHECK(cleaner_->clean(one, out_));
      continue;
    }
    ION_TRY(const Offset upto, collect_keys(one, spec_.clean, rules_, tools_, keys_));
    if (upto >= h.next_offset()) continue;
    rules_.upto = upto;
    keys_full_ = true;
    return {};
  }
  return {};
}

// True: it goes on later, so that no more is read in a second than may be. Never for long: a partition that closes waits for it.
bool CompactionRun::pause(uint64_t bytes) {
  if (shared_.limits.bytes_per_second == 0) return false;
  const Instant now = around_.clock.now();
  allowed_ = std::max(allowed_, now) + Nanos{static_cast<int64_t>(static_cast<unsigned __int128>(bytes) * 1'000'000'000 / shared_.limits.bytes_per_second)};
  if (allowed_ <= now + kCompactionPauseLeast) return false;
  struct Waiting {
    std::shared_ptr<CompactionRun> run;
  };
  auto waiting = std::make_unique<Waiting>(Waiting{shared_from_this()});
  const auto armed = around_.timers.arm(
      log_.options().shard, std::min(allowed_, now + kCompactionPauseMost),
      [](void* ctx) noexcept {
        const std::unique_ptr<Waiting> mine(static_cast<Waiting*>(ctx));
        RoleScope scope(shard_role);
        if (!mine->run->pause(0)) mine->run->worked();
      },
      waiting.get());
  if (!armed) return false;
  (void)waiting.release();
  return true;
}

void CompactionRun::worked() {
  if (stage_ == Stage::kWrite) return append();
  out_.clear(), chunk_.clear();
  if (stage_ == Stage::kProbe && cleaner_->changed()) return begin_replacement();
  step();
}

// ---- the stages

void CompactionRun::stage_ended() {
  if (stage_ == Stage::kCollect) return begin_groups();
  if (stage_ == Stage::kWrite) return commit();
  if (groups_[group_].pieces >= kPiecesMerged) return begin_replacement();
  if (const WallMs due = cleaner_->tombstones_due(); due.ms >= 0)
    report_.tombstones_due = report_.tombstones_due.ms < 0 ? due : std::min(report_.tombstones_due, due);
  ++group_;
  begin_group();
}

void CompactionRun::begin_groups() {
  keys_full_ = false;
  report_.clean = rules_.upto;
  const Offset upto = rules_.upto.v == 0 ? rules_.upto : piece_end(rules_.upto + -1);  // the piece that holds the last key, whole
  groups_ = group_pieces(spec_.pieces, upto, spec_.group_bytes_max);
  // What a batch that goes proves of its producer is written down first.
  log_.cover(upto, [self = shared_from_this(), upto](const Status& status) {
    if (!status.ok()) return self->end(status);
    if (!self->log_.covered(upto)) return self->end(Status(ION_E_NO_SPACE, "there is no space to write the producer state down"));
    self->begin_when_durable(upto);
  });
}

// Without fsync the producer state reaches as far as the log does: so must what is durable, or a power cut leaves it ahead of its log.
void CompactionRun::begin_when_durable(Offset upto) {
  const Offset until = log_.fsync() ? upto : log_.next();
  call([&](Op& op) { return log_.storage().sync(op, until); },
       [self = shared_from_this()](const ion_result& r) {
         self->on_shard([self, status = Status::from(r.status, r.err)] {
           if (!status.ok() && status.code() != ION_E_UNSUPPORTED) return self->end(status);
           self->begin_group();
         });
       });
}

void CompactionRun::begin_group() {
  if (group_ == groups_.size()) return end({});
  go_over(Stage::kProbe);
}

void CompactionRun::go_over(Stage stage) {
  stage_ = stage;
  at_ = groups_[group_].base, end_ = groups_[group_].next;
  cleaner_.emplace(keys_, spec_.producers, rules_, tools_, at_);
  out_.clear(), chunk_.clear();
  step();
}

void CompactionRun::begin_replacement() {
  const PieceGroup& group = groups_[group_];
  call([&](Op& op) { return log_.storage().replace(op, group.base, group.next, &replacement_); },
       [self = shared_from_this()](const ion_result& r) {
         self->on_shard([self, status = Status::from(r.status, r.err)] {
           if (!status.ok()) return self->end(status);
           self->go_over(Stage::kWrite);
         });
       });
}

void CompactionRun::append() {
  if (out_.empty()) return chunk_.clear(), step();
  parts_.clear(), batches_.clear();
  parts_.reserve(out_.size()), batches_.reserve(out_.size());
  for (const BatchCleaner::Out& o : out_) {
    parts_.push_back(borrowed(o.bytes()));
    batches_.push_back({o.header.base_offset.v, o.header.next_offset().v, o.header.max_time.ms, o.header.leader_epoch.v, 1, &parts_.back()});
  }
  call([&](Op& op) { return replacement_->append(op, batches_); },
       [self = shared_from_this()](const ion_result& r) {
         self->on_shard([self, status = Status::from(r.status, r.err)] {
           self->out_.clear(), self->chunk_.clear();
           if (!status.ok()) return self->end(status);
           self->step();
         });
       });
}

void CompactionRun::commit() {
  call([&](Op& op) { return replacement_->commit(op); },
       [self = shared_from_this()](const ion_result& r) {
         self->on_shard([self, status = Status::from(r.status, r.err)] {
           if (!status.ok()) return self->end(status);
           self->replacement_.reset();
           CompactionReport& report = self->report_;
           const CleanedCounts& c = self->cleaner_->counts();
           report.counts.records += c.records, report.counts.removed += c.removed, report.counts.tombstones_removed += c.tombstones_removed;
           report.counts.bytes_in += c.bytes_in, report.counts.bytes_out += c.bytes_out;
           if (const WallMs due = self->cleaner_->tombstones_due(); due.ms >= 0)
             report.tombstones_due = report.tombstones_due.ms < 0 ? due : std::min(report.tombstones_due, due);
           ++self->group_;
           self->begin_group();
         });
       });
}

// ---- the end

void CompactionRun::end(const Status& status) {
  if (replacement_ == nullptr) return finish(status);
  call([&](Op& op) { return replacement_->abort(op); },
       [self = shared_from_this(), status](const ion_result&) {
         self->on_shard([self, status] {
           self->replacement_.reset();
           self->finish(status);
         });
       });
}

void CompactionRun::finish(const Status& status) {
  report_.status = status;
  std::exchange(ended_, nullptr)(report_);
}

Offset CompactionRun::piece_end(Offset at) const noexcept {
  for (const ion_range& piece : spec_.pieces)
    if (at.v < piece.next) return {piece.next};
  return at + 1;
}

}  // namespace ion::partition
