// What a user may set. Every default is the one of the documentation. check() refuses what makes no sense: INVALID names the option, what
// it takes and what was there. Who is given options checks them.
#pragma once
#include <ion/ids.h>
#include <ion/status.h>
#include <ion/time.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ion::client {

// Something that happened without anybody having asked, and that nobody has to answer: for a log or a terminal.
struct ClientEvent {
  enum class What {
    kLost,            // no broker answers any more; told once, retries go on
    kFound,           // one answers again after that
    kRecreated,       // a topic was deleted and made again: its records and offsets are others
    kPartitionLost,   // a partition that is read is refused for a while, or given up; told once
    kPartitionFound,  // it is served again
    kGap,             // records were deleted before they were read, or are damaged and passed over; told once for each gap
  } what = What::kLost;
  std::string topic = {};  // of all but kLost and kFound
  std::string text = {};   // a sentence for people
  struct Gap {
    PartitionId partition;
    Offset from, until;  // `until` is the first one that is there again, or the end of what was to be read
  };
  std::optional<Gap> gap = {};  // of kGap
};

inline constexpr Nanos kTimeoutMax = seconds(int64_t{7} * 86'400);  // of every timeout
inline constexpr Nanos kDeliveryTimeoutMin = seconds(1);

struct ClientOptions {
  std::vector<std::string> brokers = {};  // "host:port"; any of them leads to the whole cluster
  Nanos connect_timeout = seconds(10);    // for the first answer of any broker; 1 ms to 7 days
  Nanos request_timeout = seconds(30);    // of one attempt; 1 ms to 7 days
  // May be empty. Called on the client's thread, or on one that reads, without a lock: it must not wait for this client. An exception
  // that it throws is dropped.
  std::function<void(const ClientEvent&)> on_event = {};

  Status check() const;
};

enum class Acks {
  kAll,     // acknowledged when it is as durable as the topic promises
  kLeader,  // acknowledged when the leader has it; a retry may make a duplicate
  kNone,    // delivered when it was written to the connection: nobody says whether it arrived, order is kept on one connection
};
// How batches are packed on their way and in the log. Readers of every kind open them; kLz4 costs least, kZstd packs best.
enum class Compression { kNone, kGzip, kSnappy, kLz4, kZstd };
enum class OnFull { kBlock, kFail };  // what send() does when memory_*_max is reached
// What a batch that finds no space on its broker's disk does to its partition. What was handed over behind it fails with it in either case.
enum class NoSpace {
  kGoOn,  // records that are sent after that are tried
  kEnd,   // send() answers NO_SPACE for that partition from then on: nothing is stored behind the gap
};

struct ProducerOptions {
  Acks acks = Acks::kAll;                       // kAll is idempotent: no duplicates, order kept, over any number of retries
  Nanos linger = milliseconds(5);               // upper bound of gathering, 0 to delivery_timeout; an idle partition never waits
  uint64_t batch_bytes_max = 1 << 20;           // largest batch of several records, 1 KiB to 16 MiB; a larger record goes alone, if the broker takes it
  uint64_t batch_bytes_ready = 256 << 10;       // a batch of this size goes as soon as it may; 1 byte to 16 MiB
  uint64_t memory_bytes_max = 32 << 20;         // of records not yet delivered; at least batch_bytes_max
  uint64_t memory_records_max = 100'000;
  OnFull on_full = OnFull::kBlock;
  Compression compression = Compression::kNone;  // a batch that would not get smaller goes as it is
  std::optional<int> compression_level = {};     // gzip 1 to 9, lz4 1 to 12, zstd -7 to 22; none: the library's own
  // kShared: the handles of one client and topic are one producer, whose batches they fill together; the options of the first count.
  // kOwn: one of its own, with its own identity and order, over the same connections.
  enum class Sharing { kShared, kOwn } sharing = Sharing::kShared;
  NoSpace no_space = NoSpace::kGoOn;
  Nanos delivery_timeout = seconds(120);        // from send() to the receipt, retries included; one second to 7 days

  Status check() const;
};

// What a reader does when its offset lies behind the end of the log, or when the topic was deleted and made again.
enum class Reset { kFail, kStart, kEnd };

struct ReaderOptions {
  std::string topic = {};
  std::vector<int32_t> partitions = {};         // none is all, also those added later, from their first record on, unless every partition has an end
  enum class From { kStart, kEnd, kOffset } from = From::kStart;
  int64_t offset = 0;                           // of kOffset, for every partition without an entry in `offsets`
  struct At {
    int32_t partition = 0;
    int64_t offset = 0;
    int64_t until = -1;                         // first offset that is not read; -1: no such end
  };
  std::vector<At> offsets = {};                 // wins over `from`
  bool stop_at_end = false;                     // the ends are fixed once, when reading starts
  Reset reset = Reset::kFail;
  // Records that were not read yet were deleted, by a trim or by retention, or the offset that was asked for lies before the log. kGoOn:
  // the gap is told to on_event, and the partition is read on where its log begins now. kFail: the reader ends with OUT_OF_RANGE.
  enum class OnGap { kGoOn, kFail } on_gap = OnGap::kGoOn;
  // The broker's disk has lost records. kFail: the partition is lost (on_lost), and the error names the offsets. kSkip: the gap is told as
  // one of deleted records is, and the partition is read on behind the damage.
  enum class OnDamage { kFail, kSkip } on_damage = OnDamage::kFail;
  // A partition that its broker refuses for good, or for longer than unreachable_timeout: kFail: the reader ends with its error. kGoOn:
  // it is told to on_event and the others are read; one without an end is tried for ever, one that has an end is given up (Reader::lost).
  enum class OnLost { kFail, kGoOn } on_lost = OnLost::kFail;
  uint64_t credit_bytes = 32 << 20;             // what may be under way or untaken
  uint64_t frame_bytes_max = 1 << 20;
  Nanos unreachable_timeout = seconds(120);     // gives up when no broker served it for so long; 0: never

  Status check() const;
};

}  // namespace ion::client
