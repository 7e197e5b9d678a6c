// template-storage: logs in memory. This file has what every storage needs around its logs: names, handles, locks, the descriptor.
// Nothing here survives the process, and the plugin says so: VOLATILE, and `sync` is refused, so that nobody is promised what is not true.
#include "memory_log.h"

#include <ion/bridge/host_bridge.h>
#include <ion/bridge/services_bridge.h>
#include <ion/bridge/storage_bridge.h>
#include <ion/plugin.h>

#include <memory>
#include <mutex>
#include <type_traits>

namespace memory_storage {

struct Settings {
  uint64_t segment_bytes = 4 << 20;
  static constexpr auto rows() {
    return std::tuple{ion::row("segment_bytes", &Settings::segment_bytes, ion::kBytes, 4 << 10, 1 << 30,
                               "A piece of a log is closed at this size, unless its topic says otherwise.")};
  }
};

// What stays of a log between close and open. Reads may come from any thread.
struct Kept {
  explicit Kept(uint64_t piece_bytes) : log(piece_bytes) {}
  std::mutex mutex;
  MemoryLog log;     // guarded by mutex
  bool open = false; // guarded by the storage's mutex
};

class Storage final : public ion::Storage {
 public:
  static constexpr uint32_t kCaps = ION_STORAGE_TIME_INDEX | ION_STORAGE_VOLATILE;
  Storage(ion::Clock& clock, const Settings& settings, ion::Uuid identity) : clock_(clock), settings_(settings), identity_(identity) {}

  uint32_t caps() const override { return kCaps; }
  ion::Answer open(ion::Op& op, std::string_view log, const ion::OpenOptions& options, std::unique_ptr<ion::Log>* out) override;
  ion::Answer list(ion::Op& op, std::string_view prefix, ion::EachName each) override;
  ion::Answer remove(ion::Op& op, std::string_view log) override;
  ion::Result<ion::Uuid> identity() override { return identity_; }
  ion::Answer space(ion::Op& op) override { return op.ok(); }  // it refuses nothing for want of space

  uint64_t piece_bytes(const ion::OpenOptions& options) const { return options.segment_bytes != 0 ? options.segment_bytes : settings_.segment_bytes; }
  ion::WallMs now() { return clock_.wall(); }
  void let_go(Kept& kept) {
    const std::lock_guard lock(mutex_);
    kept.open = false;
  }

 private:
  ion::Clock& clock_;
  const Settings settings_;
  const ion::Uuid identity_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Kept>, std::less<>> logs_;  // shared: a handle must never reach freed memory
};

// The handle that `open` gives; it ends with close. Everything is answered at once.
class Handle final : public ion::Log {
 public:
  Handle(Storage& storage, std::shared_ptr<Kept> kept) : storage_(storage), kept_(std::move(kept)) {}

  ion::Answer close(ion::Op& op) override { return storage_.let_go(*kept_), op.ok(); }
  ion::Answer append(ion::Op& op, std::span<const ion_batch> batches) override {
    const auto next = with([&](MemoryLog& log) { return log.append(batches, storage_.now()); });
    return next ? op.ok(static_cast<uint64_t>(next->v)) : op.refuse(next.error());
  }
  ion::Answer read(ion::Op& op, ion::Offset from, ion::Offset upto, uint64_t bytes_max) override {
    ion::Result<MemoryLog::Found> found = with([&](MemoryLog& log) { return log.read(from, upto, bytes_max); });
    if (!found) return op.refuse(found.error());
    return op.ok(static_cast<uint64_t>(found->base.v), static_cast<uint64_t>(found->next.v), found->bufs);
  }
  ion::Answer sync(ion::Op& op, ion::Offset) override {
    return op.refuse(ion::Status(ION_E_UNSUPPORTED, "template-storage keeps logs in memory: nothing of it is durable"));
  }
  ion::Answer truncate_suffix(ion::Op& op, ion::Offset from) override {
    return done(op, with([&](MemoryLog& log) { return log.truncate_suffix(from); }));
  }
  ion::Answer truncate_prefix(ion::Op& op, ion::Offset before) override {
    return done(op, with([&](MemoryLog& log) { return log.truncate_prefix(before), ion::Status(); }));
  }
  ion::Answer offset_for_time(ion::Op& op, ion::Offset from, ion::WallMs time) override {
    const auto found = with([&](MemoryLog& log) { return log.find_time(from, time); });
    return found ? op.ok(static_cast<uint64_t>(found->base.v), static_cast<uint64_t>(found->time.ms)) : op.refuse(found.error());
  }
  ion::LogStat stat() override {
    return with([](MemoryLog& log) {
      ion::LogStat s;
      s.first = s.durable = log.first();  // nothing is durable
      s.next = log.next(), s.sealed = log.sealed(), s.bytes = log.bytes();
      s.appended = log.last_append(), s.active_since = log.active_since();
      return s;
    });
  }
  ion::Answer meta_put(ion::Op& op, std::span<const ion_field> items) override {
    return done(op, with([&](MemoryLog& log) { return log.meta_put(items); }));
  }
  ion::Answer meta_get(ion::Op& op, std::string_view key) override {
    ion::Buf value = with([&](MemoryLog& log) {
      const std::string* found = log.meta(key);
      return found == nullptr ? ion::Buf() : ion::Buf::copy(ion::span_of(*found));
    });
    if (value.data() == nullptr) return op.refuse(ion::Status(ION_E_NOT_FOUND, "no meta item of this name"));
    return op.ok(0, 0, std::span<ion::Buf>(&value, 1));
  }
  ion::Result<std::vector<ion_range>> ranges(ion::Offset from, size_t cap) override {
    return with([&](MemoryLog& log) { return log.ranges(from, cap); });
  }
  ion::Status configure(const ion::OpenOptions& options) override {
    if (options.compaction) return {ION_E_UNSUPPORTED, "template-storage does not compact"};
    return with([&](MemoryLog& log) { return log.set_piece_bytes(storage_.piece_bytes(options)), ion::Status(); });
  }
  ion::Answer seal(ion::Op& op) override {
    return done(op, with([](MemoryLog& log) { return log.seal(), ion::Status(); }));
  }

 private:
  template <class F>
  std::invoke_result_t<F, MemoryLog&> with(F&& f) {
    const std::lock_guard lock(kept_->mutex);
    return f(kept_->log);
  }
  ion::Answer done(ion::Op& op, const ion::Status& status) {
    return status.ok() ? op.ok(static_cast<uint64_t>(stat().next.v)) : op.refuse(status);
  }
  Storage& storage_;
  const std::shared_ptr<Kept> kept_;
};

ion::Answer Storage::open(ion::Op& op, std::string_view log, const ion::OpenOptions& options, std::unique_ptr<ion::Log>* out) {
  if (log.empty()) return op.refuse(ion::Status(ION_E_INVALID, "a log needs a name"));
  if (options.compaction) return op.refuse(ion::Status(ION_E_UNSUPPORTED, "template-storage does not compact"));
  const std::lock_guard lock(mutex_);
  auto at = logs_.find(log);
  if (at == logs_.end() && options.existing) return op.refuse(ion::Status(ION_E_NOT_FOUND, "there is no log " + std::string(log)));
  if (at == logs_.end()) at = logs_.emplace(std::string(log), std::make_shared<Kept>(piece_bytes(options))).first;
  if (std::exchange(at->second->open, true)) return op.refuse(ion::Status(ION_E_BUSY, "log " + std::string(log) + " is open"));
  *out = std::make_unique<Handle>(*this, at->second);
  return op.ok();
}

ion::Answer Storage::list(ion::Op& op, std::string_view prefix, ion::EachName each) {
  std::vector<std::pair<std::string, uint64_t>> found;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, kept] : logs_) {
      const std::lock_guard log_lock(kept->mutex);
      if (name.starts_with(prefix)) found.emplace_back(name, kept->log.bytes());
    }
  }
  for (const auto& [name, bytes] : found) each(name, bytes);  // outside of the lock: it is the caller's code
  return op.ok(found.size());
}

ion::Answer Storage::remove(ion::Op& op, std::string_view log) {
  const std::lock_guard lock(mutex_);
  const auto at = logs_.find(log);
  if (at == logs_.end()) return op.refuse(ion::Status(ION_E_NOT_FOUND, "there is no log " + std::string(log)));
  if (at->second->open) return op.refuse(ion::Status(ION_E_BUSY, "log " + std::string(log) + " is open"));
  logs_.erase(at);
  return op.ok();
}

class Plugin {
 public:
  using Config = Settings;
  static constexpr uint32_t kStorageCaps = Storage::kCaps;

  static ion::Result<std::unique_ptr<Plugin>> create(ion::Host host, const Settings& settings) {
    ION_TRY(const ion_ref random, host.get(ION_RANDOM_ID));
    ion::ImportedRandom numbers(random);
    const uint64_t hi = numbers.u64(), lo = numbers.u64();  // a new identity each time: what was in memory is gone
    return std::make_unique<Plugin>(host, settings, ion::Uuid::random(hi, lo));
  }
  Plugin(ion::Host host, const Settings& settings, ion::Uuid identity) : clock_(host.raw()), storage_(clock_, settings, identity) {}
  ion::Status start() { return {}; }
  ion::Answer drain(ion::Op& op) { return op.ok(); }  // nothing is ever pending
  const void* table(std::string_view id) { return id == ION_STORAGE_ID ? &ion::export_storage<Plugin> : nullptr; }
  ion::Storage& storage() { return storage_; }

 private:
  ion::ImportedClock clock_;
  Storage storage_;
};

}  // namespace memory_storage

ION_PLUGIN(memory_storage::Plugin, "demo.template-storage", "1.0.0", "ion.storage/1", "ion.random/1")
