// Interceptors that break their contract: the fault has a name, and the batches of others go on.
#include "chain_fixture.h"

#include <atomic>
#include <thread>

namespace ion::pipeline {
namespace {

using BadInterceptor = InterceptorChainTest;

TEST_F(BadInterceptor, a_batch_that_is_resumed_twice_is_a_fault_with_a_name_and_the_message_is_still_there) {
  ion_msg* held = nullptr;
  const ion_msg_api* how = nullptr;
  Scripted twice{[&](ion_msg* m, const ion_msg_api* api) { return held = m, how = api, ION_V_PENDING; }};
  ASSERT_TRUE(add(twice).ok());
  run();
  EXPECT_EQ(how->resume(held, ION_V_CONTINUE), ION_OK);
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  EXPECT_EQ(faults_, 0);
  EXPECT_EQ(how->resume(held, ION_V_DROP), ION_E_INVALID);
  EXPECT_EQ(faults_, 1);
  EXPECT_EQ(fault_.message(), "interceptor rule1 resumed a batch that is not pending: each is resumed once, after PENDING");
  EXPECT_EQ(how->count(held), 0u) << "its records are gone";
}

TEST_F(BadInterceptor, a_resume_after_a_late_one_is_a_fault_too) {
  ion_msg* held = nullptr;
  const ion_msg_api* how = nullptr;
  Scripted late{[&](ion_msg* m, const ion_msg_api* api) { return held = m, how = api, ION_V_PENDING; }};
  ASSERT_TRUE(add(late, [](InterceptorPolicy& p) { p.pending_deadline = seconds(2); }).ok());
  run();
  pass(seconds(2));
  EXPECT_EQ(how->resume(held, ION_V_CONTINUE), ION_E_DEADLINE);
  EXPECT_EQ(how->resume(held, ION_V_CONTINUE), ION_E_INVALID);
  EXPECT_EQ(faults_, 2);
}

TEST_F(BadInterceptor, messages_that_were_resumed_are_kept_up_to_a_bound) {
  std::vector<ion_msg*> held;
  const ion_msg_api* how = nullptr;
  Scripted keeps{[&](ion_msg* m, const ion_msg_api* api) { return held.push_back(m), how = api, ION_V_PENDING; }};
  ASSERT_TRUE(add(keeps).ok());
  auto admitted = std::make_shared<int>();
  const std::weak_ptr<int> still = admitted;
  for (size_t i = 0; i <= InterceptorChain::kMessagesKept; ++i) {
    BatchInFlight batch;
    batch.header = batch::read_header(bytes_.data());
    batch.parts = parts_;
    chain_.run({Hook::kProduce, [admitted](uint64_t) { return Status(); }}, std::move(batch), [](const ChainResult&) {});
    EXPECT_EQ(how->resume(held.back(), ION_V_CONTINUE), ION_OK);
  }
  admitted.reset();
  EXPECT_TRUE(still.expired()) << "what was admitted for them is given back";
  EXPECT_EQ(how->resume(held[1], ION_V_CONTINUE), ION_E_INVALID);
}

TEST_F(BadInterceptor, a_call_that_does_not_come_back_fails_its_batch_and_the_interceptor_is_not_asked_until_it_does) {
  int calls = 0;
  Scripted hangs{[&](ion_msg*, const ion_msg_api*) {
    if (++calls > 1) return ION_V_CONTINUE;
    pass(seconds(2));
    EXPECT_TRUE(result_ && result_->why.code() == ION_E_DEADLINE && result_->message_kept) << "while the call goes on";
    EXPECT_EQ(health_.report().reasons.size(), 1u);
    EXPECT_FALSE(health_.takes_writes());
    run();
    EXPECT_EQ(result_->why.message(), "interceptor rule1 has not come back from a call and is passed over for now, and its on_error is \"closed\"");
    result_.reset();
    return ION_V_CONTINUE;
  }};
  ASSERT_TRUE(add(hangs, [](InterceptorPolicy& p) { p.pending_deadline = seconds(2); }).ok());
  run();
  EXPECT_FALSE(result_) << "its batch was answered once";
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(faults_, 1);
  EXPECT_EQ(fault_.message(), "interceptor rule1: 1 call of `on` did not come back within 2s; it is not asked until it comes back");
  EXPECT_TRUE(health_.report().reasons.empty());
  run();
  EXPECT_EQ(result_->kind, ChainResult::Kind::kGo);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(logger_.lines, (std::vector<std::string>{"an interceptor does not come back", "an interceptor has come back and is asked again"}));
}

TEST_F(BadInterceptor, a_batch_that_waits_for_its_turn_does_not_wait_for_a_call_that_does_not_come_back) {
  std::optional<ChainResult> other;
  Scripted hangs{[&](ion_msg*, const ion_msg_api*) {
    std::thread second([&] {
      BatchInFlight batch;
      batch.header = batch::read_header(bytes_.data());
      batch.parts = parts_;
      chain_.run({Hook::kProduce, {}}, std::move(batch), [&](ChainResult r) { other = std::move(r); });
    });
    pass(seconds(2));
    second.join();
    return ION_V_CONTINUE;
  }};
  hangs.table.flags = 0;
  ASSERT_TRUE(add(hangs, [](InterceptorPolicy& p) { p.pending_deadline = seconds(2); }).ok());
  run();
  ASSERT_TRUE(other);
  EXPECT_EQ(other->why.reason(), "INTERCEPTOR_FAILED");
}

TEST_F(BadInterceptor, a_message_that_a_late_call_keeps_lives_until_its_resume) {
  ion_msg* held = nullptr;
  const ion_msg_api* how = nullptr;
  Scripted hangs{[&](ion_msg* m, const ion_msg_api* api) { return held = m, how = api, pass(seconds(2)), ION_V_PENDING; }};
  ASSERT_TRUE(add(hangs, [](InterceptorPolicy& p) { p.pending_deadline = seconds(2); }).ok());
  run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(how->count(held), 3u);
  EXPECT_EQ(how->resume(held, ION_V_CONTINUE), ION_E_DEADLINE);
}

TEST_F(BadInterceptor, a_stop_gives_calls_in_progress_a_second) {
  Scripted hangs{[&](ion_msg*, const ion_msg_api*) {
    chain_.stop();
    pass(milliseconds(900));
    EXPECT_FALSE(result_);
    pass(milliseconds(100));
    EXPECT_TRUE(result_);
    return ION_V_CONTINUE;
  }};
  ASSERT_TRUE(add(hangs).ok());
  run();
}

TEST_F(BadInterceptor, a_table_that_is_too_short_is_refused_with_both_sizes) {
  Scripted any{[](ion_msg*, const ion_msg_api*) { return ION_V_CONTINUE; }};
  any.table.size = 8;
  const Status refused = add(any);
  EXPECT_EQ(refused.code(), ION_E_INVALID);
  EXPECT_NE(refused.message().find("size 8"), std::string::npos) << refused.message();
  EXPECT_NE(refused.message().find(std::to_string(sizeof(ion_interceptor))), std::string::npos) << refused.message();
}

TEST_F(BadInterceptor, batches_in_flight_end_with_the_old_generation_and_the_next_ones_see_the_new_one) {
  ion_msg* held = nullptr;
  const ion_msg_api* how = nullptr;
  Scripted old{[&](ion_msg* m, const ion_msg_api* api) { return held = m, how = api, ION_V_PENDING; }};
  int seen = 0;
  Scripted next{[&](ion_msg*, const ion_msg_api*) { return ++seen, ION_V_CONTINUE; }};
  ASSERT_TRUE(add(old).ok());
  run();
  const auto departure = std::make_shared<Departure>();
  ASSERT_TRUE(chain_.accepts("rule1", next.ref()).ok());
  chain_.replace("rule1", "next.so", next.ref(), departure);
  EXPECT_FALSE(departure->is_gone());
  EXPECT_EQ(how->resume(held, ION_V_DROP), ION_OK);
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->records_left, 0) << "the old one's verdict";
  EXPECT_EQ(seen, 0);
  EXPECT_TRUE(departure->is_gone());
  run();
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(result_->records_left, 3);
}

TEST_F(BadInterceptor, a_new_generation_may_ask_for_less_but_not_for_more) {
  Scripted old{[](ion_msg*, const ion_msg_api*) { return ION_V_CONTINUE; }};
  old.table.needs = ION_NEED_HEADER;
  ASSERT_TRUE(add(old).ok());
  Scripted next = old;
  next.table.needs = ION_NEED_HEADER | ION_NEED_RECORDS;
  const Status refused = chain_.accepts("rule1", next.ref());
  EXPECT_EQ(refused.code(), ION_E_UNSUPPORTED);
  EXPECT_NE(refused.message().find("restart"), std::string::npos) << refused.message();
  next.table.needs = 0;
  EXPECT_TRUE(chain_.accepts("rule1", next.ref()).ok());
  EXPECT_EQ(chain_.accepts("rule2", next.ref()).code(), ION_E_NOT_FOUND);
}

}  // namespace
}  // namespace ion::pipeline
