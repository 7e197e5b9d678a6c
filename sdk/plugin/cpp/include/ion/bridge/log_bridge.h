// One log of ion.storage/1 across the C ABI: the half of storage_bridge.h that speaks about a handle. Users include that one.
// A handle is the Log itself and ends when close completes OK; when the object dies: rule at bridge::Watched.
#pragma once
#include <ion/bridge/replacement_bridge.h>
#include <ion/contract/storage.h>

#include <algorithm>
#include <vector>

namespace ion {
namespace bridge {

inline Log& log_of(ion_log* l) noexcept { return *reinterpret_cast<Log*>(l); }

inline OpenOptions options_from(const ion_open_options* raw) noexcept {
  const ion_open_options o = take(raw);
  return {(o.flags & ION_OPEN_EXACT_MARK) != 0, (o.flags & ION_OPEN_COMPACTION) != 0, (o.flags & ION_OPEN_EXISTING) != 0,
          o.segment_bytes, Nanos{static_cast<int64_t>(o.segment_ns)}};
}
inline ion_open_options raw_options(const OpenOptions& o) noexcept {
  const uint32_t flags =
      bit_if(o.exact_mark, ION_OPEN_EXACT_MARK) | bit_if(o.compaction, ION_OPEN_COMPACTION) | bit_if(o.existing, ION_OPEN_EXISTING);
  return {sizeof(ion_open_options), flags, o.segment_bytes, static_cast<uint64_t>(o.segment_age.n)};
}

struct ExportedLog {
  struct Closing {
    Log* log;
    void succeeded(ion_result&) noexcept { delete log; }
  };
  static ion_status close(void*, ion_log* l, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) {
      return Watched<Closing>::run(o, {&log_of(l)}, [](Op& inner, Closing& s) { return s.log->close(inner); });
    });
  }
  static ion_status append(void*, ion_log* l, const ion_batch* batches, uint32_t n, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return log_of(l).append(o, {batches, n}); });
  }
  static ion_status read(void*, ion_log* l, ion_offset from, ion_offset upto, uint64_t bytes_max, const ion_op* op,
                         ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return log_of(l).read(o, {from}, {upto}, bytes_max); });
  }
  static ion_status sync(void*, ion_log* l, ion_offset upto, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return log_of(l).sync(o, {upto}); });
  }
  static ion_status truncate_suffix(void*, ion_log* l, ion_offset from, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return log_of(l).truncate_suffix(o, {from}); });
  }
  static ion_status truncate_prefix(void*, ion_log* l, ion_offset before, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return log_of(l).truncate_prefix(o, {before}); });
  }
  static ion_status offset_for_time(void*, ion_log* l, ion_offset from, int64_t time_ms, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return log_of(l).offset_for_time(o, {from}, {time_ms}); });
  }
  static ion_status stat(void*, ion_log* l, ion_log_stat* out) noexcept {
    return cross(nullptr, [&] {
      const LogStat s = log_of(l).stat();
      const uint32_t flags = bit_if(s.cut_tail, ION_LOG_CUT_TAIL) | bit_if(s.damaged, ION_LOG_DAMAGED) | bit_if(s.failed, ION_LOG_FAILED);
      give(out, {sizeof(ion_log_stat), flags, s.first.v, s.next.v, s.durable.v, s.sealed.v, s.bad_from.v, s.bad_upto.v, s.bytes,
                 s.appended.ms, s.active_since.ms});
      return ION_OK;
    });
  }
  static ion_status meta_put(void*, ion_log* l, const ion_field* items, uint32_t n, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return log_of(l).meta_put(o, {items, n}); });
  }
  static ion_status meta_get(void*, ion_log* l, ion_bytes key, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return log_of(l).meta_get(o, text_of(key)); });
  }
  static ion_status ranges(void*, ion_log* l, ion_offset from, ion_range* out, uint32_t cap, uint32_t* n) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      const Result<std::vector<ion_range>> found = log_of(l).ranges({from}, cap);
      if (!found) return found.error().code();
      *n = static_cast<uint32_t>(std::min<size_t>(found->size(), cap));
      std::copy_n(found->begin(), *n, out);
      return ION_OK;
    });
  }
  static ion_status configure(void*, ion_log* l, const ion_open_options* o) noexcept {
    return cross(nullptr, [&] { return log_of(l).configure(options_from(o)).code(); });
  }
  static ion_status seal(void*, ion_log* l, const ion_op* op, ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) { return log_of(l).seal(o); });
  }
  static ion_status replace_begin(void*, ion_log* l, ion_offset base, ion_offset next, ion_replacement** out, const ion_op* op,
                                  ion_result* now) noexcept {
    return cross(op, now, [&](Op& o) {
      return Watched<ExportedReplacement::Beginning>::run(
          o, {out, nullptr}, [&](Op& inner, auto& s) { return log_of(l).replace(inner, {base}, {next}, &s.replacement); });
    });
  }
};

}  // namespace bridge

// A log of another module. Destroyed after close completed; table and provider outlive it.
class ImportedLog final : public Log {
 public:
  ImportedLog(ion_ref storage, ion_log* log) noexcept
      : table_(static_cast<const ion_storage*>(storage.table)), self_(storage.self), log_(log) {}
  ion_log* raw() const noexcept { return log_; }
  ion_log** slot() noexcept { return &log_; }  // where the provider's open writes the handle

  Answer close(Op& op) override { return ION_PASS(op, close, log_); }
  Answer append(Op& op, std::span<const ion_batch> batches) override {
    return ION_PASS(op, append, log_, batches.data(), static_cast<uint32_t>(batches.size()));
  }
  Answer read(Op& op, Offset from, Offset upto, uint64_t bytes_max) override {
    return ION_PASS(op, read, log_, from.v, upto.v, bytes_max);
  }
  Answer sync(Op& op, Offset upto) override { return ION_PASS(op, sync, log_, upto.v); }
  Answer truncate_suffix(Op& op, Offset from) override { return ION_PASS(op, truncate_suffix, log_, from.v); }
  Answer truncate_prefix(Op& op, Offset before) override { return ION_PASS(op, truncate_prefix, log_, before.v); }
  Answer offset_for_time(Op& op, Offset from, WallMs time) override { return ION_PASS(op, offset_for_time, log_, from.v, time.ms); }
  // A backend that cannot tell has a log that cannot be used.
  LogStat stat() override {
    ion_log_stat s{sizeof(ion_log_stat), 0, 0, 0, 0, 0, -1, -1, 0, -1, -1};
    if (!ION_CALL(stat, log_, &s).ok()) return {.failed = true, .first = {}, .next = {}, .durable = {}, .sealed = {}};
    return {(s.flags & ION_LOG_CUT_TAIL) != 0, (s.flags & ION_LOG_DAMAGED) != 0, (s.flags & ION_LOG_FAILED) != 0,
            {s.first}, {s.next}, {s.durable}, {s.sealed}, {s.bad_from}, {s.bad_upto}, s.bytes, {s.appended_ms}, {s.active_since_ms}};
  }
  Answer meta_put(Op& op, std::span<const ion_field> items) override {
    return ION_PASS(op, meta_put, log_, items.data(), static_cast<uint32_t>(items.size()));
  }
  Answer meta_get(Op& op, std::string_view key) override { return ION_PASS(op, meta_get, log_, bytes_of(key)); }
  Result<std::vector<ion_range>> ranges(Offset from, size_t cap) override {
    std::vector<ion_range> found(std::min(cap, kRangesMax));
    const auto most = static_cast<uint32_t>(found.size());
    uint32_t n = 0;
    ION_CHECK(ION_CALL(ranges, log_, from.v, found.data(), most, &n));
    found.resize(std::min(n, most));
    return found;
  }
  Status configure(const OpenOptions& options) override {
    const ion_open_options raw = bridge::raw_options(options);
    return ION_CALL(configure, log_, &raw);
  }
  Answer seal(Op& op) override { return ION_PASS(op, seal, log_); }
  Answer replace(Op& op, Offset base, Offset next, std::unique_ptr<Replacement>* out) override {
    Replacing state{std::make_unique<ImportedReplacement>(table_, self_, log_), out};
    return bridge::Watched<Replacing>::run(op, std::move(state), [&](Op& inner, Replacing& s) {
      return ION_PASS(inner, replace_begin, log_, base.v, next.v, s.replacement->slot());
    });
  }

 private:
  struct Replacing {
    std::unique_ptr<ImportedReplacement> replacement;
    std::unique_ptr<Replacement>* out;
    void succeeded(ion_result& r) noexcept {
      if (replacement->raw() == nullptr)
        return bridge::fail(r, ION_E_INTERNAL, "ion.storage/1 replace_begin completed without a replacement");
      *out = std::move(replacement);
    }
  };
  static constexpr std::string_view kId = ION_STORAGE_ID;
  static constexpr size_t kRangesMax = 4096;  // a page; who wants more asks again from the last one
  const ion_storage* table_;
  void* self_;
  ion_log* log_;
};

}  // namespace ion
