// A random life of one log, the same for every storage: what is done is drawn from a seed, and the trace remembers what it was told
// (acknowledged appends, syncs, truncations), so that what is found later can be judged.
#pragma once
#include "support/log_driver.h"
#include "support/seeded_random.h"

#include <optional>
#include <string>
#include <vector>

namespace ion::test {

struct TracedBatch {
  Offset base, next;
  std::vector<uint8_t> bytes;
};

// What the log must hold as far as the storage has answered.
struct TracedLog {
  Offset first, next, durable;
  std::vector<TracedBatch> batches;  // the first of them may begin below `first`
  std::string meta;                  // of the one key that is put

  void cut_suffix(Offset from) {
    while (!batches.empty() && batches.back().next > from) batches.pop_back();
    next = batches.empty() ? first : std::max(first, batches.back().next);
    durable = std::min(durable, next);
  }
  void cut_prefix(Offset before) {
    if (before <= first) return;
    first = before;
    if (before > next) next = durable = before, batches.clear();
    std::erase_if(batches, [&](const TracedBatch& b) { return b.next <= before; });
  }
};

class Trace {
 public:
  // `may_sync`: the storage is not volatile.
  Trace(uint64_t seed, bool may_sync) : random_(seed), may_sync_(may_sync), segment_bytes_(seed % 3 == 0 ? 16'384 : 4096) {}

  const TracedLog& before() const { return log_; }  // as told until now
  // What the operation that got no answer would have made of it; the same as before() if it changes nothing.
  const TracedLog& after() const { return attempted_; }
  std::optional<Offset> cut_attempted() const { return cut_attempted_; }
  bool replace_attempted() const { return replace_attempted_; }

  // What comes next is no operation of the trace.
  void forget_attempt() {
    attempted_ = log_;
    cut_attempted_.reset();
    replace_attempted_ = false;
  }

  OpenOptions options() const { return {.compaction = true, .segment_bytes = segment_bytes_}; }
  // Pieces lie elsewhere in another storage: who compares two of them has all of the log replaced each time.
  void replace_whole_logs() { whole_logs_ = true; }

  // One operation on the log. False: it was not answered OK (or the answer is not to be trusted: the machine is down).
  template <class Down>
  bool step(LogDriver& log, Down&& is_down) {
    forget_attempt();
    const uint64_t draw = random_.below(100);
    Status done;
    if (draw < 62) done = append(log);
    else if (draw < 78) done = sync(log);
    else if (draw < 84) done = truncate_suffix(log);
    else if (draw < 90) done = truncate_prefix(log);
    else if (draw < 93) done = log.seal();
    else if (draw < 96) done = replace(log);
    else done = put_meta(log);
    last_ = done;
    if (!done.ok() || is_down()) return false;
    log_ = attempted_;
    return true;
  }
  const Status& last() const { return last_; }

 private:
  Status append(LogDriver& log) {
    std::vector<TestBatch> batches;
    std::vector<ion_batch> raw;
    for (uint64_t n = random_.between(1, 3); n > 0; --n) {
      const Offset base = attempted_.next + (random_.one_in(12) ? static_cast<int64_t>(random_.below(5)) : 0);
      const std::string tag = std::to_string(++appends_) + ":";
      const uint64_t size = random_.one_in(15) ? random_.between(2'000, 9'000) : random_.between(0, 400);
      std::vector<std::string> values(random_.between(1, 4), tag + std::string(size, static_cast<char>('a' + appends_ % 26)));
      batches.push_back(make_batch(base, values, {Epoch{static_cast<int32_t>(appends_ / 20)}, WallMs{static_cast<int64_t>(appends_)}}));
      attempted_.batches.push_back({base, {batches.back().raw.next}, batches.back().bytes});
      attempted_.next = {batches.back().raw.next};
    }
    return log.append(batches);
  }
  Status sync(LogDriver& log) {
    if (!may_sync_) return {};
    attempted_.durable = attempted_.next;
    return log.sync(attempted_.next);
  }
  Status truncate_suffix(LogDriver& log) {
    const auto span = static_cast<uint64_t>(attempted_.next - attempted_.first);
    const Offset from = attempted_.first + static_cast<int64_t>(random_.below(span + 2));
    attempted_.cut_suffix(from);
    cut_attempted_ = attempted_.next;
    return log.truncate_suffix(from);
  }
  Status truncate_prefix(LogDriver& log) {
    const auto span = static_cast<uint64_t>(attempted_.next - attempted_.first);
    const Offset before = random_.one_in(8) ? attempted_.next + static_cast<int64_t>(random_.between(1, 9))
                                            : attempted_.first + static_cast<int64_t>(random_.below(span / 2 + 1));
    attempted_.cut_prefix(before);
    return log.truncate_prefix(before);
  }
  // A compaction: some batches stay, some lose their records, some go; the last offset stays covered.
  Status replace(LogDriver& log) {
    if (whole_logs_ || random_.one_in(2)) {
      if (const Status sealed = log.seal(); !sealed.ok()) return sealed;
    }
    const Result<std::vector<ion_range>> pieces = log.log().ranges({0}, 1000);
    if (!pieces) return pieces.error();
    if (pieces->empty()) return {};
    size_t first = 0, last = pieces->size() - 1;
    if (!whole_logs_) first = random_.below(pieces->size()), last = first + random_.below(pieces->size() - first);
    const Offset base{(*pieces)[first].base}, next{(*pieces)[last].next};
    std::vector<TracedBatch> kept;
    std::vector<TestBatch> batches;
    for (const TracedBatch& b : attempted_.batches) {
      if (b.next <= base || b.base >= next) {
        kept.push_back(b);
        continue;
      }
      const uint64_t draw = random_.below(3);
      if (draw == 0 && b.next != next) continue;
      batches.push_back(draw == 1 ? emptied(b) : whole(b));
      kept.push_back({b.base, b.next, batches.back().bytes});
    }
    attempted_.batches = std::move(kept);
    if (may_sync_) attempted_.durable = std::max(attempted_.durable, next);
    replace_attempted_ = true;
    return log.replace(base, next, batches);
  }
  static TestBatch whole(const TracedBatch& b) {
    TestBatch batch;
    batch.bytes = b.bytes;
    const batch::Header h = batch::read_header(batch.bytes.data());
    *batch.part = borrowed(batch.bytes);
    batch.raw = {b.base.v, b.next.v, h.max_time.ms, h.leader_epoch.v, 1, batch.part.get()};
    return batch;
  }
  static TestBatch emptied(const TracedBatch& b) {
    const batch::Header h = batch::read_header(b.bytes.data());
    return make_batch_without_records(b.base, static_cast<size_t>(b.next - b.base), h.max_time, h.leader_epoch);
  }
  Status put_meta(LogDriver& log) {
    attempted_.meta = "value " + std::to_string(random_.below(1000));
    return log.meta_put("key", attempted_.meta);
  }

  SeededRandom random_;
  const bool may_sync_;
  const uint64_t segment_bytes_;
  TracedLog log_, attempted_;
  std::optional<Offset> cut_attempted_;
  bool replace_attempted_ = false, whole_logs_ = false;
  uint64_t appends_ = 0;
  Status last_;
};

// All that a log holds, batch by batch. `failed`: takes the first read that fails; without it none may.
inline std::vector<TracedBatch> all_batches(LogDriver& log, uint64_t bytes_max = UINT64_MAX / 2, Status* failed = nullptr) {
  std::vector<TracedBatch> found;
  for (Offset at = log.stat().first;;) {
    const ReadBack piece = log.read(at, {INT64_MAX}, bytes_max);
    if (!piece.status.ok() && failed != nullptr) *failed = piece.status;
    else ION_ASSERT(piece.status.ok());
    if (piece.bytes() == 0) return found;
    for (const Buf& b : piece.bufs)
      for (uint64_t p = 0; p < b.size();) {
        const batch::Header h = batch::read_header(b.data() + p);
        found.push_back({h.base_offset, h.next_offset(), {b.data() + p, b.data() + p + h.total_bytes()}});
        p += h.total_bytes();
      }
    at = piece.next;
  }
}

}  // namespace ion::test
