// Who wrote what last: the newest batches of every idempotent producer of one partition, so that a repeated batch gets its first
// answer and a gap or an old epoch is refused. Derived from batch headers alone, hence rebuilt from the log.
// Invariant: per producer at most kBatchesKept entries, of one epoch, with sequences that follow each other.
// Pure. Thread: the partition's shard. Source: Kafka's ProducerStateEntry (5 batches), KIP-98.
#pragma once
#include <ion/record_batch.h>
#include <ion/result.h>

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <span>
#include <vector>

namespace ion::partition {

inline constexpr size_t kBatchesKept = 5;
inline constexpr size_t kProducersMax = 100'000;  // beyond it the one that wrote longest ago is forgotten

class ProducerWindow {
 public:
  ProducerWindow() = default;
  ProducerWindow(ProducerWindow&&) = default;
  ProducerWindow& operator=(ProducerWindow&&) = default;

  struct Seen {  // an earlier batch
    Offset base, next;
    int32_t first_sequence = 0, last_sequence = 0;
  };
  enum class Kind { kFresh, kDuplicate };
  struct Verdict {
    Kind kind = Kind::kFresh;
    Seen first_answer;  // of a duplicate
  };

  // May this batch be appended? FENCED with reason OUT_OF_SEQUENCE or PRODUCER_FENCED when it may not. Changes nothing.
  Result<Verdict> check(const batch::Header& h) const;

  // The batch got its offsets (h.base_offset is final). In offset order; also what a rebuild feeds.
  void record(const batch::Header& h);

  // Forgets what was written at or behind `from`: those bytes were cut.
  void cut(Offset from);

  size_t producers() const noexcept { return producers_.size(); }

  // A snapshot that covers the log up to `upto`, and back. restore() refuses foreign bytes with CORRUPT and stays empty.
  std::vector<uint8_t> snapshot(Offset upto) const;
  Result<Offset> restore(std::span<const uint8_t> bytes);

 private:
  struct Producer {
    int16_t epoch = 0;
    uint8_t kept = 0;
    std::array<Seen, kBatchesKept> last{};  // oldest first
    std::list<int64_t>::iterator place{};   // in written_
    const Seen& newest() const { return last[static_cast<size_t>(kept) - 1]; }
  };
  void forget_oldest();
  void order_by_last_batch();

  std::map<int64_t, Producer> producers_;  // by id: order does not depend on addresses
  std::list<int64_t> written_;             // the ids, in the order of their newest batches: to forget one is no search
};

}  // namespace ion::partition
