// Reads sealed segments again, a period after they were written or looked at last, so that damage is met before a reader meets it. One
// segment at a time, in pieces, at a rate; between two pieces, and when nothing is due, there is one timer and nothing else.
//
//   timer (shard 0) -> job on the blocking pool: one piece -> timer ...
//
// It reads by pread, in ascending order and each page once, and maps nothing: such pages are the first that the system gives up again, so
// what readers need stays in its cache. What is in that cache already is checked there and not on the disk; after a period that is little.
// What was looked at is remembered as long as the log is open. Thread: any; reading_ belongs to the job that runs.
#pragma once
#include "core/record_scan.h"
#include "io/log_core.h"

#include <ion/ports.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ion::storage_mmap {

class Scrubber {
 public:
  explicit Scrubber(StorageContext& context) : context_(context) {}
  // Nothing is read when the settings say so. Once.
  void start();
  // Nothing begins any more; what is on its way is outstanding until it has ended.
  void stop();
  // An open log. It is kept no longer than the segment that is being read.
  void add(const std::string& log, const std::shared_ptr<LogCore>& core);
  void remove(const std::string& log);

 private:
  struct Reading {
    std::shared_ptr<LogCore> log;
    SegmentRef segment;
    SegmentSummary promised;
    std::string path;
    std::unique_ptr<File> file;
    RecordScan scan;
    uint64_t limit = 0;
  };
  struct Due {
    std::shared_ptr<LogCore> log;
    SegmentRef segment;
  };
  static void fired(void* self) noexcept;
  void arm(Nanos after);
  void end();
  void step();
  // What is due now; else how long nothing is.
  std::optional<Due> next_due(Nanos& pause);
  void begin(Due due);
  Nanos read_on();
  void found(LogCore& log, const SegmentRef& segment, const std::vector<Damage>& damage);

  StorageContext& context_;
  std::mutex mutex_;  // of what follows
  std::map<std::string, std::weak_ptr<LogCore>> logs_;
  TimerHandle timer_ = nullptr;
  bool started_ = false, stopped_ = false;
  std::string cursor_;  // the log that was read last

  std::unique_ptr<Reading> reading_;
  std::vector<uint8_t> window_;
};

}  // namespace ion::storage_mmap
