// A read-only map of a segment and the leases on its bytes. Each read is one lease: a buffer whose bytes lie in the map. The map
// goes when its segment has let go of it and the last lease was given back, whatever became of the file in between: bytes that
// were read stay valid across truncation, close and remove. ReadMap is held by shared_ptr because its segment and every lease
// own it together. Thread: any; giving back never blocks (unmapping is the host's, and may be called anywhere).
#pragma once
#include "io/outstanding.h"

#include <ion/bytes.h>
#include <ion/ports.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>

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

class ReadMap;

// Which parts of all maps of an instance are in the process's page tables, bounded in bytes: bringing in one more takes out the one
// that was brought in longest ago. Taken out of the process only: the page cache keeps what it wants, leases stay valid, and who
// touches a part again gets it again. Held by shared_ptr: maps may outlive the instance. Thread: any.
class ResidentParts {
 public:
  explicit ResidentParts(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  struct Part {
    std::weak_ptr<ReadMap> map;
    size_t number = 0;
    uint64_t bytes = 0;
  };
  void add(Part part);
  uint64_t bytes() const;

 private:
  const uint64_t bytes_max_;
  mutable std::mutex mutex_;  // of the two below
  std::deque<Part> parts_;    // the one that was brought in first is in front
  uint64_t bytes_ = 0;
};

// What the maps of an instance share. Held by shared_ptr by each of them.
struct MapBooks {
  LeaseBook leases;
  ResidentParts resident;
};

class ReadMap {
 public:
  static constexpr uint64_t kPartBytes = uint64_t{4} << 20;
  ReadMap(std::unique_ptr<MappedFile> map, std::shared_ptr<MapBooks> books)
      : map_(std::move(map)), books_(std::move(books)), parts_(std::make_unique<std::atomic<bool>[]>(parts_of(map_->size()))) {}
  // Only what bring_in() answered OK for may be touched: a page that cannot be read ends the process.
  std::span<const uint8_t> bytes() const noexcept { return {map_->base(), map_->size()}; }

  // Reads [at, at + n) in where it is not in memory. Asked before every look, since pages that were in may have left. IO: some of it
  // cannot be read.
  static Status bring_in(const std::shared_ptr<ReadMap>& map, uint64_t at, uint64_t n);
  // A buffer over [at, at + n), which was brought in, lent to whoever reads.
  static Result<Buf> lease(const std::shared_ptr<ReadMap>& map, uint64_t at, uint64_t n);
  // Takes a part out of the process's page tables.
  void take_out(size_t part) noexcept;

 private:
  struct Lease;
  static constexpr size_t parts_of(uint64_t bytes) noexcept { return static_cast<size_t>((bytes + kPartBytes - 1) / kPartBytes); }
  const std::unique_ptr<MappedFile> map_;
  const std::shared_ptr<MapBooks> books_;
  const std::unique_ptr<std::atomic<bool>[]> parts_;  // some of it is in
};

}  // namespace ion::storage_mmap
