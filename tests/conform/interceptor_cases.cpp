// What ion.interceptor/1 asks of a plugin. The records of a message lie in pages that cannot be written and that are gone once the plugin has
// answered: whoever writes into a record, or keeps one, dies at that line, and the case says so.
#include "conform/plugin_instance.h"

#include <ion/contract/interceptor.h>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace ion::conform {
namespace {

struct Sample {
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};
using Batch = std::vector<Sample>;

const std::vector<std::pair<const char*, Batch>>& batches() {
  static const std::vector<std::pair<const char*, Batch>> all{
      {"one record", {{"key", "value", {{"h", "1"}}}}},
      {"a null value (a tombstone)", {{"key", std::nullopt, {}}}},
      {"empty key, value and header", {{"", "", {{"", ""}}}}},
      {"a null header value", {{std::nullopt, "v", {{"h", std::nullopt}}}}},
      {"bytes that are no text", {{"\xff\xfe", std::string("\0\x80\xc3", 3), {{"h", "\xff"}}}}},
      {"JSON", {{"k", R"({"a":[1,{"b":null}],"c":"\u00e4"})", {{"content-type", "application/json"}}}}},
      {"deep JSON", {{"k", std::string(10'000, '['), {}}}},
      {"a large value", {{"k", std::string(3 << 20, 'x'), {}}}},
      {"many records", Batch(500, {"k", "v", {{"a", "b"}, {"a", "c"}}})},
  };
  return all;
}

// The kernel's half of a message. What the plugin does that it must not is written down in `wrongs`; never freed, so that a late call is heard.
class KitMessage {
 public:
  KitMessage(const Batch& batch, uint32_t needs) : needs_(needs) {
    size_t total = 1;
    for (const Sample& s : batch) {
      total += s.key.value_or("").size() + s.value.value_or("").size() + 3;
      for (const auto& [name, value] : s.headers) total += name.size() + value.value_or("").size() + 2;
    }
    bytes_ = (total + 4095) / 4096 * 4096;
    pages_ = static_cast<uint8_t*>(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (const Sample& s : batch) {
      std::vector<ion_field>& headers = headers_.emplace_back();
      for (const auto& [name, value] : s.headers) headers.push_back({put(name), value ? put(*value) : ion_bytes{nullptr, 0}});
      records_.push_back({sizeof(ion_record), static_cast<uint32_t>(headers.size()), static_cast<ion_offset>(records_.size()), 1'700'000'000'000,
                          s.key ? put(*s.key) : ion_bytes{nullptr, 0}, s.value ? put(*s.value) : ion_bytes{nullptr, 0}, headers.data()});
    }
    ::mprotect(pages_, bytes_, PROT_READ);
  }
  ion_msg* raw() { return reinterpret_cast<ion_msg*>(this); }
  // Its pages are gone from here on.
  void forget() {
    ::mprotect(pages_, bytes_, PROT_NONE);  // not unmapped: the next message must not come to lie there
    gone_ = true;
  }
  void pend() { pending_ = true; }
  int resumes() const { return resumes_; }
  bool routed() const { return routed_; }
  std::string wrongs() {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const std::string& w : wrongs_) all += (all.empty() ? "" : "; ") + w;
    return all;
  }
  static const ion_msg_api api, older_api;

 private:
  static KitMessage& of(ion_msg* m) { return *reinterpret_cast<KitMessage*>(m); }
  ion_bytes put(const std::string& text) {
    std::memcpy(pages_ + used_, text.data(), text.size());
    const ion_bytes at{pages_ + used_, text.size()};
    used_ += text.size() + 1;
    return at;
  }
  void wrong(std::string what) {
    const std::lock_guard lock(mutex_);
    if (wrongs_.size() < 5) wrongs_.push_back(std::move(what));
  }
  bool alive(const char* call) {
    if (gone_) wrong(std::string(call) + " after the answer");
    return !gone_;
  }
  ion_status find(const char* call, uint32_t i) {
    if (!alive(call)) return ION_E_CLOSED;
    if ((needs_ & ION_NEED_RECORDS) == 0) return wrong(std::string(call) + " without ION_NEED_RECORDS"), ION_E_UNSUPPORTED;
    if (i >= records_.size()) return wrong(std::string(call) + " of record " + std::to_string(i) + " of " + std::to_string(records_.size())), ION_E_OUT_OF_RANGE;
    return taken_.count(i) != 0 ? ION_E_NOT_FOUND : ION_OK;
  }
  static void touch(ion_bytes b) {  // bytes that are not there end the process here
    uint8_t sum = 0;
    for (uint64_t i = 0; i < b.n; ++i) sum = static_cast<uint8_t>(sum + b.p[i]);
    *const_cast<volatile uint8_t*>(&sum) = sum;
  }
  static ion_status attr(ion_msg* m, uint32_t what, ion_bytes* out) noexcept {
    static constexpr std::string_view kTexts[] = {"", "topic", "0", "principal", "client", "127.0.0.1:1"};
    if (!of(m).alive("attr")) return ION_E_CLOSED;
    if (what < ION_MSG_TOPIC || what > ION_MSG_ADDRESS) return ION_E_UNSUPPORTED;
    return *out = bytes_of(kTexts[what]), ION_OK;
  }
  static uint32_t count(ion_msg* m) noexcept { return of(m).alive("count") ? static_cast<uint32_t>(of(m).records_.size()) : 0; }
  static ion_status record(ion_msg* m, uint32_t i, ion_record* out) noexcept {
    const ion_status code = of(m).find("record", i);
    if (code != ION_OK) return code;
    const uint32_t size = out->size < sizeof(ion_record) ? out->size : sizeof(ion_record);
    if (size < sizeof(uint32_t)) return of(m).wrong("record with size " + std::to_string(size)), ION_E_INVALID;
    std::memcpy(out, &of(m).records_[i], size);
    return out->size = size, ION_OK;
  }
  static ion_status edit(ion_msg* m, uint32_t i, const ion_record* with) noexcept {
    const ion_status code = of(m).find("edit", i);
    if (code != ION_OK) return code;
    if (with == nullptr) return of(m).taken_.insert(i), ION_OK;
    if (with->size < sizeof(ion_record)) of(m).wrong("edit with a record of size " + std::to_string(with->size));
    touch(with->key), touch(with->value);
    for (uint32_t h = 0; h < with->nheaders; ++h) touch(with->headers[h].key), touch(with->headers[h].value);
    return ION_OK;
  }
  static ion_status route(ion_msg* m, ion_bytes topic, int32_t) noexcept {
    if (!of(m).alive("route")) return ION_E_CLOSED;
    touch(topic);
    return topic.n == 0 ? ION_E_INVALID : (of(m).routed_ = true, ION_OK);
  }
  static void reason(ion_msg* m, ion_status code, ion_bytes text) noexcept {
    if (!of(m).alive("reason")) return;
    touch(text);
    if (code >= 0) of(m).wrong("reason with code " + std::to_string(code) + ", which is no error");
  }
  static ion_status resume(ion_msg* m, int32_t verdict) noexcept {
    if (!of(m).alive("resume")) return ION_E_CLOSED;
    if (verdict == ION_V_PENDING || verdict > ION_V_PENDING) of(m).wrong("resume with verdict " + std::to_string(verdict));
    ++of(m).resumes_;
    return of(m).pending_ ? ION_OK : ION_E_INVALID;
  }
  static ion_status reject_record(ion_msg* m, uint32_t i, ion_status code, ion_bytes text) noexcept {
    const ion_status found = of(m).find("reject_record", i);
    if (found != ION_OK) return found;
    touch(text);
    if (code >= 0) of(m).wrong("reject_record with code " + std::to_string(code) + ", which is no error");
    return of(m).taken_.insert(i), ION_OK;
  }
  static ion_status not_there(ion_msg* m, uint32_t, ion_status, ion_bytes) noexcept {
    return of(m).wrong("reject_record, which the table of this host does not have"), ION_E_UNSUPPORTED;
  }

  const uint32_t needs_;
  uint8_t* pages_ = nullptr;
  size_t bytes_ = 0, used_ = 0;
  std::deque<std::vector<ion_field>> headers_;
  std::vector<ion_record> records_;
  std::set<uint32_t> taken_;
  std::mutex mutex_;
  std::vector<std::string> wrongs_;
  bool gone_ = false, pending_ = false, routed_ = false;
  int resumes_ = 0;
};
const ion_msg_api KitMessage::api{sizeof(ion_msg_api), 0, &attr, &count, &record, &edit, &route, &reason, &resume, &reject_record};
const ion_msg_api KitMessage::older_api{offsetof(ion_msg_api, reject_record), 0, &attr, &count, &record, &edit, &route, &reason, &resume, &not_there};

class Interceptor : public ::testing::Test {
 protected:
  void SetUp() override {
    instance_.begin();
    const ion_ref ref = instance_.contract(ION_INTERCEPTOR_ID);
    table_ = static_cast<const ion_interceptor*>(ref.table), self_ = ref.self;
  }
  void TearDown() override { instance_.end(); }

  // One batch through one hook; what the plugin did wrong is a failure.
  int32_t ask(uint32_t hook, const char* name, const Batch& batch, const ion_msg_api& api = KitMessage::api) {
    SCOPED_TRACE(std::string(name) + (hook == ION_HOOK_FETCH ? ", read" : ", produced"));
    auto* message = new KitMessage(batch, table_->needs);
    int32_t verdict = table_->on(self_, hook, message->raw(), &api);
    if (verdict == ION_V_PENDING) {
      message->pend();
      EXPECT_TRUE(ground_.run_until([&] { return message->resumes() > 0; })) << "PENDING, and no resume in a minute";
      EXPECT_EQ(message->resumes(), 1);
    } else {
      EXPECT_EQ(message->resumes(), 0) << "resume without PENDING";
    }
    message->forget();
    ground_.run();
    EXPECT_TRUE(verdict != ION_V_ROUTE || message->routed()) << "ROUTE, and `route` was not called";
    EXPECT_EQ(message->wrongs(), "");
    return verdict;
  }
  template <class F>
  void each(F&& f) {
    for (const uint32_t hook : {ION_HOOK_PRODUCE, ION_HOOK_FETCH})
      if ((table_->hooks & hook) != 0)
        for (const auto& [name, batch] : batches()) f(hook, name, batch);
  }

  test::VirtualMachine machine_;
  Ground ground_{machine_};
  Instance instance_{ground_};
  const ion_interceptor* table_ = nullptr;
  void* self_ = nullptr;
};

TEST_F(Interceptor, its_hooks_needs_and_flags_are_ones_that_there_are) {
  EXPECT_GE(table_->size, sizeof(ion_interceptor));
  EXPECT_NE(table_->hooks, 0u) << "it is never asked";
  EXPECT_EQ(table_->hooks & ~uint32_t{ION_HOOK_PRODUCE | ION_HOOK_FETCH}, 0u) << "a hook that the broker never calls";
  EXPECT_NE(table_->needs, 0u);
  EXPECT_EQ(table_->needs & ~uint32_t{ION_NEED_HEADER | ION_NEED_RECORDS}, 0u);
  EXPECT_EQ(table_->flags & ~uint32_t{ION_INTERCEPTOR_REENTRANT}, 0u);
}

TEST_F(Interceptor, each_batch_is_answered_with_a_verdict_and_none_makes_it_fail) {
  each([&](uint32_t hook, const char* name, const Batch& batch) {
    const int32_t verdict = ask(hook, name, batch);
    EXPECT_GE(verdict, int32_t{ION_V_CONTINUE}) << name << ": a failure of the plugin";
    EXPECT_LE(verdict, int32_t{ION_V_PENDING}) << name << ": no verdict";
    EXPECT_FALSE(hook == ION_HOOK_FETCH && verdict == ION_V_ROUTE) << name << ": nothing can be routed when it is read";
  });
}

TEST_F(Interceptor, what_an_answered_batch_held_is_not_used_again) {
  for (int round = 0; round < 3; ++round) each([&](uint32_t hook, const char* name, const Batch& batch) { (void)ask(hook, name, batch); });
}

TEST_F(Interceptor, a_host_with_a_shorter_table_is_enough) {
  each([&](uint32_t hook, const char* name, const Batch& batch) { (void)ask(hook, name, batch, KitMessage::older_api); });
}

TEST_F(Interceptor, a_reentrant_one_answers_on_four_threads_as_on_one) {
  if ((table_->flags & ION_INTERCEPTOR_REENTRANT) == 0) GTEST_SKIP() << "it does not claim to be";
  const uint32_t hook = (table_->hooks & ION_HOOK_PRODUCE) != 0 ? ION_HOOK_PRODUCE : ION_HOOK_FETCH;
  const Batch& batch = batches().back().second;
  const int32_t alone = ask(hook, "alone", batch);
  if (alone == ION_V_PENDING) GTEST_SKIP() << "it answers later";
  std::atomic<int> differ{0};
  std::mutex mutex;
  std::string wrongs;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        auto* message = new KitMessage(batch, table_->needs);
        if (table_->on(self_, hook, message->raw(), &KitMessage::api) != alone) ++differ;
        message->forget();
        const std::lock_guard lock(mutex);
        if (wrongs.empty()) wrongs = message->wrongs();
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(differ.load(), 0) << "answers that differ from the one alone";
  EXPECT_EQ(wrongs, "");
}

TEST_F(Interceptor, a_thousand_batches_leave_no_memory_behind) {
  const uint32_t hook = (table_->hooks & ION_HOOK_PRODUCE) != 0 ? ION_HOOK_PRODUCE : ION_HOOK_FETCH;
  const Batch& batch = batches().front().second;
  auto* message = new KitMessage(batch, table_->needs);  // asked again and again: what it drops stays dropped
  const auto rounds = [&](int n) {
    for (int i = 0; i < n; ++i)
      if (table_->on(self_, hook, message->raw(), &KitMessage::api) == ION_V_PENDING) return false;
    return true;
  };
  if (!rounds(50)) GTEST_SKIP() << "it answers later";
  const Held before = Held::now();
  (void)rounds(1000);
  const auto grown = static_cast<int64_t>(Held::now().bytes) - static_cast<int64_t>(before.bytes);
  EXPECT_LT(grown / 1000, 16) << "bytes that each batch leaves behind";
}

}  // namespace
}  // namespace ion::conform
