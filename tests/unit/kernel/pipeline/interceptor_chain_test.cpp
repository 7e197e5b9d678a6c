#include "chain_fixture.h"

#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace ion::pipeline {
namespace {

std::string value_of(ion_msg* m, const ion_msg_api* api, uint32_t i) {
  ion_record r{};
  r.size = sizeof r;
  EXPECT_EQ(api->record(m, i, &r), ION_OK);
  return std::string(text_of(r.value));
}
int32_t drop_second(ion_msg* m, const ion_msg_api* api) {
  EXPECT_EQ(api->edit(m, 1, nullptr), ION_OK);
  return ION_V_CONTINUE;
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
  ASSERT_TRUE(add(first).ok());
  ASSERT_TRUE(add(second).ok());
  run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  EXPECT_EQ(result_->records_left, 3);
  EXPECT_EQ(seen, "t/2 ccc;3");
  EXPECT_TRUE(result_->replaced.empty()) << "nobody edited: the bytes go on as they came";
}

TEST_F(InterceptorChainTest, a_rejection_ends_the_run_with_the_plugins_words) {
  Scripted no{[](ion_msg* m, const ion_msg_api* api) { return api->reason(m, ION_E_REJECTED, bytes_of("too blue")), ION_V_REJECT; }};
  Scripted never{[](ion_msg*, const ion_msg_api*) -> int32_t { ADD_FAILURE() << "went on"; return ION_V_CONTINUE; }};
  ASSERT_TRUE(add(no).ok());
  ASSERT_TRUE(add(never).ok());
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kRejected);
  EXPECT_EQ(result_->why.message(), "interceptor rule1: too blue");
}

TEST_F(InterceptorChainTest, a_record_is_read_and_edited_up_to_the_size_that_the_plugin_knows) {
  Scripted sized{[](ion_msg* m, const ion_msg_api* api) {
    struct {
      ion_record known;
      uint8_t behind[32];
    } later;
    for (const uint32_t more : {0U, 16U}) {  // a plugin of now, and one for which the struct has grown
      std::memset(&later, 0xa5, sizeof later);
      later.known.size = sizeof(ion_record) + more;
      EXPECT_EQ(api->record(m, 0, &later.known), ION_OK);
      EXPECT_EQ(later.known.size, sizeof(ion_record) + more);
      EXPECT_TRUE(std::all_of(std::begin(later.behind), std::end(later.behind), [](uint8_t b) { return b == 0xa5; }));
      EXPECT_EQ(api->edit(m, 0, &later.known), ION_OK);
    }
    later.known.size = offsetof(ion_record, headers);
    EXPECT_EQ(api->record(m, 0, &later.known), ION_E_INVALID);
    EXPECT_EQ(api->edit(m, 0, &later.known), ION_E_INVALID) << "half of a record would replace a whole one";
    return ION_V_CONTINUE;
  }};
  ASSERT_TRUE(add(sized).ok());
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kRejected) << "an edit that was refused is not passed over";
  EXPECT_NE(result_->why.message().find("size"), std::string::npos) << result_->why.message();
}

TEST_F(InterceptorChainTest, an_edit_keeps_sequences_offsets_times_and_null_headers) {
  Scripted edits{[](ion_msg* m, const ion_msg_api* api) {
    EXPECT_EQ(api->edit(m, 1, nullptr), ION_OK);
    ion_record with{};
    with.size = sizeof with;
    EXPECT_EQ(api->record(m, 2, &with), ION_OK);
    with.value = bytes_of("longer than before");
    EXPECT_EQ(api->edit(m, 2, &with), ION_OK);
    return ION_V_REPLACE;
  }};
  ASSERT_TRUE(add(edits).ok());
  run();
  const batch::Header h = proved();
  EXPECT_EQ(h.base_sequence, 40);
  EXPECT_EQ(h.producer, ProducerId{9});
  EXPECT_EQ(h.last_offset_delta, 2) << "the dropped record's offset and sequence are used up";
  EXPECT_EQ(h.count, 2);
  auto reader = batch::RecordReader::open(result_->replaced);
  const auto a = reader->next(), c = reader->next();
  EXPECT_EQ((*a)->offset, Offset{0});
  EXPECT_EQ((*c)->offset, Offset{2});
  EXPECT_EQ(text_of(*(*c)->value), "longer than before");
  EXPECT_EQ((*c)->time, WallMs{1003});
  for (const auto& record : {**a, **c}) {
    batch::HeaderReader headers(record);
    EXPECT_FALSE(headers.next()->value.has_value());
    EXPECT_TRUE(headers.next()->value.has_value());
  }
  ASSERT_EQ(result_->outcomes.size(), 1u);
  EXPECT_EQ(result_->outcomes[0].index, 1);
  EXPECT_TRUE(result_->outcomes[0].why.ok());
}

TEST_F(InterceptorChainTest, a_later_interceptor_never_sees_a_dropped_record) {
  Scripted drops{drop_second};
  std::string seen;
  Scripted looks{[&](ion_msg* m, const ion_msg_api* api) {
    for (uint32_t i = 0; i < api->count(m); ++i) seen += value_of(m, api, i) + " ";
    return ION_V_CONTINUE;
  }};
  ASSERT_TRUE(add(drops).ok());
  ASSERT_TRUE(add(looks).ok());
  run();
  EXPECT_EQ(seen, "a ccc ");
}

TEST_F(InterceptorChainTest, a_dropped_batch_ends_the_run_and_keeps_a_batch_without_records) {
  Scripted drops{[](ion_msg*, const ion_msg_api*) { return ION_V_DROP; }};
  Scripted never{[](ion_msg*, const ion_msg_api*) -> int32_t { ADD_FAILURE() << "went on"; return ION_V_CONTINUE; }};
  ASSERT_TRUE(add(drops).ok());
  ASSERT_TRUE(add(never).ok());
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  EXPECT_EQ(result_->records_left, 0);
  EXPECT_EQ(result_->outcomes.size(), 3u);
  const batch::Header h = proved();
  EXPECT_EQ(h.count, 0);
  EXPECT_EQ(h.base_sequence, 40);
  EXPECT_EQ(h.last_offset_delta, 2);
}

TEST_F(InterceptorChainTest, one_rejected_record_fails_its_batch_or_itself_as_the_operator_chose) {
  Scripted rejects{[](ion_msg* m, const ion_msg_api* api) {
    EXPECT_EQ(api->reject_record(m, 1, ION_E_REJECTED, bytes_of("bad")), ION_OK);
    return ION_V_CONTINUE;
  }};
  ASSERT_TRUE(add(rejects, [](InterceptorPolicy& p) { p.on_reject = OnReject::kRecord; }).ok());
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  EXPECT_EQ(proved().count, 2);
  ASSERT_EQ(result_->outcomes.size(), 1u);
  EXPECT_EQ(result_->outcomes[0].index, 1);
  EXPECT_EQ(result_->outcomes[0].why.code(), ION_E_REJECTED);
  EXPECT_EQ(result_->outcomes[0].why.message(), "interceptor rule1: bad");
  Scripted whole{[](ion_msg* m, const ion_msg_api* api) { return (void)api->reject_record(m, 1, ION_E_REJECTED, bytes_of("bad too")), ION_V_CONTINUE; }};
  ASSERT_TRUE(add(whole).ok());
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kRejected);
  EXPECT_EQ(result_->why.message(), "interceptor rule2: bad too");
  ASSERT_EQ(result_->outcomes.size(), 1u) << "what another one took out is not why the batch is refused";
  EXPECT_EQ(result_->outcomes[0].index, 2) << "the place is the producer's";
  EXPECT_EQ(result_->outcomes[0].why.message(), "interceptor rule2: bad too");
}

TEST_F(InterceptorChainTest, an_edit_that_is_no_record_is_named_by_its_place_in_the_batch) {
  Scripted drops{[](ion_msg* m, const ion_msg_api* api) { return (void)api->edit(m, 0, nullptr), ION_V_CONTINUE; }};
  Scripted edits{[](ion_msg* m, const ion_msg_api* api) {
    const ion_record none{};
    return (void)api->edit(m, 1, &none), ION_V_CONTINUE;
  }};
  ASSERT_TRUE(add(drops).ok());
  ASSERT_TRUE(add(edits).ok());
  run();
  EXPECT_NE(fault_.message().find("its edit of record 2 of the batch"), std::string::npos) << fault_.message();
}

TEST_F(InterceptorChainTest, what_it_did_is_counted_in_calls_and_records) {
  observe::MetricRegistry registry(1);
  const auto counted = [&](InterceptorPolicy& p) { p.on_reject = OnReject::kRecord, p.metrics = InterceptorMetrics::declare(registry, p.name).value(); };
  int32_t verdict = ION_V_CONTINUE;
  Scripted takes_out{[&](ion_msg* m, const ion_msg_api* api) {
    (void)api->edit(m, 0, nullptr);
    (void)api->reject_record(m, 1, ION_E_REJECTED, bytes_of("bad"));
    return verdict;
  }};
  ASSERT_TRUE(add(takes_out, counted).ok());
  run();
  auto counts = chain_.report("rule1")->counts;
  EXPECT_EQ(std::tuple(counts.calls, counts.rejected, counts.dropped, counts.failed), std::tuple(1u, 1u, 1u, 0u));
  verdict = ION_V_REJECT;
  run();
  EXPECT_EQ(chain_.report("rule1")->counts.rejected, 4u) << "of a rejected batch all records";
  verdict = ION_V_DROP;
  run();
  counts = chain_.report("rule1")->counts;
  EXPECT_EQ(std::tuple(counts.rejected, counts.dropped), std::tuple(5u, 3u));
  EXPECT_EQ(chain_.report("rule1")->hooks, uint32_t{ION_HOOK_PRODUCE});
  EXPECT_FALSE(chain_.report("other").has_value());
}

TEST_F(InterceptorChainTest, a_route_names_topic_and_partition_and_takes_the_producer_off) {
  Scripted elsewhere{[](ion_msg* m, const ion_msg_api* api) { return (void)api->route(m, bytes_of("other"), 7), ION_V_ROUTE; }};
  ASSERT_TRUE(add(elsewhere).ok());
  run();
  EXPECT_EQ(result_->topic, "other");
  EXPECT_EQ(result_->partition, 7);
  EXPECT_EQ(proved().producer.v, -1);
  EXPECT_EQ(proved().count, 3);
}

TEST_F(InterceptorChainTest, a_routed_batch_of_which_nothing_is_left_keeps_its_producer_and_goes_nowhere) {
  Scripted elsewhere{[](ion_msg* m, const ion_msg_api* api) { return (void)api->route(m, bytes_of("other"), 7), ION_V_ROUTE; }};
  Scripted drops{[](ion_msg*, const ion_msg_api*) { return ION_V_DROP; }};
  ASSERT_TRUE(add(elsewhere).ok());
  ASSERT_TRUE(add(drops).ok());
  run();
  EXPECT_EQ(result_->records_left, 0);
  EXPECT_EQ(result_->topic, "");
  EXPECT_EQ(proved().producer.v, 9) << "its sequences are used up where it sent them";
  EXPECT_EQ(proved().base_sequence, 40);
}

TEST_F(InterceptorChainTest, a_pending_answer_is_resumed_once_before_or_after_the_call_returned) {
  ion_msg* held = nullptr;
  const ion_msg_api* how = nullptr;
  Scripted later{[&](ion_msg* m, const ion_msg_api* api) { return held = m, how = api, ION_V_PENDING; }};
  ASSERT_TRUE(add(later).ok());
  run();
  EXPECT_FALSE(result_);
  EXPECT_EQ(how->resume(held, ION_V_DROP), ION_OK);
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->records_left, 0);

  later.rule = [](ion_msg* m, const ion_msg_api* api) {
    EXPECT_EQ(api->resume(m, ION_V_CONTINUE), ION_OK);
    EXPECT_NE(api->resume(m, ION_V_CONTINUE), ION_OK);
    return ION_V_PENDING;
  };
  run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
}

TEST_F(InterceptorChainTest, a_batch_kept_beyond_its_deadline_fails_and_its_message_lives_until_the_resume) {
  ion_msg* held = nullptr;
  const ion_msg_api* how = nullptr;
  Scripted keeps{[&](ion_msg* m, const ion_msg_api* api) { return held = m, how = api, ION_V_PENDING; }};
  ASSERT_TRUE(add(keeps, [](InterceptorPolicy& p) { p.pending_deadline = seconds(2); }).ok());
  run();
  pass(seconds(1));
  EXPECT_FALSE(result_);
  pass(seconds(1));
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->why.code(), ION_E_DEADLINE);
  EXPECT_NE(result_->why.message().find("rule1"), std::string::npos);
  EXPECT_EQ(value_of(held, how, 2), "ccc") << "the plugin may still be reading";
  EXPECT_EQ(how->resume(held, ION_V_CONTINUE), ION_E_DEADLINE);
  EXPECT_EQ(faults_, 1);
}

TEST_F(InterceptorChainTest, what_was_admitted_for_a_message_that_is_kept_too_long_stays_until_the_resume) {
  ion_msg* held = nullptr;
  const ion_msg_api* how = nullptr;
  Scripted keeps{[&](ion_msg* m, const ion_msg_api* api) { return held = m, how = api, ION_V_PENDING; }};
  ASSERT_TRUE(add(keeps, [](InterceptorPolicy& p) { p.pending_deadline = seconds(2); }).ok());
  auto admitted = std::make_shared<int>();
  const std::weak_ptr<int> still = admitted;
  BatchInFlight batch;
  batch.header = batch::read_header(bytes_.data());
  batch.parts = parts_;
  chain_.run({Hook::kProduce, [admitted = std::move(admitted)](uint64_t) { return Status(); }}, std::move(batch), [this](ChainResult r) { result_ = std::move(r); });
  pass(seconds(2));
  ASSERT_TRUE(result_);
  EXPECT_TRUE(result_->message_kept);
  EXPECT_FALSE(still.expired());
  EXPECT_EQ(how->resume(held, ION_V_CONTINUE), ION_E_DEADLINE);
  EXPECT_TRUE(still.expired());
}

TEST_F(InterceptorChainTest, one_that_keeps_too_many_bytes_too_long_is_passed_over_until_it_gives_some_back) {
  batch::RecordWriter w;
  const std::string value(8u << 20, 'v');
  batch::NewRecord record;
  record.value = span_of(std::string_view(value));
  w.append(record);
  bytes_ = w.finish();
  parts_ = {borrowed(bytes_)};
  std::vector<ion_msg*> held;
  const ion_msg_api* how = nullptr;
  Scripted keeps{[&](ion_msg* m, const ion_msg_api* api) { return held.push_back(m), how = api, ION_V_PENDING; }};
  keeps.table.needs = ION_NEED_HEADER;
  ASSERT_TRUE(add(keeps, [](InterceptorPolicy& p) { p.pending_deadline = seconds(2); }).ok());
  for (int i = 0; i < 12; ++i) run(), pass(seconds(2));
  EXPECT_EQ(held.size(), 8u);  // 64 MiB
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->why.reason(), "INTERCEPTOR_FAILED");
  EXPECT_EQ(how->resume(held[0], ION_V_CONTINUE), ION_E_DEADLINE);
  run();
  EXPECT_EQ(held.size(), 9u);
  pass(seconds(2));
  for (size_t i = 1; i < held.size(); ++i) EXPECT_EQ(how->resume(held[i], ION_V_CONTINUE), ION_E_DEADLINE);
}

TEST_F(InterceptorChainTest, a_resume_in_time_is_not_hit_by_the_deadline_of_an_earlier_interceptor) {
  std::vector<ion_msg*> held;
  const ion_msg_api* how = nullptr;
  Scripted first{[&](ion_msg* m, const ion_msg_api* api) { return held.push_back(m), how = api, ION_V_PENDING; }};
  ASSERT_TRUE(add(first, [](InterceptorPolicy& p) { p.pending_deadline = seconds(2); }).ok());
  ASSERT_TRUE(add(first, [](InterceptorPolicy& p) { p.pending_deadline = seconds(9); }).ok());
  run();
  EXPECT_EQ(how->resume(held[0], ION_V_CONTINUE), ION_OK);
  pass(seconds(5));
  EXPECT_FALSE(result_);
  EXPECT_EQ(how->resume(held[1], ION_V_CONTINUE), ION_OK);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
}

TEST_F(InterceptorChainTest, stop_fails_what_is_pending_at_once_and_what_becomes_pending_later) {
  std::vector<ion_msg*> held;
  const ion_msg_api* how = nullptr;
  Scripted keeps{[&](ion_msg* m, const ion_msg_api* api) { return held.push_back(m), how = api, ION_V_PENDING; }};
  ASSERT_TRUE(add(keeps).ok());
  run();
  chain_.stop();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->why.code(), ION_E_CLOSED);
  run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->why.code(), ION_E_CLOSED);
  for (ion_msg* m : held) EXPECT_EQ(how->resume(m, ION_V_CONTINUE), ION_E_DEADLINE);
}

TEST_F(InterceptorChainTest, what_a_fault_means_is_the_operators_choice_and_its_words_are_kept) {
  Scripted broken{[](ion_msg* m, const ion_msg_api* api) -> int32_t { return api->reason(m, ION_E_EXCEPTION, bytes_of("no such table")), ION_E_EXCEPTION; }};
  ASSERT_TRUE(add(broken, [](InterceptorPolicy& p) { p.on_error = OnError::kOpen; }).ok());
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  EXPECT_EQ(faults_, 1);
  EXPECT_EQ(fault_.message(), "interceptor rule1 failed: no such table");
  ASSERT_TRUE(add(broken).ok());
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kRejected);
  EXPECT_EQ(result_->why.message(), "interceptor rule2 failed: no such table");
}

TEST_F(InterceptorChainTest, a_slow_interceptor_is_logged_once_in_a_while_and_rejects_nothing) {
  Scripted slow{[this](ion_msg*, const ion_msg_api*) { return cpu_ = {cpu_.n + milliseconds(50).n}, ION_V_CONTINUE; }};
  ASSERT_TRUE(add(slow).ok());
  for (int i = 0; i < 100; ++i) {
    run();
    EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  }
  EXPECT_EQ(logger_.lines, std::vector<std::string>{"an interceptor is slow"});
  clock_.advance(seconds(11));
  run();
  EXPECT_EQ(logger_.lines.size(), 2u);
  EXPECT_EQ(faults_, 0);
}

TEST_F(InterceptorChainTest, a_call_that_waited_for_a_busy_machine_is_not_slow) {
  Scripted waits{[this](ion_msg*, const ion_msg_api*) { return clock_.advance(seconds(3)), ION_V_CONTINUE; }};
  ASSERT_TRUE(add(waits, [](InterceptorPolicy& p) { p.breaker = {1, 1, seconds(10), seconds(30)}; }).ok());
  for (int i = 0; i < 50; ++i) run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  EXPECT_TRUE(logger_.lines.empty());
}

TEST_F(InterceptorChainTest, a_breaker_opens_on_a_rate_of_failures_and_closes_after_its_pause) {
  int calls = 0;
  bool fails = true;
  Scripted sometimes{[&](ion_msg*, const ion_msg_api*) -> int32_t { return ++calls, fails ? -24 : ION_V_CONTINUE; }};
  ASSERT_TRUE(add(sometimes, [](InterceptorPolicy& p) {
                p.on_error = OnError::kOpen;
                p.breaker = {50, 10, seconds(10), seconds(30)};
              }).ok());
  fails = false;
  for (int i = 0; i < 30; ++i) run();
  fails = true;
  for (int i = 0; i < 29; ++i) run();
  EXPECT_EQ(calls, 59) << "under a half";
  run();
  run();
  EXPECT_EQ(calls, 60);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo) << "on_error is open";
  clock_.advance(seconds(31));
  run();
  EXPECT_EQ(calls, 61);
}

TEST_F(InterceptorChainTest, an_open_breaker_is_told_until_it_closes_also_when_nothing_is_produced_any_more) {
  observe::MetricRegistry registry(1);
  bool fails = true;
  Scripted broken{[&](ion_msg*, const ion_msg_api*) -> int32_t { return fails ? static_cast<int32_t>(ION_E_EXCEPTION) : ION_V_CONTINUE; }};
  ASSERT_TRUE(add(broken, [&](InterceptorPolicy& p) {
                p.breaker = {50, 4, seconds(10), seconds(30)};
                p.metrics = InterceptorMetrics::declare(registry, p.name).value();
              }).ok());
  const auto gauge = [&] {
    int64_t value = -1;
    registry.snapshot([](void* to, const ion_sample* s) noexcept {
      if (text_of(s->name) == "ionstream_interceptor_breaker_open") *static_cast<int64_t*>(to) = s->value;
    }, &value);
    return value;
  };
  const WallMs began = clock_.wall();
  EXPECT_EQ(chain_.report("rule1")->breaker, InterceptorReport::Breaker::kClosed);
  EXPECT_EQ(chain_.report("rule1")->since, began);
  clock_.advance(seconds(5));
  for (int i = 0; i < 4; ++i) run();
  const WallMs opened = clock_.wall();
  clock_.advance(seconds(1));
  run();
  EXPECT_EQ(result_->why.reason(), "INTERCEPTOR_FAILED");
  EXPECT_EQ(gauge(), 1);
  auto report = *chain_.report("rule1");
  EXPECT_EQ(report.breaker, InterceptorReport::Breaker::kOpen);
  EXPECT_EQ(report.since, opened);
  EXPECT_EQ(report.until, WallMs{opened.ms + 30'000});
  EXPECT_EQ(report.counts.passed_over, 1u);
  ASSERT_EQ(health_.report().reasons.size(), 1u);
  EXPECT_EQ(health_.report().reasons[0].part, "interceptor rule1");
  EXPECT_EQ(health_.report().reasons[0].words,
            "its breaker is open: at least 50 % of its calls failed or were slow; it is not asked for 30s, and its batches are refused (on_error: closed)");
  EXPECT_FALSE(health_.takes_writes()) << "its batches are refused";
  pass(seconds(28));
  EXPECT_EQ(health_.report().reasons.size(), 1u);
  pass(seconds(1));
  EXPECT_TRUE(health_.report().reasons.empty());
  EXPECT_TRUE(health_.takes_writes());
  EXPECT_EQ(gauge(), 0);
  report = *chain_.report("rule1");
  EXPECT_EQ(report.breaker, InterceptorReport::Breaker::kClosed);
  EXPECT_EQ(report.since, WallMs{opened.ms + 30'000});
  EXPECT_FALSE(report.until.has_value());
}

TEST_F(InterceptorChainTest, an_open_breaker_that_lets_batches_pass_stops_no_writes) {
  Scripted broken{[&](ion_msg*, const ion_msg_api*) -> int32_t { return ION_E_EXCEPTION; }};
  ASSERT_TRUE(add(broken, [&](InterceptorPolicy& p) { p.breaker = {50, 4, seconds(10), seconds(30)}, p.on_error = OnError::kOpen; }).ok());
  EXPECT_TRUE(health_.report().reasons.empty());
  for (int i = 0; i < 4; ++i) run();
  EXPECT_EQ(health_.report().reasons.size(), 1u);
  EXPECT_TRUE(health_.takes_writes());
}

TEST_F(InterceptorChainTest, a_breaker_that_nobody_turned_on_is_off) {
  Scripted any{[](ion_msg*, const ion_msg_api*) { return ION_V_CONTINUE; }};
  ASSERT_TRUE(add(any).ok());
  EXPECT_EQ(chain_.report("rule1")->breaker, InterceptorReport::Breaker::kOff);
}

TEST_F(InterceptorChainTest, hooks_that_nobody_asks_do_not_load) {
  Scripted any{[](ion_msg*, const ion_msg_api*) { return ION_V_CONTINUE; }};
  for (const uint32_t hooks : {uint32_t{ION_HOOK_ACK}, uint32_t{ION_HOOK_CONNECT}, uint32_t{ION_HOOK_PRODUCE | ION_HOOK_ACK}, 64u}) {
    any.table.hooks = hooks;
    const Status refused = add(any);
    EXPECT_EQ(refused.code(), ION_E_UNSUPPORTED) << hooks;
    EXPECT_NE(refused.message().find("not loaded"), std::string::npos) << refused.message();
  }
  any.table.hooks = 0;
  EXPECT_FALSE(add(any).ok());
  any.table.hooks = ION_HOOK_PRODUCE | ION_HOOK_FETCH;
  EXPECT_TRUE(add(any).ok());
}

TEST_F(InterceptorChainTest, records_without_saying_so_are_a_fault_and_not_an_empty_batch) {
  Scripted forgets{[](ion_msg* m, const ion_msg_api* api) {
    ion_record r{};
    r.size = sizeof r;
    EXPECT_EQ(api->record(m, 0, &r), ION_E_UNSUPPORTED);
    return ION_V_CONTINUE;
  }};
  forgets.table.needs = ION_NEED_HEADER;
  ASSERT_TRUE(add(forgets).ok());
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kRejected);
  EXPECT_NE(result_->why.message().find("ION_NEED_RECORDS"), std::string::npos);
  EXPECT_EQ(admitted_, 0u) << "nothing was decoded";
}

TEST_F(InterceptorChainTest, memory_of_decoded_and_replaced_batches_is_admitted_first) {
  Scripted drops{drop_second};
  ASSERT_TRUE(add(drops).ok());
  run();
  EXPECT_GE(admitted_, 2 * bytes_.size());
  admission_ = Status(ION_E_OVERLOADED, "full", "QUOTA_EXCEEDED");
  run();
  EXPECT_EQ(result_->why.code(), ION_E_OVERLOADED);
}

}  // namespace
}  // namespace ion::pipeline
