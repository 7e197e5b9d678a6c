#include "core/mark_format.h"

#include <algorithm>

namespace ion::storage_mmap {

namespace {
constexpr std::array<uint8_t, 8> kMarkMagic{'I', 'O', 'N', 'M', 'R', 'K', '0', '1'};
constexpr uint64_t kAtStorage = 8;
constexpr uint64_t kAtGeneration = 24;
constexpr uint64_t kAtFirst = 32;
constexpr uint64_t kAtOffset = 40;
constexpr uint64_t kAtSegment = 48;
constexpr uint64_t kAtPosition = 56;
constexpr uint64_t kAtDigest = 64;
constexpr uint64_t kAtEpoch = 68;
constexpr uint64_t kAtNameBytes = 72;
constexpr uint64_t kAtName = 73;
constexpr uint64_t kAtCrc = kMarkSlotBytes - 4;
static_assert(kAtName + kMarkNameMax <= kAtCrc);
}  // namespace

std::array<uint8_t, kMarkSlotBytes> encode_mark(const Uuid& storage, const MarkSlot& slot) {
  ION_ASSERT(!slot.log.empty() && slot.log.size() <= kMarkNameMax);
  ION_ASSERT(slot.generation > 0);
  std::array<uint8_t, kMarkSlotBytes> bytes{};
  uint8_t* const p = bytes.data();
  std::copy(kMarkMagic.begin(), kMarkMagic.end(), p);
  std::copy(storage.bytes.begin(), storage.bytes.end(), p + kAtStorage);
  batch::store_big<uint64_t>(p + kAtGeneration, slot.generation);
  batch::store_big<int64_t>(p + kAtFirst, slot.mark.first.v);
  batch::store_big<int64_t>(p + kAtOffset, slot.mark.offset.v);
  batch::store_big<int64_t>(p + kAtSegment, slot.mark.segment.v);
  batch::store_big<uint64_t>(p + kAtPosition, slot.mark.position);
  batch::store_big<uint32_t>(p + kAtDigest, slot.mark.digest);
  batch::store_big<int32_t>(p + kAtEpoch, slot.mark.epoch.v);
  p[kAtNameBytes] = static_cast<uint8_t>(slot.log.size());
  std::copy(slot.log.begin(), slot.log.end(), p + kAtName);
  batch::store_big<uint32_t>(p + kAtCrc, crc32c::of(std::span<const uint8_t>(bytes).first(kAtCrc)));
  return bytes;
}

ReadSlot decode_mark(const Uuid& storage, std::span<const uint8_t, kMarkSlotBytes> bytes) {
  const uint8_t* const p = bytes.data();
  if (std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; })) return {};
  const ReadSlot garbled{SlotState::kGarbled, {}};
  if (!std::equal(kMarkMagic.begin(), kMarkMagic.end(), p)) return garbled;
  if (batch::load_big<uint32_t>(p + kAtCrc) != crc32c::of(bytes.first(kAtCrc))) return garbled;
  if (!std::equal(storage.bytes.begin(), storage.bytes.end(), p + kAtStorage)) return garbled;
  ReadSlot read{SlotState::kWhole, {}};
  read.slot.generation = batch::load_big<uint64_t>(p + kAtGeneration);
  read.slot.mark.first = {batch::load_big<int64_t>(p + kAtFirst)};
  read.slot.mark.offset = {batch::load_big<int64_t>(p + kAtOffset)};
  read.slot.mark.segment = {batch::load_big<int64_t>(p + kAtSegment)};
  read.slot.mark.position = batch::load_big<uint64_t>(p + kAtPosition);
  read.slot.mark.digest = batch::load_big<uint32_t>(p + kAtDigest);
  read.slot.mark.epoch = {batch::load_big<int32_t>(p + kAtEpoch)};
  read.slot.log.assign(reinterpret_cast<const char*>(p + kAtName), p[kAtNameBytes]);
  const Mark& m = read.slot.mark;
  if (read.slot.generation == 0 || read.slot.log.empty() || m.first.v < 0 || m.segment.v < 0 || m.offset < m.segment) return garbled;
  return read;
}

std::optional<MarkSlot> newest_mark(const ReadSlot& a, const ReadSlot& b) {
  const bool have_a = a.state == SlotState::kWhole, have_b = b.state == SlotState::kWhole;
  if (!have_a && !have_b) return std::nullopt;
  if (!have_b) return a.slot;
  if (!have_a) return b.slot;
  if (a.slot.log != b.slot.log) return std::nullopt;  // one of them was misdirected: neither can be believed
  return a.slot.generation > b.slot.generation ? a.slot : b.slot;
}

}  // namespace ion::storage_mmap
