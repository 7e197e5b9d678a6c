#include "io/log_recovery.h"

#include "io/segment_loader.h"
#include "io/segment_rewrite.h"
#include "io/segment_supply.h"

#include <algorithm>
#include <utility>

namespace ion::storage_mmap {

namespace {
// The last segment of a log that was closed in order is checked at once if that is cheap, else when it is read, as sealed ones are.
constexpr uint64_t kReadAtOpenMax = uint64_t{64} << 10;

class Recovery {
 public:
  Recovery(StorageContext& context, const LogState& state)
      : context_(context), files_(context.ports.files), state_(state), mark_(context.marks->find(state.name)) {}

  Result<RecoveredLog> run(IfMissing missing, uint64_t first_capacity) {
    ION_CHECK(list(missing));
    ION_CHECK(read_named());
    ION_TRY(Judgement judgement, judge_all());
    if (!judgement.cut_tail) ION_CHECK(adopt_ahead(judgement));
    ION_CHECK(remove_the_rest(judgement));
    ION_CHECK(build(judgement));
    ION_CHECK(make_active(judgement, first_capacity));
    return finish(judgement);
  }

 private:
  struct Read {
    ReadSegment facts;
    ReadingTask task;
    std::string path;
    size_t unread_entries = 0;  // of the index that the reading began behind: what they speak of is checked when it is first read
  };

  Status list(IfMissing missing) {
    Result<std::vector<DirEntry>> entries = files_.list(state_.directory.path());
    if (entries && has_replacement(*entries)) {
      ION_CHECK(finish_commit(context_, state_, *entries));
      entries = files_.list(state_.directory.path());
    }
    if (!entries && entries.error().code() != ION_E_NOT_FOUND) return entries.error();
    if (!entries) {
      if (missing == IfMissing::kRefuse && !mark_) return {ION_E_NOT_FOUND, "there is no log " + state_.name};
      return files_.make_dir(state_.directory.path());
    }
    std::vector<std::pair<Offset, uint64_t>> named;
    for (const DirEntry& e : *entries) {
      if (const auto base = LogDirectory::segment_of(e.name)) named.emplace_back(*base, e.bytes);
      else if (const auto number = LogDirectory::ahead_of(e.name)) ahead_.emplace_back(*number, e.bytes);
    }
    std::sort(named.begin(), named.end());
    std::sort(ahead_.begin(), ahead_.end());
    for (const auto& [base, bytes] : named) named_.push_back({base, bytes, std::nullopt});
    if (!ahead_.empty()) next_number_ = ahead_.back().first + 1;
    // The mark was moved after the first segment had its name.
    if (context_.known_directories.has(state_.name) || (mark_ && mark_->offset > Offset{0})) state_.directory_name->is_durable();
    if (!named_.empty() && !mark_) context_.ports.logger.warn("durable mark is lost", {{"log", state_.name}});
    return {};
  }

  static bool has_replacement(const std::vector<DirEntry>& entries) {
    return std::any_of(entries.begin(), entries.end(), [](const DirEntry& e) { return LogDirectory::is_replacement(e.name) || LogDirectory::commit_of(e.name); });
  }

  Status read_named() {
    for (FoundSegment& found : named_) {
      const Result<std::vector<uint8_t>> raw = read_head(state_.directory.index(found.base), kIndexHeaderBytes);
      if (!raw) continue;
      const Result<SegmentSummary> summary = decode_index_summary(state_.owner, found.base, *raw);
      if (summary) found.index = SegmentIndex{*summary, {}};
    }
    const ReadingPlan plan = plan_reading(named_, mark_);
    in_order_ = closed_in_order();
    for (const size_t i : plan.below_first) obsolete_.push_back(named_[i].base);
    for (size_t i = 0; i < named_.size(); ++i) {
      if (std::find(plan.below_first.begin(), plan.below_first.end(), i) != plan.below_first.end()) continue;
      const auto task = std::find_if(plan.read.begin(), plan.read.end(), [&](const ReadingTask& t) { return t.which == i; });
      Read read{{named_[i], std::nullopt, false}, task == plan.read.end() ? ReadingTask{} : *task, state_.directory.segment(named_[i].base)};
      const bool believed = in_order_ && i + 1 == named_.size() && named_[i].file_bytes > kReadAtOpenMax;
      if (task != plan.read.end() && !believed) ION_CHECK(scan(read, read.facts.found.file_bytes));
      segments_.push_back(std::move(read));
    }
    return {};
  }

  // The log was closed, and nothing was done with it since: mark and index of the last segment say the same, and its file ends where
  // its batches do. (A log that is written on has a longer file.)
  bool closed_in_order() const {
    if (named_.empty() || !mark_) return false;
    const FoundSegment& last = named_.back();
    if (mark_->segment != last.base || mark_->position != last.file_bytes) return false;
    if (last.file_bytes == 0) return mark_->offset == last.base;
    if (!last.index) return false;
    const SegmentSummary& s = last.index->summary;
    return s.end == last.file_bytes && s.next == mark_->offset && s.digest == mark_->digest;
  }

  Result<std::vector<uint8_t>> read_head(const std::string& path, uint64_t n) {
    ION_TRY(const std::unique_ptr<File> file, files_.open(path, ION_FILE_READ));
    std::vector<uint8_t> bytes(n);
    ION_CHECK(read_exactly(*file, 0, bytes, path));
    return bytes;
  }

  Status scan(Read& read, uint64_t limit) {
    FoundSegment& found = read.facts.found;
    if (read.task.index_agrees && found.index->entries.empty() && found.index->summary.end > 0) {
      const Result<std::vector<uint8_t>> raw =
          read_file(files_, state_.directory.index(found.base), kIndexHeaderBytes + kIndexEntriesMax * kIndexEntryBytes);
      if (raw)
        if (Result<SegmentIndex> index = decode_index(state_.owner, found.base, *raw)) found.index = *std::move(index);
    }
    const SegmentIndex* const believed = begins_behind_index(read) ? &*found.index : nullptr;
    read.unread_entries = believed != nullptr ? believed->entries.size() : 0;
    ScanSpec spec;
    spec.start = start_of_reading(found.base, believed);
    spec.limit = limit;
    spec.stop_at = read.task.stop_at;
    spec.interval = context_.config.index_interval;
    spec.durable = durable_bytes(found);
    spec.checkpoints = checkpoints_of(read.task.index_agrees ? &*found.index : nullptr, read.task.mark, spec.start.end);
    ION_TRY(const std::unique_ptr<File> file, files_.open(read.path, ION_FILE_READ));
    ION_TRY(ScanResult result, scan_file(*file, read.path, std::move(spec)));
    if (believed != nullptr) result.entries.insert(result.entries.begin(), believed->entries.begin(), believed->entries.end());
    read.facts.scan = std::move(result);
    return {};
  }

  // The last segment has a checkpoint: an index that proves itself was written when all it speaks of was durable.
  bool begins_behind_index(const Read& read) const {
    const std::optional<SegmentIndex>& index = read.facts.found.index;
    if (!mark_ || !read.task.index_agrees || read.task.stop_at != Offset{INT64_MAX} || index->entries.empty()) return false;
    const uint64_t every = context_.config.checkpoint_bytes;
    return index->summary.end >= (every == 0 ? kReadAtOpenMax : std::min(every, kReadAtOpenMax));
  }

  // Of a segment, as far as mark and index say.
  std::optional<uint64_t> durable_bytes(const FoundSegment& found) const {
    if (!mark_ || found.base < mark_->segment) return std::nullopt;
    const uint64_t marked = found.base == mark_->segment ? mark_->position : 0;
    return std::max(marked, found.index ? found.index->summary.end : 0);
  }

  Result<Judgement> judge_all() {
    for (;;) {
      std::vector<ReadSegment> facts;
      for (const Read& read : segments_) facts.push_back(read.facts);
      Judgement judgement = judge(facts, mark_);
      if (!judgement.cut) return judgement;
      Read& cut = segments_[judgement.cut->which];
      ION_ASSERT(!cut.facts.cut);
      ION_CHECK(scan(cut, judgement.cut->position));
      cut.facts.cut = true;
    }
  }

  // Segments that were taken into use and not yet named when the process ended: each goes on exactly where the one before ends (one
  // that begins with a gap is named before it is used). If it does not, its beginning or the end of the one before was lost, and
  // nothing in it was ever durable.
  Status adopt_ahead(Judgement& judgement) {
    // Their numbers say nothing of the order in which they were used: one that was too small is passed over.
    const auto joins = [&](size_t i, Read& read) -> Result<bool> {
      const auto [number, bytes] = ahead_[i];
      read = Read{{{judgement.next, bytes, std::nullopt}, std::nullopt, false}, {}, state_.directory.ahead(number)};
      ION_CHECK(scan(read, bytes));
      const std::vector<Checkpoint>& entries = read.facts.scan->entries;
      return !entries.empty() && entries.front().position == 0 && entries.front().offset == judgement.next;
    };
    for (size_t i = 0; i < ahead_.size() && !judgement.cut_tail;) {
      Read read;
      ION_TRY(const bool joined, joins(i, read));
      if (!joined) {
        ++i;
        continue;
      }
      ahead_.erase(ahead_.begin() + static_cast<std::ptrdiff_t>(i));
      segments_.push_back(std::move(read));
      ION_TRY(judgement, judge_all());
      i = 0;
    }
    return {};
  }

  // A damaged log stays as it is: who repairs it may want to look at all of it.
  Status remove_the_rest(const Judgement& judgement) {
    if (judgement.damaged()) return {};
    bool removed = false;
    const auto remove = [&](const std::string& path) -> Status {
      removed = true;
      return files_.remove(path);
    };
    // From the end: what is left after a crash has no hole. What lies below the log from the beginning: the name of a segment ends the
    // one before it, whose cut batches would be back without it.
    const auto remove_segment = [&](Offset base, const std::string& path) -> Status {
      ION_CHECK(remove_if_there(files_, state_.directory.index(base)));
      return remove(path);
    };
    std::vector<size_t> going = judgement.remove;
    if (!judgement.restart) std::reverse(going.begin(), going.end());
    for (const size_t i : going) ION_CHECK(remove_segment(segments_[i].facts.found.base, segments_[i].path));
    for (const Offset base : obsolete_) ION_CHECK(remove_segment(base, state_.directory.segment(base)));
    for (const auto& [number, bytes] : ahead_) ION_CHECK(remove(state_.directory.ahead(number)));
    return removed ? files_.sync_dir(state_.directory.path()) : Status();
  }

  // A segment whose index was not written yet was appended to until this process began, as far as anybody can tell.
  SegmentSummary with_times(SegmentSummary known, const std::optional<SegmentIndex>& index) {
    if (known.end == 0) return known;
    if (index) known.first_append = index->summary.first_append;
    if (index && index->summary.end == known.end) known.last_append = index->summary.last_append;
    if (known.last_append.ms < 0) known.last_append = context_.ports.clock.wall();
    known.last_append = newest_append_ = std::max(newest_append_, known.last_append);  // the clock may have been set back
    if (known.first_append.ms < 0) known.first_append = known.last_append;
    return known;
  }

  Status build(const Judgement& judgement) {
    for (size_t i = 0; i < judgement.keep.size(); ++i) {
      const KeptSegment& kept = judgement.keep[i];
      Read& read = segments_[kept.which];
      const bool last = i + 1 == judgement.keep.size();
      // An empty one that was too small: the next has its base and takes its name.
      if (!last && judgement.keep[i + 1].summary.base == kept.summary.base) continue;
      const bool writable = last && !judgement.damaged();
      const uint64_t bytes = read.facts.found.file_bytes;
      const bool has_name = read.path == state_.directory.segment(kept.summary.base);
      // It was closed in order, or had its name and nothing else when the power went. The name stays: it ends the segment before.
      const bool rests = writable && has_name && kept.summary.end == bytes && (bytes == 0 || (in_order_ && kept.summary.base == named_.back().base));
      if (writable && has_name && kept.summary.next == Offset{0}) {  // nothing was ever appended: the first append makes another
        ION_CHECK(files_.remove(read.path));
        break;
      }
      auto segment = std::make_shared<Segment>(with_times(kept.summary, read.facts.found.index), Segment::DiskSide{nullptr, kept.summary.end, true, rests ? bytes > 0 : !read.facts.scan}, bytes);
      if (rests && read.facts.scan && read.unread_entries == 0) segment->trust();
      active_there_ |= rests;
      if (read.facts.scan && !rests && bytes > 0) ION_CHECK(take_over(read, kept, *segment, writable));
      for (const BadRange& bad : kept.bad) damage_.push_back({bad, kept.summary.base});
      built_.push_back(std::move(segment));
    }
    for (const BadRange& bad : judgement.bad) {
      const bool in_segment = std::any_of(damage_.begin(), damage_.end(), [&](const Damage& d) {
        return d.range.from == bad.from && d.range.upto == bad.upto && d.range.position == bad.position;
      });
      if (!in_segment) damage_.push_back({bad, Offset{-1}});
    }
    return {};
  }

  // What was read is whole: whatever the page cache still holds of it becomes durable now.
  Status take_over(Read& read, const KeptSegment& kept, Segment& segment, bool writable) {
    ION_TRY(std::unique_ptr<SegmentFile> file, SegmentFile::open(context_.open_files, read.path));
    const Status shrunk = kept.cut_tail && writable ? file->shrink(kept.summary.end) : Status();
    const bool held = shrunk.code() == ION_E_BUSY;  // a reader of the log that was open before still has a part of it
    if (!held) ION_CHECK(shrunk);
    const bool cut = kept.cut_tail && writable && !held;
    const bool zero = (kept.zero_tail || held) && !cut && writable && file->capacity() > kept.summary.end;
    if (zero) ION_CHECK(file->zero(kept.summary.end, file->capacity() - kept.summary.end));
    const bool was_durable = mark_ && (kept.summary.base < mark_->segment ||
                                       (kept.summary.base == mark_->segment && kept.summary.end <= mark_->position));
    // The process before may have gone because its flush failed.
    if (!was_durable && kept.bad.empty()) ION_CHECK(file->write_again(std::min(durable_bytes(read.facts.found).value_or(0), kept.summary.end), kept.summary.end));
    if (cut || zero || !was_durable) ION_CHECK(file->sync());
    const std::string wanted = state_.directory.segment(kept.summary.base);
    if (read.path != wanted) {
      ION_CHECK(remove_if_there(files_, state_.directory.index(kept.summary.base)));
      ION_CHECK(file->rename_to(files_, wanted));
      ION_CHECK(files_.sync_dir(state_.directory.path()));
    }
    active_there_ |= writable;
    if (cut) return rest(*file, kept, read, segment);
    ION_TRY(std::unique_ptr<MappedFile> map, file->map());
    auto read_map = std::make_shared<ReadMap>(std::move(map), context_.maps);
    const size_t more = writable ? (file->capacity() - kept.summary.end) / context_.config.index_interval + 2 : 0;
    auto body = std::make_shared<SegmentBody>(std::move(read_map), read.facts.scan->entries, more);
    if (read.unread_entries == 0) {
      segment.trust();
    } else {
      body->start_checking();
      if (const size_t n = body->index.size(); n > read.unread_entries) body->set_checked(read.unread_entries, n - 1);
    }
    segment.set_body(std::move(body));
    if (writable) segment.disk.file = std::move(file);
    else ION_CHECK(file->close());
    return {};
  }

  // Leaves the last segment as if the log had been closed in order: no descriptor, no map, and the next start need not read it.
  Status rest(SegmentFile& file, const KeptSegment& kept, const Read& read, Segment& segment) {
    const uint64_t end = kept.summary.end;
    segment.set_capacity(end);
    if (read.unread_entries == 0) segment.trust();
    if (end > 0) {
      const Status written = write_file(files_, state_.directory.index(kept.summary.base), encode_index(state_.owner, {segment.summary(), read.facts.scan->entries}));
      if (!written.ok() && written.code() != ION_E_NO_SPACE) return written;
      segment.disk.indexed = written.ok();
    }
    return file.close();
  }

  // Of a log that goes on at an offset where no segment begins. One that begins at 0 has none until something is appended.
  Status make_active(const Judgement& judgement, uint64_t first_capacity) {
    const Offset base = judgement.next;
    if (judgement.damaged() || active_there_ || base == Offset{0}) return {};
    if (const Status fits = space_allows(first_capacity); !fits.ok()) return fits;
    ION_CHECK(remove_if_there(files_, state_.directory.index(base)));
    ION_TRY(std::unique_ptr<SegmentFile> file, SegmentFile::make(context_.open_files, state_.directory.segment(base), first_capacity, Prepare::kAllocated));
    ION_CHECK(files_.sync_dir(state_.directory.path()));
    ION_TRY(std::unique_ptr<MappedFile> map, file->map());
    auto segment = std::make_shared<Segment>(SegmentSummary{base, base, 0, digest_seed(base)},
                                             Segment::DiskSide{nullptr, 0, true, false}, first_capacity);
    segment->set_body(std::make_shared<SegmentBody>(std::make_shared<ReadMap>(std::move(map), context_.maps),
                                                    first_capacity / context_.config.index_interval + 2));
    segment->trust();
    segment->disk.file = std::move(file);
    built_.push_back(std::move(segment));
    return {};
  }

  Status space_allows(uint64_t capacity) {
    ION_TRY(const DiskSpace space, files_.space());
    return check_space({space.free_bytes, space.total_bytes}, capacity, state_.log_class, context_.space_rules());
  }

  Result<RecoveredLog> finish(const Judgement& judgement) {
    RecoveredLog log{std::make_shared<const SegmentList>(judgement.first, built_, damage_), !judgement.damaged(), judgement.next, {},
                     judgement.cut_tail, in_order_, next_number_, false};
    if (judgement.damaged()) {  // claims nothing new
      log.mark = mark_.value_or(Mark{judgement.first, judgement.next, judgement.first, 0, 0, Epoch{-1}});
      return log;
    }
    if (built_.empty()) {  // flushed before the first segment is used
      log.mark = {Offset{0}, Offset{0}, Offset{0}, 0, digest_seed(Offset{0}), Epoch{-1}};
      if (mark_ != log.mark) ION_CHECK(context_.marks->write(state_.name, log.mark));
      return log;
    }
    const SegmentSummary tip = built_.back()->summary();
    // A process that was killed may not have lived to make the last name durable; a mark in that segment was written after it.
    if (!mark_ || mark_->offset <= tip.base) {
      ION_CHECK(state_.directory_name->settle(files_));
      ION_CHECK(files_.sync_dir(state_.directory.path()));
      log.names_are_durable = true;
    }
    log.mark = {judgement.first, tip.next, tip.base, tip.end, tip.digest, tip.epoch};
    if (mark_ != log.mark) {
      ION_CHECK(context_.marks->write(state_.name, log.mark));
      ION_CHECK(context_.marks->flush());
    }
    return log;
  }

  StorageContext& context_;
  Files& files_;
  const LogState& state_;
  const std::optional<Mark> mark_;
  std::vector<FoundSegment> named_;
  std::vector<std::pair<uint64_t, uint64_t>> ahead_;  // number, bytes
  uint64_t next_number_ = 1;
  std::vector<Offset> obsolete_;
  std::vector<Read> segments_;
  std::vector<SegmentRef> built_;
  std::vector<Damage> damage_;
  WallMs newest_append_{-1};   // of the segments so far
  bool in_order_ = false;      // the log was closed, and nothing was done with it since
  bool active_there_ = false;  // the log goes on in the last of built_
};
}  // namespace

Result<RecoveredLog> recover_log(StorageContext& context, const LogState& state, IfMissing missing, uint64_t first_capacity) {
  return Recovery(context, state).run(missing, first_capacity);
}

}  // namespace ion::storage_mmap
