#include "io/space_probe.h"

#include "io/directory_layout.h"
#include "io/segment_file.h"

#include <algorithm>

namespace ion::storage_mmap {

void SpaceProbe::refused(const std::string& log, uint64_t bytes) {
  const std::lock_guard lock(refused_mutex_);
  uint64_t& most = refused_[log];
  most = std::max(most, bytes);
}

void SpaceProbe::forget(const std::string& log) {
  const std::lock_guard lock(refused_mutex_);
  refused_.erase(log);
}

uint64_t SpaceProbe::largest() const {
  const std::lock_guard lock(refused_mutex_);
  uint64_t most = kFirstSegmentBytes;
  for (const auto& [log, bytes] : refused_) most = std::max(most, bytes);
  return most;
}

// Not what was refused meanwhile for a larger one.
void SpaceProbe::found(uint64_t bytes) {
  const std::lock_guard lock(refused_mutex_);
  std::erase_if(refused_, [&](const auto& one) { return one.second <= bytes; });
}

Status SpaceProbe::run(Files& files, const SpaceRules& rules) {
  const std::lock_guard lock(mutex_);
  if (second_tries_.load(std::memory_order_relaxed) != 0) return {ION_E_BUSY, "a log is being given space just now"};
  const std::string path(kSpaceProbePath);
  const uint64_t bytes = largest();
  ION_TRY(const DiskSpace space, files.space());
  ION_CHECK(check_space({space.free_bytes, space.total_bytes}, bytes, LogClass::kData, rules));
  ION_CHECK(remove_if_there(files, path));
  steps_.fetch_add(1, std::memory_order_acq_rel);
  Status probed;
  if (auto file = files.open(path, ION_FILE_READ | ION_FILE_WRITE | ION_FILE_CREATE | ION_FILE_EXCLUSIVE)) probed = (*file)->allocate(0, bytes);
  else probed = std::move(file).error();
  const Status gone = remove_if_there(files, path);
  steps_.fetch_add(1, std::memory_order_acq_rel);
  ION_CHECK(gone);
  if (probed.ok()) found(bytes);
  return probed;
}

}  // namespace ion::storage_mmap
