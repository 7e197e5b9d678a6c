#include "core/record_scan.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ion::storage_mmap {

namespace {
constexpr size_t kBadRangesMax = 64;                    // further ones are joined with the last
constexpr uint64_t kSearchSlack = uint64_t{1} << 20;
constexpr uint64_t kMagicAt = 16;

bool all_zero(std::span<const uint8_t> bytes) noexcept {
  return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}
bool crc_agrees(std::span<const uint8_t> batch_bytes, const batch::Header& h) noexcept {
  return crc32c::of(batch_bytes.subspan(batch::kCrcFrom)) == h.crc;
}
}  // namespace

RecordScan::RecordScan(ScanSpec spec)
    : spec_(std::move(spec)), tracker_(spec_.start, spec_.interval), cursor_(spec_.start.end),
      search_budget_(4 * (spec_.limit - std::min(spec_.limit, spec_.start.end)) + kSearchSlack),
      last_checkpoint_{spec_.start.next, spec_.start.end, spec_.start.digest} {
  ION_ASSERT(spec_.start.end <= spec_.limit);
  ION_ASSERT(std::is_sorted(spec_.checkpoints.begin(), spec_.checkpoints.end(),
                            [](const Checkpoint& a, const Checkpoint& b) { return a.position < b.position; }));
  pass_checkpoints();
  if (cursor_ == spec_.limit) finish_at(Fault::kNone);
  else want_ = Want{cursor_, std::min(batch::kHeaderBytes, spec_.limit - cursor_)};
}

void RecordScan::feed(std::span<const uint8_t> window) {
  ION_ASSERT(want_.has_value());
  const Want asked = *want_;
  ION_ASSERT(window.size() >= asked.n && asked.at + window.size() <= spec_.limit);
  while (mode_ != Mode::kDone) {
    if (cursor_ < asked.at || cursor_ > asked.at + window.size()) {  // went back behind a hop, or hopped beyond the window
      want_ = Want{cursor_, std::min(batch::kHeaderBytes, spec_.limit - cursor_)};
      return;
    }
    const std::span<const uint8_t> rest = window.subspan(static_cast<size_t>(cursor_ - asked.at));
    bool went_on = false;
    switch (mode_) {
      case Mode::kReading: went_on = read_batch(rest); break;
      case Mode::kHopping: went_on = hop(rest); break;
      case Mode::kSearching: went_on = search_batch(rest); break;
      case Mode::kDone: break;
    }
    if (!went_on) return;
  }
}

ScanResult RecordScan::run(ScanSpec spec, std::span<const uint8_t> bytes) {
  ION_ASSERT(spec.limit <= bytes.size());
  RecordScan scan(std::move(spec));
  while (const auto want = scan.wants()) scan.feed(bytes.subspan(want->at, scan.spec_.limit - want->at));
  return std::move(scan).finish();
}

ScanResult RecordScan::finish() && {
  ION_ASSERT(mode_ == Mode::kDone);
  return std::move(result_);
}

bool RecordScan::read_batch(std::span<const uint8_t> rest) {
  pass_checkpoints();
  const uint64_t left = spec_.limit - cursor_;
  if (left == 0) return finish_at(Fault::kNone), true;
  if (!need(std::min(left, batch::kHeaderBytes), rest)) return false;
  if (left < batch::kHeaderBytes) return fault(Fault::kEnd), true;
  const batch::Header h = batch::read_header(rest.data());
  if (const Fault why = judge_header(h, left); why != Fault::kNone) return fault(why), true;
  if (h.base_offset >= spec_.stop_at) {
    result_.dirty_tail = true;
    return finish_at(Fault::kNone), true;
  }
  if (!need(h.total_bytes(), rest)) return false;
  if (!crc_agrees(rest.first(h.total_bytes()), h)) return fault(Fault::kChecksum, h.total_bytes()), true;
  if (h.base_offset < tracker_.next()) {
    if (is_torn_offset(h)) fault(Fault::kOffset, h.total_bytes());
    else doubt_offsets(h);
    return true;
  }
  accept(rest.data(), h);
  return true;
}

void RecordScan::accept(const uint8_t* raw, const batch::Header& header) {
  last_ = {tracker_, cursor_, true};
  if (const auto entry = tracker_.add(raw, header)) result_.entries.push_back(*entry);
  cursor_ += header.total_bytes();
  ION_ASSERT(cursor_ == tracker_.position());
}

// The beginning of the batch lies at the end of a sector that the power did not let out, the rest of it in sectors that were: its offset
// has zeros where those bytes were, and no CRC covers it. It was not durable, and says nothing about the one before.
bool RecordScan::is_torn_offset(const batch::Header& header) const {
  const uint64_t in_front = kSectorBytes - cursor_ % kSectorBytes;  // bytes of it before the next sector
  if (in_front > batch::kLengthEnd || (spec_.durable && cursor_ < *spec_.durable)) return false;
  const uint64_t lost_bits = std::min<uint64_t>(64, 8 * in_front);
  const uint64_t left = lost_bits == 64 ? 0 : static_cast<uint64_t>(tracker_.next().v) << lost_bits >> lost_bits;
  return static_cast<uint64_t>(header.base_offset.v) == left;
}

// The batch at the cursor is whole but begins below the end of the one before. No CRC covers base offsets, so it may as well be
// the one before whose base was changed: neither is believed.
void RecordScan::doubt_offsets(const batch::Header& header) {
  if (last_.valid) {
    tracker_ = last_.before;
    while (!result_.entries.empty() && result_.entries.back().position >= last_.position) result_.entries.pop_back();
    last_.valid = false;
  }
  fault(Fault::kOffset, header.total_bytes());
}

void RecordScan::fault(Fault why, std::optional<uint64_t> claimed_bytes) {
  ION_ASSERT(mode_ == Mode::kReading);
  why_ = why;
  chain_whole_ = false;
  distrusted_ = why == Fault::kOffset ? cursor_ + claimed_bytes.value_or(1) : cursor_ + 1;
  const bool hops = claimed_bytes && cursor_ + *claimed_bytes + batch::kHeaderBytes <= spec_.limit;
  mode_ = hops ? Mode::kHopping : Mode::kSearching;
  if (hops) cursor_ += *claimed_bytes;
}

// Where a damaged batch says that it ends is looked at first: what lies inside it may itself look like batches.
bool RecordScan::hop(std::span<const uint8_t> rest) {
  if (!need(batch::kHeaderBytes, rest)) return false;
  const std::optional<bool> resumed = resume_here(rest);
  if (!resumed) return false;
  if (!*resumed) mode_ = Mode::kSearching, cursor_ = tracker_.position();
  return true;
}

bool RecordScan::search_batch(std::span<const uint8_t> rest) {
  const uint64_t left = spec_.limit - cursor_;
  const bool only_zeros = why_ == Fault::kEnd && !result_.dirty_tail && cursor_ - tracker_.position() >= kTailLookedAt;
  if (only_zeros && spec_.durable && tracker_.position() >= *spec_.durable) {
    result_.tail_unread = true;
    return finish_at(why_), true;
  }
  if (!need(std::min(left, batch::kHeaderBytes), rest)) return false;
  if (left < batch::kHeaderBytes) {
    result_.dirty_tail |= !all_zero(rest.first(left));
    return finish_at(why_), true;
  }
  const size_t candidates = rest.size() - batch::kHeaderBytes + 1;
  const void* const hit = std::memchr(rest.data() + kMagicAt, batch::kMagic, candidates);
  const size_t skip = hit != nullptr ? static_cast<size_t>(static_cast<const uint8_t*>(hit) - rest.data() - kMagicAt) : candidates;
  if (skip > 0) {
    result_.dirty_tail |= !all_zero(rest.first(skip));
    cursor_ += skip;
    return true;
  }
  const std::optional<bool> resumed = resume_here(rest);
  if (!resumed) return false;
  if (!*resumed) result_.dirty_tail |= rest[0] != 0, ++cursor_;
  return true;
}

std::optional<bool> RecordScan::resume_here(std::span<const uint8_t> rest) {
  const batch::Header h = batch::read_header(rest.data());
  if (judge_header(h, spec_.limit - cursor_) != Fault::kNone) return false;
  if (h.base_offset < tracker_.next() || h.base_offset >= spec_.stop_at || h.total_bytes() > search_budget_) return false;
  if (cursor_ < distrusted_) return false;  // the bad batch itself
  if (!need(h.total_bytes(), rest)) return std::nullopt;
  search_budget_ -= h.total_bytes();
  if (!crc_agrees(rest.first(h.total_bytes()), h)) return false;
  add_bad({tracker_.next(), h.base_offset, tracker_.position(), cursor_, why_});
  tracker_.jump(cursor_, h.base_offset);
  for (const auto& points = spec_.checkpoints; next_checkpoint_ < points.size() && points[next_checkpoint_].position < cursor_;)
    last_checkpoint_ = points[next_checkpoint_++];
  last_.valid = false;
  result_.dirty_tail = false;
  mode_ = Mode::kReading;
  return true;
}

// At a place between two batches: does the digest agree with what was noted here? If not, something outside the CRCs was changed
// since the checkpoint before, and nobody can say in which batch.
void RecordScan::pass_checkpoints() {
  while (next_checkpoint_ < spec_.checkpoints.size() && spec_.checkpoints[next_checkpoint_].position <= cursor_) {
    const Checkpoint& point = spec_.checkpoints[next_checkpoint_++];
    const bool here = point.position == cursor_;
    const bool agrees = here && tracker_.next() <= point.offset && (!chain_whole_ || tracker_.summary().digest == point.digest);
    if (!agrees) {
      const Offset upto = here ? point.offset : std::max(point.offset, tracker_.next());
      add_bad({std::min(last_checkpoint_.offset, upto), upto, last_checkpoint_.position, cursor_, Fault::kDigest});
      tracker_.jump(cursor_, upto);
      chain_whole_ = false;
    }
    if (here && !chain_whole_) tracker_.rebase_digest(point.digest), chain_whole_ = true;
    last_checkpoint_ = {point.offset, cursor_, point.digest};
    last_.valid = false;
  }
}

void RecordScan::add_bad(const BadRange& range) {
  BadRange joined = range;
  while (!result_.bad.empty() && (result_.bad.back().position_end > joined.position || result_.bad.size() >= kBadRangesMax)) {
    const BadRange& before = result_.bad.back();
    joined.from = std::min(joined.from, before.from), joined.upto = std::max(joined.upto, before.upto);
    joined.position = std::min(joined.position, before.position);
    result_.bad.pop_back();
  }
  while (!result_.entries.empty() && result_.entries.back().position >= joined.position) result_.entries.pop_back();
  ION_ASSERT(joined.from <= joined.upto && joined.position <= joined.position_end);
  result_.bad.push_back(joined);
}

bool RecordScan::need(uint64_t n, std::span<const uint8_t> rest) {
  ION_ASSERT(cursor_ + n <= spec_.limit);
  if (rest.size() >= n) return true;
  want_ = Want{cursor_, n};
  return false;
}

void RecordScan::finish_at(Fault why) {
  mode_ = Mode::kDone;
  want_.reset();
  result_.end = why;
  result_.summary = tracker_.summary();
}

}  // namespace ion::storage_mmap
