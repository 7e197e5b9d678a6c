// Any bytes as a segment file, read in pieces of any size, with and without checkpoints: the scan ends, never reads outside, gives the
// same result for every cutting, and believes nothing whose CRC is wrong. Its index leads readers only to whole batches.
// Input: 1 byte flags, 1 byte piece size, then the file.
#include "core/read_window.h"
#include "core/record_scan.h"
#include "fuzz/fuzz_target.h"
#include "support/batch_builder.h"

#include <cstdlib>

using namespace ion;
using namespace ion::storage_mmap;

namespace {

void need(bool holds) {
  if (!holds) std::abort();
}

ScanResult scan_in_pieces(ScanSpec spec, std::span<const uint8_t> file, uint64_t piece) {
  RecordScan scan(std::move(spec));
  for (uint64_t rounds = 0; const auto want = scan.wants(); ++rounds) {
    need(rounds < 64 * (file.size() + 16) && want->n > 0 && want->at + want->n <= file.size());
    scan.feed(file.subspan(want->at, std::min(want->n + piece, file.size() - want->at)));
  }
  return std::move(scan).finish();
}

// Everything between the bad ranges is whole batches, and each index entry is the beginning of one.
void judge_result(const ScanResult& r, std::span<const uint8_t> file) {
  uint64_t at = 0;
  size_t bad = 0, entry = 0;
  Offset next{0};
  need(r.summary.end <= file.size());
  while (at < r.summary.end) {
    if (bad < r.bad.size() && r.bad[bad].position == at) {
      need(r.bad[bad].position_end >= at && r.bad[bad].upto >= r.bad[bad].from);
      at = r.bad[bad].position_end, next = std::max(next, r.bad[bad].upto), ++bad;
      continue;
    }
    const auto frame = frame_at(file, at);
    need(frame.has_value() && frame->base >= next && at + frame->bytes <= r.summary.end);
    const batch::Header h = batch::read_header(file.data() + at);
    need(crc32c::of(file.subspan(at + batch::kCrcFrom, frame->bytes - batch::kCrcFrom)) == h.crc);
    if (entry < r.entries.size() && r.entries[entry].position == at) need(r.entries[entry].offset == frame->base), ++entry;
    at += frame->bytes, next = frame->next;
  }
  need(entry == r.entries.size());
  need(r.summary.next >= next);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint8_t flags = data[0];
  const uint64_t piece = data[1];
  const std::span<const uint8_t> file(data + 2, size - 2);
  ScanSpec spec{{{0}, {0}, 0, digest_seed({0}), Epoch{-1}, WallMs{-1}}, file.size(), Offset{INT64_MAX}, 64, {}};
  if (flags & 1) spec.stop_at = {flags >> 1};
  if (flags & 2) {  // checkpoints of what is there, one of them wrong
    const ScanResult found = RecordScan::run(spec, file);
    spec.checkpoints = found.entries;
    if (!spec.checkpoints.empty() && (flags & 4)) spec.checkpoints[spec.checkpoints.size() / 2].digest ^= 1;
  }
  const ScanResult whole = RecordScan::run(spec, file), pieces = scan_in_pieces(spec, file, piece);
  need(whole.summary.end == pieces.summary.end && whole.summary.next == pieces.summary.next && whole.bad.size() == pieces.bad.size());
  need(whole.dirty_tail == pieces.dirty_tail && whole.summary.digest == pieces.summary.digest);
  judge_result(whole, file);
  for (const Checkpoint& e : whole.entries) {
    uint64_t limit = whole.summary.end;
    for (const BadRange& bad : whole.bad)
      if (bad.position > e.position) limit = std::min(limit, bad.position);
    const auto window = find_window(file.first(limit), e.position, {e.offset, {INT64_MAX}, piece * 16}, [](uint64_t at, Offset, uint64_t) { return at; });
    need(window.has_value() && window->at >= e.position && window->at + window->bytes <= limit);
  }
  return 0;
}

std::vector<std::vector<uint8_t>> fuzz_seeds() {
  std::vector<std::vector<uint8_t>> seeds;
  for (const uint8_t flags : {0, 1, 2, 6, 9}) {
    std::vector<uint8_t> input{flags, 7};
    Offset next{0};
    for (const size_t n : {1u, 3u, 2u, 1u, 5u}) {
      const test::TestBatch b = test::make_batch(next, std::vector<std::string>(n, std::string(n * 11, 's')));
      input.insert(input.end(), b.bytes.begin(), b.bytes.end());
      next = {b.raw.next + (n == 2 ? 4 : 0)};
    }
    input.resize(input.size() + 200, 0);
    seeds.push_back(std::move(input));
  }
  seeds.push_back({0, 0});
  return seeds;
}
