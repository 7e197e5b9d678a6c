#include <gtest/gtest.h>
#include <ion/bridge/interceptor_bridge.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace ion {
namespace {

// The kernel's half of a message, in small: two records, and what was done to them.
struct FakeMessage {
  std::vector<std::string> values{"small", "much too large"};
  std::string done;
  Code reason = ION_OK;

  static FakeMessage& of(ion_msg* m) { return *reinterpret_cast<FakeMessage*>(m); }
  ion_msg* raw() { return reinterpret_cast<ion_msg*>(this); }
  static ion_status attr(ion_msg*, uint32_t what, ion_bytes* out) noexcept {
    if (what != ION_MSG_TOPIC) return ION_E_NOT_FOUND;
    *out = bytes_of("orders");
    return ION_OK;
  }
  static uint32_t count(ion_msg* m) noexcept { return static_cast<uint32_t>(of(m).values.size()); }
  static ion_status record(ion_msg* m, uint32_t i, ion_record* out) noexcept {
    out->value = bytes_of(of(m).values[i]);
    return ION_OK;
  }
  static ion_status edit(ion_msg* m, uint32_t i, const ion_record* with) noexcept {
    of(m).done += (with == nullptr ? "drop " : "replace ") + std::to_string(i);
    return ION_OK;
  }
  static ion_status route(ion_msg*, ion_bytes, int32_t) noexcept { return ION_E_UNSUPPORTED; }
  static void because(ion_msg* m, ion_status code, ion_bytes text) noexcept {
    of(m).reason = to_code(code);
    of(m).done += text_of(text);
  }
  static ion_status resume(ion_msg*, int32_t) noexcept { return ION_OK; }
  static constexpr ion_msg_api kApi{sizeof(ion_msg_api), 0, &attr, &count, &record, &edit, &route, &because, &resume, nullptr};
};

// As a foreign plugin is written: the class itself has on().
struct MaxSize {
  static constexpr uint32_t kHooks = ION_HOOK_PRODUCE, kNeeds = ION_NEED_RECORDS;
  uint64_t bytes_max = 8;
  Verdict on(Hook hook, Message& message) {
    if (hook != Hook::kProduce) throw std::runtime_error("asked for a hook that it does not have");
    if (message.topic() == "never") return static_cast<Verdict>(42);
    for (const RecordView record : message)
      if (record.value().size() > bytes_max) return message.reject(ION_E_REJECTED, "record above bytes_max");
    return Verdict::kContinue;
  }
};
// As an in-tree plugin is written: it offers an Interceptor.
struct Offering final : Interceptor {
  static constexpr uint32_t kHooks = ION_HOOK_FETCH, kNeeds = 0, kInterceptorFlags = ION_INTERCEPTOR_REENTRANT;
  int32_t verdict = ION_V_DROP;
  Interceptor& interceptor() { return *this; }
  uint32_t hooks() const override { return kHooks; }
  uint32_t needs() const override { return kNeeds; }
  Verdict on(Hook, Message& message) override { return message.drop_record(1).ok() ? static_cast<Verdict>(verdict) : Verdict::kReject; }
};

template <class P>
struct ThereAndBack {
  P plugin;
  ion_interceptor table = export_interceptor<P>;
  ImportedInterceptor interceptor{ion_ref{&table, &plugin}};
  FakeMessage fake;
  Verdict on(Hook hook) {
    Message message(fake.raw(), &FakeMessage::kApi);
    return interceptor.on(hook, message);
  }
};

TEST(InterceptorBridge, the_table_tells_hooks_needs_and_flags) {
  ThereAndBack<MaxSize> plain;
  EXPECT_EQ(plain.interceptor.hooks(), ION_HOOK_PRODUCE);
  EXPECT_EQ(plain.interceptor.needs(), ION_NEED_RECORDS);
  EXPECT_EQ(plain.interceptor.flags(), 0u);
  ThereAndBack<Offering> offering;
  EXPECT_EQ(offering.interceptor.hooks(), ION_HOOK_FETCH);
  EXPECT_EQ(offering.interceptor.flags(), ION_INTERCEPTOR_REENTRANT);
}

TEST(InterceptorBridge, verdicts_and_reasons_cross) {
  ThereAndBack<MaxSize> there;
  EXPECT_EQ(there.on(Hook::kProduce), Verdict::kReject);
  EXPECT_EQ(there.fake.reason, ION_E_REJECTED);
  EXPECT_EQ(there.fake.done, "record above bytes_max");
  there.plugin.bytes_max = 100;
  EXPECT_EQ(there.on(Hook::kProduce), Verdict::kContinue);
  ThereAndBack<Offering> offering;
  EXPECT_EQ(offering.on(Hook::kFetch), Verdict::kDrop);
  EXPECT_EQ(offering.fake.done, "drop 1");
}

TEST(InterceptorBridge, an_exception_is_a_failure_with_words) {
  ThereAndBack<MaxSize> there;
  const Verdict verdict = there.on(Hook::kAck);
  EXPECT_TRUE(is_failure(verdict));
  EXPECT_EQ(static_cast<int32_t>(verdict), ION_E_EXCEPTION);
  EXPECT_EQ(there.fake.reason, ION_E_EXCEPTION);
  EXPECT_EQ(there.fake.done, "asked for a hook that it does not have");
}

TEST(InterceptorBridge, failures_cross_and_unknown_verdicts_become_failures) {
  ThereAndBack<Offering> there;
  there.plugin.verdict = ION_E_BUSY;
  EXPECT_EQ(static_cast<int32_t>(there.on(Hook::kFetch)), ION_E_BUSY);
  there.fake.done.clear();
  there.plugin.verdict = 42;
  EXPECT_EQ(static_cast<int32_t>(there.on(Hook::kFetch)), ION_E_INVALID);
  EXPECT_EQ(there.fake.done, "drop 1ion.interceptor/1 gave verdict 42");
  EXPECT_FALSE(is_failure(Verdict::kPending) || is_failure(Verdict::kContinue));
}

TEST(InterceptorBridge, a_shorter_table_is_a_failure_that_names_the_member) {
  ThereAndBack<Offering> there;
  there.table.size = offsetof(ion_interceptor, on);
  EXPECT_EQ(static_cast<int32_t>(there.on(Hook::kFetch)), ION_E_UNSUPPORTED);
  EXPECT_EQ(there.fake.done, "ion.interceptor/1 has no member on here");
}

}  // namespace
}  // namespace ion
