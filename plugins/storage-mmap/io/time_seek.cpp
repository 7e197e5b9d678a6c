#include "io/time_seek.h"

#include <algorithm>

namespace ion::storage_mmap {

namespace {
constexpr uint64_t kStretchBytes = uint64_t{64} << 10;  // of one look: headers only, but they come with what lies between them

// The first batch in `bytes` that answers; else `at` ends behind the last one.
std::optional<TimeFound> look_at(std::span<const uint8_t> bytes, Offset from, WallMs time) {
  uint64_t at = 0;
  while (const std::optional<BatchFrame> frame = frame_at(bytes, at)) {
    const batch::Header h = batch::read_header(bytes.data() + at);
    if (h.next_offset() > from && h.count > 0 && h.max_time >= time) return TimeFound{h.base_offset, h.max_time};
    at += frame->bytes;
  }
  return std::nullopt;
}

// Where to begin in this segment; nothing: it has no such batch.
Result<std::optional<Offset>> begin_in(LogReader& reader, const SegmentRef& segment, Offset from, WallMs time) {
  if (segment->time_max() < time) return std::optional<Offset>();
  ION_CHECK(reader.load(segment));
  const std::shared_ptr<SegmentBody> body = segment->body();
  const size_t entry = body == nullptr ? kNoEntry : body->index.floor_of(time);
  return std::optional<Offset>(entry == kNoEntry ? from : std::max(from, body->index.at(entry).offset));
}
}  // namespace

Result<std::optional<TimeFound>> seek_time(LogReader& reader, const LogState& state, Offset from, WallMs time) {
  const Offset end = state.next();
  SegmentRef entered;
  for (Offset at = std::max(from, state.segments()->first()); at < end;) {
    const SegmentsNow list = state.segments();
    at = std::max(at, list->first());  // retention may have gone on meanwhile
    if (const Damage* bad = list->damage_at(at); bad != nullptr) {
      at = bad->range.upto;
      continue;
    }
    const SegmentRef segment = list->find(at);
    if (segment == nullptr) break;
    if (segment != entered) {
      ION_TRY(const std::optional<Offset> begin, begin_in(reader, segment, at, time));
      entered = segment;
      at = begin.value_or(segment->next());
      continue;
    }
    const LogReader::Found found = reader.wait_for({at, end, kStretchBytes});
    if (found.status.code() == ION_E_CORRUPT || found.status.code() == ION_E_OUT_OF_RANGE) {
      // Damage that was found just now is in the list, and so is a first offset that moved.
      const SegmentsNow now = state.segments();
      if (now->damage_at(at) == nullptr && at >= now->first()) return found.status;
      continue;
    }
    ION_CHECK(found.status);
    if (found.bytes.empty()) break;
    if (const auto there = look_at(found.bytes.span(), from, time)) return there;
    ION_ASSERT(found.next > at);
    at = found.next;
  }
  return std::optional<TimeFound>();
}

}  // namespace ion::storage_mmap
