#include "core/recovery_plan.h"

#include <ion/simulated_bug.h>

#include <algorithm>
#include <utility>

namespace ion::storage_mmap {

namespace {
// The log was emptied and goes on at an offset beyond its end, and the segment that begins there is not there yet: whatever is there
// went. A mark says so, and bytes below it that a power cut garbled are nobody's loss.
bool was_restarted(std::span<const FoundSegment> found, const Mark& mark) {
  if (mark.position != 0 || mark.segment != mark.first || mark.offset != mark.first) return false;
  return std::none_of(found.begin(), found.end(), [&](const FoundSegment& s) { return s.base == mark.first; });
}
}  // namespace

ReadingPlan plan_reading(std::span<const FoundSegment> found, const std::optional<Mark>& mark) {
  ION_ASSERT(std::is_sorted(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.base < b.base; }));
  ReadingPlan plan;
  const bool restarted = mark && was_restarted(found, *mark);
  for (size_t i = 0; i < found.size(); ++i) {
    const FoundSegment& segment = found[i];
    const bool last = i + 1 == found.size();
    const Offset stop_at = last ? Offset{INT64_MAX} : found[i + 1].base;
    if (mark && (restarted ? segment.base < mark->first : !last && stop_at <= mark->first)) {
      plan.below_first.push_back(i);
      continue;
    }
    ReadingTask task{i, stop_at, false, std::nullopt};
    const bool joins = segment.index && segment.index->summary.end <= segment.file_bytes &&
                       (last ? segment.index->summary.next <= stop_at : segment.index->summary.next == stop_at);
    task.index_agrees = joins;
    // Segments are flushed in their order, and an index is written behind that: what lies before it is durable whatever the mark says.
    if (joins && (!last || (mark && segment.base < mark->segment))) continue;
    if (mark && mark->segment == segment.base && mark->position <= segment.file_bytes)
      task.mark = Checkpoint{mark->offset, mark->position, mark->digest};
    plan.read.push_back(task);
  }
  return plan;
}

std::vector<Checkpoint> checkpoints_of(const SegmentIndex* index, const std::optional<Checkpoint>& mark, uint64_t from) {
  std::vector<Checkpoint> points;
  if (index != nullptr) {
    points = index->entries;
    points.push_back({index->summary.next, index->summary.end, index->summary.digest});
  }
  if (mark) {
    const auto at = std::lower_bound(points.begin(), points.end(), mark->position,
                                     [](const Checkpoint& p, uint64_t position) { return p.position < position; });
    if (at == points.end() || at->position != mark->position) points.insert(at, *mark);
  }
  std::erase_if(points, [from](const Checkpoint& p) { return p.position < from; });
  return points;
}

SegmentSummary start_of_reading(Offset base, const SegmentIndex* believed) {
  if (believed == nullptr) return {base, base, 0, digest_seed(base), Epoch{-1}, WallMs{-1}};
  SegmentSummary start = believed->summary;
  start.first_append = start.last_append = WallMs{-1};  // of what comes behind nobody knows
  return start;
}

namespace {
// Goes through the segments in order and keeps what joins.
class Judge {
 public:
  Judge(std::span<const ReadSegment> segments, const std::optional<Mark>& mark) : segments_(segments), mark_(mark) {}

  Judgement run() {
    if (mark_) out_.first = mark_->first;
    else if (!segments_.empty()) out_.first = segments_[0].found.base;
    expected_ = segments_.empty() ? out_.first : std::min(out_.first, segments_[0].found.base);
    for (size_t i = 0; i < segments_.size(); ++i) {
      if (!take(i)) {
        for (size_t k = i; k < segments_.size() && !out_.cut; ++k)
          if (out_.keep.empty() || out_.keep.back().which != k) out_.remove.push_back(k);
        break;
      }
    }
    if (!out_.cut) conclude();
    return std::move(out_);
  }

 private:
  // False: the log ends here, with or without this segment.
  bool take(size_t i) {
    const ReadSegment& segment = segments_[i];
    if (segment.found.base > expected_) {
      if (mark_ && expected_ >= mark_->offset) {  // what it joined was never durable, or was cut: then it was not either
        out_.cut_tail = true;
        return false;
      }
      add_bad({expected_, segment.found.base, 0, 0, Fault::kMissing});
    }
    if (!segment.scan) {
      out_.keep.push_back({i, segment.found.index->summary, {}, false, false});
      expected_ = segment.found.index->summary.next;
      return true;
    }
    return take_scanned(i, segment, *segment.scan);
  }

  bool take_scanned(size_t i, const ReadSegment& segment, const ScanResult& scan) {
    const Floor durable = durable_in(i);
    KeptSegment kept{i, scan.summary, {}, scan.dirty_tail || segment.cut, scan.tail_unread};
    for (const BadRange& bad : scan.bad) {
      if (mark_ && (bad.position >= durable.bytes || ION_BUG(bad_crc_truncates_middle))) {
        ION_ASSERT(!segment.cut);
        out_.cut = Judgement::Cut{i, bad.position};
        return false;
      }
      kept.bad.push_back(bad);
      add_bad(bad);
    }
    expected_ = scan.summary.next;
    if (durable.bytes != UINT64_MAX && scan.summary.end < durable.bytes && mark_holds()) {
      if (durable.upto > expected_) {
        add_bad({expected_, durable.upto, scan.summary.end, durable.bytes, Fault::kMissing});
        expected_ = durable.upto;
      }
      kept.zero_tail = kept.cut_tail = false;  // who repairs this may want to look at it
    }
    const bool ends_here = segment.cut || (scan.end != Fault::kNone && scan.dirty_tail);
    out_.cut_tail |= ends_here && kept.zero_tail;
    out_.keep.push_back(std::move(kept));
    return !segment.cut;
  }

  // How much of the file was certainly durable, and up to which offset. An index was written when all it speaks of was; the last
  // segment may have grown since, any other must join its neighbour.
  struct Floor {
    uint64_t bytes = 0;
    Offset upto;
  };
  Floor durable_in(size_t i) const {
    const FoundSegment& segment = segments_[i].found;
    if (mark_ && segment.base < mark_->segment) return {UINT64_MAX, mark_->segment};
    Floor durable{0, segment.base};
    if (mark_ && segment.base == mark_->segment) durable = {mark_->position, mark_->offset};
    const bool last = i + 1 == segments_.size();
    if (segment.index && (last || segment.index->summary.next == segments_[i + 1].found.base) && segment.index->summary.end > durable.bytes)
      durable = {segment.index->summary.end, segment.index->summary.next};
    return durable;
  }

  void conclude() {
    const Offset durable = mark_ ? mark_->offset : Offset{0};
    // Nothing was ever appended, or a truncation that moved the first offset beyond the end was interrupted.
    if (out_.bad.empty() && durable <= out_.first && (out_.keep.empty() || out_.first > expected_)) restart();
    else if (durable > expected_ && mark_holds()) {
      add_bad({expected_, durable, 0, 0, Fault::kMissing});
      expected_ = durable;
    }
    out_.next = std::max(expected_, out_.first);
    std::erase_if(out_.bad, [&](const BadRange& b) { return b.upto <= out_.first && b.from < out_.first; });
    ION_ASSERT(out_.first <= out_.next);
  }

  // What was durable and is not there is damage, and no end of the log.
  static bool mark_holds() noexcept { return !ION_BUG(short_file_accepted) && !ION_BUG(bad_crc_truncates_middle); }

  void restart() {
    for (const KeptSegment& kept : out_.keep) out_.remove.push_back(kept.which);
    out_.keep.clear();
    out_.restart = true;
  }

  void add_bad(const BadRange& bad) {
    ION_ASSERT(bad.from <= bad.upto);
    out_.bad.push_back(bad);
  }

  const std::span<const ReadSegment> segments_;
  const std::optional<Mark>& mark_;
  Offset expected_;
  Judgement out_;
};
}  // namespace

Judgement judge(std::span<const ReadSegment> segments, const std::optional<Mark>& mark) { return Judge(segments, mark).run(); }

}  // namespace ion::storage_mmap
