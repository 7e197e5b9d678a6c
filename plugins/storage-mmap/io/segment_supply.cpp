#include "io/segment_supply.h"

#include <algorithm>
#include <utility>

namespace ion::storage_mmap {

namespace {
constexpr Nanos kRetryAfter = seconds(1);  // nobody waits for it
}

std::optional<ReadySegment> SegmentSupply::take(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  return take_held(bytes);
}

std::optional<ReadySegment> SegmentSupply::take_held(uint64_t bytes) {
  const auto at = std::find_if(ready_.begin(), ready_.end(), [&](const ReadySegment& r) { return r.file->capacity() >= bytes; });
  if (at == ready_.end()) return std::nullopt;
  ReadySegment taken = std::move(*at);
  ready_.erase(at);
  context_.prepared.release(taken.file->capacity());
  return taken;
}

void SegmentSupply::keep_ready(uint32_t count, uint64_t capacity, Prepare how) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || ready_.size() >= count) return;
    if (retry_at_.ns != 0 && context_.ports.clock.now() < retry_at_) return;
    keep_count_ = count, keep_capacity_ = capacity, keep_how_ = how;
    if (working_) return;
    working_ = true;
  }
  start_job();
}

void SegmentSupply::await(SegmentSize size, Receiver receiver) {
  {
    const std::lock_guard lock(mutex_);
    ION_ASSERT(!awaited_ && !stopped_);
    awaited_.emplace(Wanted{size, std::move(receiver)});
    if (std::exchange(working_, true)) return;
  }
  start_job();
}

void SegmentSupply::start_job() {
  const Status posted = context_.jobs.post([self = shared_from_this()] { self->work(); });
  if (posted.ok()) return;
  std::optional<Wanted> refused;
  UniqueFunction<void()> stopped;
  {
    const std::lock_guard lock(mutex_);
    working_ = false;
    refused = std::exchange(awaited_, std::nullopt);
    stopped = std::move(on_stopped_);
  }
  if (refused) refused->receiver(posted);
  if (stopped) stopped();
}

void SegmentSupply::work() {
  for (;;) {
    Wanted wanted;
    std::optional<ReadySegment> fitting;
    uint64_t capacity = 0;
    Prepare how = Prepare::kAllocated;
    {
      UniqueFunction<void()> stopped;
      std::unique_lock lock(mutex_);
      if (awaited_) {
        wanted = *std::move(awaited_);
        awaited_.reset();
        fitting = take_held(wanted.size.least);
      } else if (!stopped_ && ready_.size() < keep_count_) {
        capacity = keep_capacity_, how = keep_how_;
      } else {
        working_ = false;
        stopped = std::move(on_stopped_);
        lock.unlock();
        if (stopped) stopped();
        return;
      }
    }
    if (wanted.receiver) {
      wanted.receiver(fitting ? Result<ReadySegment>(*std::move(fitting)) : make(wanted.size));
      continue;
    }
    if (!context_.prepared.reserve(shared_from_this(), capacity, context_.ports.clock.now())) {
      const std::lock_guard lock(mutex_);
      keep_count_ = 0, retry_at_ = context_.ports.clock.now() + kRetryAfter;
      continue;
    }
    Result<ReadySegment> made = make_mapped(capacity, how, Why::kForRecords);
    if (!made) context_.prepared.release(capacity);
    const std::lock_guard lock(mutex_);
    if (made) ready_.push_back(*std::move(made));
    else keep_count_ = 0, retry_at_ = context_.ports.clock.now() + kRetryAfter;
  }
}

Result<ReadySegment> SegmentSupply::make(SegmentSize size, Why why) {
  Result<ReadySegment> made = make_mapped(size.wanted, Prepare::kAllocated, why);
  if (!made && made.error().code() == ION_E_NO_SPACE && size.least < size.wanted) made = make_mapped(size.least, Prepare::kAllocated, why);
  if (why == Why::kToLetOthersGo) return made;
  if (!made && made.error().code() == ION_E_NO_SPACE) context_.refused_for_space(name_, size.least);
  const std::lock_guard lock(mutex_);
  if (made) {
    if (std::exchange(refused_, false)) context_.ports.logger.info("segments are made again", {{"log", name_}});
    retry_at_ = {};
  } else if (!std::exchange(refused_, true)) {
    context_.ports.logger.warn("no further segment", {{"log", name_}, {"why", made.error().text()}});
  }
  return made;
}

Result<ReadySegment> SegmentSupply::make_mapped(uint64_t capacity, Prepare how, Why why) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    path = directory_.ahead(next_number_++);
  }
  ION_TRY(std::unique_ptr<SegmentFile> file, context_.probe.allocate([&] { return make_file(path, capacity, how, why); }));
  Result<std::unique_ptr<MappedFile>> map = file->map();
  if (!map) {
    (void)file->close();
    (void)context_.ports.files.remove(file->path());
    return map.error();
  }
  return ReadySegment{std::move(file), std::make_shared<ReadMap>(*std::move(map), context_.maps)};
}

Result<std::unique_ptr<SegmentFile>> SegmentSupply::make_file(const std::string& path, uint64_t capacity, Prepare how, Why why) {
  ION_TRY(const DiskSpace space, context_.ports.files.space());
  ION_CHECK(check_space({space.free_bytes, space.total_bytes}, capacity, why == Why::kToLetOthersGo ? LogClass::kVital : log_class_, context_.space_rules()));
  return SegmentFile::make(context_.open_files, path, capacity, how);
}

void SegmentSupply::stop(UniqueFunction<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true, keep_count_ = 0;
    if (working_) {
      on_stopped_ = std::move(done);
      return;
    }
  }
  done();
}

void SegmentSupply::resume() {
  const std::lock_guard lock(mutex_);
  stopped_ = false;
}

void SegmentSupply::give_back_prepared() {
  std::deque<ReadySegment> unused;
  {
    const std::lock_guard lock(mutex_);
    unused = std::exchange(ready_, {});
  }
  for (ReadySegment& ready : unused) {
    context_.prepared.release(ready.file->capacity());
    (void)ready.file->close();
    ready.map.reset();
    (void)context_.ports.files.remove(ready.file->path());
  }
}

}  // namespace ion::storage_mmap
