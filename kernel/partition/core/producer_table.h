// The producers of one partition by id, and in the order of their newest batches: to find one, to put one at the end and to forget the first
// is no search. 72 bytes a producer and about 6 of index, in pieces, so that growing copies none of them.
// Pure. Thread: its owner's. A Producer stays where it is until it is erased.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ion::partition {

inline constexpr size_t kBatchesKept = 5;

// What is known of the newest batches of a producer, each from the one after it: their sequences follow each other, and so do their
// offsets, with gaps.
struct Producer {
  int64_t id = 0;
  int64_t base = 0;           // offset of the newest batch
  int32_t last_sequence = 0;  // of the newest batch
  uint32_t before = 0, after = 0;  // in the order of the newest batches: slots
  std::array<int32_t, kBatchesKept> last_delta{};        // last offset delta, newest first
  std::array<uint32_t, kBatchesKept - 1> to_older{};     // from a batch's base to that of the one before it
  uint32_t appended_s = 0;    // of the newest batch, in seconds since 1970
  int16_t epoch = 0;
  uint8_t kept = 0;           // batches
};
static_assert(sizeof(Producer) <= 72);

class ProducerTable {
 public:
  ProducerTable() = default;
  ProducerTable(ProducerTable&&) = default;
  ProducerTable& operator=(ProducerTable&&) = default;

  size_t size() const noexcept { return size_; }
  size_t memory_bytes() const noexcept;
  const Producer* find(int64_t id) const noexcept;
  // Found, or made with nothing kept; now the last in order.
  Producer& last(int64_t id);
  // The first in order and the one behind; null at the end.
  Producer* first() noexcept { return size_ == 0 ? nullptr : &at(first_); }
  const Producer* first() const noexcept { return size_ == 0 ? nullptr : &at(first_); }
  Producer* behind(const Producer& p) noexcept { return p.after == kNone ? nullptr : &at(p.after); }
  const Producer* behind(const Producer& p) const noexcept { return p.after == kNone ? nullptr : &at(p.after); }
  void erase(int64_t id);
  void clear() noexcept;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kPiece = 256;  // producers
  Producer& at(uint32_t slot) noexcept { return pieces_[slot / kPiece][slot % kPiece]; }
  const Producer& at(uint32_t slot) const noexcept { return pieces_[slot / kPiece][slot % kPiece]; }
  size_t home(int64_t id) const noexcept;
  size_t place_of(int64_t id) const noexcept;  // in index_: where it is, or where it would be
  void grow();
  uint32_t take_slot();
  void unlink(const Producer& p) noexcept;
  void link_last(uint32_t slot) noexcept;

  std::vector<std::unique_ptr<Producer[]>> pieces_;
  std::vector<uint32_t> index_;  // slots by hashed id, linear probing; a power of two long
  std::vector<uint32_t> free_;   // slots
  uint32_t used_ = 0;            // slots that were ever taken
  uint32_t first_ = kNone, last_ = kNone;
  size_t size_ = 0;
};

}  // namespace ion::partition
