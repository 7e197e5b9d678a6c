// ion.storage/1 on the files of one data directory: the instance. Opens logs, lists and removes them, and knows who it is. One
// process per directory: a lock file says so.
// Thread: as in the contract. start() is BLOCKING, once, before anything else.
#pragma once
#include "io/log_core.h"
#include "io/scrubber.h"
#include "io/storage_context.h"

#include <ion/contract/storage.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace ion::storage_mmap {

class MmapStorage final : public Storage {
 public:
  static constexpr uint32_t kCaps = ION_STORAGE_TIME_INDEX | ION_STORAGE_COMPACTION | ION_STORAGE_ZERO_COPY;
  MmapStorage(const StoragePorts& ports, const StorageMmapConfig& config, StorageMetrics metrics = {});

  // Takes the directory (BUSY: another process has it), makes or reads its identity and the marks, removes what a crash left.
  Status start();
  // Opens nothing more, and answers when no job runs and no reader holds a lease. Logs are closed by who opened them.
  Answer drain(Op& op);

  uint32_t caps() const override { return kCaps; }
  Answer open(Op& op, std::string_view log, const OpenOptions& options, std::unique_ptr<Log>* out) override;
  Answer list(Op& op, std::string_view prefix, EachName each) override;
  Answer remove(Op& op, std::string_view log) override;
  Result<Uuid> identity() override;
  Answer space(Op& op) override;

  // For tests: rounds of group commit so far.
  uint64_t sync_rounds() const { return context_.flusher.rounds(); }
  // Bytes of segments that wait ready.
  uint64_t prepared_bytes() const { return context_.prepared.bytes(); }
  // Bytes of maps in the page tables of the process, in whole parts.
  uint64_t resident_bytes() const { return context_.maps->resident.bytes(); }

 private:
  Status take_lock();
  Status know_identity();
  Status remove_leftovers();
  Status serving() const;
  // The log's name is taken until let_go: open, being opened or being removed.
  Status take_name(const std::string& log, std::string_view what_for);
  void let_go(const std::string& log);
  void open_slowly(Later later, const std::string& log, const OpenOptions& options, std::unique_ptr<Log>* out);
  void list_slowly(Later later, const std::string& prefix, const EachName& each);
  Status remove_slowly(const std::string& log);
  Status remove_directory(const std::string& path);

  StorageMetrics metrics_;
  StorageContext context_;
  Scrubber scrubber_{context_};
  std::unique_ptr<File> lock_;
  mutable std::mutex mutex_;  // of what follows
  std::map<std::string, std::string> taken_;  // log, what for
  bool started_ = false, draining_ = false;
  uint64_t next_gone_ = 0;
};

}  // namespace ion::storage_mmap
