#include "pipeline/interceptor_chain.h"

#include <ion/record_writer.h>

#include <gtest/gtest.h>

#include <functional>
#include <optional>

namespace ion::pipeline {
namespace {

class HandClock final : public Clock {
 public:
  Instant now() override { return at; }
  WallMs wall() override { return {0}; }
  Instant at{1'000'000'000};
};

// An interceptor whose answer a test writes.
struct Scripted {
  std::function<int32_t(ion_msg*, const ion_msg_api*)> rule;
  ion_interceptor table{sizeof(ion_interceptor), ION_HOOK_PRODUCE, ION_NEED_RECORDS, ION_INTERCEPTOR_REENTRANT,
                        [](void* self, uint32_t, ion_msg* m, const ion_msg_api* api) noexcept { return static_cast<Scripted*>(self)->rule(m, api); }};
  ion_ref ref() { return {&table, this}; }
};

class InterceptorChainTest : public ::testing::Test {
 protected:
  InterceptorChainTest() {
    batch::RecordWriter w;
    for (const char* v : {"a", "bb", "ccc"}) {
      batch::NewRecord r;
      r.value = span_of(std::string_view(v));
      r.time = {1000 + static_cast<int64_t>(std::string_view(v).size())};
      w.append(r);
    }
    bytes_ = w.finish({{9}, {0}, 40});
    part_ = borrowed(bytes_);
    batch_.topic = "t";
    batch_.partition = 2;
    batch_.header = batch::read_header(bytes_.data());
    batch_.parts = std::span<const ion_buf>(&part_, 1);
  }
  void seat(Scripted& s, OnError on_error = OnError::kClosed, BreakerRule breaker = {}) {
    InterceptorSeat seat;
    seat.name = "rule" + std::to_string(++seats_);
    seat.ref = s.ref();
    seat.on_error = on_error;
    seat.breaker = breaker;
    seat.misbehaved = [this](const Status&) { ++faults_; };
    chain_.seat(std::move(seat));
  }
  void run() {
    result_.reset();
    chain_.run(Hook::kProduce, batch_, [this](ChainResult p) { result_ = std::move(p); });
  }

  HandClock clock_;
  InterceptorChain chain_{clock_};
  std::vector<uint8_t> bytes_;
  ion_buf part_{};
  BatchInFlight batch_;
  std::optional<ChainResult> result_;
  int seats_ = 0, faults_ = 0;
};

std::string value_of(ion_msg* m, const ion_msg_api* api, uint32_t i) {
  ion_record r{};
  r.size = sizeof r;
  EXPECT_EQ(api->record(m, i, &r), ION_OK);
  return std::string(text_of(r.value));
}

TEST_F(InterceptorChainTest, they_see_topic_partition_and_records_in_config_order) {
  std::string seen;
  Scripted first{[&](ion_msg* m, const ion_msg_api* api) {
    ion_bytes topic{}, partition{};
    (void)api->attr(m, ION_MSG_TOPIC, &topic);
    (void)api->attr(m, ION_MSG_PARTITION, &partition);
    seen += std::string(text_of(topic)) + "/" + std::string(text_of(partition)) + " " + value_of(m, api, 2) + ";";
    return ION_V_CONTINUE;
  }};
  Scripted second{[&](ion_msg* m, const ion_msg_api* api) { return seen += std::to_string(api->count(m)), ION_V_CONTINUE; }};
  seat(first);
  seat(second);
  run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  EXPECT_EQ(seen, "t/2 ccc;3");
  EXPECT_TRUE(result_->replaced.empty());
}

TEST_F(InterceptorChainTest, a_rejection_ends_the_walk_with_the_plugins_words) {
  Scripted no{[](ion_msg* m, const ion_msg_api* api) { return api->reason(m, ION_E_REJECTED, bytes_of("too blue")), ION_V_REJECT; }};
  Scripted never{[](ion_msg*, const ion_msg_api*) -> int32_t { ADD_FAILURE() << "walked on"; return ION_V_CONTINUE; }};
  seat(no);
  seat(never);
  run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kRejected);
  EXPECT_EQ(result_->why.message(), "interceptor rule1: too blue");
}

TEST_F(InterceptorChainTest, an_edit_keeps_sequence_offsets_and_proves_itself) {
  Scripted edits{[](ion_msg* m, const ion_msg_api* api) {
    EXPECT_EQ(api->edit(m, 1, nullptr), ION_OK);  // drops "bb"
    ion_record with{};
    with.size = sizeof with;
    with.value = bytes_of("longer than before");
    EXPECT_EQ(api->edit(m, 2, &with), ION_OK);
    return ION_V_REPLACE;
  }};
  seat(edits);
  run();
  ASSERT_TRUE(result_);
  ASSERT_FALSE(result_->replaced.empty());
  const batch::Header h = batch::read_header(result_->replaced.data());
  EXPECT_EQ(h.base_sequence, 40);
  EXPECT_EQ(h.producer, ProducerId{9});
  EXPECT_EQ(h.last_offset_delta, 2);
  EXPECT_EQ(h.count, 2);
  EXPECT_EQ(h.crc, crc32c::of(std::span<const uint8_t>(result_->replaced).subspan(batch::kCrcFrom)));
  auto reader = batch::RecordReader::open(result_->replaced);
  ASSERT_TRUE(reader);
  const auto a = reader->next(), c = reader->next();
  EXPECT_EQ((*a)->offset, Offset{0});
  EXPECT_EQ((*c)->offset, Offset{2});
  EXPECT_EQ(text_of(*(*c)->value), "longer than before");
  EXPECT_EQ((*c)->time, WallMs{1003});
}

TEST_F(InterceptorChainTest, dropping_every_record_drops_the_batch) {
  Scripted all{[](ion_msg* m, const ion_msg_api* api) {
    for (uint32_t i = 0; i < 3; ++i) (void)api->edit(m, i, nullptr);
    return ION_V_REPLACE;
  }};
  seat(all);
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kDropped);
}

TEST_F(InterceptorChainTest, a_route_names_topic_and_partition) {
  Scripted elsewhere{[](ion_msg* m, const ion_msg_api* api) { return api->route(m, bytes_of("other"), 7), ION_V_ROUTE; }};
  seat(elsewhere);
  run();
  EXPECT_EQ(result_->topic, "other");
  EXPECT_EQ(result_->partition, 7);
}

TEST_F(InterceptorChainTest, a_pending_answer_is_resumed_once_before_or_after_the_call_returned) {
  ion_msg* held = nullptr;
  const ion_msg_api* how = nullptr;
  Scripted later{[&](ion_msg* m, const ion_msg_api* api) { return held = m, how = api, ION_V_PENDING; }};
  seat(later);
  run();
  EXPECT_FALSE(result_);
  EXPECT_EQ(how->resume(held, ION_V_DROP), ION_OK);
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kDropped);

  later.rule = [](ion_msg* m, const ion_msg_api* api) {
    EXPECT_EQ(api->resume(m, ION_V_CONTINUE), ION_OK);
    EXPECT_NE(api->resume(m, ION_V_CONTINUE), ION_OK);
    return ION_V_PENDING;
  };
  run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
}

TEST_F(InterceptorChainTest, what_a_fault_means_is_the_operators_choice) {
  Scripted broken{[](ion_msg*, const ion_msg_api*) -> int32_t { return -24; }};
  seat(broken, OnError::kOpen);
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  EXPECT_EQ(faults_, 1);
  Scripted strict{[](ion_msg*, const ion_msg_api*) -> int32_t { return -24; }};
  seat(strict, OnError::kClosed);
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kRejected);
}

TEST_F(InterceptorChainTest, a_spent_budget_is_a_fault) {
  Scripted slow{[this](ion_msg*, const ion_msg_api*) { return clock_.at = clock_.at + milliseconds(5), ION_V_CONTINUE; }};
  seat(slow, OnError::kClosed);
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kRejected);
  EXPECT_EQ(result_->why.code(), ION_E_REJECTED);
  EXPECT_NE(result_->why.message().find("budget"), std::string::npos);
}

TEST_F(InterceptorChainTest, an_open_breaker_passes_the_plugin_over_until_its_pause_is_over) {
  int calls = 0;
  Scripted failing{[&](ion_msg*, const ion_msg_api*) -> int32_t { return ++calls, -24; }};
  seat(failing, OnError::kOpen, {2, seconds(10), seconds(30)});
  for (int i = 0; i < 5; ++i) run();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  clock_.at = clock_.at + seconds(31);
  run();
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace ion::pipeline
