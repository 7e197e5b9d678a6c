// What an interceptor asks of memory, counted by this program's own operator new: something for a batch, nothing for a record.
#include "chain_fixture.h"

#include <cstdlib>
#include <new>

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

namespace ion::pipeline {
namespace {

class InterceptorCost : public InterceptorChainTest {
 protected:
  // Of a run over a batch of so many records, in one piece as it comes from a transport.
  int allocations_of(int records) {
    batch::RecordWriter w;
    batch::NewRecord r;
    r.key = span_of(std::string_view("key"));
    r.value = span_of(std::string_view("value"));
    for (int i = 0; i < records; ++i) w.append(r);
    const std::vector<uint8_t> bytes = w.finish();
    uint8_t* to = nullptr;
    const Buf whole = Buf::allocate(bytes.size(), &to);
    std::copy(bytes.begin(), bytes.end(), to);
    BatchInFlight batch;
    batch.topic = "t";
    batch.header = batch::read_header(whole.data());
    batch.parts = {&whole.raw(), 1};
    bool passed = false;
    const int before = allocations;
    chain_.run({Hook::kProduce, {}}, std::move(batch), [&passed](const ChainResult& result) { passed = result.kind == ChainResult::Kind::kGo; });
    const int counted = allocations - before;
    EXPECT_TRUE(passed);
    return counted;
  }
};

TEST_F(InterceptorCost, reading_every_record_asks_for_no_memory_for_a_record) {
  uint64_t bytes = 0;
  Scripted reads{[&bytes](ion_msg* m, const ion_msg_api* api) {
    ion_record r{};
    r.size = sizeof r;
    for (uint32_t i = 0; i < api->count(m); ++i)
      if (api->record(m, i, &r) == ION_OK) bytes += r.key.n + r.value.n;
    return ION_V_CONTINUE;
  }};
  ASSERT_TRUE(add(reads).ok());
  (void)allocations_of(1);  // what is made once
  const int of_ten = allocations_of(10);
  EXPECT_EQ(allocations_of(10'000), of_ten);
  EXPECT_EQ(bytes, uint64_t{8} * 10'011);
  EXPECT_LE(of_ten, 8) << "for a batch";
}

TEST_F(InterceptorCost, one_that_needs_only_the_header_asks_for_no_memory_beyond_that_of_the_run) {
  const int of_run = allocations_of(10);
  Scripted looks{[](ion_msg* m, const ion_msg_api* api) {
    ion_bytes topic{};
    return api->attr(m, ION_MSG_TOPIC, &topic) == ION_OK && api->count(m) != 0 ? ION_V_CONTINUE : ION_V_REJECT;
  }};
  looks.table.needs = ION_NEED_HEADER;
  ASSERT_TRUE(add(looks).ok());
  (void)allocations_of(1);
  EXPECT_EQ(allocations_of(10'000), of_run);
}

}  // namespace
}  // namespace ion::pipeline
