// The directories of logs that were there when the instance started. It flushed their names then, all with one call; without it each log
// would do that when it is opened. Thread: any.
#pragma once
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace ion::storage_mmap {

class KnownDirectories {
 public:
  // Their names are durable.
  void add(const std::vector<std::string>& logs) {
    const std::lock_guard lock(mutex_);
    logs_.insert(logs.begin(), logs.end());
  }
  // The log is removed; a later one of this name has another directory.
  void forget(const std::string& log) {
    const std::lock_guard lock(mutex_);
    logs_.erase(log);
  }
  bool has(const std::string& log) const {
    const std::lock_guard lock(mutex_);
    return logs_.contains(log);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> logs_;
};

}  // namespace ion::storage_mmap
