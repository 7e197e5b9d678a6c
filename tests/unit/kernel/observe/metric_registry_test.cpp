#include "observe/metric_name.h"
#include "observe/metric_registry.h"

#include <ion/bytes.h>

#include <gtest/gtest.h>

#include <latch>
#include <map>
#include <thread>

namespace ion::observe {
namespace {

// A snapshot as a map: "name{key=value,...}" to what the sample held.
struct Taken {
  uint32_t kind = 0;
  int64_t value = 0, sum = 0;
  std::string unit, help;
  std::map<int64_t, int64_t> buckets;
};
std::map<std::string, Taken> taken(const MetricRegistry& registry) {
  std::map<std::string, Taken> all;
  registry.snapshot(
      [](void* ctx, const ion_sample* s) noexcept {
        std::string key(text_of(s->name));
        for (uint32_t i = 0; i < s->nlabels; ++i)
          key.append(i == 0 ? "{" : ",").append(text_of(s->labels[i].key)).append("=").append(text_of(s->labels[i].value));
        Taken t{s->kind, s->value, s->sum, std::string(text_of(s->unit)), std::string(text_of(s->help)), {}};
        for (uint32_t i = 0; i < s->nbuckets; ++i) t.buckets[s->bucket_upto[i]] = s->bucket_count[i];
        EXPECT_EQ(s->size, sizeof(ion_sample));
        static_cast<std::map<std::string, Taken>*>(ctx)->emplace(s->nlabels == 0 ? key : key + "}", t);
      },
      &all);
  return all;
}
ion_field label(std::string_view key, std::string_view value) { return {bytes_of(key), bytes_of(value)}; }
Series& counter(MetricRegistry& registry, std::string_view name = "ionstream_test_records_total") {
  return *registry.single(ION_COUNTER, name, "records", "Records of a test.").value();
}

TEST(log_linear, every_value_lies_in_its_bucket_and_buckets_touch) {
  for (size_t b = 0; b < kBuckets; ++b) {
    const int64_t from = b == 0 ? 0 : bucket_upto(b - 1) + 1;
    ASSERT_LE(from, bucket_upto(b));
    EXPECT_EQ(bucket_of(from), b);
    EXPECT_EQ(bucket_of(bucket_upto(b)), b);
    EXPECT_LE(bucket_upto(b) - from, from / kSteps) << "a value is known to an eighth of itself";
  }
}

TEST(log_linear, small_values_are_exact_and_values_outside_go_to_the_ends) {
  for (int64_t v = 0; v < 2 * kSteps; ++v) EXPECT_EQ(bucket_upto(bucket_of(v)), v);
  EXPECT_EQ(bucket_of(-5), 0u);
  EXPECT_EQ(bucket_of(INT64_MAX), kBuckets - 1);
  EXPECT_EQ(bucket_upto(bucket_of(16)), 17);
}

TEST(metric_registry, a_counter_adds_and_never_goes_back) {
  MetricRegistry registry(2);
  Series& s = counter(registry);
  s.record(3), s.record(4), s.record(-100), s.record(0);
  EXPECT_EQ(taken(registry).at("ionstream_test_records_total").value, 7);
}

TEST(metric_registry, a_gauge_holds_the_last_value) {
  MetricRegistry registry(8);
  Series& s = *registry.single(ION_GAUGE, "ionstream_disk_free_bytes", "bytes", "Free bytes.").value();
  s.record(10), s.record(4), s.record(-2);
  EXPECT_EQ(taken(registry).at("ionstream_disk_free_bytes").value, -2);
}

TEST(metric_registry, a_histogram_gives_count_sum_and_only_buckets_that_hold_something) {
  MetricRegistry registry(4);
  Series& s = *registry.single(ION_HISTOGRAM, "ionstream_storage_fsync_seconds", "ns", "Time of a sync.").value();
  s.record(3), s.record(3), s.record(1000), s.record(-1);
  const Taken t = taken(registry).at("ionstream_storage_fsync_seconds");
  EXPECT_EQ(t.kind, static_cast<uint32_t>(ION_HISTOGRAM));
  EXPECT_EQ(t.value, 4);
  EXPECT_EQ(t.sum, 1006);
  EXPECT_EQ(t.unit, "ns");
  EXPECT_EQ(t.help, "Time of a sync.");
  EXPECT_EQ(t.buckets, (std::map<int64_t, int64_t>{{0, 1}, {3, 2}, {bucket_upto(bucket_of(1000)), 1}}));
}

// One cell: every thread adds to the same number. Three cells: fewer than threads, and no power of two.
TEST(metric_registry, what_many_threads_record_at_once_is_all_there) {
  constexpr int kThreads = 8, kTimes = 50'000;
  for (uint32_t cores : {1u, 3u}) {
    MetricRegistry registry(cores);
    Series& c = counter(registry);
    Series& h = *registry.single(ION_HISTOGRAM, "ionstream_test_bytes", "bytes", "Sizes.").value();
    std::vector<std::thread> threads;
    std::latch together(kThreads);
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        together.arrive_and_wait();
        for (int i = 0; i < kTimes; ++i) c.record(1), h.record(i % 5);
      });
    for (int i = 0; i < 10; ++i) EXPECT_LE(taken(registry).at("ionstream_test_records_total").value, kThreads * kTimes);
    for (std::thread& t : threads) t.join();
    const auto all = taken(registry);
    EXPECT_EQ(all.at("ionstream_test_records_total").value, kThreads * kTimes);
    EXPECT_EQ(all.at("ionstream_test_bytes").value, kThreads * kTimes);
    EXPECT_EQ(all.at("ionstream_test_bytes").sum, 2 * kThreads * kTimes);
  }
}

TEST(metric_registry, series_are_told_apart_by_labels_in_whatever_order) {
  MetricRegistry registry(1);
  Metric& metric = *registry.declare({ION_COUNTER, "ionstream_requests_total", "requests", "Requests.", 10}).value();
  const ion_field one[] = {label("verb", "produce"), label("reason", "OK")}, same[] = {one[1], one[0]}, other[] = {label("verb", "fetch")};
  Series* const first = registry.series(metric, one).value();
  EXPECT_EQ(registry.series(metric, same).value(), first);
  EXPECT_NE(registry.series(metric, other).value(), first);
  first->record(2);
  const auto all = taken(registry);
  EXPECT_EQ(all.at("ionstream_requests_total{reason=OK,verb=produce}").value, 2);
  EXPECT_EQ(all.at("ionstream_requests_total{verb=fetch}").value, 0);
}

TEST(metric_registry, series_have_the_bound_of_their_declaration) {
  MetricRegistry registry(1);
  Metric& metric = *registry.declare({ION_GAUGE, "ionstream_partition_bytes", "bytes", "Size.", 2}).value();
  for (const char* p : {"0", "1"}) {
    const ion_field labels[] = {label("partition", p)};
    EXPECT_TRUE(registry.series(metric, labels).has_value());
  }
  const ion_field third[] = {label("partition", "2")}, known[] = {label("partition", "1")};
  EXPECT_EQ(registry.series(metric, third).error().code(), ION_E_OVERLOADED);
  EXPECT_TRUE(registry.series(metric, known).has_value()) << "one that is there is still answered";
}

TEST(metric_registry, after_freezing_nothing_is_declared_but_series_may_come) {
  MetricRegistry registry(1);
  const MetricDeclaration before{ION_GAUGE, "ionstream_partition_bytes", "bytes", "Size.", 2};
  Metric& metric = *registry.declare(before).value();
  registry.freeze();
  EXPECT_EQ(registry.declare({ION_GAUGE, "ionstream_other_bytes", "bytes", "Size.", 2}).error().code(), ION_E_CLOSED);
  EXPECT_EQ(registry.declare(before).value(), &metric);
  EXPECT_TRUE(registry.series(metric, {}).has_value());
}

TEST(metric_registry, the_same_declaration_is_the_same_metric_and_another_one_a_conflict) {
  MetricRegistry registry(1);
  EXPECT_EQ(&counter(registry), &counter(registry));
  EXPECT_EQ(registry.single(ION_COUNTER, "ionstream_test_records_total", "records", "Something else.").error().code(), ION_E_CONFLICT);
  EXPECT_EQ(registry.declare({ION_COUNTER, "ionstream_test_records_total", "records", "Records of a test.", 2}).error().code(), ION_E_CONFLICT);
}

TEST(metric_registry, metrics_have_a_bound) {
  MetricRegistry registry(1);
  const auto declare = [&](size_t i) {
    return registry.declare({ION_GAUGE, "ionstream_test_m" + std::to_string(i), "1", "One of many.", 1});
  };
  for (size_t i = 0; i < kMetricsMax; ++i) ASSERT_TRUE(declare(i).has_value());
  EXPECT_EQ(declare(kMetricsMax).error().code(), ION_E_OVERLOADED);
}

struct NameCase {
  uint32_t kind;
  const char *name, *unit, *help;
};

TEST(metric_name, names_of_the_reference_are_accepted) {
  const NameCase cases[] = {{ION_HISTOGRAM, "ionstream_request_duration_seconds", "ns", "h"}, {ION_COUNTER, "ionstream_requests_total", "requests", "h"},
                            {ION_COUNTER, "ionstream_request_bytes_total", "bytes", "h"},     {ION_GAUGE, "ionstream_queue_depth", "1", "h"},
                            {ION_GAUGE, "ionstream_partition_high_watermark", "1", "h"},      {ION_GAUGE, "ionstream_build_info", "1", "h"},
                            {ION_GAUGE, "ionstream_consumer_group_lag_seconds", "ns", "h"},   {ION_COUNTER, "ionstream_gc_pause_seconds_total", "ns", "h"},
                            {ION_COUNTER, "ionstream_records_produced_total", "records", "h"}, {ION_GAUGE, "ionstream_cluster_brokers", "brokers", "h"}};
  for (const NameCase& c : cases) EXPECT_TRUE(check_metric(c.kind, c.name, c.unit, c.help).ok()) << c.name;
}

TEST(metric_name, everything_else_is_refused_with_a_reason) {
  const NameCase cases[] = {{ION_COUNTER, "requests_total", "requests", "h"},
                            {ION_COUNTER, "ionstream_requests", "requests", "h"},
                            {ION_GAUGE, "ionstream_queue_depth_total", "1", "h"},
                            {ION_GAUGE, "ionstream_Queue_depth", "1", "h"},
                            {ION_GAUGE, "ionstream__queue", "1", "h"},
                            {ION_GAUGE, "ionstream_queue_", "1", "h"},
                            {ION_GAUGE, "ionstream_queue", "1", "h"},
                            {ION_GAUGE, "ionstream_queue-depth", "1", "h"},
                            {ION_GAUGE, "ionstream_disk_free", "bytes", "h"},
                            {ION_GAUGE, "ionstream_disk_free_bytes", "1", "h"},
                            {ION_GAUGE, "ionstream_link_lag_seconds", "records", "h"},
                            {ION_HISTOGRAM, "ionstream_request_duration_ns", "ns", "h"},
                            {ION_HISTOGRAM, "ionstream_request_duration_seconds", "seconds", "h"},
                            {ION_HISTOGRAM, "ionstream_request_duration_ms", "ms", "h"},
                            {ION_GAUGE, "ionstream_queue_depth", "", "h"},
                            {ION_GAUGE, "ionstream_queue_depth", "1", ""},
                            {9, "ionstream_queue_depth", "1", "h"}};
  for (const NameCase& c : cases) {
    const Status status = check_metric(c.kind, c.name, c.unit, c.help);
    EXPECT_EQ(status.code(), ION_E_INVALID) << c.name << " " << c.unit;
    EXPECT_NE(status.message().find(c.name), std::string::npos) << status.message();
  }
  EXPECT_FALSE(check_metric(ION_GAUGE, "ionstream_a_" + std::string(kNameBytesMax, 'x'), "1", "h").ok());
}

TEST(metric_name, labels_come_from_the_closed_list) {
  MetricRegistry registry(1);
  Metric& metric = *registry.declare({ION_GAUGE, "ionstream_partition_bytes", "bytes", "Size.", 10}).value();
  const std::string long_value(kLabelValueBytesMax + 1, 'x');
  const std::vector<std::vector<ion_field>> wrong = {
      {label("key", "k")}, {label("topic", "a"), label("topic", "b")}, {label("topic", long_value)},
      {label("topic", "a"), label("partition", "a"), label("group", "a"), label("broker", "a"), label("verb", "a"), label("reason", "a"),
       label("queue", "a")}};
  for (const auto& labels : wrong) EXPECT_EQ(registry.series(metric, labels).error().code(), ION_E_INVALID);
}

}  // namespace
}  // namespace ion::observe
