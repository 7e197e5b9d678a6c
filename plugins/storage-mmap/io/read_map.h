// A read-only map of a segment and the leases on its bytes. Each read is one lease: a buffer whose bytes lie in the map. The map
// goes when its segment has let go of it and the last lease was given back, whatever became of the file in between: bytes that
// were read stay valid across truncation, close and remove. ReadMap is held by shared_ptr because its segment and every lease
// own it together. Thread: any; giving back never blocks (unmapping is the host's, and may be called anywhere).
#pragma once
#include "io/outstanding.h"

#include <ion/bytes.h>
#include <ion/ports.h>

#include <atomic>
#include <memory>

namespace ion::storage_mmap {

// How many bytes readers hold, for all logs of an instance. Held by shared_ptr: leases may outlive the instance.
class LeaseBook {
 public:
  LeaseBook(uint64_t bytes_max, std::shared_ptr<Outstanding> outstanding)
      : bytes_max_(bytes_max), outstanding_(std::move(outstanding)) {}
  // OVERLOADED above the bound; one lease is always granted, however large.
  Status take(uint64_t bytes);
  void give_back(uint64_t bytes) noexcept;
  uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> bytes_{0};
  const std::shared_ptr<Outstanding> outstanding_;
};

class ReadMap {
 public:
  ReadMap(std::unique_ptr<MappedFile> map, std::shared_ptr<LeaseBook> book) : map_(std::move(map)), book_(std::move(book)) {}
  std::span<const uint8_t> bytes() const noexcept { return {map_->base(), map_->size()}; }

  // A buffer over [at, at + n), lent to whoever reads.
  static Result<Buf> lease(const std::shared_ptr<ReadMap>& map, uint64_t at, uint64_t n);

 private:
  struct Lease;
  const std::unique_ptr<MappedFile> map_;
  const std::shared_ptr<LeaseBook> book_;
};

}  // namespace ion::storage_mmap
