// A world under the test's hand for modules of the kernel: a clock that is moved, an executor that runs when told, timers that fire
// when the clock passes them, and a log in memory whose syncs complete when the test says so.
#pragma once
#include <ion/contract/storage.h>
#include <ion/ports.h>
#include <ion/record_batch.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ion::test {

class HandClock final : public Clock {
 public:
  Instant now() override { return now_; }
  WallMs wall() override { return {wall_ms_ + static_cast<int64_t>(now_.ns / 1'000'000)}; }
  void move(Nanos by) { now_ = now_ + by; }
  void set_wall_by(Nanos by) { wall_ms_ += by.n / 1'000'000; }  // also back

 private:
  int64_t wall_ms_ = 1'700'000'000'000;
  Instant now_{1'000'000'000};
};

class HandExecutor final : public Executor {
 public:
  uint32_t shards() const override { return 2; }
  Status post(ShardId, ion_fn fn, void* ctx) override {
    if (full) return {ION_E_OVERLOADED, "full"};
    queue_.push_back({fn, ctx});
    return {};
  }
  Status run(ShardId shard, ion_fn fn, void* ctx) override { return post(shard, fn, ctx); }
  Status post_blocking(ion_fn fn, void* ctx) override { return post({}, fn, ctx); }
  void run_all() {
    while (!queue_.empty()) {
      const auto [fn, ctx] = queue_.front();
      queue_.pop_front();
      fn(ctx);
    }
  }
  bool full = false;

 private:
  std::deque<std::pair<ion_fn, void*>> queue_;
};

class HandTimers final : public Timers {
 public:
  explicit HandTimers(HandClock& clock) : clock_(clock) {}
  Result<TimerHandle> arm(ShardId, Instant at, ion_fn fn, void* ctx) override {
    const uintptr_t id = ++last_;
    armed_[id] = {at, fn, ctx};
    return reinterpret_cast<TimerHandle>(id);
  }
  bool disarm(TimerHandle t) override { return armed_.erase(reinterpret_cast<uintptr_t>(t)) != 0; }
  void fire_due() {
    for (auto it = armed_.begin(); it != armed_.end();) {
      if (it->second.at > clock_.now()) {
        ++it;
        continue;
      }
      const Armed due = it->second;
      armed_.erase(it);
      due.fn(due.ctx);
      it = armed_.begin();
    }
  }
  size_t armed() const { return armed_.size(); }

 private:
  struct Armed {
    Instant at;
    ion_fn fn;
    void* ctx;
  };
  HandClock& clock_;
  uintptr_t last_ = 0;
  std::map<uintptr_t, Armed> armed_;
};

class QuietLogger final : public Logger {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

// What outlives a HandLog: the bytes on the disk of the test.
struct LogBytes {
  std::vector<std::pair<batch::Header, std::vector<uint8_t>>> batches;
  Offset first, next, durable;
  std::map<std::string, std::vector<uint8_t>> meta;
};

class HandLog final : public Log {
  // Unseen until its commit.
  class Replaced final : public Replacement {
   public:
    Replaced(HandLog& log, Offset base, Offset next) : log_(log), base_(base), next_(next) { ++log_.replacing; }
    ~Replaced() override { --log_.replacing; }
    Answer append(Op& op, std::span<const ion_batch> batches) override {
      if (!log_.replace_fails.ok()) return op.refuse(log_.replace_fails);
      for (const ion_batch& b : batches) {
        EXPECT_GE(b.base, base_.v);
        EXPECT_LE(b.next, next_.v);
        std::vector<uint8_t> bytes = copy({&b, 1});
        const batch::Header h = batch::read_header(bytes.data());
        EXPECT_EQ(b.time_max_ms, h.max_time.ms);
        batches_.emplace_back(h, std::move(bytes));
      }
      return op.ok();
    }
    Answer commit(Op& op) override {
      if (!log_.commit_fails.ok()) return op.refuse(log_.commit_fails);
      if (batches_.empty() || batches_.back().first.next_offset() != next_) return op.refuse(Status(ION_E_INVALID, "the last batch ends where the range does"));
      auto& all = log_.d.batches;
      std::erase_if(all, [&](const auto& b) { return b.first.base_offset >= base_ && b.first.next_offset() <= next_; });
      all.insert(all.end(), batches_.begin(), batches_.end());
      std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first.base_offset < b.first.base_offset; });
      ion_range one{base_.v, next_.v, 0, -1, -1};
      for (const auto& [h, bytes] : batches_) one.bytes += bytes.size(), one.time_max_ms = std::max(one.time_max_ms, h.max_time.ms);
      for (const ion_range& p : log_.pieces)
        if (p.base >= base_.v && p.next <= next_.v) one.appended_ms = std::max(one.appended_ms, p.appended_ms);
      std::erase_if(log_.pieces, [&](const ion_range& p) { return p.base >= base_.v && p.next <= next_.v; });
      log_.pieces.push_back(one);
      std::sort(log_.pieces.begin(), log_.pieces.end(), [](const ion_range& a, const ion_range& b) { return a.base < b.base; });
      std::erase_if(log_.lost, [&](const auto& part) { return part.first >= base_ && part.second <= next_; });
      return ++log_.replaced, op.ok();
    }
    Answer abort(Op& op) override { return op.ok(); }

   private:
    HandLog& log_;
    const Offset base_, next_;
    std::vector<std::pair<batch::Header, std::vector<uint8_t>>> batches_;
  };

 public:
  std::function<void()> gone;  // told when it is destroyed; may be empty
  explicit HandLog(LogBytes& disk) : d(disk) {}
  ~HandLog() override {
    if (gone) gone();
  }
  Answer close(Op& op) override { return closed = true, op.ok(); }
  Answer append(Op& op, std::span<const ion_batch> batches) override {
    if (hold_appends) return held_appends.push_back({op.later(), copy(batches)}), op.pending();
    if (!append_fails.ok()) return op.refuse(append_fails);
    store(copy(batches));
    return op.ok(static_cast<uint64_t>(d.next.v));
  }
  void release_appends() {
    hold_appends = false;
    for (auto& [later, bytes] : std::exchange(held_appends, {})) store(bytes), later.ok(static_cast<uint64_t>(d.next.v));
  }
  void fail_held_appends(const Status& why) {
    hold_appends = false;
    for (auto& [later, bytes] : std::exchange(held_appends, {})) later.fail(why);
  }
  Answer read(Op& op, Offset from, Offset upto, uint64_t bytes_max) override {
    if (from < d.first) return op.refuse(Status(ION_E_OUT_OF_RANGE, "below first"));
    if (damaged && lost.empty()) return op.refuse(Status(ION_E_CORRUPT, "cannot be read"));
    for (const auto& [bad_from, bad_upto] : lost) {
      if (from >= bad_from && from < bad_upto) {
        op.later().fail(Status(ION_E_CORRUPT, "cannot be read"), static_cast<uint64_t>(bad_from.v), static_cast<uint64_t>(bad_upto.v));
        return op.pending();
      }
      if (from < bad_from) upto = std::min(upto, bad_from);
    }
    std::vector<uint8_t> joined;
    std::vector<Buf> each;
    Offset base = from, next = from;
    for (const auto& [h, bytes] : d.batches) {
      if (h.next_offset() <= from || h.next_offset() > upto) continue;
      if (!joined.empty() && joined.size() + bytes.size() > bytes_max) break;
      if (joined.empty()) base = h.base_offset;
      if (apart) each.push_back(Buf::copy(bytes));
      joined.insert(joined.end(), bytes.begin(), bytes.end());
      next = h.next_offset();
    }
    if (joined.empty()) return op.ok(static_cast<uint64_t>(from.v), static_cast<uint64_t>(from.v));
    if (apart) return op.ok(static_cast<uint64_t>(base.v), static_cast<uint64_t>(next.v), each);
    Buf one = Buf::copy(joined);
    return op.ok(static_cast<uint64_t>(base.v), static_cast<uint64_t>(next.v), std::span<Buf>(&one, 1));
  }
  Answer sync(Op& op, Offset upto) override {
    ++syncs;
    if (upto <= d.durable || sync_at_once) return d.durable = std::max(d.durable, std::min(upto, d.next)), op.ok(static_cast<uint64_t>(d.durable.v));
    waiting.emplace_back(op.later(), std::min(upto, d.next));
    return op.pending();
  }
  // The disk answers the syncs that wait.
  void finish_syncs(const Status& status = {}) {
    for (auto& [later, upto] : std::exchange(waiting, {})) {
      if (!status.ok()) later.fail(status);
      else d.durable = std::max(d.durable, upto), later.ok(static_cast<uint64_t>(d.durable.v));
    }
  }
  Answer truncate_suffix(Op& op, Offset from) override {
    std::erase_if(d.batches, [&](const auto& b) { return b.first.next_offset() > from; });
    d.next = d.batches.empty() ? std::max(d.first, Offset{0}) : d.batches.back().first.next_offset();
    d.durable = std::min(d.durable, d.next);
    return op.ok(static_cast<uint64_t>(d.next.v));
  }
  Answer truncate_prefix(Op& op, Offset before) override {
    if (!truncate_fails.ok()) return op.refuse(truncate_fails);
    std::erase_if(d.batches, [&](const auto& b) { return b.first.next_offset() <= before; });
    std::erase_if(pieces, [&](const ion_range& p) { return p.next <= before.v; });
    d.first = before;
    return op.ok();
  }
  Answer offset_for_time(Op& op, Offset, WallMs) override { return op.refuse(Status(ION_E_UNSUPPORTED, "not in this test")); }
  LogStat stat() override {
    LogStat s;
    s.first = d.first, s.next = d.next, s.durable = d.durable;
    s.damaged = damaged;
    if (damaged) s.bad_from = d.first, s.bad_upto = d.next;
    if (!lost.empty()) s.damaged = true, s.bad_from = lost.front().first, s.bad_upto = lost.front().second;
    s.sealed = pieces.empty() ? d.first : Offset{pieces.back().next};
    for (const ion_range& p : pieces) s.bytes += p.bytes;
    s.bytes += active_bytes, s.active_since = active_since;
    return s;
  }
  Answer meta_put(Op& op, std::span<const ion_field> items) override {
    EXPECT_FALSE(closed);
    if (++meta_puts > hold_meta_after) return held_meta = op.later(), op.pending();
    if (!meta_fails.ok()) return op.refuse(meta_fails);
    for (const ion_field& item : items) d.meta[std::string(text_of(item.key))].assign(item.value.p, item.value.p + item.value.n);
    return op.ok();
  }
  Answer meta_get(Op& op, std::string_view key) override {
    const auto found = d.meta.find(std::string(key));
    if (found == d.meta.end()) return op.refuse(Status(ION_E_NOT_FOUND, "nothing"));
    Buf value = Buf::copy(found->second);
    return op.ok(0, 0, {&value, 1});
  }
  Answer replace(Op& op, Offset base, Offset next, std::unique_ptr<Replacement>* out) override {
    EXPECT_EQ(replacing, 0) << "one at a time";
    *out = std::make_unique<Replaced>(*this, base, next);
    return op.ok();
  }
  Result<std::vector<ion_range>> ranges(Offset, size_t) override { return pieces; }
  Status configure(const OpenOptions& options) override { return configured = options, Status(); }
  // All that is there becomes one piece that was appended to last when the active segment was begun.
  Answer seal(Op& op) override {
    ++seals;
    const int64_t base = pieces.empty() ? d.first.v : pieces.back().next;
    if (d.next.v > base) pieces.push_back({base, d.next.v, active_bytes, -1, active_since.ms});
    active_bytes = 0, active_since = {-1};
    return op.ok();
  }

  LogBytes& d;
  std::vector<std::pair<Later, Offset>> waiting;
  std::vector<std::pair<Later, std::vector<uint8_t>>> held_appends;
  Status append_fails, meta_fails;
  bool hold_appends = false, damaged = false, closed = false;
  std::vector<std::pair<Offset, Offset>> lost;  // damaged parts, ascending
  bool apart = false;  // a read answers a buffer for each batch
  bool sync_at_once = false;
  std::vector<ion_range> pieces;  // sealed
  uint64_t active_bytes = 0;
  WallMs active_since{-1};
  std::optional<OpenOptions> configured;
  Status truncate_fails;
  Status replace_fails, commit_fails;
  int replacing = 0, replaced = 0;  // under way; committed
  int seals = 0, syncs = 0, meta_puts = 0, hold_meta_after = INT_MAX;
  Later held_meta;

 private:
  static std::vector<uint8_t> copy(std::span<const ion_batch> batches) {
    std::vector<uint8_t> bytes(bytes_in({batches[0].parts, batches[0].nparts}));
    copy_out({batches[0].parts, batches[0].nparts}, 0, bytes.size(), bytes.data());
    return bytes;
  }
  void store(std::vector<uint8_t> bytes) {
    const batch::Header h = batch::read_header(bytes.data());
    d.next = h.next_offset();
    d.batches.emplace_back(h, std::move(bytes));
  }
};

}  // namespace ion::test
