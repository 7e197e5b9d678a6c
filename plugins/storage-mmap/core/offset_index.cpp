#include "core/offset_index.h"

#include <algorithm>
#include <array>
#include <string>

namespace ion::storage_mmap {

namespace {
// Index file, big-endian like the batches. One CRC covers the entries, another the header before it, so that the header can be
// read alone when a log is opened.
constexpr std::array<uint8_t, 8> kIndexMagic{'I', 'O', 'N', 'I', 'D', 'X', '0', '2'};
constexpr uint64_t kAtStorage = 8;
constexpr uint64_t kAtLog = 24;
constexpr uint64_t kAtCount = 28;
constexpr uint64_t kAtBase = 32;
constexpr uint64_t kAtNext = 40;
constexpr uint64_t kAtEnd = 48;
constexpr uint64_t kAtTimeMax = 56;
constexpr uint64_t kAtDigest = 64;
constexpr uint64_t kAtEpoch = 68;
constexpr uint64_t kAtFirstAppend = 72;
constexpr uint64_t kAtLastAppend = 80;
constexpr uint64_t kAtEntriesCrc = 88;
constexpr uint64_t kAtCrc = 92;
static_assert(kAtCrc + 4 == kIndexHeaderBytes);

Status bad_index(Offset base, std::string_view words) {
  return {ION_E_CORRUPT, "index of segment " + std::to_string(base.v) + ": " + std::string(words)};
}
}  // namespace

std::vector<uint8_t> encode_index(const Owner& owner, const SegmentIndex& index) {
  ION_ASSERT(index.entries.size() <= kIndexEntriesMax);
  ION_ASSERT(index.summary.base <= index.summary.next);
  std::vector<uint8_t> bytes(kIndexHeaderBytes + index.entries.size() * kIndexEntryBytes);
  uint8_t* const p = bytes.data();
  std::copy(kIndexMagic.begin(), kIndexMagic.end(), p);
  std::copy(owner.storage.bytes.begin(), owner.storage.bytes.end(), p + kAtStorage);
  batch::store_big<uint32_t>(p + kAtLog, owner.log);
  batch::store_big<uint32_t>(p + kAtCount, static_cast<uint32_t>(index.entries.size()));
  batch::store_big<int64_t>(p + kAtBase, index.summary.base.v);
  batch::store_big<int64_t>(p + kAtNext, index.summary.next.v);
  batch::store_big<uint64_t>(p + kAtEnd, index.summary.end);
  batch::store_big<int64_t>(p + kAtTimeMax, index.summary.time_max.ms);
  batch::store_big<uint32_t>(p + kAtDigest, index.summary.digest);
  batch::store_big<int32_t>(p + kAtEpoch, index.summary.epoch.v);
  batch::store_big<int64_t>(p + kAtFirstAppend, index.summary.first_append.ms);
  batch::store_big<int64_t>(p + kAtLastAppend, index.summary.last_append.ms);
  uint8_t* to = p + kIndexHeaderBytes;
  for (const Checkpoint& e : index.entries) {
    batch::store_big<int64_t>(to, e.offset.v);
    batch::store_big<uint64_t>(to + 8, e.position);
    batch::store_big<uint32_t>(to + 16, e.digest);
    batch::store_big<int64_t>(to + 20, e.time_before.ms);
    to += kIndexEntryBytes;
  }
  const std::span<const uint8_t> whole(bytes);
  batch::store_big<uint32_t>(p + kAtEntriesCrc, crc32c::of(whole.subspan(kIndexHeaderBytes)));
  batch::store_big<uint32_t>(p + kAtCrc, crc32c::of(whole.first(kAtCrc)));
  return bytes;
}

Result<SegmentSummary> decode_index_summary(const Owner& owner, Offset base, std::span<const uint8_t> bytes) {
  if (bytes.size() < kIndexHeaderBytes) return bad_index(base, "want at least 96 bytes, have " + std::to_string(bytes.size()));
  const uint8_t* const p = bytes.data();
  if (!std::equal(kIndexMagic.begin(), kIndexMagic.end(), p)) return bad_index(base, "is no index of this version");
  if (batch::load_big<uint32_t>(p + kAtCrc) != crc32c::of(bytes.first(kAtCrc))) return bad_index(base, "its checksum is another one");
  if (!std::equal(owner.storage.bytes.begin(), owner.storage.bytes.end(), p + kAtStorage) ||
      batch::load_big<uint32_t>(p + kAtLog) != owner.log || batch::load_big<int64_t>(p + kAtBase) != base.v)
    return bad_index(base, "belongs to another segment");
  SegmentSummary s;
  s.base = base;
  s.next = {batch::load_big<int64_t>(p + kAtNext)};
  s.end = batch::load_big<uint64_t>(p + kAtEnd);
  s.digest = batch::load_big<uint32_t>(p + kAtDigest);
  s.epoch = {batch::load_big<int32_t>(p + kAtEpoch)};
  s.time_max = {batch::load_big<int64_t>(p + kAtTimeMax)};
  s.first_append = {batch::load_big<int64_t>(p + kAtFirstAppend)};
  s.last_append = {batch::load_big<int64_t>(p + kAtLastAppend)};
  const bool empty = batch::load_big<uint32_t>(p + kAtCount) == 0;
  if (s.next < base || empty != (s.end == 0)) return bad_index(base, "its end does not fit its entries");
  return s;
}

Result<SegmentIndex> decode_index(const Owner& owner, Offset base, std::span<const uint8_t> bytes) {
  ION_TRY(const SegmentSummary summary, decode_index_summary(owner, base, bytes));
  const uint8_t* const p = bytes.data();
  const uint64_t count = batch::load_big<uint32_t>(p + kAtCount);
  if (count > kIndexEntriesMax || bytes.size() != kIndexHeaderBytes + count * kIndexEntryBytes)
    return bad_index(base, "says " + std::to_string(count) + " entries, has " + std::to_string(bytes.size()) + " bytes");
  if (batch::load_big<uint32_t>(p + kAtEntriesCrc) != crc32c::of(bytes.subspan(kIndexHeaderBytes)))
    return bad_index(base, "the checksum of its entries is another one");
  SegmentIndex index{summary, {}};
  index.entries.reserve(count);
  const uint8_t* from = p + kIndexHeaderBytes;
  for (uint64_t i = 0; i < count; ++i, from += kIndexEntryBytes) {
    const Checkpoint e{{batch::load_big<int64_t>(from)}, batch::load_big<uint64_t>(from + 8), batch::load_big<uint32_t>(from + 16),
                       {batch::load_big<int64_t>(from + 20)}};
    const bool fits = index.entries.empty() ? e.offset >= base
                                            : e.offset > index.entries.back().offset && e.position > index.entries.back().position;
    if (!fits || e.offset >= summary.next || e.position >= summary.end) return bad_index(base, "its entries are not in order");
    index.entries.push_back(e);
  }
  return index;
}

}  // namespace ion::storage_mmap
