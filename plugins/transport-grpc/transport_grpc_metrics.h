// What transport-grpc counts. Without ion.metrics/1 every event is nothing.
// declare() on the control thread before serving; events on any thread, one relaxed add each.
#pragma once
#include "core/rpc_table.h"
#include "core/status_map.h"

#include <ion/bridge/host_bridge.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace ion::transport_grpc {

class TransportMetrics {
 public:
  Status declare(ion_ref metrics, const RpcTable& rpcs) {
    metrics_.emplace(metrics);
    ION_CHECK(plain(ION_COUNTER, {"ionstream_transport_received_messages_total", "1", "gRPC messages from clients"}, &received_messages_));
    ION_CHECK(plain(ION_COUNTER, {"ionstream_transport_received_bytes_total", "bytes", "Bytes of gRPC messages from clients"}, &received_bytes_));
    ION_CHECK(plain(ION_COUNTER, {"ionstream_transport_sent_messages_total", "1", "gRPC messages to clients"}, &sent_messages_));
    ION_CHECK(plain(ION_COUNTER, {"ionstream_transport_sent_bytes_total", "bytes", "Bytes of gRPC messages to clients"}, &sent_bytes_));
    ION_CHECK(plain(ION_COUNTER,
                    {"ionstream_transport_payload_copied_bytes_total", "bytes", "Payload to clients that had to be copied: stays 0 on the fetch path"},
                    &payload_copied_bytes_));
    ION_CHECK(plain(ION_COUNTER,
                    {"ionstream_transport_small_copied_bytes_total", "bytes", "Small messages from clients, copied to free their read block"},
                    &small_copied_bytes_));
    ION_CHECK(plain(ION_GAUGE, {"ionstream_transport_calls", "1", "Calls in progress, streams too"}, &calls_));
    return declare_requests(rpcs);
  }

  void received(uint64_t bytes) noexcept { add(received_messages_, 1), add(received_bytes_, bytes); }
  void sent(uint64_t bytes) noexcept { add(sent_messages_, 1), add(sent_bytes_, bytes); }
  void payload_copied(uint64_t bytes) noexcept { add(payload_copied_bytes_, bytes); }
  void small_copied(uint64_t bytes) noexcept { add(small_copied_bytes_, bytes); }
  void call_began() noexcept { add(calls_, calls_open_.fetch_add(1, std::memory_order_relaxed) + 1); }
  void call_left() noexcept { add(calls_, calls_open_.fetch_sub(1, std::memory_order_relaxed) - 1); }
  // `verb`: the index of its row, behind the last one for the RPCs of plugins.
  void ended(size_t verb, GrpcCode code) noexcept {
    if (verb < requests_.size()) add(requests_[verb][static_cast<size_t>(code) % kCodes], 1);
  }

 private:
  static constexpr size_t kCodes = 17;

  Status plain(ion_metric_kind kind, ImportedMetrics::Words words, ion_series** to) {
    ION_TRY(ion_metric * metric, metrics_->declare(kind, words, 1));
    ION_TRY(*to, metrics_->series(metric, {}));
    return {};
  }
  Status declare_requests(const RpcTable& rpcs) {
    const std::span<const RpcRow> rows = rpcs.rows();
    ION_TRY(ion_metric * metric, metrics_->declare(ION_COUNTER, {"ionstream_transport_requests_total", "1", "RPCs that ended, by status"},
                                                   static_cast<uint32_t>((rows.size() + 1) * kCodes)));
    requests_.resize(rows.size() + 1);
    for (size_t verb = 0; verb < requests_.size(); ++verb)
      for (size_t code = 0; code < kCodes; ++code) {
        const std::string_view name = verb == rows.size() ? std::string_view("plugin") : rows[verb].label;
        const ion_field labels[] = {{bytes_of("verb"), bytes_of(name)}, {bytes_of("reason"), bytes_of(name_of(static_cast<GrpcCode>(code)))}};
        ION_TRY(requests_[verb][code], metrics_->series(metric, labels));
      }
    return {};
  }
  void add(ion_series* series, uint64_t n) noexcept {
    if (series != nullptr) metrics_->record(series, static_cast<int64_t>(n));
  }

  std::optional<ImportedMetrics> metrics_;
  ion_series* received_messages_ = nullptr;
  ion_series* received_bytes_ = nullptr;
  ion_series* sent_messages_ = nullptr;
  ion_series* sent_bytes_ = nullptr;
  ion_series* payload_copied_bytes_ = nullptr;
  ion_series* small_copied_bytes_ = nullptr;
  ion_series* calls_ = nullptr;
  std::vector<std::array<ion_series*, kCodes>> requests_;
  std::atomic<int64_t> calls_open_{0};  // a gauge is set, not moved
};

}  // namespace ion::transport_grpc
