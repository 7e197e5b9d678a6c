// Any directory of segments with any mark: the plan and the judgement end, and they keep their own rules: what is kept joins or is
// reported, nothing below the mark is cut, and every offset that was durable is either kept or reported as bad.
// Also any bytes as index, mark and meta file. Input: a small program of bytes, read one after another; zeros when it ends.
#include "core/meta_format.h"
#include "core/recovery_plan.h"
#include "fuzz/fuzz_target.h"

#include <cstdlib>

using namespace ion;
using namespace ion::storage_mmap;

namespace {

void need(bool holds) {
  if (!holds) std::abort();
}

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : left_(data, size) {}
  uint8_t one() {
    if (left_.empty()) return 0;
    const uint8_t b = left_[0];
    left_ = left_.subspan(1);
    return b;
  }
  bool flag() { return (one() & 1) != 0; }

 private:
  std::span<const uint8_t> left_;
};

// A segment as a scan would report it: consistent in itself, or the scan's own fuzz target would have failed.
ReadSegment segment_from(Bytes& in, Offset base, bool scanned) {
  const uint8_t records = in.one() % 40;
  const SegmentSummary s{base, base + records, records * uint64_t{10}, 1, Epoch{0}, WallMs{0}};
  ReadSegment segment{{base, 400, std::nullopt}, std::nullopt, false};
  if (in.flag() || !scanned) segment.found.index = SegmentIndex{{base, base + in.one() % 40, in.one() * uint64_t{4}, 1, Epoch{0}, WallMs{0}}, {}};
  if (!scanned) return segment.found.index->summary = s, segment;
  ScanResult r;
  r.summary = s;
  uint64_t position = 0;
  for (int n = in.one() % 3; n > 0 && position + 20 < s.end; --n) {
    position += 10 * (in.one() % 3);
    const uint64_t end = std::min(s.end, position + 10 * (1 + in.one() % 2));
    if (position >= end) break;
    r.bad.push_back({base + static_cast<int64_t>(position / 10), base + static_cast<int64_t>(end / 10), position, end, Fault::kChecksum});
    position = end + 10;
  }
  r.dirty_tail = in.flag();
  r.end = in.flag() ? Fault::kEnd : Fault::kNone;
  segment.scan = r;
  return segment;
}

void judge_rules(const Judgement& j, std::span<const ReadSegment> segments, const std::optional<Mark>& mark) {
  need(j.first <= j.next);
  need(j.keep.size() + j.remove.size() <= segments.size());
  if (!mark || j.restart) return;
  need(j.next >= mark->offset || mark->offset <= j.first);
  // Every durable offset is in a kept segment or in a bad range.
  for (Offset o = j.first; o < mark->offset; o = o + 1) {
    bool found = false;
    for (const KeptSegment& k : j.keep) found |= o >= k.summary.base && o < k.summary.next;
    for (const BadRange& b : j.bad) found |= o >= b.from && o < b.upto;
    need(found);
  }
}

void decode_anything(const uint8_t* data, size_t size) {
  const Owner owner = owner_of(Uuid::random(1, 2), "p/a/0");
  const std::span<const uint8_t> bytes(data, size);
  (void)decode_index(owner, {0}, bytes);
  (void)decode_meta(owner, bytes);
  if (size >= kMarkSlotBytes) (void)decode_mark(owner.storage, bytes.first<kMarkSlotBytes>());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  decode_anything(data, size);
  Bytes in(data, size);
  std::optional<Mark> mark;
  if (in.flag()) {
    const Offset segment{in.one() % 64};
    mark = Mark{{in.one() % 64}, segment + in.one() % 40, segment, in.one() * uint64_t{4}, 0, Epoch{0}};
  }
  std::vector<FoundSegment> found;
  std::vector<ReadSegment> all;
  Offset base{in.one() % 8};
  for (int n = in.one() % 5; n > 0; --n) {
    all.push_back(segment_from(in, base, true));
    found.push_back(all.back().found);
    base = std::max(all.back().scan->summary.next, base + 1) + (in.flag() ? in.one() % 8 : 0);
  }
  const ReadingPlan plan = plan_reading(found, mark);
  std::vector<ReadSegment> segments;
  for (size_t i = 0; i < all.size(); ++i) {
    if (std::find(plan.below_first.begin(), plan.below_first.end(), i) != plan.below_first.end()) continue;
    const auto task = std::find_if(plan.read.begin(), plan.read.end(), [&](const ReadingTask& t) { return t.which == i; });
    if (task == plan.read.end()) all[i].scan.reset();
    segments.push_back(all[i]);
  }
  for (size_t rounds = 0;; ++rounds) {
    need(rounds <= segments.size());
    const Judgement j = judge(segments, mark);
    if (!j.cut) return judge_rules(j, segments, mark), 0;
    ReadSegment& cut = segments[j.cut->which];
    need(mark.has_value() && !cut.cut && cut.scan.has_value());
    std::erase_if(cut.scan->bad, [&](const BadRange& b) { return b.position >= j.cut->position; });
    cut.scan->summary.end = j.cut->position;
    cut.scan->summary.next = cut.found.base + static_cast<int64_t>(j.cut->position / 10);
    cut.cut = true;
  }
}

std::vector<std::vector<uint8_t>> fuzz_seeds() {
  std::vector<std::vector<uint8_t>> seeds{{}, {1, 0, 0, 20, 25, 0, 1, 20, 0, 0, 0, 1}, {0, 3, 2, 30, 1, 30, 75, 2, 1, 1, 1, 1, 1, 9, 9, 9}};
  seeds.push_back({1, 10, 5, 12, 30, 4, 3, 20, 0, 1, 2, 1, 1, 0, 20, 1, 20, 50, 0, 1, 1, 15, 0, 0, 1, 1});
  const Owner owner = owner_of(Uuid::random(1, 2), "p/a/0");
  seeds.push_back(encode_index(owner, {{{0}, {30}, 900, 1, Epoch{1}, WallMs{5}}, {{{0}, 0, 1}, {{10}, 300, 2}}}));
  seeds.push_back(encode_meta(owner, {{"term", {1, 2}}, {"vote", {}}}));
  const auto slot = encode_mark(owner.storage, {3, "p/a/0", {{0}, {9}, {0}, 100, 1, Epoch{0}}});
  seeds.emplace_back(slot.begin(), slot.end());
  return seeds;
}
