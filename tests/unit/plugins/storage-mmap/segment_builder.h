// Segments for tests of the pure parts: batches one behind the other, and what is known of them.
#pragma once
#include "core/record_scan.h"
#include "support/batch_builder.h"

#include <string>
#include <vector>

namespace ion::storage_mmap {

struct BuiltSegment {
  std::vector<uint8_t> bytes;
  std::vector<uint64_t> positions;  // of the batches
  std::vector<Offset> bases;
  SegmentTracker tracker;
  std::vector<Checkpoint> entries;

  explicit BuiltSegment(Offset base = {0}, uint64_t interval = 200) : tracker(base, interval) {}
  BuiltSegment& add(const std::vector<std::string>& values, int64_t gap = 0) {
    const test::TestBatch b = test::make_batch(tracker.next() + gap, values, {Epoch{4}, WallMs{static_cast<int64_t>(1000 + bytes.size())}});
    positions.push_back(bytes.size());
    bases.push_back({b.raw.base});
    if (const auto entry = tracker.add(b.bytes.data(), batch::read_header(b.bytes.data()))) entries.push_back(*entry);
    bytes.insert(bytes.end(), b.bytes.begin(), b.bytes.end());
    return *this;
  }
  BuiltSegment& add_many(int n) {
    for (int i = 0; i < n; ++i) add({"value " + std::to_string(i), std::string(static_cast<size_t>(i % 7) * 13, 'v')});
    return *this;
  }
  // As in a file: with zeros behind.
  std::vector<uint8_t> file(uint64_t zeros = 512) const {
    std::vector<uint8_t> f = bytes;
    f.resize(f.size() + zeros, 0);
    return f;
  }
  const SegmentSummary& summary() const { return tracker.summary(); }
  SegmentIndex index() const { return {summary(), entries}; }
  std::vector<Checkpoint> checkpoints() const {
    std::vector<Checkpoint> points = entries;
    points.push_back({summary().next, summary().end, summary().digest});
    return points;
  }
};

inline SegmentSummary start_of(Offset base) { return {base, base, 0, digest_seed(base), Epoch{-1}, WallMs{-1}}; }
inline ScanSpec spec_for(const std::vector<uint8_t>& file, Offset base = {0}) {
  return {start_of(base), file.size(), Offset{INT64_MAX}, 200, {}};
}

}  // namespace ion::storage_mmap
