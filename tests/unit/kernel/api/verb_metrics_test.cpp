#include "api/api_gate.h"
#include "api/verb_metrics.h"

#include <ion/bridge/crossing.h>

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "unit/sdk/asked.h"

namespace ion::api {
namespace {

using test::Asked;
using test::How;

struct HandClock final : Clock {
  Instant at{1'000'000};
  Instant now() override { return at; }
  WallMs wall() override { return {0}; }
  void advance_ms(uint64_t ms) { at.ns += ms * 1'000'000; }
};

struct Counted {
  HandClock clock;
  observe::MetricRegistry registry{1};
  VerbMetrics metrics{clock};
  test::Script script;
  Counted() { EXPECT_TRUE(metrics.declare(registry).ok()); }

  Asked ask(Verb verb) {
    return Asked([&](Op& op) {
      return Answer(bridge::cross(op, [&] {
        return metrics.follow(verb, op, [&](Op& followed) { return script.answer(followed, 7); });
      }));
    });
  }
  // "name/verb" to count (or the value of a counter), and "name/verb/sum" of a histogram.
  std::map<std::string, int64_t> numbers() {
    std::map<std::string, int64_t> all;
    registry.snapshot(
        [](void* ctx, const ion_sample* s) noexcept {
          auto& to = *static_cast<std::map<std::string, int64_t>*>(ctx);
          const std::string key = std::string(text_of(s->name)) + "/" + std::string(text_of(s->labels[0].value));
          to[key] = s->value, to[key + "/sum"] = s->sum;
        },
        &all);
    return all;
  }
};

TEST(VerbMetrics, a_verb_is_counted_once_in_each_way_an_op_can_end) {
  for (const test::Expected& way : test::kWays) {
    SCOPED_TRACE(static_cast<int>(way.how));
    Counted c;
    c.script.how = way.how;
    const Asked asked = c.ask(Verb::fetch);
    EXPECT_EQ(asked.answers(), way.late ? 0 : 1);
    c.script.finish();
    EXPECT_EQ(asked.code(), way.code);
    const auto numbers = c.numbers();
    EXPECT_EQ(numbers.at("ionstream_api_requests_total/fetch"), 1);
    EXPECT_EQ(numbers.at("ionstream_api_failures_total/fetch"), way.code == ION_OK ? 0 : 1);
    EXPECT_EQ(numbers.at("ionstream_api_duration_seconds/fetch"), 1);
    EXPECT_EQ(numbers.at("ionstream_api_requests_total/produce"), 0);
  }
}

TEST(VerbMetrics, the_time_of_a_late_answer_is_the_time_until_its_completion) {
  Counted c;
  c.script.how = How::kLate;
  const Asked asked = c.ask(Verb::produce);
  c.clock.advance_ms(30);
  c.script.finish();
  EXPECT_EQ(asked.code(), ION_OK);
  EXPECT_EQ(c.numbers().at("ionstream_api_duration_seconds/produce/sum"), 30'000'000);
}

TEST(VerbMetrics, more_ops_in_flight_than_slots_are_followed_as_well) {
  Counted c;
  c.script.how = How::kLate;
  std::vector<Asked> all;
  for (int i = 0; i < 3000; ++i) all.push_back(c.ask(Verb::fetch));
  c.script.finish();
  for (const Asked& asked : all) ASSERT_EQ(asked.code(), ION_OK);
  EXPECT_EQ(c.numbers().at("ionstream_api_requests_total/fetch"), 3000);
}

TEST(VerbMetrics, every_verb_has_its_series) {
  Counted c;
  const auto numbers = c.numbers();
  for (const VerbRow& row : kVerbRows)
    for (const char* name : {"ionstream_api_requests_total/", "ionstream_api_failures_total/", "ionstream_api_duration_seconds/"})
      EXPECT_TRUE(numbers.contains(name + std::string(row.name))) << name << row.name;
}

TEST(ApiGate, a_gate_that_is_not_open_refuses_with_closed_and_opens_for_good) {
  ApiGate gate;
  ion_topic_req r{};
  ion_admin_answer a{};
  ion_error_info error{};
  error.size = sizeof error, a.error = &error;
  EXPECT_EQ(Asked([&](Op& op) { return gate.topic_list(op, r, a); }).code(), ION_E_CLOSED);
  EXPECT_STREQ(error.reason, "STARTING");
  EXPECT_EQ(gate.health(), ION_HEALTH_STARTING);
  PartialBrokerApi broker;
  gate.open(broker);
  EXPECT_EQ(Asked([&](Op& op) { return gate.topic_list(op, r, a); }).code(), ION_E_UNSUPPORTED);
  EXPECT_EQ(gate.health(), ION_HEALTH_SERVING);
}

}  // namespace
}  // namespace ion::api
