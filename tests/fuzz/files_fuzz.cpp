// Any bytes as index, mark or meta file: what does not prove itself is refused, what is taken for whole says the same when it is written
// and read again, and no single flipped bit of it is taken for whole.
// Input: 1 byte which file, 1 byte flags (1: the checksums are made right, so that what lies behind them is reached), then the file.
#include "core/mark_format.h"
#include "core/meta_format.h"
#include "core/offset_index.h"
#include "fuzz/fuzz_target.h"

#include <cstdlib>

using namespace ion;
using namespace ion::storage_mmap;

namespace {

using Input = std::vector<uint8_t>;
const Uuid kStorage = Uuid::random(1, 2);
constexpr size_t kFlippedMax = 256;  // bytes; of longer files the first ones

void need(bool holds) {
  if (!holds) std::abort();
}
Owner owner() { return owner_of(kStorage, "p/a/0"); }
void make_right(Input& file, size_t from, size_t upto, size_t at) {
  if (file.size() >= at + 4 && upto <= file.size() && from <= upto)
    batch::store_big<uint32_t>(file.data() + at, crc32c::of(std::span<const uint8_t>(file).subspan(from, upto - from)));
}
template <class IsWhole>
void flip_all(Input file, IsWhole&& is_whole) {
  for (size_t i = 0; i < std::min(file.size(), kFlippedMax); ++i) {
    const auto bit = static_cast<uint8_t>(1u << i % 8);
    file[i] = static_cast<uint8_t>(file[i] ^ bit);
    need(!is_whole(file));
    file[i] = static_cast<uint8_t>(file[i] ^ bit);
  }
}

bool same(const SegmentSummary& a, const SegmentSummary& b) {
  return a.base == b.base && a.next == b.next && a.end == b.end && a.digest == b.digest && a.epoch == b.epoch && a.time_max.ms == b.time_max.ms &&
         a.first_append.ms == b.first_append.ms && a.last_append.ms == b.last_append.ms;
}

void index_file(Input file, bool right) {
  if (right) {
    make_right(file, kIndexHeaderBytes, file.size(), 88);
    make_right(file, 0, 92, 92);
  }
  const Result<SegmentIndex> index = decode_index(owner(), {0}, file);
  if (!index) return;
  need(index->summary.base <= index->summary.next);
  for (size_t i = 0; i < index->entries.size(); ++i) {
    const Checkpoint& e = index->entries[i];
    need(e.offset < index->summary.next && e.position < index->summary.end);
    if (i > 0) need(e.offset > index->entries[i - 1].offset && e.position > index->entries[i - 1].position);
  }
  const Result<SegmentSummary> summary = decode_index_summary(owner(), {0}, file);
  need(summary && same(*summary, index->summary));
  const Result<SegmentIndex> again = decode_index(owner(), {0}, encode_index(owner(), *index));
  need(again && same(again->summary, index->summary) && again->entries.size() == index->entries.size());
  flip_all(file, [](const Input& f) { return decode_index(owner(), {0}, f).has_value(); });
}

void meta_file(Input file, bool right) {
  if (right && file.size() >= 4) make_right(file, 0, file.size() - 4, file.size() - 4);
  const Result<MetaItems> items = decode_meta(owner(), file);
  if (!items) return;
  const Result<MetaItems> again = decode_meta(owner(), encode_meta(owner(), *items));
  need(again && *again == *items);
  flip_all(file, [](const Input& f) { return decode_meta(owner(), f).has_value(); });
}

ReadSlot slot_in(const Input& file) { return decode_mark(kStorage, std::span<const uint8_t>(file).first<kMarkSlotBytes>()); }
void mark_slot(Input file, bool right) {
  file.resize(kMarkSlotBytes);
  if (right) make_right(file, 0, 508, 508);
  const ReadSlot read = slot_in(file);
  if (read.state != SlotState::kWhole) return;
  const auto bytes = encode_mark(kStorage, read.slot);
  const ReadSlot again = decode_mark(kStorage, bytes);
  need(again.state == SlotState::kWhole && again.slot.log == read.slot.log && again.slot.mark == read.slot.mark && again.slot.generation == read.slot.generation);
  flip_all(file, [](const Input& f) { return slot_in(f).state == SlotState::kWhole; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const Input file(data + 2, data + size);
  const bool right = (data[1] & 1) != 0;
  if (data[0] % 3 == 0) index_file(file, right);
  else if (data[0] % 3 == 1) meta_file(file, right);
  else mark_slot(file, right);
  return 0;
}

std::vector<std::vector<uint8_t>> fuzz_seeds() {
  std::vector<Input> seeds;
  const auto add = [&](uint8_t which, std::span<const uint8_t> file) {
    for (const uint8_t flags : {0, 1}) {
      Input input{which, flags};
      input.insert(input.end(), file.begin(), file.end());
      seeds.push_back(std::move(input));
    }
  };
  add(0, encode_index(owner(), {{{0}, {30}, 900, 1, Epoch{1}, WallMs{5}}, {{{0}, 0, 1}, {{10}, 300, 2}, {{21}, 640, 3}}}));
  add(0, encode_index(owner(), {{{0}, {0}, 0, 1, Epoch{-1}}, {}}));
  add(1, encode_meta(owner(), {{"term", {1, 2}}, {"vote", {}}}));
  add(1, encode_meta(owner(), {}));
  add(2, encode_mark(kStorage, {3, "p/a/0", {{0}, {9}, {0}, 100, 1, Epoch{0}}}));
  return seeds;
}
