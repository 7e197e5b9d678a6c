// The producer of one topic, as a pure machine: what happened goes in with the time, what is to be done comes out.
//
// Rules: a partition with nothing in flight sends at once; else records gather until an ack returns,
// batch_bytes_ready are there or linger has passed. At most in_flight_max batches per partition, a byte window per connection.
// Keyless records stick to one partition per batch. A batch in flight on the latency connection is alone in its partition.
//
// Idempotence: a batch gets its sequence when it is closed and keeps its bytes for ever. After a lost connection, or a retriable
// answer, all batches of the partition that are not acknowledged go again, in order, when no answer is open any more.
// A batch that fails for good leaves a hole in the sequence: its followers come back as OUT_OF_SEQUENCE, which proves that they
// are not stored, and go again under a new producer id. An OUT_OF_SEQUENCE without such a hole means that the broker lost what it
// had acknowledged, or that somebody else uses our id: fatal.
//
// Full disks: what was handed over behind a batch that found no space fails with it, wherever it is, and does not go again; records that
// come later are tried under a new producer id, or fail as well (NoSpace).
//
// Identity of the topic: every batch names the uuid that it is meant for. When the topic was deleted and made again, the broker refuses
// it (TOPIC_RECREATED), nothing is sent until metadata shows the new uuid, and then a new sequence begins: what was under way goes to the
// new topic, unless it has another number of partitions, which would scatter keys: then it fails, and later records go on.
//
// Limits are the broker's, learnt from metadata. A batch that is refused as too large goes again in halves.
//
// Bounds: memory_bytes_max, memory_records_max. Thread: one at a time. Failure: fatal() says why nothing more can be sent.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/partition_queue.h"
#include "core/producer_types.h"

namespace ion::client {

class ProducerCore {
 public:
  ProducerCore(std::string topic, const ProducerLimits& limits, uint64_t random);

  // Copies the record into its batch. INVALID: this record can never go. OVERLOADED: memory is full. Else `done` is moved away, and
  // will be called by a Deliver action, exactly once.
  Status append(const Record& record, OnDelivered& done, Instant now, WallMs wall, produce::Actions& out);
  produce::Actions step(const produce::Event& event, Instant now);

  // Tick is wanted not later than this. Far in the future: nothing to wait for.
  Instant wake_at() const { return wake_at_; }
  static constexpr Instant kNever{UINT64_MAX};

  // All records appended before the FlushAsked that answered this generation are delivered.
  uint64_t generation() const { return generation_; }
  bool flushed(uint64_t generation) const { return open_.empty() || open_.begin()->first >= generation; }
  uint64_t records() const { return used_records_; }
  const Status& fatal() const { return fatal_; }
  uint64_t retries() const { return retries_; }
  const Uuid& topic_id() const { return topic_id_; }  // of every batch that is to be sent now

 private:
  using Actions = produce::Actions;
  struct Waiting {  // its partition cannot be known before the metadata
    std::optional<std::string> key, value;
    std::vector<std::pair<std::string, std::optional<std::string>>> headers;
    std::optional<PartitionId> partition;
    Waiter waiter;
    Instant since;
    uint64_t generation = 0, bytes = 0;
  };
  struct Question {  // asked of the cluster, at most once at a time
    enum class Is { kQuiet, kAsked, kLater } is = Is::kQuiet;
    Instant at;  // of kLater
    uint32_t failures = 0;
    Status last;
  };
  enum class Cause { kSomething, kAckReturned };

  void on(const produce::MetadataArrived& e, Instant now, Actions& out);
  void on(const produce::MetadataFailed& e, Instant now, Actions& out);
  void on(const produce::IdentityArrived& e, Instant now, Actions& out);
  void on(const produce::IdentityFailed& e, Instant now, Actions& out);
  void on(const produce::LinkUp& e, Instant now, Actions& out);
  void on(const produce::LinkDown& e, Instant now, Actions& out);
  void on(const produce::Acked& e, Instant now, Actions& out);
  void on(const produce::Written& e, Instant now, Actions& out);
  void on(const produce::Tick& e, Instant now, Actions& out);
  void on(const produce::FlushAsked& e, Instant now, Actions& out);
  void on(const produce::Closed& e, Instant now, Actions& out);

  // producer_core.cpp: the way in
  Result<PartitionId> route(const Record& record);
  Status too_large(uint64_t record_bytes) const;
  void learn(const BrokerLimits& broker);
  void begin_again(const produce::MetadataArrived& e, Actions& out);
  // What became of batches that were sent and have no answer: kUnknown tells them so, with `why` in its words.
  enum class Sent { kFailed, kUnknown };
  void fail_queue(PartitionQueue& p, const Status& why, Actions& out, Sent sent = Sent::kFailed);
  void keep(const Record& record, Waiter waiter, uint64_t bytes, Instant now);
  void route_kept(Instant now, Actions& out);
  void fail_kept(const Status& why, Actions& out);

  // producer_send.cpp: the way out
  void pump(PartitionQueue& p, Cause cause, Instant now, Actions& out);
  void send_again(PartitionQueue& p, Instant now, Actions& out);
  bool has_identity(PartitionQueue& p, Actions& out);
  LinkState* link_for(PartitionQueue& p, uint64_t bytes, Instant now, Actions& out);
  bool fits(PartitionQueue& p, LinkState& link, uint64_t bytes);
  void send(PartitionQueue& p, InFlight& batch, LinkState& link, Instant now, Actions& out);
  void pump_blocked(LinkState& link, Instant now, Actions& out);
  void pump_all(Instant now, Actions& out);

  // producer_answers.cpp: what comes back
  void overheard(const produce::Ack& ack, Actions& out);
  void answer(const produce::Ack& ack, uint64_t random, Instant now, Actions& out);
  void refuse(PartitionQueue& p, InFlight& batch, const produce::Ack& ack, uint64_t random, Instant now, Actions& out);  // which has a failure
  void fail_batch(PartitionQueue& p, InFlight& batch, Status why, Actions& out, const std::vector<produce::RecordOutcome>& because = {});
  void fail_for_space(PartitionQueue& p, InFlight& batch, const Status& why, Actions& out);
  void fail_gathering(PartitionQueue& p, const Status& why, Actions& out);
  void expire(PartitionQueue& p, Instant now, Actions& out);
  void expire_kept(Instant now, Actions& out);
  void reset_silent(PartitionQueue& p, Instant now, Actions& out);
  void deliver(InFlight batch, produce::Deliver outcome, Actions& out);
  void fail_everything(const Status& why, Actions& out);
  void want_metadata(Actions& out);
  void want_identity(Actions& out);
  void ask_later(Question& question, const Failure& failure, uint64_t random, Instant now);
  void leave_link(InFlight& batch);

  LinkState& link(const LinkId& id);
  PartitionQueue* partition(PartitionId id);
  void open_generation(uint64_t generation, uint64_t count) { open_[generation] += count; }
  void close_generation(uint64_t generation, uint64_t count);
  void arm(Instant at) { wake_at_ = std::min(wake_at_, at); }
  Instant scan_deadlines(Instant now) const;
  Instant deadline_of(const PartitionQueue& p, Instant now) const;
  bool idempotent() const { return limits_.promise == ProducerLimits::Promise::kIdempotent; }

  const std::string topic_;
  const uint64_t batch_bytes_wanted_;
  // Bundles are bounded by our own limit, a lone record by the broker's; a broker that says none is taken to have ours. Of a record that
  // waits for metadata: what a message may have at most.
  uint64_t lone_bytes_max_ = 64 << 20;
  ProducerLimits limits_;
  BatchPacker packer_;
  BrokerLimits broker_;
  Uuid topic_id_;       // all zero: not known
  bool stale_ = false;  // topic_id_ is that of a deleted topic: metadata is waited for

  std::vector<PartitionQueue> partitions_;  // empty: metadata has not come yet
  std::deque<Waiting> kept_;
  std::map<LinkId, LinkState> links_;
  size_t sticky_;

  Question metadata_, identify_;
  Instant learnt_at_;  // when metadata came last
  std::optional<produce::IdentityArrived> identity_;  // the newest

  uint64_t used_bytes_ = 0, used_records_ = 0, retries_ = 0;
  uint64_t correlation_ = 0, generation_ = 1;
  std::map<uint64_t, uint64_t> open_;  // records not yet delivered, by generation
  Instant wake_at_ = kNever;
  Status fatal_;
};

}  // namespace ion::client
