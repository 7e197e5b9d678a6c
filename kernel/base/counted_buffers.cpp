#include "base/counted_buffers.h"

#include <fmt/format.h>

#include <atomic>
#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

namespace ion::base {

namespace {
constexpr uint64_t kSecond = 1'000'000'000;
}  // namespace

struct CountedBuffers::Totals {
  explicit Totals(uint64_t max) : bytes_max(max) {}
  const uint64_t bytes_max;
  std::atomic<uint64_t> bytes{0}, buffers{0};

  std::mutex mutex;
  std::map<uint64_t, uint64_t> by_second;  // buffers by the second in which they were lent out

  bool take(uint64_t n, uint64_t second) {
    uint64_t seen = bytes.load(std::memory_order_relaxed);
    do {
      if (n > bytes_max || seen > bytes_max - n) return false;
    } while (!bytes.compare_exchange_weak(seen, seen + n, std::memory_order_relaxed));
    buffers.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(mutex);
    ++by_second[second];
    return true;
  }
  void give_back(uint64_t n, uint64_t second) noexcept {
    {
      const std::lock_guard lock(mutex);
      const auto at = by_second.find(second);
      if (--at->second == 0) by_second.erase(at);
    }
    bytes.fetch_sub(n, std::memory_order_relaxed);
    buffers.fetch_sub(1, std::memory_order_relaxed);
  }
};

namespace {

// Stands before the bytes.
struct alignas(16) Block {
  std::atomic<uint32_t> references{1};
  uint64_t bytes, second;
  std::shared_ptr<CountedBuffers::Totals> totals;

  Block(uint64_t n, uint64_t since, std::shared_ptr<CountedBuffers::Totals> t) : bytes(n), second(since), totals(std::move(t)) {}

  static void retain(void* owner) noexcept { static_cast<Block*>(owner)->references.fetch_add(1, std::memory_order_relaxed); }
  static void release(void* owner) noexcept {
    auto* block = static_cast<Block*>(owner);
    if (block->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    block->totals->give_back(block->bytes, block->second);
    block->~Block();
    std::free(owner);
  }
};
constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), 0, &Block::retain, &Block::release};

}  // namespace

CountedBuffers::CountedBuffers(uint64_t bytes_max, Clock& clock) : clock_(clock), totals_(std::make_shared<Totals>(bytes_max)) {}

Result<Buf> CountedBuffers::allocate(uint64_t n, uint8_t** write_to) {
  const uint64_t second = clock_.now().ns / kSecond;
  if (!totals_->take(n, second))
    return Status(ION_E_NO_MEMORY, fmt::format("wanted a buffer of {} bytes, {} of {} are lent out", n, bytes(), totals_->bytes_max));
  void* memory = n > SIZE_MAX - sizeof(Block) ? nullptr : std::malloc(sizeof(Block) + n);
  if (memory == nullptr) {
    totals_->give_back(n, second);
    return Status(ION_E_NO_MEMORY, fmt::format("wanted a buffer of {} bytes: the system has no memory", n));
  }
  auto* block = new (memory) Block(n, second, totals_);
  *write_to = static_cast<uint8_t*>(memory) + sizeof(Block);
  return Buf::adopt({*write_to, n, &kOps, block});
}

uint64_t CountedBuffers::bytes() const noexcept { return totals_->bytes.load(std::memory_order_relaxed); }
uint64_t CountedBuffers::buffers() const noexcept { return totals_->buffers.load(std::memory_order_relaxed); }

std::optional<Nanos> CountedBuffers::oldest() const {
  const uint64_t now = clock_.now().ns / kSecond;
  const std::lock_guard lock(totals_->mutex);
  if (totals_->by_second.empty()) return std::nullopt;
  return seconds(static_cast<int64_t>(now - std::min(now, totals_->by_second.begin()->first)));
}

}  // namespace ion::base
