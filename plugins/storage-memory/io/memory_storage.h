// ion.storage/1 in memory: everything answers at once, nothing survives the instance. Logs live from their first open until they
// are removed; a handle is a view of one. VOLATILE: sync is refused, so that no acknowledgement can promise what is not true.
// Thread: as in the contract. One lock per log, held for the copying of an append.
#pragma once
#include "core/memory_log.h"
#include "storage_memory_config.h"

#include <ion/contract/storage.h>
#include <ion/ports.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace ion::storage_memory {

class MemoryStorage final : public Storage {
 public:
  static constexpr uint32_t kCaps = ION_STORAGE_TIME_INDEX | ION_STORAGE_COMPACTION | ION_STORAGE_ZERO_COPY | ION_STORAGE_VOLATILE;
  MemoryStorage(Clock& clock, const StorageMemoryConfig& config, const Uuid& identity) : clock_(clock), config_(config), identity_(identity) {}

  uint32_t caps() const override { return kCaps; }
  Answer open(Op& op, std::string_view log, const OpenOptions& options, std::unique_ptr<Log>* out) override;
  Answer list(Op& op, std::string_view prefix, EachName each) override;
  Answer remove(Op& op, std::string_view log) override;
  Result<Uuid> identity() override { return identity_; }
  Answer space(Op& op) override;

  struct Kept {
    explicit Kept(uint64_t piece_bytes) : log(piece_bytes) {}
    std::mutex mutex;
    MemoryLog log;
    bool open = false;  // guarded by the storage's lock
  };

 private:
  friend class MemoryLogHandle;
  void let_go(Kept& kept);
  Clock& clock_;
  const StorageMemoryConfig config_;
  const Uuid identity_;
  std::mutex mutex_;
  // shared_ptr: a handle may outlive the removal of its log only by mistake, but then it must not reach freed memory.
  std::map<std::string, std::shared_ptr<Kept>, std::less<>> logs_;
};

}  // namespace ion::storage_memory
