// Reading partitions of one topic in order, as a pure machine: what happened goes in with the time, what is to be done comes out.
//
//   each partition:  needs offsets --> unplaced -- subscribe --> reading --> done (its end is reached)
//                                         ^--- stream lost, leader moved, offset reset ---'
//                    any but done -- refused for good or for too long --> given up
//
// Invariants: the position of a partition never goes back, except by the reset policy, and no offset is passed over without being told; a frame is accepted only from the stream
// that reads its partition, so that nothing is given twice over a reconnect; bytes that are under way or untaken are bounded by
// the credit; what is read is one topic: when another one has its name, the reset policy decides (kFail: the reader fails with
// TOPIC_RECREATED; else it begins anew at the start or end of the new one). Partitions that are added are found by metadata, asked
// for every kMetadataAgeMax. Thread: one at a time. Failure: failed() says why nothing more will come.
#pragma once
#include <ion/client/options.h>
#include <ion/client/reader.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/backoff.h"
#include "core/failure.h"
#include "core/metadata_cache.h"

namespace ion::client {

namespace read {

// Events.
struct Started {};
struct MetadataArrived {
  std::vector<MetadataCache::Leader> partitions;
  Uuid topic_id = {};  // all zero: not said
};
struct AskFailed {  // metadata or offsets
  Failure failure;
  uint64_t random = 0;
};
struct OffsetsArrived {
  struct Bounds {
    PartitionId partition;
    Offset start, end;
    Status error = {};
  };
  std::vector<Bounds> bounds;
  uint64_t random = 0;
};
struct FrameArrived {
  uint64_t stream = 0;
  PartitionId partition;
  Offset next_offset, log_start, high_watermark;
  uint64_t bytes = 0;  // of the records in it; 0: a sign of life
  std::string session;
  std::optional<Failure> failure;  // of this partition
  uint64_t random = 0;
};
struct StreamEnded {
  uint64_t stream = 0;
  Failure cause;
  uint64_t random = 0;
};
struct Taken {  // by the application
  uint64_t stream = 0, bytes = 0;
};
struct CreditLost {  // the grant did not arrive
  uint64_t stream = 0, bytes = 0;
};
struct Tick {};
using Event = std::variant<Started, MetadataArrived, AskFailed, OffsetsArrived, FrameArrived, StreamEnded, Taken, CreditLost, Tick>;

// Actions.
struct Subscribe {
  uint64_t stream = 0;
  std::string address;
  struct Part {
    PartitionId partition;
    Offset offset;
  };
  std::vector<Part> parts;
  Uuid topic_id = {};
  uint64_t credit_bytes = 0;
};
struct Credit {
  uint64_t stream = 0;
  std::string address, session;
  uint64_t bytes = 0;
};
struct Accept {  // the records of the frame that was told, within these bounds
  Offset from, until;
};
struct Notice {  // in words for people
  ClientEvent::What what = ClientEvent::What::kPartitionLost;
  std::string text;
  std::optional<ClientEvent::Gap> gap = {};
};
struct Actions {
  std::optional<Accept> accept;
  std::vector<uint64_t> cancel;
  std::vector<Subscribe> subscribe;
  std::vector<Credit> credits;
  std::vector<int32_t> list_offsets;
  bool fetch_metadata = false;
  std::vector<Notice> notices;
  std::string recreated;  // not empty: the topic was deleted and made again, in words for people
};

}  // namespace read

class ReaderCore {
 public:
  explicit ReaderCore(const ReaderOptions& options) : options_(options) {}

  read::Actions step(const read::Event& event, Instant now);

  bool finished() const { return finished_; }
  const Status& failed() const { return failed_; }
  std::vector<LostPartition> lost() const;
  uint64_t missed() const { return missed_; }
  Instant wake_at() const { return wake_at_; }

  static constexpr Nanos kTellAfter = seconds(3);  // a partition that is refused for so long is told; a leader that moves is not
  static constexpr Nanos kSettled = seconds(2);    // read for so long without a refusal, it is served again
  static constexpr Nanos kSilenceMax = seconds(45);  // the broker gives a sign of life each 15 s
  static constexpr Nanos kCreditRetry = milliseconds(200);
  static constexpr Nanos kMetadataAgeMax = seconds(30);  // partitions may have been added meanwhile
  static constexpr Instant kNever{UINT64_MAX};

 private:
  using Actions = read::Actions;
  struct Partition {
    PartitionId id;
    std::string leader;
    enum class Is { kNeedsOffsets, kUnplaced, kReading, kDone, kGivenUp } is = Is::kNeedsOffsets;
    Offset position;
    std::optional<Offset> until;
    bool added = false;     // since reading began: it is read from its first record on
    bool at_start = false;  // position is where the log began when it was asked, and nothing was read yet
    uint64_t stream = 0;  // of kReading
    Instant retry_at;     // of kUnplaced
    Instant placed_at;    // of kReading
    uint32_t failures = 0;
    std::optional<Instant> lost_since;  // its broker refuses it since
    Status why;                         // of lost_since and kGivenUp
    bool told = false;                  // that it is lost
    bool doubted = false;               // its broker does not know it; then metadata was asked whether there is the topic
  };
  struct Stream {
    std::string address, session;
    Instant last_frame;
    uint64_t owed = 0;  // taken, not yet given back as credit
    uint64_t credit = 0;
    Instant credit_at;  // not before
  };

  void on(const read::Started& e, Instant now, Actions& out);
  void on(const read::MetadataArrived& e, Instant now, Actions& out);
  void on(const read::AskFailed& e, Instant now, Actions& out);
  void on(const read::OffsetsArrived& e, Instant now, Actions& out);
  void on(const read::FrameArrived& e, Instant now, Actions& out);
  void on(const read::StreamEnded& e, Instant now, Actions& out);
  void on(const read::Taken& e, Instant now, Actions& out);
  void on(const read::CreditLost& e, Instant now, Actions& out);
  void on(const read::Tick& e, Instant now, Actions& out);

  bool begin_again(const read::MetadataArrived& e, Actions& out);
  void choose(const std::vector<MetadataCache::Leader>& there);
  void add_new(const std::vector<MetadataCache::Leader>& there);
  void ask_offsets(Actions& out);
  void place(Instant now, Actions& out);
  void refuse(Partition& p, const read::FrameArrived& e, Instant now, Actions& out);
  void out_of_range(Partition& p, const read::FrameArrived& e, Instant now, Actions& out);
  bool skip_gap(Partition& p, Offset log_start, const Status& why, Actions& out);
  void skip_damage(Partition& p, const read::FrameArrived& e, Instant now, Actions& out);
  void pass_over(Partition& p, Offset until, std::string_view what, std::string_view then, Actions& out);
  void unplace(Partition& p, const Failure& cause, uint64_t random, Instant now);
  void give_credit(uint64_t id, Stream& s, Instant now, Actions& out);
  void advance(Partition& p, Offset to, Actions& out);
  void begin(Partition& p, const read::OffsetsArrived::Bounds& bounds, Actions& out);
  void lose(Partition& p, const Status& why, Instant now);
  void found(Partition& p, Actions& out);
  void give_up(Partition& p, Actions& out);
  bool all_given_up() const;
  void check_lost(Instant now, Actions& out);
  void conclude(Actions& out);
  void fail(Status why, Actions& out);
  void want_metadata(Actions& out);
  Partition* find(PartitionId id);
  bool needs_bounds(const Partition& p) const;
  bool is_bounded() const;
  // All partitions are read, and without an end: also those that are added.
  bool wants_added() const { return options_.partitions.empty() && !is_bounded(); }
  bool tries_again(const Partition& p, const Failure& why) const;
  bool doubts_topic(Partition& p, const Status& why, Instant now, Actions& out);
  // One without an end, beside others, is tried for ever.
  bool gives_up_in_time(const Partition& p) const {
    const bool has_end = options_.stop_at_end || p.until;
    return options_.unreachable_timeout.n != 0 && (has_end || options_.on_lost == ReaderOptions::OnLost::kFail);
  }
  static bool is_open(const Partition& p) { return p.is != Partition::Is::kDone && p.is != Partition::Is::kGivenUp; }
  const ReaderOptions::At* asked(PartitionId id) const;
  Instant scan_deadlines(Instant now) const;

  const ReaderOptions options_;
  std::vector<Partition> partitions_;
  Uuid topic_id_;          // of the topic that is read; all zero: not known
  bool restarted_ = false;  // it was made again: offsets that were asked for are not its own
  std::map<uint64_t, Stream> streams_;
  uint64_t last_stream_ = 0;
  uint64_t missed_ = 0;
  Instant learnt_at_;  // when metadata was answered last
  bool asking_metadata_ = false, asking_offsets_ = false;
  bool in_doubt_ = false;  // whether there still is the topic: nothing is placed until metadata says so
  Instant ask_at_;  // 0: nothing to ask later
  uint32_t ask_failures_ = 0;
  std::optional<Instant> lost_since_;  // nobody serves us since
  Status last_cause_;
  PartitionId last_given_up_;
  bool finished_ = false;
  Status failed_;
  Instant wake_at_ = kNever;
};

}  // namespace ion::client
