// Finds what a read answers: whole batches in a row, by length fields alone, never by record. Pure. Thread: any.
#pragma once
#include "core/segment_format.h"

#include <optional>
#include <span>

namespace ion::storage_mmap {

struct ReadBounds {
  Offset from, upto;       // the batch that holds `from`, or the next; none that ends above `upto`
  uint64_t bytes_max = 0;  // exceeded only by a single batch
};
struct ReadWindow {
  uint64_t at = 0, bytes = 0;  // no bytes: no batch qualifies
  Offset base, next;
};

struct BatchFrame {
  Offset base, next;
  uint64_t bytes = 0;
};
// The batch at `at` as its header tells it; nothing where no batch fits before the end.
inline std::optional<BatchFrame> frame_at(std::span<const uint8_t> segment, uint64_t at) noexcept {
  if (at > segment.size() || segment.size() - at < batch::kHeaderBytes) return std::nullopt;
  const batch::Header h = batch::read_header(segment.data() + at);
  if (judge_header(h, segment.size() - at) != Fault::kNone) return std::nullopt;
  return BatchFrame{h.base_offset, h.next_offset(), h.total_bytes()};
}

// Walks from `start`, a place between batches at or before the one wanted, to the end of `segment`, which ends between batches.
// `skip_to(at, upto, bytes_end)` may name a later place between batches, such that all batches before it end at or below upto
// and at or before bytes_end, or `at`. CORRUPT where the bytes do not walk.
template <class SkipTo>
Result<ReadWindow> find_window(std::span<const uint8_t> segment, uint64_t start, const ReadBounds& bounds, SkipTo&& skip_to) {
  const auto torn = [](uint64_t at) { return Status(ION_E_CORRUPT, "no batch at byte " + std::to_string(at) + " of the segment"); };
  uint64_t at = start;
  ReadWindow window;
  for (;; ) {
    if (at == segment.size()) return ReadWindow{};
    const auto frame = frame_at(segment, at);
    if (!frame) return torn(at);
    if (frame->next > bounds.from) {
      if (frame->next > bounds.upto) return ReadWindow{};
      window = {at, frame->bytes, frame->base, frame->next};
      break;
    }
    at += frame->bytes;
  }
  const uint64_t end = bounds.bytes_max > segment.size() - window.at ? segment.size() : window.at + bounds.bytes_max;
  at = window.at + window.bytes;
  if (at < end) {
    const uint64_t skipped = skip_to(at, bounds.upto, end);
    ION_ASSERT(skipped >= at && skipped <= end);
    at = skipped, window.bytes = at - window.at;
  }
  while (at < end) {
    const auto frame = frame_at(segment, at);
    if (!frame) return torn(at);
    if (frame->next > bounds.upto || at + frame->bytes > end) break;
    at += frame->bytes;
    window.bytes = at - window.at, window.next = frame->next;
  }
  return window;
}

}  // namespace ion::storage_mmap
