// The crossing of append, read and sync asks for no memory: counted by this program's own operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "unit/sdk/fake_storage.h"

namespace {
thread_local int allocations = 0;
}

// Not inlined: the compiler would see a free() of memory from a new.
[[gnu::noinline]] void* operator new(size_t n) {
  ++allocations;
  void* memory = std::malloc(n == 0 ? 1 : n);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
// A sanitizer's own would not fit to the delete below.
[[gnu::noinline]] void* operator new(size_t n, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(n == 0 ? 1 : n);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace ion {
namespace {

// Answers without a script, which would allocate.
struct QuietLog final : Log {
  Answer close(Op& op) override { return op.ok(); }
  Answer append(Op& op, std::span<const ion_batch> batches) override { return op.ok(batches.size()); }
  Answer read(Op& op, Offset, Offset, uint64_t) override {
    Buf one = Buf::adopt({nullptr, 0, nullptr, nullptr});
    return op.ok(1, 2, {&one, 1});
  }
  Answer sync(Op& op, Offset) override { return kept = op.later(), op.pending(); }
  Answer truncate_suffix(Op& op, Offset) override { return op.ok(); }
  Answer truncate_prefix(Op& op, Offset) override { return op.ok(); }
  Answer offset_for_time(Op& op, Offset, WallMs) override { return op.ok(); }
  LogStat stat() override { return {}; }
  Answer meta_put(Op& op, std::span<const ion_field>) override { return op.ok(); }
  Answer meta_get(Op& op, std::string_view) override { return op.ok(); }
  Result<std::vector<ion_range>> ranges(Offset, size_t) override { return std::vector<ion_range>(); }
  Status configure(const OpenOptions&) override { return {}; }
  Answer seal(Op& op) override { return op.ok(); }
  Later kept;
};

TEST(NoAllocation, append_read_and_sync_cross_without_memory) {
  QuietLog quiet;
  ImportedLog log(ion_ref{&export_storage<test::StoragePlugin>, nullptr}, reinterpret_cast<ion_log*>(static_cast<Log*>(&quiet)));
  int done = 0;
  const ion_op raw{sizeof(ion_op), 0, 0, 0, [](void* ctx, const ion_result*) noexcept { ++*static_cast<int*>(ctx); }, &done, 0, 0, 0};
  ion_buf bufs[4];
  ion_result now{sizeof(ion_result), ION_OK, 0, 0, 0, 4, bufs, nullptr};
  const ion_batch batch{0, 1, 0, 0, 0, nullptr};

  const int before = allocations;
  Op append(raw, now);
  EXPECT_EQ(log.append(append, {&batch, 1}).code(), ION_OK);
  Op read(raw, now);
  EXPECT_EQ(log.read(read, {0}, {1}, 100).code(), ION_OK);
  Op sync(raw, now);
  EXPECT_TRUE(log.sync(sync, {1}).pending());
  EXPECT_TRUE(sync.taken());
  quiet.kept.ok(1);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(done, 1);
  ::operator delete(::operator new(1));
  EXPECT_GT(allocations, before) << "the counter does not count";
}

}  // namespace
}  // namespace ion
