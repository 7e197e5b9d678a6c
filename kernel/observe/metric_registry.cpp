#include "observe/metric_registry.h"

#include "observe/metric_name.h"

#include <ion/assert.h>
#include <ion/bytes.h>

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <bit>
#include <new>

namespace ion::observe {
namespace {

constexpr size_t kLineBytes = 64;
constexpr size_t kSumNumber = kBuckets;  // of a histogram: behind its buckets

size_t numbers_of(ion_metric_kind kind) {
  constexpr size_t kPerLine = kLineBytes / sizeof(int64_t);
  const size_t used = kind == ION_HISTOGRAM ? kBuckets + 1 : 1;
  return (used + kPerLine - 1) / kPerLine * kPerLine;
}

std::vector<std::pair<std::string, std::string>> sorted(std::span<const ion_field> fields) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (const ion_field& f : fields) labels.emplace_back(text_of(f.key), text_of(f.value));
  std::sort(labels.begin(), labels.end());
  return labels;
}

}  // namespace

// Buckets that hold something, with their ends.
struct MetricRegistry::BucketLists {
  std::vector<int64_t> upto, count;
};

void Series::Free::operator()(Number* memory) const noexcept { ::operator delete(memory, std::align_val_t{kLineBytes}); }

Series::Series(ion_metric_kind kind, uint32_t cells)
    : kind_(kind),
      cells_(kind == ION_GAUGE ? 1 : cells),
      numbers_(numbers_of(kind)),
      memory_(static_cast<Number*>(::operator new(cells_ * numbers_ * sizeof(Number), std::align_val_t{kLineBytes}))) {
  for (size_t i = 0; i < cells_ * numbers_; ++i) new (&memory_[i]) Number(0);
}

// The cell of the core we run on. The thread may be moved to another core before it adds: two cores then meet on one line,
// which is slow and still right. A thread-local number would be wrong for shards that are run by changing threads.
Series::Number* Series::cell() noexcept {
  const int core = cells_ == 1 ? 0 : ::sched_getcpu();
  return &memory_[(static_cast<uint32_t>(core < 0 ? 0 : core) & (cells_ - 1)) * numbers_];
}

void Series::record(int64_t value) noexcept {
  switch (kind_) {
    case ION_COUNTER:
      if (value > 0) cell()[0].fetch_add(value, std::memory_order_relaxed);
      return;
    case ION_GAUGE: memory_[0].store(value, std::memory_order_relaxed); return;
    case ION_HISTOGRAM: break;
  }
  Number* const to = cell();
  to[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
  to[kSumNumber].fetch_add(std::max<int64_t>(value, 0), std::memory_order_relaxed);
}

int64_t Series::sum_of(size_t number) const noexcept {
  int64_t sum = 0;
  for (uint32_t c = 0; c < cells_; ++c) sum += memory_[c * numbers_ + number].load(std::memory_order_relaxed);
  return sum;
}

MetricRegistry::MetricRegistry(uint32_t cores) : cells_(std::bit_ceil(std::clamp<uint32_t>(cores, 1, kCellsMax))) {}

Result<Metric*> MetricRegistry::declare(const MetricDeclaration& d) {
  ION_CHECK(check_metric(d.kind, d.name, d.unit, d.help));
  if (d.series_max == 0 || d.series_max > kSeriesMax)
    return Status(ION_E_INVALID, fmt::format("metric {}: wanted 1 to {} series, found {}", d.name, kSeriesMax, d.series_max));
  const std::lock_guard lock(mutex_);
  for (const auto& m : metrics_) {
    if (m->name_ != d.name) continue;
    if (static_cast<uint32_t>(m->kind_) == d.kind && m->unit_ == d.unit && m->help_ == d.help && m->series_max_ == d.series_max) return m.get();
    return Status(ION_E_CONFLICT, fmt::format("metric {}: already declared with another kind, unit, help or bound", d.name));
  }
  if (frozen_) return Status(ION_E_CLOSED, fmt::format("metric {}: declared after serving began", d.name));
  if (metrics_.size() == kMetricsMax) return Status(ION_E_OVERLOADED, fmt::format("metric {}: wanted at most {} metrics", d.name, kMetricsMax));
  auto made = std::make_unique<Metric>();
  made->kind_ = static_cast<ion_metric_kind>(d.kind);
  made->name_ = d.name;
  made->unit_ = d.unit;
  made->help_ = d.help;
  made->series_max_ = d.series_max;
  return metrics_.emplace_back(std::move(made)).get();
}

Result<Series*> MetricRegistry::series(Metric& metric, std::span<const ion_field> labels) {
  ION_CHECK(check_labels(metric.name_, labels));
  Metric::Labels wanted = sorted(labels);
  const std::lock_guard lock(mutex_);
  const auto there = metric.series_.find(wanted);
  if (there != metric.series_.end()) return there->second.get();
  if (metric.series_.size() >= metric.series_max_)
    return Status(ION_E_OVERLOADED, fmt::format("metric {}: wanted at most {} series", metric.name_, metric.series_max_));
  std::unique_ptr<Series> made(new Series(metric.kind_, cells_));
  return metric.series_.emplace(std::move(wanted), std::move(made)).first->second.get();
}

Result<Series*> MetricRegistry::single(uint32_t kind, std::string_view name, std::string_view unit, std::string_view help) {
  ION_TRY(Metric* const metric, declare({kind, name, unit, help, 1}));
  return series(*metric, {});
}

void MetricRegistry::freeze() {
  const std::lock_guard lock(mutex_);
  frozen_ = true;
}

void MetricRegistry::snapshot(ion_sample_fn each, void* ctx) const {
  const std::lock_guard lock(mutex_);
  std::vector<ion_field> labels;
  BucketLists buckets;
  for (const auto& metric : metrics_) {
    for (const auto& [names, series] : metric->series_) {
      labels.clear();
      for (const auto& [key, value] : names) labels.push_back({bytes_of(key), bytes_of(value)});
      ion_sample sample{};
      sample.size = sizeof(sample);
      sample.kind = static_cast<uint32_t>(metric->kind_);
      sample.name = bytes_of(metric->name_);
      sample.unit = bytes_of(metric->unit_);
      sample.help = bytes_of(metric->help_);
      sample.labels = labels.data();
      sample.nlabels = static_cast<uint32_t>(labels.size());
      if (metric->kind_ == ION_HISTOGRAM) read_histogram(*series, buckets, sample);
      else sample.value = series->sum_of(0);
      each(ctx, &sample);
    }
  }
}

void MetricRegistry::read_histogram(const Series& series, BucketLists& buckets, ion_sample& sample) {
  buckets.upto.clear(), buckets.count.clear();
  for (size_t b = 0; b < kBuckets; ++b) {
    const int64_t n = series.sum_of(b);
    if (n == 0) continue;
    buckets.upto.push_back(bucket_upto(b)), buckets.count.push_back(n);
    sample.value += n;
  }
  sample.sum = series.sum_of(kSumNumber);
  sample.bucket_upto = buckets.upto.data();
  sample.bucket_count = buckets.count.data();
  sample.nbuckets = static_cast<uint32_t>(buckets.upto.size());
}

}  // namespace ion::observe
