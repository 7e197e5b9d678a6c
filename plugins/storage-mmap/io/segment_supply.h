// Makes segments of one log before they are needed, on the blocking pool, one at a time, and keeps them ready. Disk space is
// checked here and only here: a log that gets no further segment answers NO_SPACE once its last one is full, and tries again
// with each append, so that it recovers by itself. One that somebody waits for is made smaller before it is refused.
// Thread: any. At most one caller waits: the holder of the log's write turn.
#pragma once
#include "io/log_state.h"
#include "io/storage_context.h"
#include "io/unique_function.h"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>

namespace ion::storage_mmap {

// A segment file that is ready, mapped, and not yet part of a log.
struct ReadySegment {
  std::unique_ptr<SegmentFile> file;
  std::shared_ptr<ReadMap> map;
};

// shared_ptr: a job that makes a segment keeps it.
class SegmentSupply final : public PreparedOwner, public std::enable_shared_from_this<SegmentSupply> {
 public:
  // `first_number`: no file with this number or a higher one is in the directory.
  SegmentSupply(StorageContext& context, const LogState& state, uint64_t first_number)
      : context_(context), directory_(state.directory), log_class_(state.log_class), name_(state.name), next_number_(first_number) {}

  // One that is ready and holds `bytes`; nothing if there is none.
  std::optional<ReadySegment> take(uint64_t bytes);
  // Sees to it that `count` wait ready; new ones get `capacity` bytes. Fails in silence: who needs one asks again. What waits counts in
  // the instance's PreparedBudget.
  void keep_ready(uint32_t count, uint64_t capacity, Prepare how);
  using Receiver = UniqueFunction<void(Result<ReadySegment>)>;
  // Hands over one of at least `size.least` bytes as soon as there is one, on whatever thread made it, or why there is none.
  void await(SegmentSize size, Receiver receiver);
  // Makes one here and now; somebody waits, so it is not zeroed. One that lets others go is made as long as the disk has any space, whatever
  // share of it is kept free, and a refusal of it says nothing of writes. BLOCKING.
  enum class Why { kForRecords, kToLetOthersGo };
  Result<ReadySegment> make(SegmentSize size, Why why = Why::kForRecords);
  // No more segments; `done` runs when none is being made.
  void stop(UniqueFunction<void()> done);
  void resume();
  // Removes those that wait ready. BLOCKING.
  void give_back_prepared() override;

 private:
  struct Wanted {
    SegmentSize size;
    Receiver receiver;
  };
  Result<ReadySegment> make_mapped(uint64_t capacity, Prepare how, Why why);
  Result<std::unique_ptr<SegmentFile>> make_file(const std::string& path, uint64_t capacity, Prepare how, Why why);
  void start_job();
  void work();
  std::optional<ReadySegment> take_held(uint64_t bytes);

  StorageContext& context_;
  const LogDirectory directory_;
  const LogClass log_class_;
  const std::string name_;
  std::mutex mutex_;
  uint64_t next_number_;
  std::deque<ReadySegment> ready_;
  uint32_t keep_count_ = 0;
  uint64_t keep_capacity_ = 0;
  Prepare keep_how_ = Prepare::kAllocated;
  std::optional<Wanted> awaited_;
  bool working_ = false, stopped_ = false;
  bool refused_ = false;   // and the operator was told
  Instant retry_at_;       // to keep segments ready, after a refusal
  UniqueFunction<void()> on_stopped_;
};

}  // namespace ion::storage_mmap
