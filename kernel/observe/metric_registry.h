// All metrics of the broker and of its plugins. Declared before serving, then frozen; series (one per set of labels) may come
// later, up to the bound that the declaration names. Recording is one relaxed add into a cell of the running core, so that no
// two cores share a line; a snapshot sums the cells. A sum is not a point in time: cells are read one after the other.
// Invariant: a Series lives as long as the registry, its address is its identity. Names and labels: metric_name.h.
// Thread: declare, series, freeze and snapshot from any thread, one at a time by a mutex; Series::record any, no lock.
#pragma once
#include "observe/log_linear.h"

#include <ion/abi/host/metrics.h>
#include <ion/result.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ion::observe {

constexpr size_t kMetricsMax = 1000;
constexpr uint32_t kSeriesMax = 100'000;  // of one metric; a declaration asks for less
constexpr uint32_t kCellsMax = 64;

struct MetricDeclaration {
  uint32_t kind = ION_COUNTER;  // an ion_metric_kind; any number may come from a plugin
  std::string_view name, unit, help;
  uint32_t series_max = 1;
};

// One line of numbers. A counter or a gauge is one number, a histogram a count per bucket and a sum.
class Series {
 public:
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;

  // Counter: adds, and passes over what is negative. Gauge: sets. Histogram: observes, a negative value as 0.
  void record(int64_t value) noexcept;
  // Of a counter or a gauge, as of now.
  int64_t value() const noexcept { return sum_of(0); }

 private:
  friend class MetricRegistry;
  using Number = std::atomic<int64_t>;
  Series(ion_metric_kind kind, uint32_t cells);
  Number* cell() noexcept;
  int64_t sum_of(size_t number) const noexcept;

  const ion_metric_kind kind_;
  const uint32_t cells_;         // a power of two; a gauge has one
  const size_t numbers_;         // of one cell, a whole number of cache lines
  struct Free {
    void operator()(Number* memory) const noexcept;
  };
  const std::unique_ptr<Number[], Free> memory_;
};

class Metric {
 public:
  const std::string& name() const noexcept { return name_; }

 private:
  friend class MetricRegistry;
  ion_metric_kind kind_ = ION_COUNTER;
  std::string name_, unit_, help_;
  uint32_t series_max_ = 0;
  using Labels = std::vector<std::pair<std::string, std::string>>;  // sorted by key
  std::map<Labels, std::unique_ptr<Series>> series_;
};

class MetricRegistry {
 public:
  // `cores` says how many cells a counter has: as many as cores that record, kCellsMax at most.
  explicit MetricRegistry(uint32_t cores);

  // The same declaration again answers the same metric (a plugin may have several instances), another one of the same name
  // is a CONFLICT. CLOSED once frozen, OVERLOADED above kMetricsMax.
  Result<Metric*> declare(const MetricDeclaration& declaration);
  // The same labels answer the same series. OVERLOADED above the metric's bound.
  Result<Series*> series(Metric& metric, std::span<const ion_field> labels);
  // A metric without labels, in one step.
  Result<Series*> single(uint32_t kind, std::string_view name, std::string_view unit, std::string_view help);
  void freeze();

  // Every series, metrics in the order of their declaration. What a sample points to lives for the call. `each` must not call
  // the registry. Buckets of a histogram that are empty are left out.
  void snapshot(ion_sample_fn each, void* ctx) const;

 private:
  struct BucketLists;
  static void read_histogram(const Series& series, BucketLists& buckets, ion_sample& sample);

  const uint32_t cells_;
  mutable std::mutex mutex_;
  bool frozen_ = false;
  std::vector<std::unique_ptr<Metric>> metrics_;
};

}  // namespace ion::observe
