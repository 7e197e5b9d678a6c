// A chain of interceptors whose answers a test writes; time, timers and processor time are imaginary.
#pragma once
#include "pipeline/interceptor_chain.h"

#include "support/fake_clock.h"

#include <ion/record_proof.h>
#include <ion/record_writer.h>

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ion::pipeline {

// An interceptor whose answer a test writes.
struct Scripted {
  std::function<int32_t(ion_msg*, const ion_msg_api*)> rule;
  ion_interceptor table{sizeof(ion_interceptor), ION_HOOK_PRODUCE, ION_NEED_RECORDS, ION_INTERCEPTOR_REENTRANT,
                        [](void* self, uint32_t, ion_msg* m, const ion_msg_api* api) noexcept { return static_cast<Scripted*>(self)->rule(m, api); }};
  ion_ref ref() { return {&table, this}; }
};

class OneTimer final : public Timers {
 public:
  Result<TimerHandle> arm(ShardId, Instant at, ion_fn fn, void* ctx) override {
    armed_.push_back({at, fn, ctx});
    return static_cast<TimerHandle>(this);
  }
  bool disarm(TimerHandle) override { return false; }
  void fire_due(Instant now) {
    for (size_t i = 0; i < armed_.size(); ++i) {
      if (armed_[i].at > now) continue;
      const Armed due = armed_[i];
      armed_.erase(armed_.begin() + static_cast<std::ptrdiff_t>(i));
      due.fn(due.ctx);
      i = static_cast<size_t>(-1);
    }
  }
  ~OneTimer() override {
    for (const Armed& left : armed_) left.fn(left.ctx);
  }

 private:
  struct Armed {
    Instant at;
    ion_fn fn;
    void* ctx;
  };
  std::vector<Armed> armed_;
};

class Lines final : public Logger {
 public:
  void write(LogLevel, std::string_view text, std::initializer_list<LogField>) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

class InterceptorChainTest : public ::testing::Test {
 protected:
  InterceptorChainTest() {
    batch::RecordWriter w;
    const std::vector<batch::RecordHeader> headers{{"absent", std::nullopt}, {"empty", std::span<const uint8_t>()}};
    for (const char* v : {"a", "bb", "ccc"}) {
      batch::NewRecord r;
      r.value = span_of(std::string_view(v));
      r.time = {1000 + static_cast<int64_t>(std::string_view(v).size())};
      r.headers = headers;
      w.append(r);
    }
    bytes_ = w.finish({{9}, {0}, 40});
    parts_ = {borrowed(std::span<const uint8_t>(bytes_).first(70)), borrowed(std::span<const uint8_t>(bytes_).subspan(70))};
  }
  Status add(Scripted& s, const std::function<void(InterceptorPolicy&)>& change = {}) {
    InterceptorPolicy policy;
    policy.name = "rule" + std::to_string(++added_);
    policy.ref = s.ref();
    policy.misbehaved = [this](const Status& why) { ++faults_, fault_ = why; };
    if (change) change(policy);
    return chain_.add(std::move(policy));
  }
  void run() {
    result_.reset();
    BatchInFlight batch;
    batch.topic = "t";
    batch.partition = 2;
    batch.header = batch::read_header(bytes_.data());
    batch.parts = parts_;
    chain_.run({Hook::kProduce, [this](uint64_t bytes) { return admitted_ += bytes, admission_; }}, std::move(batch), [this](ChainResult r) { result_ = std::move(r); });
  }
  void pass(Nanos by) {
    clock_.advance(by);
    timers_.fire_due(clock_.now());
  }
  // The stored form proves itself, with gaps.
  batch::Header proved() {
    EXPECT_FALSE(result_->replaced.empty());
    const batch::Header h = batch::read_header(result_->replaced.data());
    const ion_buf part = borrowed(result_->replaced);
    EXPECT_EQ(h.total_bytes(), result_->replaced.size());
    EXPECT_EQ(h.crc, crc32c::of(std::span<const uint8_t>(result_->replaced).subspan(batch::kCrcFrom)));
    const Status status = batch::prove_records({&part, 1}, h, 1 << 20, batch::Deltas::kMayHaveGaps);
    EXPECT_TRUE(status.ok()) << status.text();
    return h;
  }

  test::FakeClock clock_;
  OneTimer timers_;
  Lines logger_;
  Nanos cpu_{};
  observe::Health health_;
  InterceptorChain chain_{ChainServices{clock_, timers_, logger_, ShardId{0}, [this] { return cpu_; }, health_}};
  std::vector<uint8_t> bytes_;
  std::vector<ion_buf> parts_;
  std::optional<ChainResult> result_;
  Status admission_, fault_;
  uint64_t admitted_ = 0;
  int added_ = 0, faults_ = 0;
};

}  // namespace ion::pipeline
