#include "io/read_map.h"

namespace ion::storage_mmap {

Status LeaseBook::take(uint64_t bytes) {
  const uint64_t before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (before != 0 && before + bytes > bytes_max_) {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return {ION_E_OVERLOADED, "readers hold " + std::to_string(before) + " bytes of mapped segments, lease_bytes_max is " +
                                  std::to_string(bytes_max_)};
  }
  outstanding_->add();
  return {};
}

void LeaseBook::give_back(uint64_t bytes) noexcept {
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  const std::shared_ptr<Outstanding> last = outstanding_;  // this book may go with the last lease
  last->remove();
}

struct ReadMap::Lease {
  std::atomic<uint32_t> references{1};
  std::shared_ptr<ReadMap> map;
  uint64_t bytes = 0;

  static void retain(void* owner) noexcept { static_cast<Lease*>(owner)->references.fetch_add(1, std::memory_order_relaxed); }
  static void release(void* owner) noexcept {
    auto* lease = static_cast<Lease*>(owner);
    if (lease->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::shared_ptr<LeaseBook> book = lease->map->book_;
    const uint64_t n = lease->bytes;
    delete lease;  // may unmap: before the book says that nothing is outstanding
    book->give_back(n);
  }
  static constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), ION_BUF_MAPPED, &Lease::retain, &Lease::release};
};

Result<Buf> ReadMap::lease(const std::shared_ptr<ReadMap>& map, uint64_t at, uint64_t n) {
  ION_ASSERT(at + n <= map->map_->size());
  ION_CHECK(map->book_->take(n));
  auto* lease = new Lease;
  lease->map = map, lease->bytes = n;
  return Buf::adopt({map->map_->base() + at, n, &Lease::kOps, lease});
}

}  // namespace ion::storage_mmap
