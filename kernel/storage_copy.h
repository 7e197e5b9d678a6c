// Copies all logs of one storage into another, batch by batch with their offsets, and proves the copy by reading both again: bounds, number of
// batches, bytes and a CRC-32C over all of them. What the contract does not give is not copied: when batches were appended (retention
// counts from the copy), and where segments end.
// Thread: one that may wait; nobody else uses the two storages meanwhile.
#pragma once
#include <ion/contract/storage.h>

#include <functional>
#include <string>

namespace ion {

struct CopyProgress {
  std::string log;  // the one that was finished last
  uint64_t logs = 0, logs_in_all = 0;
  uint64_t batches = 0, bytes = 0;
};

struct StorageCopy {
  Storage& from;
  Storage& to;  // has no log; durable when run() answers OK
  // Asks an op and waits for how it ends.
  std::function<Outcome(const std::function<Answer(Op&)>& start)> ask;
  std::function<void(const CopyProgress&)> copied, compared;  // after each log; neither may be empty

  // CORRUPT: a log of `from` is damaged, or the copy is not what was copied; the log is named. CONFLICT: `to` has logs. What was
  // begun stays there.
  Result<CopyProgress> run();
  // CONFLICT as run(), and nothing is done.
  Status check_empty();
  // Removes every log of `to`.
  Status clear();
};

}  // namespace ion
