#include "io/segment_rewrite.h"

#include "core/batch_check.h"

#include <algorithm>
#include <utility>

namespace ion::storage_mmap {

namespace {
constexpr uint64_t kGrowMin = uint64_t{64} << 10, kGrowMax = uint64_t{16} << 20;

// The segments that [base, next) is, and nothing when it is not made of whole sealed ones.
std::vector<SegmentRef> sealed_run(const SegmentList& list, Offset base, Offset next) {
  const auto& segments = list.segments();
  std::vector<SegmentRef> run;
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    if (run.empty() && std::max(segments[i]->base(), list.first()) != base) continue;
    run.push_back(segments[i]);
    if (segments[i + 1]->base() == next) return run;
  }
  return {};
}
}  // namespace

Result<std::shared_ptr<SegmentRewrite>> SegmentRewrite::begin(StorageContext& context, LogState& state, Offset base, Offset next) {
  const SegmentsNow list = state.segments();
  std::vector<SegmentRef> replaced = sealed_run(*list, base, next);
  if (replaced.empty())
    return Status(ION_E_INVALID, "replace [" + std::to_string(base.v) + ", " + std::to_string(next.v) + "): wanted whole sealed segments of log " + state.name);
  return std::shared_ptr<SegmentRewrite>(new SegmentRewrite(context, state, base, next, std::move(replaced)));
}

SegmentRewrite::SegmentRewrite(StorageContext& context, LogState& state, Offset base, Offset next, std::vector<SegmentRef> replaced)
    : context_(context), state_(state), base_(base), next_(next), replaced_(std::move(replaced)),
      tracker_(replaced_.front()->base(), context.config.index_interval) {}

Status SegmentRewrite::wrong(Code code, std::string_view what) const {
  return {code, "replace [" + std::to_string(base_.v) + ", " + std::to_string(next_.v) + ") of log " + state_.name + ": " + std::string(what)};
}

// A truncation takes segments out of the list, or ends one where the next begins.
bool SegmentRewrite::is_still_there() const {
  const SegmentsNow list = state_.segments();
  return list->first() <= base_ && sealed_run(*list, base_, next_) == replaced_;
}

// ---- append

Status SegmentRewrite::append(std::span<const ion_batch> batches) {
  if (has_ended()) return wrong(ION_E_CLOSED, "was ended");
  SegmentTracker ahead = tracker_;
  std::vector<Checkpoint> entries;
  std::vector<ion_buf> parts;
  for (const ion_batch& b : batches) {
    ION_TRY(const CheckedBatch checked, check_batch(b, ahead.next()));
    if (ahead.position() == 0 && b.next <= base_.v) return wrong(ION_E_INVALID, "the first batch ends below it, at " + std::to_string(b.next));
    if (b.next > next_.v) return wrong(ION_E_INVALID, "a batch ends above it, at " + std::to_string(b.next));
    if (const auto entry = ahead.add(checked.raw.data(), checked.header)) entries.push_back(*entry);
    parts.insert(parts.end(), b.parts, b.parts + b.nparts);
  }
  if (parts.empty()) return {};
  ION_CHECK(make_room(ahead.position()));
  ION_CHECK(file_->append(tracker_.position(), parts));
  tracker_ = ahead;
  entries_.insert(entries_.end(), entries.begin(), entries.end());
  if (const uint64_t every = context_.config.writeback_bytes; every != 0 && tracker_.position() - written_back_ >= every) {
    const uint64_t from = std::exchange(written_back_, tracker_.position());
    (void)file_->writeback(from, tracker_.position() - from);
  }
  return {};
}

// Grows in steps: what was compacted is mostly shorter than what it replaces.
Status SegmentRewrite::make_room(uint64_t bytes) {
  const uint64_t have = file_ == nullptr ? 0 : file_->capacity();
  if (bytes <= have) return {};
  const uint64_t wanted = std::max(bytes, have + std::clamp(have, kGrowMin, kGrowMax));
  const auto grow_to = [&](uint64_t capacity) -> Status {
    ION_TRY(const DiskSpace space, context_.ports.files.space());
    ION_CHECK(check_space({space.free_bytes, space.total_bytes}, capacity - have, state_.log_class, context_.space_rules()));
    if (file_ != nullptr) return file_->grow(capacity);
    ION_CHECK(remove_if_there(context_.ports.files, state_.directory.replacement_log()));
    has_files_ = true;
    ION_TRY(file_, SegmentFile::make(context_.open_files, state_.directory.replacement_log(), capacity, Prepare::kAllocated));
    return {};
  };
  return context_.probe.allocate([&] { return grow_to(wanted); });
}

// ---- commit

Status SegmentRewrite::commit(LogDisk& disk) {
  if (has_ended()) return wrong(ION_E_CLOSED, "was ended");
  if (!is_still_there()) return wrong(ION_E_CONFLICT, "it was truncated meanwhile");
  if (tracker_.position() == 0 || tracker_.next() != next_)
    return wrong(ION_E_INVALID, "the last batch ends at " + std::to_string(tracker_.next().v));
  ION_TRY(const SegmentRef fresh, finish());
  ION_CHECK(prepare_marks(disk));
  Files& files = context_.ports.files;
  const LogDirectory& directory = state_.directory;
  ION_CHECK(files.sync_dir(directory.path()));
  ION_CHECK(files.rename(directory.replacement_index(), directory.commit(fresh->base())));
  has_files_ = false;  // whatever comes now, who opens the log decides what they are
  end();
  ION_CHECK(fail(files.sync_dir(directory.path())));
  {
    const LogDisk::Hold no_flush_knows_them(disk);
    const std::lock_guard no_index_is_written(state_.indexes_built_again);
    state_.change_segments([&](const SegmentList& now) { return now.replaced(replaced_.front()->base(), next_, fresh); });
    for (const SegmentRef& old : replaced_) old->disk.file.reset();
  }
  ION_CHECK(fail(put_in_place()));
  file_.reset();
  fresh->unpin();
  context_.cache.add(fresh);
  return {};
}

Result<SegmentRef> SegmentRewrite::finish() {
  SegmentSummary summary = tracker_.summary();
  summary.first_append = replaced_.front()->summary().first_append;
  for (const SegmentRef& old : replaced_) summary.last_append = std::max(summary.last_append, old->summary().last_append);
  ION_ASSERT(file_ != nullptr);
  ION_CHECK(file_->shrink(summary.end));
  ION_CHECK(file_->sync());
  ION_TRY(std::unique_ptr<MappedFile> map, file_->map());
  ION_CHECK(file_->close());
  ION_CHECK(write_file(context_.ports.files, state_.directory.replacement_index(), encode_index(state_.owner, {summary, entries_})));
  auto fresh = std::make_shared<Segment>(summary, Segment::DiskSide{nullptr, summary.end, true, true}, summary.end);
  fresh->pin_body(std::make_shared<SegmentBody>(std::make_shared<ReadMap>(std::move(map), context_.maps), entries_));
  fresh->trust();
  return fresh;
}

// A mark in what goes would be compared with what comes.
Status SegmentRewrite::prepare_marks(LogDisk& disk) const {
  LogDisk::Hold held(disk);
  ION_CHECK(held.settle());
  if (held.mark().segment < next_) ION_CHECK(held.sync());
  return held.move_mark(held.mark());
}

// Readers that still have the old list may open the old names meanwhile; they look again at the list before they believe what they found.
Status SegmentRewrite::put_in_place() {
  Files& files = context_.ports.files;
  const LogDirectory& directory = state_.directory;
  const Offset base = replaced_.front()->base();
  ION_CHECK(files.rename(directory.replacement_log(), directory.segment(base)));
  for (size_t i = replaced_.size(); --i > 0;) {
    ION_CHECK(remove_if_there(files, directory.index(replaced_[i]->base())));
    ION_CHECK(remove_if_there(files, directory.segment(replaced_[i]->base())));
  }
  ION_CHECK(files.sync_dir(directory.path()));
  ION_CHECK(files.rename(directory.commit(base), directory.index(base)));
  return files.sync_dir(directory.path());
}

void SegmentRewrite::drop() {
  end();
  if (file_ != nullptr) (void)file_->close();
  file_.reset();
  if (!std::exchange(has_files_, false)) return;
  (void)context_.ports.files.remove(state_.directory.replacement_log());  // what stays is removed when the log is opened
  (void)context_.ports.files.remove(state_.directory.replacement_index());
}

Status SegmentRewrite::fail(Status why) {
  if (why.ok()) return why;
  state_.fail(why);
  context_.ports.logger.error("log failed", {{"log", state_.name}, {"why", why.text()}});
  return state_.failure();
}

// ---- after a crash

namespace {
Status finish_one(StorageContext& context, const LogState& state, Offset base, const std::vector<DirEntry>& entries) {
  Files& files = context.ports.files;
  const LogDirectory& directory = state.directory;
  const Result<std::vector<uint8_t>> raw = read_file(files, directory.commit(base), kIndexHeaderBytes + kIndexEntriesMax * kIndexEntryBytes);
  const Result<SegmentIndex> index = raw ? decode_index(state.owner, base, *raw) : Result<SegmentIndex>(raw.error());
  if (!index && index.error().code() != ION_E_CORRUPT) return index.error();
  if (!index) {  // what it replaces is there or missed, and either is seen when the log is read
    context.ports.logger.error("a commit that does not prove itself", {{"log", state.name}, {"why", index.error().text()}});
    return files.remove(directory.commit(base));
  }
  ION_CHECK(files.sync_dir(directory.path()));  // a process that was killed may not have lived to make the commit durable
  const Status renamed = files.rename(directory.replacement_log(), directory.segment(base));
  if (!renamed.ok() && renamed.code() != ION_E_NOT_FOUND) return renamed;
  for (const DirEntry& e : entries) {
    const auto old = LogDirectory::segment_of(e.name);
    if (!old || *old <= base || *old >= index->summary.next) continue;
    ION_CHECK(remove_if_there(files, directory.index(*old)));
    ION_CHECK(remove_if_there(files, directory.segment(*old)));
  }
  ION_CHECK(files.sync_dir(directory.path()));
  ION_CHECK(files.rename(directory.commit(base), directory.index(base)));
  context.ports.logger.info("an interrupted compaction was finished",
                            {{"log", state.name}, {"first", std::to_string(base.v)}, {"next", std::to_string(index->summary.next.v)}});
  return files.sync_dir(directory.path());
}
}  // namespace

Status finish_commit(StorageContext& context, const LogState& state, const std::vector<DirEntry>& entries) {
  bool leftovers = false;
  for (const DirEntry& e : entries) {
    leftovers |= LogDirectory::is_replacement(e.name);
    if (const auto base = LogDirectory::commit_of(e.name)) ION_CHECK(finish_one(context, state, *base, entries));
  }
  if (!leftovers) return {};
  ION_CHECK(remove_if_there(context.ports.files, state.directory.replacement_log()));
  return remove_if_there(context.ports.files, state.directory.replacement_index());
}

}  // namespace ion::storage_mmap
