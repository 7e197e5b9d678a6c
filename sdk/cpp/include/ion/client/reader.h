// Reader: partitions of one topic in offset order, without a group. It holds its place by itself: over lost connections,
// restarted brokers and moved leaders it goes on with the next record. One thread at a time, except cancel().
#pragma once
#include <ion/bytes.h>
#include <ion/client/options.h>
#include <ion/record_reader.h>
#include <ion/result.h>

#include <memory>
#include <optional>
#include <vector>

namespace ion::codecs {
class Decompressor;
}

namespace ion::client {

class ReaderSession;

// Records of one partition, back to back, as they came. Views of records point into it.
class RecordSet {
 public:
  struct Range {
    Offset from;   // records below were not asked for
    Offset until;  // first one that is not wanted; next position behind this set
  };
  RecordSet(PartitionId partition, LogId log, Buf bytes, Range range)
      : partition_(partition), log_(log), bytes_(std::move(bytes)), range_(range) {}

  PartitionId partition() const noexcept { return partition_; }
  LogId log() const noexcept { return log_; }
  const Range& range() const noexcept { return range_; }
  uint64_t bytes() const noexcept { return bytes_.size(); }

  // The next record; nothing at the end; CORRUPT where a batch does not prove itself (each checksum is looked at once). Compressed
  // batches are opened one at a time: views of the records of one end with the first record of the next.
  Result<std::optional<batch::Record>> next();
  // Header of the batch that the last record came from, as it is stored; null before the first and behind the last one. Valid until next().
  const batch::Header* batch() const noexcept { return open_ ? &header_ : nullptr; }

 private:
  Status open_batch();

  PartitionId partition_;
  LogId log_;
  Buf bytes_;
  Range range_;
  size_t at_ = 0;  // first byte behind the open batch
  batch::Header header_;  // of the open batch
  Buf opened_;            // the open batch without its compression
  std::shared_ptr<codecs::Decompressor> decompressor_;  // made for the first compressed batch; shared_ptr, since the type is not complete here
  std::optional<batch::RecordReader> open_;
};

struct Message {
  PartitionId partition;
  LogId log;
  batch::Record record;  // valid until the next call of the reader
};

struct LostPartition {
  PartitionId partition;
  Status why;
};

class Reader {
 public:
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // Waits up to `timeout` for records. Nothing: nothing came in time, or finished(). An error is the reader's end and is answered again:
  // NOT_FOUND (topic or partition), OUT_OF_RANGE (an offset that is not there, with Reset::kFail or OnGap::kFail), CONFLICT with TOPIC_RECREATED, CLOSED
  // with UNREACHABLE (unreachable_timeout), CORRUPT, CANCELLED after cancel().
  Result<std::optional<RecordSet>> next_batch(Nanos timeout);
  // The same one by one, over an internal set: the views of a message hold until the next call.
  Result<std::optional<Message>> next(Nanos timeout);
  // All partitions were read up to their end (stop_at_end, or an `until`), or given up.
  bool finished() const;
  // Those that were given up so far (ReaderOptions::OnLost::kGoOn). When all are, the reader ends with the error of the first.
  std::vector<LostPartition> lost() const;
  // How many offsets were passed over since they were deleted or damaged (ClientEvent::What::kGap), of all partitions.
  uint64_t missed() const;
  // Wakes a waiting call, which then answers CANCELLED. Any thread.
  void cancel();

 private:
  friend class Client;
  explicit Reader(std::shared_ptr<ReaderSession> session);
  std::shared_ptr<ReaderSession> session_;  // shared with calls under way
  std::optional<RecordSet> current_;
};

}  // namespace ion::client
