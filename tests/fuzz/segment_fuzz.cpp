// Foreign bytes as a segment, an index, a mark and a meta file. What the scan believes is a chain of whole batches with right
// checksums that ends inside the file; what it does not believe it names; nothing else proves itself by accident.
#include "fuzz/fuzz_target.h"

#include "core/mark_format.h"
#include "core/meta_format.h"
#include "core/offset_index.h"
#include "core/record_scan.h"

#include <ion/assert.h>
#include <ion/record_writer.h>

#include <string>

namespace {

using namespace ion;
using namespace ion::storage_mmap;

constexpr Offset kBase{100};

ScanResult scan(std::span<const uint8_t> bytes) {
  ScanSpec spec;
  spec.start = {kBase, kBase, 0, digest_seed(kBase)};
  spec.limit = bytes.size();
  spec.interval = 512;
  return RecordScan::run(std::move(spec), bytes);
}

std::vector<uint8_t> batch_at(Offset base, int count) {
  batch::RecordWriter w;
  const std::string value(50, 'x');
  for (int i = 0; i < count; ++i) {
    batch::NewRecord r;
    r.value = span_of(std::string_view(value));
    r.time = {1'700'000'000'000};
    w.append(r);
  }
  std::vector<uint8_t> bytes = w.finish();
  batch::write_prefix(bytes.data(), base, batch::read_header(bytes.data()).length, Epoch{3});
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  const ScanResult result = scan(bytes);
  ION_ASSERT(result.summary.end <= size);
  ION_ASSERT(result.summary.next >= kBase);
  uint64_t before = 0;
  for (const BadRange& bad : result.bad) {
    ION_ASSERT(bad.from <= bad.upto && bad.position <= bad.position_end && bad.position_end <= size);
    ION_ASSERT(bad.position >= before);
    before = bad.position_end;
  }
  if (result.bad.empty()) {  // everything up to the end is believed: it must be what it seems
    uint64_t at = 0;
    Offset next = kBase;
    while (at < result.summary.end) {
      ION_ASSERT(result.summary.end - at >= batch::kHeaderBytes);
      const batch::Header h = batch::read_header(data + at);
      ION_ASSERT(h.base_offset >= next && h.total_bytes() <= result.summary.end - at);
      ION_ASSERT(crc32c::of(bytes.subspan(at + batch::kCrcFrom, h.total_bytes() - batch::kCrcFrom)) == h.crc);
      next = h.next_offset();
      at += h.total_bytes();
    }
    ION_ASSERT(next == result.summary.next);
  }
  const Owner owner{Uuid::random(1, 2), 7};
  (void)decode_index(owner, kBase, bytes);
  (void)decode_index_summary(owner, kBase, bytes);
  (void)decode_meta(owner, bytes);
  if (size >= kMarkSlotBytes) (void)decode_mark(owner.storage, std::span<const uint8_t, kMarkSlotBytes>(data, kMarkSlotBytes));
  return 0;
}

std::vector<std::vector<uint8_t>> fuzz_seeds() {
  std::vector<std::vector<uint8_t>> seeds;
  std::vector<uint8_t> segment;
  Offset base = kBase;
  for (int count : {1, 5, 2, 20, 3}) {
    const auto b = batch_at(base, count);
    segment.insert(segment.end(), b.begin(), b.end());
    base = base + count;
  }
  seeds.push_back(segment);
  segment.resize(segment.size() + 4096);  // the zeroed rest of a preallocated file
  seeds.push_back(segment);
  const ScanResult whole = scan(seeds[0]);
  ION_ASSERT(whole.bad.empty() && whole.summary.next == base);
  const Owner owner{Uuid::random(1, 2), 7};
  seeds.push_back(encode_index(owner, {whole.summary, whole.entries}));
  seeds.push_back(encode_meta(owner, {{"term", {1, 2, 3}}, {"x", {}}}));
  return seeds;
}
