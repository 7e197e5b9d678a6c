// Who wrote what last: the newest batches of every idempotent producer of one partition, so that a repeated batch gets its first
// answer and a gap or an old epoch is refused. Derived from batch headers and times of append, hence rebuilt from the log.
// Invariant: per producer at most kBatchesKept batches, of one epoch, with sequences that follow each other.
// Pure. Thread: the partition's shard. Source: Kafka's ProducerStateEntry (5 batches), KIP-98.
#pragma once
#include "partition/core/producer_table.h"

#include <ion/record_batch.h>
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace ion::partition {

inline constexpr size_t kProducersMax = 100'000;  // beyond it the one that wrote longest ago is forgotten

class ProducerWindow {
 public:
  enum class Kind { kFresh, kDuplicate };
  struct Seen {  // an earlier batch
    Offset base, next;
    int32_t first_sequence = 0, last_sequence = 0;
  };
  struct Verdict {
    Kind kind = Kind::kFresh;
    Seen first_answer;  // of a duplicate
  };

  // A producer that has appended nothing for so long is forgotten with the next batch of any; 0: none is.
  void set_expiry(Nanos expiry) noexcept { expiry_s_ = expiry.n / 1'000'000'000; }

  // May this batch be appended? FENCED with reason OUT_OF_SEQUENCE or PRODUCER_FENCED when it may not. Changes nothing.
  Result<Verdict> check(const batch::Header& h) const;

  // The batch got its offsets (h.base_offset is final). In offset order; also what a rebuild feeds. `now`: by the wall clock; one that
  // was set back is taken for the greatest so far, whatever the records say of their time.
  void record(const batch::Header& h, WallMs now);

  // Forgets what was written at or behind `from`: those bytes were cut.
  void cut(Offset from);

  // The newest batch of every producer.
  std::vector<std::pair<ProducerId, Offset>> newest_batches() const;

  size_t producers() const noexcept { return table_.size(); }
  size_t memory_bytes() const noexcept { return table_.memory_bytes(); }

  // A snapshot that covers the log up to `upto`, and back. restore() refuses foreign bytes with CORRUPT and stays empty.
  std::vector<uint8_t> snapshot(Offset upto) const;
  Result<Offset> restore(std::span<const uint8_t> bytes);

 private:
  static Seen seen(const Producer& p, size_t n) noexcept;  // n: 0 is the newest
  static bool keep(Producer& p, const batch::Header& h) noexcept;

  ProducerTable table_;
  int64_t expiry_s_ = 0;
  int64_t newest_s_ = 0;  // the greatest time of append so far, in seconds since 1970
};

}  // namespace ion::partition
