// What goes into the producer's core and what comes out. Events are told by the driver when they happened; actions are obeyed by
// it in the order in which they stand, and nothing else. Pure values.
#pragma once
#include <codecs/codecs.h>
#include <ion/client/options.h>
#include <ion/client/record.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/backoff.h"
#include "core/failure.h"
#include "core/metadata_cache.h"

namespace ion::client {

struct ProducerLimits {
  Nanos linger = milliseconds(5);
  uint64_t batch_bytes_max = 1 << 20;        // of several records; a larger record goes alone, if the broker takes it
  uint64_t batch_bytes_ready = 256 << 10;
  uint32_t in_flight_max = 5;                // the broker remembers so many batches per producer
  uint64_t memory_bytes_max = 32 << 20, memory_records_max = 100'000;
  uint64_t latency_bytes_max = 16 << 10;     // a lone batch up to this size takes the latency connection
  Nanos delivery_timeout = seconds(120), request_timeout = seconds(30);
  BackoffLimits backoff;
  codecs::Codec codec = codecs::Codec::kNone;
  int codec_level = codecs::kDefaultLevel;
  enum class Promise { kIdempotent, kPlain, kUnanswered } promise = Promise::kIdempotent;  // acks all, leader, none
  NoSpace no_space = NoSpace::kGoOn;
};

enum class Lane { kBulk, kLatency };
struct LinkId {  // one produce stream
  std::string address;
  Lane lane = Lane::kBulk;
  auto operator<=>(const LinkId&) const = default;
};

// One record that waits for its receipt.
struct Waiter {
  OnDelivered done;
  WallMs time;
};
// Shared: a batch that is sent again may still be held by the write of a broken connection.
using BatchBytes = std::shared_ptr<const std::vector<uint8_t>>;

namespace produce {

// Events.
struct PartitionLeader {
  PartitionId partition;
  std::string address;  // empty: nobody leads
};
struct MetadataArrived {
  std::vector<PartitionLeader> partitions;  // of the topic, from 0 without gaps
  Uuid topic_id = {};                       // all zero: not said
  BrokerLimits limits = {};
};
struct MetadataFailed {
  Failure failure;
  uint64_t random = 0;
};
struct IdentityArrived {
  ProducerId producer;
  ProducerEpoch epoch;
};
struct IdentityFailed {
  Failure failure;
  uint64_t random = 0;
};
struct LinkUp {
  LinkId link;
};
struct LinkDown {  // also: it could not be made
  LinkId link;
  Failure cause;
  uint64_t random = 0;
};
struct RecordOutcome {  // a record that an interceptor of the broker took out, or because of which its batch was refused
  int32_t index = 0;
  Status why;  // OK: it was dropped
};
struct Ack {
  uint64_t correlation = 0;
  PartitionId partition;
  Offset base_offset;
  std::optional<WallMs> append_time;
  LogId log;
  std::optional<Failure> failure;
  std::vector<RecordOutcome> not_stored = {};  // with a failure: because of these records
  std::string routed_topic = {};  // empty: where it was asked for
  PartitionId routed_partition = {};
};
struct Acked {
  std::vector<Ack> acks;
  uint64_t random = 0;
};
struct Written {  // the bytes are out; told only for unanswered producers
  PartitionId partition;
  uint64_t correlation = 0;
};
struct Tick {};
struct FlushAsked {};
struct Closed {  // whatever is left fails with this
  Status why;
};
using Event = std::variant<MetadataArrived, MetadataFailed, IdentityArrived, IdentityFailed, LinkUp, LinkDown, Acked, Written, Tick, FlushAsked, Closed>;

// Actions.
struct Send {
  LinkId link;
  PartitionId partition;
  uint64_t correlation = 0;
  BatchBytes bytes;
};
struct Deliver {  // one outcome for the records of one batch, in their order
  std::vector<Waiter> waiters;
  Status status;
  Receipt first;                      // of the first record; offsets count up from it
  std::optional<WallMs> append_time;  // wins over the records' own times
  uint64_t bytes = 0;                 // of the batch
  std::vector<RecordOutcome> not_stored = {};
};
// Tells each waiter the receipt of its record in a batch that was stored whole.
inline void give_receipts(Deliver& d) {
  Result<Receipt> told(d.first);
  for (Waiter& w : d.waiters) {
    told->timestamp = d.append_time.value_or(w.time);
    if (w.done) w.done(told);
    if (told->offset.v >= 0) ++told->offset.v;
  }
}
// Tells each waiter its own receipt or the common failure.
inline void call_back(Deliver& d) {
  if (d.status.ok() && d.not_stored.empty()) return give_receipts(d);
  // Of a batch that was refused because of some of its records, the others hear that it was not for them.
  const bool because_of_others = !d.status.ok() && !d.not_stored.empty();
  const Status others = because_of_others ? Status(d.status.code(), "its batch was refused because of another record: " + d.status.message(), d.status.reason()) : d.status;
  std::vector<const RecordOutcome*> not_stored(d.not_stored.empty() ? 0 : d.waiters.size());
  for (const RecordOutcome& o : d.not_stored)
    if (o.index >= 0 && static_cast<size_t>(o.index) < not_stored.size()) not_stored[static_cast<size_t>(o.index)] = &o;
  for (size_t i = 0; i < d.waiters.size(); ++i) {
    Waiter& w = d.waiters[i];
    if (!w.done) continue;
    if (const RecordOutcome* o = not_stored.empty() ? nullptr : not_stored[i]; o != nullptr) {
      if (!o->why.ok()) {
        w.done(o->why);
        continue;
      }
      Receipt dropped{d.first.partition, {-1}, w.time, d.first.log};
      dropped.dropped = true;
      w.done(dropped);
      continue;
    }
    if (!d.status.ok()) {
      w.done(others);
      continue;
    }
    Receipt r = d.first;
    if (r.offset.v >= 0) r.offset = r.offset + static_cast<int64_t>(i);
    r.timestamp = d.append_time.value_or(w.time);
    w.done(r);
  }
}

struct Actions {
  std::vector<Send> sends;
  std::vector<Deliver> deliver;
  std::vector<LinkId> open_links, reset_links;
  bool fetch_metadata = false, fetch_identity = false;
  std::string recreated;  // not empty: the topic was deleted and made again, in words for people

  bool empty() const noexcept {
    return sends.empty() && deliver.empty() && open_links.empty() && reset_links.empty() && !fetch_metadata && !fetch_identity && recreated.empty();
  }
};

}  // namespace produce
}  // namespace ion::client
