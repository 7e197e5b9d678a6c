#include "partition/core/producer_table.h"

#include <algorithm>
#include <utility>

namespace ion::partition {

namespace {
constexpr size_t kLeastIndex = 16;
// Full enough to grow: four fifths.
bool is_full(size_t size, size_t index) noexcept { return size * 5 >= index * 4; }

// Finalizer of SplitMix64 (Steele, Lea, Flood 2014): ids that follow each other must not lie beside each other.
uint64_t mixed(uint64_t x) noexcept {
  x ^= x >> 30, x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27, x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
}  // namespace

size_t ProducerTable::memory_bytes() const noexcept {
  return pieces_.size() * kPiece * sizeof(Producer) + pieces_.capacity() * sizeof(pieces_[0]) + (index_.capacity() + free_.capacity()) * sizeof(uint32_t);
}

size_t ProducerTable::home(int64_t id) const noexcept { return mixed(static_cast<uint64_t>(id)) & (index_.size() - 1); }

size_t ProducerTable::place_of(int64_t id) const noexcept {
  size_t i = home(id);
  while (index_[i] != kNone && at(index_[i]).id != id) i = (i + 1) & (index_.size() - 1);
  return i;
}

const Producer* ProducerTable::find(int64_t id) const noexcept {
  if (size_ == 0) return nullptr;
  const uint32_t slot = index_[place_of(id)];
  return slot == kNone ? nullptr : &at(slot);
}

Producer& ProducerTable::last(int64_t id) {
  if (index_.empty() || is_full(size_ + 1, index_.size())) grow();
  const size_t place = place_of(id);
  uint32_t slot = index_[place];
  if (slot == kNone) {
    slot = index_[place] = take_slot();
    at(slot) = Producer{};
    at(slot).id = id;
    ++size_;
  } else {
    unlink(at(slot));
  }
  link_last(slot);
  return at(slot);
}

void ProducerTable::grow() {
  std::vector<uint32_t> before = std::exchange(index_, {});
  index_.assign(std::max(kLeastIndex, before.size() * 2), kNone);
  for (const uint32_t slot : before)
    if (slot != kNone) index_[place_of(at(slot).id)] = slot;
}

uint32_t ProducerTable::take_slot() {
  if (!free_.empty()) {
    const uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  if (used_ == pieces_.size() * kPiece) pieces_.push_back(std::make_unique<Producer[]>(kPiece));
  return used_++;
}

void ProducerTable::unlink(const Producer& p) noexcept {
  (p.before == kNone ? first_ : at(p.before).after) = p.after;
  (p.after == kNone ? last_ : at(p.after).before) = p.before;
}

void ProducerTable::link_last(uint32_t slot) noexcept {
  at(slot).before = last_, at(slot).after = kNone;
  (last_ == kNone ? first_ : at(last_).after) = slot;
  last_ = slot;
}

// What stands behind it in the index moves up as far as it may, so that no search ends too early.
void ProducerTable::erase(int64_t id) {
  if (size_ == 0) return;
  size_t hole = place_of(id);
  const uint32_t slot = index_[hole];
  if (slot == kNone) return;
  unlink(at(slot));
  free_.push_back(slot);
  --size_;
  const size_t mask = index_.size() - 1;
  for (size_t i = (hole + 1) & mask; index_[i] != kNone; i = (i + 1) & mask) {
    const size_t wanted = home(at(index_[i]).id);
    if (((i - wanted) & mask) < ((i - hole) & mask)) continue;  // it stands between its home and here
    index_[hole] = index_[i];
    hole = i;
  }
  index_[hole] = kNone;
}

void ProducerTable::clear() noexcept {
  pieces_.clear(), index_.clear(), free_.clear();
  used_ = 0, first_ = last_ = kNone, size_ = 0;
}

}  // namespace ion::partition
