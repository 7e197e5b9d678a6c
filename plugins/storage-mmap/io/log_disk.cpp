#include "io/log_disk.h"

#include <ion/simulated_bug.h>

#include <vector>

namespace ion::storage_mmap {

Result<Offset> LogDisk::sync() {
  const std::lock_guard lock(mutex_);
  Result<Offset> durable = sync_held();
  if (durable) state_.count_flush();
  return durable;
}

Result<Offset> LogDisk::sync_held() {
  ION_CHECK(state_.failure());
  const SegmentsNow list = state_.segments();
  if (closed_ || list->segments().empty()) return state_.durable();
  const auto& segments = list->segments();
  const SegmentSummary tip = segments.back()->summary();
  size_t from = segments.size() - 1;
  while (from > 0 && !segments[from - 1]->disk.indexed) --from;
  for (size_t i = from; i < segments.size(); ++i) {
    ION_CHECK(name_held(*segments[i]));
    ION_CHECK(flush_held(*segments[i], i + 1 == segments.size() ? tip.end : segments[i]->end()));
  }
  if (tip.next != mark_.offset || list->first() != mark_.first || tip.base != mark_.segment) {
    mark_ = {list->first(), tip.next, tip.base, tip.end, tip.digest, tip.epoch};
    mark_written_ = false;
  }
  if (state_.exact_mark && !mark_written_) {
    ION_CHECK(fail_unless_full(context_.marks->write(state_.name, mark_)));
    ION_CHECK(fail(context_.marks->flush()));
    mark_written_ = true;
  }
  state_.set_durable(tip.next);
  return tip.next;
}

Status LogDisk::write_mark() {
  const std::lock_guard lock(mutex_);
  if (closed_ || mark_written_ || state_.exact_mark || state_.failed()) return {};  // an exact one is written and flushed by its sync
  ION_CHECK(fail_unless_full(context_.marks->write(state_.name, mark_)));
  mark_written_ = true;
  return {};
}

void LogDisk::write_back(Segment& segment, uint64_t from, uint64_t bytes) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;  // somebody flushes: hints that wait for that would take all threads from who makes segments
  if (segment.disk.file != nullptr && segment.disk.synced < from + bytes) (void)segment.disk.file->writeback(from, bytes);
  const uint64_t every = context_.config.checkpoint_bytes;
  if (every == 0 || segment.end() - segment.disk.checkpoint < every) return;
  const Instant now = context_.ports.clock.now();
  if (now - checkpoint_ < context_.config.checkpoint_pause) return;
  checkpoint_ = now;
  (void)checkpoint_held(segment);  // a failure is the log's, which says it
}

// A segment that was sealed meanwhile gets its index by settle.
Status LogDisk::checkpoint_held(Segment& segment) {
  const SegmentsNow list = state_.segments();
  if (closed_ || list->segments().empty() || list->segments().back().get() != &segment) return {};
  const SegmentSummary upto = segment.summary();
  ION_CHECK(sync_held());
  ION_CHECK(write_index(segment, upto));
  segment.disk.checkpoint = upto.end;
  return {};
}

Status LogDisk::settle() {
  const std::lock_guard lock(mutex_);
  if (closed_) return {};
  ION_CHECK(state_.failure());
  return settle_held();
}

Status LogDisk::settle_held() {
  const SegmentsNow list = state_.segments();
  const auto& segments = list->segments();
  bool new_index = false;
  for (size_t i = 0; i < segments.size(); ++i) {
    Segment& segment = *segments[i];
    if (segment.disk.indexed) continue;
    ION_CHECK(name_held(segment));
    if (i + 1 == segments.size()) break;
    ION_CHECK(flush_held(segment, segment.end()));
    ION_CHECK(index_held(segment));
    new_index = true;
    segment.unpin();
    if (segment.disk.file != nullptr) {
      give_back_tail(segment);
      ION_CHECK(fail(segment.disk.file->close()));
      segment.disk.file.reset();
    }
    if (segment.body() != nullptr) context_.cache.add(segments[i]);
  }
  return new_index ? context_.ports.files.sync_dir(state_.directory.path()) : Status();
}

// Of a segment that was closed long before it was full. Its map has to go for that; it is opened again when it is read.
void LogDisk::give_back_tail(Segment& segment) {
  constexpr uint64_t kWorthIt = uint64_t{64} << 10;
  if (!segment.disk.indexed || segment.capacity() - segment.end() < kWorthIt) return;
  segment.set_body(nullptr);
  if (segment.disk.file->shrink(segment.end()).ok()) segment.set_capacity(segment.end());  // else a reader holds a part of it
}

Status LogDisk::resume(Segment& segment, SegmentSize size) {
  const auto resume_with = [&](uint64_t capacity) { return context_.probe.allocate([&] { return resume_file(segment, capacity); }); };
  Status resumed = resume_with(size.wanted);
  if (resumed.code() == ION_E_NO_SPACE && size.least < size.wanted) resumed = resume_with(size.least);
  if (resumed.code() == ION_E_NO_SPACE) context_.refused_for_space(state_.name, size.least - segment.end());
  return resumed;
}

Status LogDisk::resume_file(Segment& segment, uint64_t capacity) {
  const std::lock_guard lock(mutex_);
  ION_CHECK(state_.failure());
  Files& files = context_.ports.files;
  const std::shared_ptr<SegmentBody> loaded = segment.body();
  const uint64_t end = segment.end();
  if (loaded == nullptr && end > 0) return {ION_E_OVERLOADED, "log " + state_.name + ": its last segment was closed again; raise open_segments_max"};
  ION_TRY(const DiskSpace space, files.space());
  ION_CHECK(check_space({space.free_bytes, space.total_bytes}, capacity - end, state_.log_class, context_.space_rules()));
  ION_TRY(std::unique_ptr<SegmentFile> file, SegmentFile::open(context_.open_files, state_.directory.segment(segment.base())));
  if (file->capacity() < end)
    return {ION_E_CORRUPT, file->path() + ": has " + std::to_string(file->capacity()) + " bytes, wanted the " + std::to_string(end) + " that were written"};
  ION_CHECK(file->grow(capacity));
  ION_TRY(std::unique_ptr<MappedFile> map, file->map());
  const size_t more = (file->capacity() - end) / context_.config.index_interval + 2;
  const std::vector<Checkpoint> entries = loaded != nullptr ? loaded->index.entries_below(end) : std::vector<Checkpoint>{};
  auto body = std::make_shared<SegmentBody>(std::make_shared<ReadMap>(std::move(map), context_.maps), entries, more);
  if (loaded != nullptr && loaded->checked != nullptr) {
    body->start_checking();
    for (size_t i = 0; i < entries.size(); ++i) body->checked[i].store(loaded->checked[i].load());
  } else {
    segment.trust();
  }
  segment.set_capacity(file->capacity());
  segment.disk.file = std::move(file);
  segment.disk.indexed = false;
  segment.pin_body(std::move(body));
  return {};
}

Status LogDisk::close() {
  const std::lock_guard lock(mutex_);
  if (closed_) return {};
  const SegmentsNow list = state_.segments();
  const auto& segments = list->segments();
  // A log that failed claims nothing; one without a segment to write on was damaged and stays as it is.
  const bool written_on = !state_.failed() && !segments.empty() && segments.back()->disk.file != nullptr;
  if (written_on) {
    ION_CHECK(settle_held());
    ION_CHECK(sync_held());
    ION_CHECK(index_held(*segments.back()));
    ION_CHECK(fail(context_.ports.files.sync_dir(state_.directory.path())));
  }
  if (!state_.failed() && (written_on || !mark_written_)) {
    if (!mark_written_) ION_CHECK(fail(context_.marks->write(state_.name, mark_)));
    mark_written_ = true;
    ION_CHECK(fail(context_.marks->flush()));
  }
  closed_ = true;
  return {};
}

void LogDisk::release() {
  const std::lock_guard lock(mutex_);
  ION_ASSERT(closed_);
  const SegmentsNow list = state_.segments();
  const auto& segments = list->segments();
  for (const SegmentRef& segment : segments) {
    if (segment->disk.file == nullptr) continue;
    segment->set_body(nullptr);
    // A reader that holds a part of it keeps it as long as it is; so does a log that failed, which claims nothing.
    if (segment == segments.back() && !state_.failed() && segment->disk.file->shrink(segment->end()).ok()) segment->set_capacity(segment->end());
    if (const Status closed = segment->disk.file->close(); !closed.ok()) (void)fail(closed);
    segment->disk.file.reset();
  }
}

// An index that an earlier segment of this name left behind must not vouch for this one.
Status LogDisk::name_held(Segment& segment) {
  if (segment.disk.named || segment.disk.file == nullptr) return {};
  Files& files = context_.ports.files;
  ION_CHECK(fail_unless_full(remove_if_there(files, state_.directory.index(segment.base()))));
  ION_CHECK(fail_unless_full(segment.disk.file->rename_to(files, state_.directory.segment(segment.base()))));
  // It bears its name, which ends the segment before it: going on in that one would lose what comes.
  if (!ION_BUG(no_dir_fsync)) {
    ION_CHECK(fail(state_.directory_name->settle(files)));
    ION_CHECK(fail(files.sync_dir(state_.directory.path())));
  }
  segment.disk.named = true;
  return {};
}

Status LogDisk::flush_held(Segment& segment, uint64_t upto) {
  if (segment.disk.synced >= upto || segment.disk.file == nullptr) return {};
  const Instant began = context_.ports.clock.now();
  ION_CHECK(fail(segment.disk.file->sync()));
  context_.flush_took(context_.ports.clock.now() - began, state_.name);
  context_.metrics.flushed_file();
  segment.disk.synced = upto;
  return {};
}

// What the index says was durable before it is written. An index that could not be written for want of space is written at the
// next occasion, or built again from the batches when the log is opened.
Status LogDisk::index_held(Segment& segment) {
  if (segment.body() == nullptr) return {};
  const Status written = write_index(segment, segment.summary());
  segment.disk.indexed = written.ok();
  return written.code() == ION_E_NO_SPACE ? Status() : written;
}

// NO_SPACE leaves the log as it is.
Status LogDisk::write_index(Segment& segment, const SegmentSummary& summary) {
  ION_ASSERT(segment.disk.synced >= summary.end);
  const std::shared_ptr<SegmentBody> body = segment.body();
  if (body == nullptr) return {};
  const std::vector<uint8_t> bytes = encode_index(state_.owner, {summary, body->index.entries_below(summary.end)});
  const Status written = write_file(context_.ports.files, state_.directory.index(segment.base()), bytes);
  return fail_unless_full(written);
}

Status LogDisk::Hold::move_mark(const Mark& mark) {
  disk_.mark_ = mark;
  ION_CHECK(disk_.fail(disk_.context_.marks->write(disk_.state_.name, mark)));
  ION_CHECK(disk_.fail(disk_.context_.marks->flush()));
  disk_.mark_written_ = true;
  return {};
}

void LogDisk::Hold::discard(Segment& segment) {
  if (segment.disk.named || segment.disk.file == nullptr) return;
  const std::string path = segment.disk.file->path();
  (void)segment.disk.file->close();
  segment.disk.file.reset();
  (void)disk_.context_.ports.files.remove(path);  // what stays is removed when the log is opened
}

Status LogDisk::Hold::sync_names() { return disk_.fail(disk_.context_.ports.files.sync_dir(disk_.state_.directory.path())); }

Status LogDisk::remove_gone(Segment& segment) {
  Files& files = context_.ports.files;
  const LogDirectory& directory = state_.directory;
  const std::string path = segment.disk.file != nullptr ? segment.disk.file->path() : directory.segment(segment.base());
  segment.disk.file.reset();
  ION_CHECK(fail(remove_if_there(files, directory.index(segment.base()))));
  return fail(remove_if_there(files, path));
}

// A file that could not get its name or its place is as it was. Never for a flush.
Status LogDisk::fail_unless_full(Status why) { return why.code() == ION_E_NO_SPACE ? why : fail(std::move(why)); }

Status LogDisk::fail(Status why) {
  if (why.ok()) return why;
  state_.fail(why);
  context_.ports.logger.error("log failed", {{"log", state_.name}, {"why", why.text()}});
  return state_.failure();
}

}  // namespace ion::storage_mmap
