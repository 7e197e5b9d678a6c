#include "io/read_map.h"

#include <algorithm>
#include <vector>

namespace ion::storage_mmap {

Status LeaseBook::take(uint64_t bytes) {
  const uint64_t before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (before != 0 && before + bytes > bytes_max_) {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return {ION_E_OVERLOADED, "a read of " + std::to_string(bytes) + " bytes: readers hold " + std::to_string(before) +
                                  " bytes of segments already, and lease_bytes_max is " + std::to_string(bytes_max_)};
  }
  outstanding_->add();
  return {};
}

void LeaseBook::give_back(uint64_t bytes) noexcept {
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  const std::shared_ptr<Outstanding> last = outstanding_;  // this book may go with the last lease
  last->remove();
}

void ResidentParts::add(Part part) {
  std::vector<Part> out;
  {
    const std::lock_guard lock(mutex_);
    bytes_ += part.bytes;
    parts_.push_back(std::move(part));
    while (bytes_ > bytes_max_ && parts_.size() > 1) {
      bytes_ -= parts_.front().bytes;
      out.push_back(std::move(parts_.front()));
      parts_.pop_front();
    }
  }
  for (const Part& old : out)
    if (const std::shared_ptr<ReadMap> map = old.map.lock()) map->take_out(old.number);
}

uint64_t ResidentParts::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

Status ReadMap::bring_in(const std::shared_ptr<ReadMap>& map, uint64_t at, uint64_t n) {
  const uint64_t size = map->map_->size();
  ION_ASSERT(at <= size && n <= size - at);
  if (n == 0) return {};
  ION_CHECK(map->map_->advise(at, n, ION_ADVISE_WILLNEED));
  for (uint64_t part = at / kPartBytes; part * kPartBytes < at + n; ++part)
    if (!map->parts_[part].load(std::memory_order_relaxed) && !map->parts_[part].exchange(true, std::memory_order_acq_rel))
      map->books_->resident.add({map, static_cast<size_t>(part), std::min(kPartBytes, size - part * kPartBytes)});
  return {};
}

void ReadMap::take_out(size_t part) noexcept {
  const uint64_t begin = part * kPartBytes;
  parts_[part].store(false, std::memory_order_release);
  (void)map_->advise(begin, std::min(kPartBytes, map_->size() - begin), ION_ADVISE_DONTNEED);  // a hint
}

struct ReadMap::Lease {
  std::atomic<uint32_t> references{1};
  std::shared_ptr<ReadMap> map;
  uint64_t bytes = 0;

  static void retain(void* owner) noexcept { static_cast<Lease*>(owner)->references.fetch_add(1, std::memory_order_relaxed); }
  static void release(void* owner) noexcept {
    auto* lease = static_cast<Lease*>(owner);
    if (lease->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::shared_ptr<MapBooks> books = lease->map->books_;
    const uint64_t n = lease->bytes;
    delete lease;  // may unmap: before the book says that nothing is outstanding
    books->leases.give_back(n);
  }
  static constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), ION_BUF_MAPPED, &Lease::retain, &Lease::release};
};

Result<Buf> ReadMap::lease(const std::shared_ptr<ReadMap>& map, uint64_t at, uint64_t n) {
  ION_ASSERT(at + n <= map->map_->size());
  ION_CHECK(map->books_->leases.take(n));
  auto* lease = new Lease;
  lease->map = map, lease->bytes = n;
  return Buf::adopt({map->map_->base() + at, n, &Lease::kOps, lease});
}

}  // namespace ion::storage_mmap
