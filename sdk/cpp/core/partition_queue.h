// The records of one partition on their way: gathered in their final bytes, closed, in flight, sent again.
// Invariants: in_flight keeps the order of the log; sequences in it are without gap unless the session is broken; a batch that
// was closed never changes its bytes, except when its producer identity was lost and the broker proved that it is not stored.
// Pure, one owner (ProducerCore).
#pragma once
#include <codecs/codecs.h>
#include <ion/record_writer.h>

#include <deque>
#include <string>
#include <vector>

#include "core/byte_window.h"
#include "core/producer_types.h"

namespace ion::client {

//   unwanted -- somebody has to send, open_at has passed --> wanted -- LinkUp --> up -- a request timed out --> resetting
//      ^----------------------------- LinkDown, from any state ------------------------------------------------------'
struct LinkState {
  LinkId id;
  enum class Is { kUnwanted, kWanted, kUp, kResetting } is = Is::kUnwanted;
  Instant open_at;        // not before
  uint32_t failures = 0;  // in a row
  uint64_t in_flight_bytes = 0;
  ByteWindow window;
  std::deque<PartitionId> blocked;  // partitions that wait for room, each once
};

struct Gathering {
  batch::RecordWriter writer;
  std::vector<Waiter> waiters;
  Instant opened;
  uint64_t generation = 0;  // counts flushes
};

struct InFlight {
  BatchBytes bytes;
  std::vector<Waiter> waiters;
  Instant opened, sent_at;
  uint64_t generation = 0, correlation = 0;
  int32_t sequence = -1;
  uint32_t attempts = 0;
  enum class Is { kSent, kToSend } is = Is::kToSend;
  LinkState* link = nullptr;  // where it is sent
};

// Puts a closed batch into the form in which it goes: compressed, or as it is where that does not help or is not possible.
class BatchPacker {
 public:
  BatchPacker(codecs::Codec codec, int level) : codec_(codec), level_(level) {}
  BatchBytes pack(std::vector<uint8_t> whole);
  // The batch as it was before.
  Buf unpack(const std::vector<uint8_t>& packed);

 private:
  const codecs::Codec codec_;
  const int level_;
  codecs::Compressor compressor_;
};

struct Session {  // identity of an idempotent producer, as this partition uses it
  ProducerId producer;
  ProducerEpoch epoch;
  int32_t next_sequence = 0;
  // Broken: a batch with a sequence failed for good. What follows needs a new producer id, when nothing is in flight any more.
  enum class Is { kNone, kWell, kBroken } is = Is::kNone;
};

class PartitionQueue {
 public:
  explicit PartitionQueue(PartitionId id) : id_(id) {}

  struct Grown {
    uint64_t bytes = 0;
    enum class Batch { kSame, kOpened, kRolled } batch = Batch::kSame;
  };
  Grown append(const batch::NewRecord& record, Waiter waiter, uint64_t generation, Instant now, const ProducerLimits& limits);

  // Moves the front of what is gathered into flight, in its final bytes.
  InFlight& close_front(bool idempotent, BatchPacker& packer);
  // Marks as under way; answers the bytes that this adds to the link.
  uint64_t mark_sent(InFlight& batch, LinkState& link, uint64_t correlation, Instant now);

  InFlight* find(uint64_t correlation);
  // Is there a batch before this one that is not answered yet?
  bool has_elders(const InFlight& batch) const { return !in_flight.empty() && &in_flight.front() != &batch; }
  InFlight take(InFlight& batch);
  // In its place two of half its records each, to be sent again under the same sequences: what was refused is not stored. At least two
  // records. Answers how many bytes the two have.
  uint64_t halve(InFlight& batch, BatchPacker& packer);
  // Its identity is gone and it is not stored: it waits for a new one.
  void orphan(InFlight& batch) { orphans.push_back(take(batch)); }
  // Takes the new identity and puts the orphans back into flight under it. Nothing may be in flight.
  void adopt(ProducerId producer, ProducerEpoch epoch);

  bool any(InFlight::Is what) const;
  bool idle() const { return in_flight.empty() && orphans.empty(); }
  // What is gathered and could go now by size or age (rule 1), apart from what is in flight.
  bool ripe(Instant now, const ProducerLimits& limits, uint64_t flush_generation) const;

  PartitionId id() const { return id_; }

  std::string leader;
  std::deque<Gathering> gathering;  // the last one takes records, those before it are full
  std::deque<InFlight> in_flight;   // at most in_flight_max
  std::deque<InFlight> orphans;
  Session session;
  Instant retry_at;       // not before, for batches to be sent again
  uint32_t failures = 0;  // in a row
  bool blocked = false;   // stands in the list of a link
  Status last_cause;      // why the last attempt came to nothing
  Status behind_no_space;  // what fails that was sent behind a batch that found no space; OK: there is none
  Status ended;            // why it takes nothing more (NoSpace::kEnd)

 private:
  static constexpr uint64_t kFirstReserve = 4 << 10;

  PartitionId id_;
  uint64_t usual_bytes_ = kFirstReserve;  // of the batches before, falling slowly
  size_t usual_records_ = 0;
};

// The same batch under another producer identity: the header and its checksum are written anew.
std::vector<uint8_t> restamped(const std::vector<uint8_t>& batch, const batch::Identity& who);

}  // namespace ion::client
