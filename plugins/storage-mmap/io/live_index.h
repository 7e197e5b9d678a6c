// The index of one segment while it is in memory: entries are put to the end by one thread and looked up by any. An entry never
// changes once it can be seen, so that readers need no lock: they see the count, and what lies below it.
#pragma once
#include "core/offset_index.h"

#include <atomic>
#include <memory>
#include <vector>

namespace ion::storage_mmap {

class LiveIndex {
 public:
  // Room for so many entries; memory comes as they come. The index is sparse: when it is full, further entries are left out.
  explicit LiveIndex(size_t room) : chunks_((room + kChunk - 1) / kChunk) {}
  explicit LiveIndex(const std::vector<Checkpoint>& entries, size_t more = 0) : LiveIndex(entries.size() + more) {
    for (const Checkpoint& e : entries) push(e);
  }

  // The one writer.
  void push(const Checkpoint& entry) {
    const size_t n = size_.load(std::memory_order_relaxed);
    if (n / kChunk >= chunks_.size()) return;
    auto& chunk = chunks_[n / kChunk];
    if (chunk == nullptr) chunk = std::make_unique<Checkpoint[]>(kChunk);
    chunk[n % kChunk] = entry;
    size_.store(n + 1, std::memory_order_release);
  }

  // Entries beyond are left out.
  size_t capacity() const noexcept { return chunks_.size() * kChunk; }
  // Any thread.
  size_t size() const noexcept { return size_.load(std::memory_order_acquire); }
  const Checkpoint& at(size_t i) const noexcept { return chunks_[i / kChunk][i % kChunk]; }

  // The last entry whose batch begins at or below the offset, or at or below the position; kNoEntry if there is none.
  size_t floor_of(Offset offset) const {
    return floor_entry(size(), [&](size_t i) -> const Checkpoint& { return at(i); }, [&](const Checkpoint& e) { return e.offset <= offset; });
  }
  size_t floor_of(uint64_t position) const {
    return floor_entry(size(), [&](size_t i) -> const Checkpoint& { return at(i); },
                       [&](const Checkpoint& e) { return e.position <= position; });
  }
  // The last entry before which every batch has an earlier time: the first batch of the segment with this time or a later one lies
  // behind it and before the next entry. kNoEntry only if there is no entry at all.
  size_t floor_of(WallMs time) const {
    return floor_entry(size(), [&](size_t i) -> const Checkpoint& { return at(i); }, [&](const Checkpoint& e) { return e.time_before < time; });
  }
  std::vector<Checkpoint> entries_below(uint64_t position) const {
    std::vector<Checkpoint> entries;
    const size_t n = size();
    for (size_t i = 0; i < n && at(i).position < position; ++i) entries.push_back(at(i));
    return entries;
  }

 private:
  static constexpr size_t kChunk = 128;
  std::vector<std::unique_ptr<Checkpoint[]>> chunks_;
  std::atomic<size_t> size_{0};
};

}  // namespace ion::storage_mmap
