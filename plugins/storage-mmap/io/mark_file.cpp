#include "io/mark_file.h"

#include "io/directory_layout.h"
#include "io/segment_file.h"

#include <algorithm>
#include <array>

namespace ion::storage_mmap {

namespace {
constexpr uint64_t kGrowPlacesMin = 64;
constexpr uint64_t kPlacesMax = uint64_t{1} << 20;

// Whatever the system called it: a file whose flush failed is not one that waits for space.
Status after_failure(const Status& why) { return {ION_E_FAILED, "the mark file failed: " + why.message()}; }
}  // namespace

Result<std::unique_ptr<MarkFile>> MarkFile::open(Files& files, const Uuid& storage) {
  ION_TRY(std::unique_ptr<File> file, files.open(kMarksPath, ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE));
  ION_CHECK(files.sync_dir("."));
  ION_CHECK(file->sync_data());  // a process that was killed may have left marks in the page cache: nothing is decided by those
  std::unique_ptr<MarkFile> marks(new MarkFile(std::move(file), storage));
  ION_CHECK(marks->read_all());
  return marks;
}

Status MarkFile::read_all() {
  ION_TRY(const uint64_t length, file_->length());
  places_ = std::min(marks_in(length), kPlacesMax);
  std::vector<uint8_t> bytes(mark_file_bytes(places_));
  if (!bytes.empty()) ION_CHECK(read_exactly(*file_, 0, bytes, kMarksPath));
  for (uint64_t place = places_; place-- > 0;) {
    std::array<ReadSlot, 2> read;
    for (uint32_t which = 0; which < 2; ++which)
      read[which] = decode_mark(storage_, std::span<const uint8_t>(bytes).subspan(mark_position({place, which})).first<kMarkSlotBytes>());
    garbled_ += (read[0].state == SlotState::kGarbled ? 1 : 0) + (read[1].state == SlotState::kGarbled ? 1 : 0);
    const std::optional<MarkSlot> newest = newest_mark(read[0], read[1]);
    if (!newest) {
      unused_.push_back(place);
      continue;
    }
    const uint32_t which = read[0].state == SlotState::kWhole && read[0].slot.generation == newest->generation ? 0 : 1;
    auto [at, is_new] = entries_.try_emplace(newest->log, Entry{place, newest->generation, which, 0, newest->mark});
    if (is_new) continue;
    if (at->second.generation < newest->generation) at->second = {place, newest->generation, which, 0, newest->mark};
  }
  return {};
}

std::optional<Mark> MarkFile::find(const std::string& log) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(log);
  if (at == entries_.end() || at->second.generation == 0) return std::nullopt;
  return at->second.mark;
}

std::vector<std::string> MarkFile::logs() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

// With the lock held. New places are zeros, flushed before anything is written into them.
Status MarkFile::grow() {
  const uint64_t more = std::min(std::max(kGrowPlacesMin, places_ / 2 / kGrowPlacesMin * kGrowPlacesMin), kPlacesMax - std::min(places_, kPlacesMax));
  if (more == 0)
    return {ION_E_OVERLOADED, "the mark file has space for " + std::to_string(kPlacesMax) + " logs, all are taken"};
  const uint64_t from = mark_file_bytes(places_), to = mark_file_bytes(places_ + more);
  ION_CHECK(file_->allocate(from, to - from));
  ION_CHECK(file_->zero(from, to - from));
  if (const Status flushed = file_->sync_data(); !flushed.ok()) return failure_ = after_failure(flushed);
  for (uint64_t i = more; i-- > 0;) unused_.push_back(places_ + i);
  places_ += more;
  return {};
}

Result<MarkFile::Entry> MarkFile::claim(const std::string& log) {
  const std::lock_guard lock(mutex_);
  if (!failure_.ok()) return failure_;
  if (const auto at = entries_.find(log); at != entries_.end()) return at->second;
  if (unused_.empty()) ION_CHECK(grow());
  const Entry fresh{unused_.back(), 0, 1, 0, {}};
  unused_.pop_back();
  entries_.emplace(log, fresh);
  return fresh;
}

Status MarkFile::write(const std::string& log, const Mark& mark) {
  ION_TRY(Entry entry, claim(log));
  bool before_is_flushed = false;
  {
    const std::lock_guard lock(mutex_);
    before_is_flushed = entry.written <= flushed_count_;
  }
  if (!before_is_flushed) ION_CHECK(flush());
  entry.generation += 1, entry.which ^= 1, entry.mark = mark;
  const auto bytes = encode_mark(storage_, {entry.generation, log, mark});
  // For want of space the other of the two places still holds the mark before, and this one is written again.
  if (const Status written = file_->pwrite(mark_position({entry.number, entry.which}), bytes); !written.ok())
    return written.code() == ION_E_NO_SPACE ? written : failed(written);
  const std::lock_guard lock(mutex_);
  entry.written = ++write_count_;
  entries_[log] = entry;
  return {};
}

Status MarkFile::flush() {
  uint64_t upto = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_;
    if (flushed_count_ == write_count_) return {};
    upto = write_count_;
  }
  const std::lock_guard flushing(flush_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_;
    if (flushed_count_ >= upto) return {};  // who flushed meanwhile did it for us
    upto = write_count_;
  }
  if (const Status flushed = file_->sync_data(); !flushed.ok()) return failed(flushed);
  const std::lock_guard lock(mutex_);
  flushed_count_ = std::max(flushed_count_, upto);
  return {};
}

Status MarkFile::forget(const std::string& log) {
  Entry entry;
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_;
    const auto at = entries_.find(log);
    if (at == entries_.end()) return {};
    entry = at->second;
  }
  const std::array<uint8_t, kMarkSlotBytes> empty{};
  for (uint32_t which = 0; which < 2; ++which)
    if (const Status written = file_->pwrite(mark_position({entry.number, which}), empty); !written.ok()) return failed(written);
  if (const Status flushed = file_->sync_data(); !flushed.ok()) return failed(flushed);
  const std::lock_guard lock(mutex_);
  entries_.erase(log);
  unused_.push_back(entry.number);
  return {};
}

Status MarkFile::failed(Status why) {
  const std::lock_guard lock(mutex_);
  if (failure_.ok()) failure_ = after_failure(why);
  return failure_;
}

}  // namespace ion::storage_mmap
