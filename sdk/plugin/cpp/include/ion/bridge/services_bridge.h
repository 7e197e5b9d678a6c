// ion.executors/1, ion.timers/1, ion.random/1 and ion.buffers/1 across the C ABI, both ways.
// Exported: `self` is the port object (Executor, Timers, Random; ion.buffers needs none). Imported: the C++ port over a ref; a
// null ref or a missing member answers UNSUPPORTED, and where no Status can be answered it is refused at construction.
#pragma once
#include <ion/abi/host/buffers.h>
#include <ion/abi/host/executors.h>
#include <ion/abi/host/random.h>
#include <ion/abi/host/timers.h>
#include <ion/bridge/crossing.h>
#include <ion/ports.h>

#include <new>

namespace ion {
namespace bridge {

struct ExportedExecutor {
  static Executor& of(void* self) noexcept { return *static_cast<Executor*>(self); }
  static ion_status post(void* self, uint32_t shard, ion_fn fn, void* ctx) noexcept {
    return cross(nullptr, [&] { return of(self).post({shard}, fn, ctx).code(); });
  }
  static ion_status post_blocking(void* self, ion_fn fn, void* ctx) noexcept {
    return cross(nullptr, [&] { return of(self).post_blocking(fn, ctx).code(); });
  }
  static ion_status run(void* self, uint32_t shard, ion_fn fn, void* ctx) noexcept {
    return cross(nullptr, [&] { return of(self).run({shard}, fn, ctx).code(); });
  }
};

struct ExportedTimers {
  static Timers& of(void* self) noexcept { return *static_cast<Timers*>(self); }
  static ion_status arm(void* self, uint32_t shard, uint64_t at_ns, ion_fn fn, void* ctx, ion_timer** out) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      const Result<TimerHandle> timer = of(self).arm({shard}, {at_ns}, fn, ctx);
      if (!timer) return timer.error().code();
      *out = static_cast<ion_timer*>(*timer);
      return ION_OK;
    });
  }
  static ion_status disarm(void* self, ion_timer* t) noexcept {
    return cross(nullptr, [&] { return of(self).disarm(t) ? ION_OK : ION_E_NOT_FOUND; });
  }
};

struct ExportedRandom {
  static Random& of(void* self) noexcept { return *static_cast<Random*>(self); }
  static uint64_t u64(void* self) noexcept { return of(self).u64(); }
  static ion_status secret(void* self, void* to, uint64_t n) noexcept {
    return cross(nullptr, [&] { return of(self).secret(to, n).code(); });
  }
};

inline ion_status allocate_buffer(void*, uint64_t n, ion_buf* out, uint8_t** write_to) noexcept {
  try {
    *out = Buf::allocate(n, write_to).release();
    return ION_OK;
  } catch (const std::bad_alloc&) {
    return ION_E_NO_MEMORY;
  }
}

}  // namespace bridge

// Shard count and home are values of the table, so each instance has its own: the host keeps it as long as the instance.
inline ion_executors export_executors(const Executor& executor, ShardId home) {
  using Table = bridge::ExportedExecutor;
  return {sizeof(ion_executors), executor.shards(), home.v, &Table::post, &Table::post_blocking, &Table::run};
}
inline constexpr ion_timers export_timers{
    .size = sizeof(ion_timers), .flags = 0, .arm = &bridge::ExportedTimers::arm, .disarm = &bridge::ExportedTimers::disarm};
inline constexpr ion_random export_random{
    .size = sizeof(ion_random), .flags = 0, .u64 = &bridge::ExportedRandom::u64, .secret = &bridge::ExportedRandom::secret};
inline constexpr ion_buffers export_buffers{.size = sizeof(ion_buffers), .flags = 0, .alloc = &bridge::allocate_buffer};

class ImportedExecutor final : public Executor {
 public:
  explicit ImportedExecutor(ion_ref ref) noexcept : table_(static_cast<const ion_executors*>(ref.table)), self_(ref.self) {}
  uint32_t shards() const override { return table_ != nullptr ? table_->shards : 0; }
  ShardId home() const noexcept { return {table_ != nullptr ? table_->home : 0}; }  // the instance's own shard
  Status post(ShardId shard, ion_fn fn, void* ctx) override { return ION_CALL(post, shard.v, fn, ctx); }
  Status run(ShardId shard, ion_fn fn, void* ctx) override { return ION_CALL(run, shard.v, fn, ctx); }
  Status post_blocking(ion_fn fn, void* ctx) override { return ION_CALL(post_blocking, fn, ctx); }

 private:
  static constexpr std::string_view kId = ION_EXECUTORS_ID;
  const ion_executors* table_;
  void* self_;
};

class ImportedTimers final : public Timers {
 public:
  explicit ImportedTimers(ion_ref ref) noexcept : table_(static_cast<const ion_timers*>(ref.table)), self_(ref.self) {}
  Result<TimerHandle> arm(ShardId shard, Instant at, ion_fn fn, void* ctx) override {
    ion_timer* timer = nullptr;
    ION_CHECK(ION_CALL(arm, shard.v, at.ns, fn, ctx, &timer));
    return TimerHandle{timer};
  }
  bool disarm(TimerHandle timer) override {
    return ION_OFFERS(table_, disarm) && table_->disarm(self_, static_cast<ion_timer*>(timer)) == ION_OK;
  }

 private:
  static constexpr std::string_view kId = ION_TIMERS_ID;
  const ion_timers* table_;
  void* self_;
};

class ImportedRandom final : public Random {
 public:
  explicit ImportedRandom(ion_ref ref) noexcept : table_(static_cast<const ion_random*>(ref.table)), self_(ref.self) {
    ION_ASSERT(ION_OFFERS(table_, u64));  // a silent zero would be no random number
  }
  uint64_t u64() override { return table_->u64(self_); }
  Status secret(void* to, uint64_t n) override { return ION_CALL(secret, to, n); }

 private:
  static constexpr std::string_view kId = ION_RANDOM_ID;
  const ion_random* table_;
  void* self_;
};

// Counted memory of the host. Written before the first share, never after.
class ImportedBuffers {
 public:
  explicit ImportedBuffers(ion_ref ref) noexcept : table_(static_cast<const ion_buffers*>(ref.table)), self_(ref.self) {}
  Result<Buf> allocate(uint64_t n, uint8_t** write_to) {
    ion_buf raw{};
    ION_CHECK(ION_CALL(alloc, n, &raw, write_to));
    return Buf::adopt(raw);
  }

 private:
  static constexpr std::string_view kId = ION_BUFFERS_ID;
  const ion_buffers* table_;
  void* self_;
};

}  // namespace ion
