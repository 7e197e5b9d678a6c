#include "core/segment_format.h"

namespace ion::storage_mmap {

std::string_view fault_text(Fault fault) noexcept {
  switch (fault) {
    case Fault::kNone: return "whole";
    case Fault::kEnd: return "zeros where a batch was";
    case Fault::kMagic: return "a batch of another format";
    case Fault::kLength: return "a length that does not fit the file";
    case Fault::kCount: return "a record count that does not fit the offsets";
    case Fault::kOffset: return "offsets that run backwards";
    case Fault::kChecksum: return "a wrong checksum";
    case Fault::kDigest: return "a changed batch header";
    case Fault::kMissing: return "missing bytes";
  }
  return "unknown damage";
}

Fault judge_header(const batch::Header& h, uint64_t room) noexcept {
  if (h.length == 0) return Fault::kEnd;
  if (h.magic != batch::kMagic) return Fault::kMagic;
  if (h.length < static_cast<int32_t>(batch::kHeaderBytes - batch::kLengthEnd) || h.total_bytes() > room) return Fault::kLength;
  // A compacted batch keeps its offsets and may have lost records, up to all of them.
  if (h.last_offset_delta < 0 || h.count < 0 || int64_t{h.count} > int64_t{h.last_offset_delta} + 1) return Fault::kCount;
  if (h.base_offset.v < 0 || h.base_offset.v > INT64_MAX - h.last_offset_delta - 1) return Fault::kOffset;
  return Fault::kNone;
}

}  // namespace ion::storage_mmap
