// The host table and the small facts about a host across the C ABI, both ways: log, clocks, get, fault; ion.config/1,
// ion.threads/1, ion.metrics/1.
// Exported: export_host(instance) over an object of the kernel that stands for one plugin instance. Imported: ImportedClock and
// ImportedLogger over the ion_host that `create` was given; ImportedNode, ImportedThreads, ImportedMetrics over a ref.
#pragma once
#include <ion/abi/host/config.h>
#include <ion/abi/host/metrics.h>
#include <ion/abi/host/threads.h>
#include <ion/bridge/crossing.h>
#include <ion/ports.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string>

namespace ion {
namespace bridge {

inline constexpr size_t kLogFieldsMax = 16;  // further ones are cut off

// A Logger takes a list that is written down; the C side brings a count. One call for each possible count.
template <size_t N = kLogFieldsMax>
void write_fields(Logger& to, LogLevel level, std::string_view text, std::span<const ion_field> fields) {
  if constexpr (N > 0) {
    if (fields.size() < N) return write_fields<N - 1>(to, level, text, fields);
  }
  [&]<size_t... I>(std::index_sequence<I...>) {
    to.write(level, text, {LogField{text_of(fields[I].key), std::string(text_of(fields[I].value))}...});
  }(std::make_index_sequence<N>{});
}

template <class P>
struct ExportedHost {
  static P& of(void* self) noexcept { return *static_cast<P*>(self); }
  static ion_status get(void* self, const char* id, const char* instance, ion_ref* out) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      const Result<ion_ref> found = of(self).get(id, instance != nullptr ? instance : "");
      if (!found) return found.error().code();
      *out = *found;
      return ION_OK;
    });
  }
  static void log(void* self, int32_t level, ion_bytes text, const ion_field* fields, uint32_t n) noexcept {
    const auto known = static_cast<LogLevel>(std::clamp<int32_t>(level, ION_LOG_DEBUG, ION_LOG_ERROR));
    (void)cross(nullptr, [&] {  // a line may be lost for want of memory, the caller may not
      write_fields(of(self).logger(), known, text_of(text), {fields, n});
      return ION_OK;
    });
  }
  static uint64_t mono_ns(void* self) noexcept { return of(self).clock().now().ns; }
  static int64_t wall_ms(void* self) noexcept { return of(self).clock().wall().ms; }
  static void fault(void* self, const ion_err* why) noexcept {
    (void)cross(nullptr, [&] { return of(self).fault(Status::from(why->code, why)), ION_OK; });
  }
};

inline ion_status node_facts(void* self, ion_node* out) noexcept {
  give(out, *static_cast<const ion_node*>(self));
  return ION_OK;
}

}  // namespace bridge

// P offers `Clock& clock()`, `Logger& logger()`, `Result<ion_ref> get(std::string_view id, std::string_view instance)` (empty:
// the only one) and `void fault(const Status& why)`. It keeps the table at one address as long as the plugin instance.
template <class P>
ion_host export_host(P& instance) noexcept {
  using Table = bridge::ExportedHost<P>;
  return {sizeof(ion_host), ION_ABI_MAJOR, ION_ABI_MINOR, &instance, &Table::get, &Table::log, &Table::mono_ns, &Table::wall_ms,
          &Table::fault};
}
// `self` is an ion_node with all facts filled in.
inline constexpr ion_config export_config{.size = sizeof(ion_config), .flags = 0, .node = &bridge::node_facts};

class ImportedClock final : public Clock {
 public:
  explicit ImportedClock(const ion_host* host) noexcept : host_(host) {
    ION_ASSERT(ION_OFFERS(host_, mono_ns) && ION_OFFERS(host_, wall_ms));  // a silent zero would be no time
  }
  Instant now() override { return {host_->mono_ns(host_->self)}; }
  WallMs wall() override { return {host_->wall_ms(host_->self)}; }

 private:
  const ion_host* host_;
};

class ImportedLogger final : public Logger {
 public:
  explicit ImportedLogger(const ion_host* host) noexcept : host_(host) {}
  void write(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) override {
    if (!ION_OFFERS(host_, log)) return;
    std::array<ion_field, bridge::kLogFieldsMax> raw{};
    const size_t n = std::min(fields.size(), raw.size());
    std::transform(fields.begin(), fields.begin() + n, raw.begin(), [](const LogField& f) {
      return ion_field{bytes_of(f.key), bytes_of(f.value)};
    });
    host_->log(host_->self, static_cast<int32_t>(level), bytes_of(text), raw.data(), static_cast<uint32_t>(n));
  }

 private:
  const ion_host* host_;
};

// Who this node is. Texts live as long as the host.
struct NodeFacts {
  NodeId node;
  std::string_view rack, cluster, version;
};
class ImportedNode {
 public:
  explicit ImportedNode(ion_ref ref) noexcept : table_(static_cast<const ion_config*>(ref.table)), self_(ref.self) {}
  Result<NodeFacts> facts() {
    ion_node n{sizeof(ion_node), 0, 0, {}, {}, {}};
    ION_CHECK(ION_CALL(node, &n));
    return NodeFacts{{n.node}, text_of(n.rack), text_of(n.cluster), text_of(n.version)};
  }

 private:
  static constexpr std::string_view kId = ION_CONFIG_ID;
  const ion_config* table_;
  void* self_;
};

// Where am I? For debug checks, never for decisions.
class ImportedThreads {
 public:
  explicit ImportedThreads(ion_ref ref) noexcept : table_(static_cast<const ion_threads*>(ref.table)), self_(ref.self) {}
  ion_word word() const { return ION_OFFERS(table_, word) ? static_cast<ion_word>(table_->word(self_)) : ION_WORD_FOREIGN; }
  ShardId shard() const {
    return {ION_OFFERS(table_, shard) ? table_->shard(self_) : std::numeric_limits<uint32_t>::max()};
  }

 private:
  const ion_threads* table_;
  void* self_;
};

// Declared before serving, then frozen. record() on a series that could not be declared does nothing.
class ImportedMetrics {
 public:
  explicit ImportedMetrics(ion_ref ref) noexcept : table_(static_cast<const ion_metrics*>(ref.table)), self_(ref.self) {}
  struct Words {
    std::string_view name, unit, help;
  };
  Result<ion_metric*> declare(ion_metric_kind kind, Words words, uint32_t series_max) {
    ion_metric* metric = nullptr;
    ION_CHECK(ION_CALL(declare, kind, bytes_of(words.name), bytes_of(words.unit), bytes_of(words.help), series_max, &metric));
    return metric;
  }
  Result<ion_series*> series(ion_metric* metric, std::span<const ion_field> labels) {
    ion_series* made = nullptr;
    ION_CHECK(ION_CALL(series, metric, labels.data(), static_cast<uint32_t>(labels.size()), &made));
    return made;
  }
  void record(ion_series* series, int64_t value) {
    if (series != nullptr && ION_OFFERS(table_, record)) table_->record(series, value);
  }

 private:
  static constexpr std::string_view kId = ION_METRICS_ID;
  const ion_metrics* table_;
  void* self_;
};

}  // namespace ion
