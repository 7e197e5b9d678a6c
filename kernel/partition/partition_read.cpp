// The reading half of Partition: reads run on the caller's thread, only waiting goes to the shard.
#include "partition/partition.h"
#include "partition/core/answer_end.h"
#include "partition/partition_limits.h"

#include <fmt/format.h>
#include <ion/contract/broker_api.h>
#include <ion/simulated_bug.h>

#include <algorithm>
#include <utility>

namespace ion::partition {

namespace {
// The storage says which offsets it cannot read: [u0, u1). Who wants what lies behind them goes on there.
Status beyond_damage(const std::string& partition, int64_t next, const Status& why) {
  return {ION_E_CORRUPT, fmt::format("{}: {}. `ion consume -o {}` begins behind them, --skip-damage passes over each such part", partition, why.message(), next), "DATA_LOSS"};
}
}  // namespace

void Partition::describe(ion_fetch_answer& a) const {
  a.log_start = log_.start().v;
  a.high_watermark = high_watermark_.load(std::memory_order_acquire);
  a.log_id = log_id().v;
  a.flags = 0;
}

PartitionView Partition::view() {
  PartitionView v;
  v.log_start = log_.start();
  v.high_watermark = high_watermark();
  v.log_end = log_.end();
  const LogStat stat = log_.stat();
  v.bytes = stat.bytes;
  if (stat.damaged) v.bad_from = stat.bad_from, v.bad_upto = stat.bad_upto;
  if (log_.health() != ION_OK) v.health = Status(log_.health(), name() + " refuses appends");
  return v;
}

Answer Partition::fetch(Op& op, const FetchRequest& ask, ion_fetch_answer& a) {
  describe(a);
  a.base = a.next = ask.offset.v;
  // Between the high watermark and the log end is what was appended and may still become visible: a reader waits for it.
  if (ask.offset.v < a.log_start || ask.offset.v > std::max(a.high_watermark, log_.end().v)) {
    const Status out(ION_E_OUT_OF_RANGE,
                     fmt::format("{}: want offset {}, have {} up to {}", name(), ask.offset.v, a.log_start, a.high_watermark), "OFFSET_OUT_OF_RANGE");
    explain(a.error, out);
    return op.refuse(out);
  }
  if (ask.offset.v >= a.high_watermark && ask.until == Instant{}) return op.ok(static_cast<uint64_t>(a.base), static_cast<uint64_t>(a.next));
  read_now(ask, op.later(), &a);
  return op.pending();
}

void Partition::seek(Offset from, WallMs time, std::function<void(const ion_result&)> done) {
  if (log_.enter()) return log_.seek(from, time, std::move(done));
  const Status gone(ION_E_CLOSED, name() + " is closed", "DRAINING");
  call([&](Op& op) { return op.refuse(gone); }, std::move(done));
}

void Partition::read_now(const FetchRequest& ask, Later later, ion_fetch_answer* a) {
  const Offset upto{high_watermark_.load(std::memory_order_acquire)};
  if (ask.offset > upto) {  // nothing of it is visible
    const auto empty = static_cast<uint64_t>(ask.offset.v);
    const ion_result none{sizeof(ion_result), ION_OK, empty, empty, 0, 0, nullptr, nullptr};
    return fetched(ask, upto, std::move(later), a, none);
  }
  if (!log_.enter()) {
    const Status gone(ION_E_CLOSED, name() + " is closed", "DRAINING");
    explain(a->error, gone);
    return later.fail(gone);
  }
  log_.read(ask.offset, upto, ask.bytes_max, [this, ask, upto, later = std::move(later), a](const ion_result& r) mutable {  // the log keeps us until then
    fetched(ask, upto, std::move(later), a, r);
  });
}

void Partition::fetched(const FetchRequest& ask, Offset upto, Later later, ion_fetch_answer* a, const ion_result& r) {
  if (r.status == ION_E_OUT_OF_RANGE) {  // records were deleted since it was asked
    describe(*a);
    a->log_start = std::max(log_.start(), log_.stat().first).v;  // the reader goes on there
    const Status out(ION_E_OUT_OF_RANGE, fmt::format("{}: want offset {}, have {} up to {}", name(), ask.offset.v, a->log_start, upto.v), "OFFSET_OUT_OF_RANGE");
    explain(a->error, out);
    return later.fail(out);
  }
  if (r.status == ION_E_CORRUPT && static_cast<int64_t>(r.u1) > ask.offset.v) {
    describe(*a);
    a->next = static_cast<int64_t>(r.u1);
    const Status out = beyond_damage(name(), a->next, Status::from(r.status, r.err));
    explain(a->error, out);
    return later.fail(out);
  }
  if (r.status != ION_OK) {
    explain(a->error, Status::from(r.status, r.err));
    return later.pass(r);
  }
  uint64_t have = 0;
  for (uint32_t i = 0; i < r.nbufs; ++i) have += r.bufs[i].n;
  const Offset next{r.nbufs == 0 ? ask.offset.v : static_cast<int64_t>(r.u1)};
  if (have < ask.bytes_min && next >= upto && around_.clock.now() < ask.until) {
    for (uint32_t i = 0; i < r.nbufs; ++i) Buf::adopt(r.bufs[i]).reset();
    const Had had{have, upto};
    return on_shard([self = shared_from_this(), ask, had, a, parked = std::make_shared<Later>(std::move(later))] {
      self->park(ask, std::move(*parked), a, had);
    });
  }
  if (next >= upto || r.nbufs == 0) {
    describe(*a);
    a->base = r.nbufs == 0 ? ask.offset.v : static_cast<int64_t>(r.u0);
    a->next = next.v;
    around_.metrics.fetched(static_cast<int64_t>(have));
    return later.pass(r);
  }
  answer(Answering{upto, std::move(later), a, {static_cast<int64_t>(r.u0)}, next, {}, 0}, Outcome::from(r));
}

// What was read, up to where an answer may end. Where no batch of it is such an end, what follows is read as well, a little at a time.
void Partition::answer(Answering a, Outcome more) {
  for (Buf& b : more.bufs) a.bufs.push_back(std::move(b));
  if (!more.bufs.empty()) a.next = {static_cast<int64_t>(more.u1)};
  const bool ends_here = a.next >= a.upto || more.bufs.empty() || ++a.reads > kEndReadsMax;
  if (!ends_here) {
    std::vector<ion_buf> parts;
    for (const Buf& b : a.bufs) parts.push_back(b.raw());
    const AnswerEnd end = find_answer_end(parts);
    if (end.live) {
      a.next = end.next;
      uint64_t left = end.bytes;
      for (Buf& b : a.bufs) b.trim_to(std::min(left, b.size())), left -= b.size();
      std::erase_if(a.bufs, [](const Buf& b) { return b.empty(); });
    } else if (!end.goes_on && log_.enter()) {
      const Offset from = a.next, upto = a.upto;
      return log_.read(from, upto, kEndReadBytes, [this, kept = std::move(a)](const ion_result& r) mutable {  // the log keeps us until then
        answer(std::move(kept), r.status == ION_OK ? Outcome::from(r) : Outcome{});
      });
    }
  }
  describe(*a.to);
  a.to->base = a.base.v, a.to->next = a.next.v;
  uint64_t bytes = 0;
  for (const Buf& b : a.bufs) bytes += b.size();
  around_.metrics.fetched(static_cast<int64_t>(bytes));
  a.later.ok(static_cast<uint64_t>(a.base.v), static_cast<uint64_t>(a.next.v), a.bufs);
}

void Partition::park(const FetchRequest& ask, Later later, ion_fetch_answer* a, Had had) {
  if (life_ != Life::kServing) return later.fail(Status(ION_E_CLOSED, name() + " is closing", "DRAINING"));
  if (ask.cancelled != nullptr && ask.cancelled->load(std::memory_order_acquire))  // its cancel_fetch came before it was parked
    return later.fail(Status(ION_E_CANCELLED, "the reader gave up"));
  // More may have become visible between the look and now; the shard moves the watermark, so nothing is missed from here on.
  if (high_watermark_.load(std::memory_order_relaxed) != had.upto.v && !ION_BUG(lost_wakeup)) return read_now(ask, std::move(later), a);
  if (fetches_.full()) {
    const Status full(ION_E_OVERLOADED, fmt::format("{}: {} readers wait already", name(), kFetchesParkedMax), "QUEUE_FULL");
    explain(a->error, full);
    return later.fail(full);
  }
  const auto visible = visible_bytes_.load(std::memory_order_relaxed);
  ParkedFetch parked{std::move(later), a, ask.offset, ask.bytes_max, visible + (ask.bytes_min - had.bytes), ask.until};
  around_.metrics.parked();
  fetches_.park(std::move(parked));
  arm_fetch_timer();
}

// Their wait is over, with or without bytes: read once and answer.
void Partition::finish_fetches(std::vector<ParkedFetch> ripe) {
  for (ParkedFetch& f : ripe) read_now(FetchRequest{f.offset, 0, f.bytes_max, Instant{}}, std::move(f.later), f.answer);
}

void Partition::arm_fetch_timer() {
  const auto earliest = fetches_.earliest();
  if (!earliest || (timer_ != nullptr && timer_at_ <= *earliest)) return;
  if (timer_ != nullptr && around_.timers.disarm(timer_)) delete static_cast<PartitionPtr*>(std::exchange(timer_ctx_, nullptr));
  timer_ = nullptr;
  auto* self = new PartitionPtr(shared_from_this());
  const auto armed = around_.timers.arm(
      shard(), *earliest,
      [](void* ctx) noexcept {
        const std::unique_ptr<PartitionPtr> mine(static_cast<PartitionPtr*>(ctx));
        RoleScope scope(shard_role);
        Partition& p = **mine;
        if (p.timer_ctx_ == ctx) p.timer_ = nullptr, p.timer_ctx_ = nullptr;
        p.finish_fetches(p.fetches_.take_due(p.around_.clock.now()));
        p.arm_fetch_timer();
      },
      self);
  if (!armed) {  // no timer is left: nobody may wait for one that never comes
    delete self;
    for (ParkedFetch& f : fetches_.take_all()) explain(f.answer->error, armed.error()), f.later.fail(armed.error());
    return;
  }
  timer_ = *armed, timer_ctx_ = self, timer_at_ = *earliest;
}

void Partition::cancel_fetch(uint64_t op_id) {
  on_shard([self = shared_from_this(), op_id] {
    if (auto parked = self->fetches_.take(op_id)) parked->later.fail(Status(ION_E_CANCELLED, "the reader gave up"));
  });
}

}  // namespace ion::partition
