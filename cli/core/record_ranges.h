// Numbers of records, kept as ranges, for a line that says which they are. Of very many ranges the lowest are kept and the rest is counted.
// Pure. One thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace ion::cli {

class RecordRanges {
 public:
  // In any order, each number once.
  void add(uint64_t number);
  uint64_t count() const noexcept { return count_; }
  // "records 7, 20-41 and 3 more up to 90": at most `ranges_max` ranges; "record 7" when it is one. Empty when there is none.
  std::string text(size_t ranges_max) const;

 private:
  static constexpr size_t kRangesKept = 4096;
  std::map<uint64_t, uint64_t> ranges_;  // first and last; they neither meet nor touch
  uint64_t count_ = 0, highest_ = 0;
};

}  // namespace ion::cli
