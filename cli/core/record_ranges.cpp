#include "core/record_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace ion::cli {

void RecordRanges::add(uint64_t number) {
  ++count_;
  highest_ = std::max(highest_, number);
  auto behind = ranges_.upper_bound(number);
  const bool joins_next = behind != ranges_.end() && behind->first == number + 1;
  if (behind != ranges_.begin()) {
    const auto before = std::prev(behind);
    if (number <= before->second) return;
    if (before->second + 1 == number) {
      before->second = joins_next ? behind->second : number;
      if (joins_next) ranges_.erase(behind);
      return;
    }
  }
  if (joins_next) {
    const uint64_t last = behind->second;
    behind = ranges_.erase(behind);
    ranges_.emplace_hint(behind, number, last);
  } else {
    ranges_.emplace_hint(behind, number, number);
    if (ranges_.size() > kRangesKept) ranges_.erase(std::prev(ranges_.end()));
  }
}

std::string RecordRanges::text(size_t ranges_max) const {
  if (count_ == 0) return {};
  std::string out = count_ == 1 ? "record " : "records ";
  uint64_t shown = 0;
  size_t ranges = 0;
  for (const auto& [first, last] : ranges_) {
    if (ranges == ranges_max) break;
    out += fmt::format("{}{}", ranges++ == 0 ? "" : ", ", first);
    if (last != first) out += fmt::format("-{}", last);
    shown += last - first + 1;
  }
  if (shown < count_) out += fmt::format(" and {} more up to {}", count_ - shown, highest_);
  return out;
}

}  // namespace ion::cli
