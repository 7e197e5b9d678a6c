#include "io/memory_storage.h"

#include <type_traits>
#include <utility>
#include <vector>

namespace ion::storage_memory {

// Holds the log, so that it may outlive the handle.
class MemoryReplacement final : public Replacement {
 public:
  MemoryReplacement(std::shared_ptr<MemoryStorage::Kept> kept, uint64_t number) : kept_(std::move(kept)), number_(number) {}
  ~MemoryReplacement() override {
    const std::lock_guard lock(kept_->mutex);
    kept_->log.abort_replacement(number_);
  }
  Answer append(Op& op, std::span<const ion_batch> batches) override {
    const std::lock_guard lock(kept_->mutex);
    const Status appended = kept_->log.append_to_replacement(number_, batches);
    return appended.ok() ? op.ok() : op.refuse(appended);
  }
  Answer commit(Op& op) override {
    const std::lock_guard lock(kept_->mutex);
    const Status committed = kept_->log.commit_replacement(number_);
    return committed.ok() ? op.ok() : op.refuse(committed);
  }
  Answer abort(Op& op) override {
    const std::lock_guard lock(kept_->mutex);
    kept_->log.abort_replacement(number_);
    return op.ok();
  }

 private:
  const std::shared_ptr<MemoryStorage::Kept> kept_;
  const uint64_t number_;
};

class MemoryLogHandle final : public Log {
 public:
  MemoryLogHandle(MemoryStorage& storage, std::shared_ptr<MemoryStorage::Kept> kept, bool compaction)
      : storage_(storage), kept_(std::move(kept)), compaction_(compaction) {}

  Answer close(Op& op) override {
    with([](MemoryLog& log) { log.abort_replacement(); });
    storage_.let_go(*kept_);
    return op.ok();
  }
  Answer append(Op& op, std::span<const ion_batch> batches) override {
    const Result<Offset> next = with([&](MemoryLog& log) { return log.append(batches, storage_.clock_.wall()); });
    return next ? op.ok(static_cast<uint64_t>(next->v)) : op.refuse(next.error());
  }
  Answer read(Op& op, Offset from, Offset upto, uint64_t bytes_max) override {
    Result<Slice> slice = with([&](MemoryLog& log) { return log.read({from, upto, bytes_max}); });
    if (!slice) return op.refuse(slice.error());
    const std::span<Buf> bufs(&slice->bytes, slice->bytes.empty() ? 0 : 1);
    return op.ok(static_cast<uint64_t>(slice->base.v), static_cast<uint64_t>(slice->next.v), bufs);
  }
  Answer sync(Op& op, Offset) override {
    return op.refuse(Status(ION_E_UNSUPPORTED, "storage-memory keeps nothing: a log that must survive needs another storage, such as storage-mmap"));
  }
  Answer truncate_suffix(Op& op, Offset from) override {
    return done(op, with([&](MemoryLog& log) { return log.truncate_suffix(from); }));
  }
  Answer truncate_prefix(Op& op, Offset before) override {
    return done(op, with([&](MemoryLog& log) { return log.truncate_prefix(before), Status(); }));
  }
  Answer offset_for_time(Op& op, Offset from, WallMs time) override {
    const auto found = with([&](MemoryLog& log) { return log.find_time(from, time); });
    return found ? op.ok(static_cast<uint64_t>(found->base.v), static_cast<uint64_t>(found->time.ms)) : op.refuse(found.error());
  }
  LogStat stat() override {
    return with([](MemoryLog& log) {
      LogStat s;
      s.first = s.durable = log.first();  // nothing is durable
      s.next = log.next(), s.sealed = log.sealed(), s.bytes = log.bytes();
      s.appended = log.last_append(), s.active_since = log.active_since();
      return s;
    });
  }
  Answer meta_put(Op& op, std::span<const ion_field> items) override {
    return done(op, with([&](MemoryLog& log) { return log.meta_put(items); }));
  }
  Answer meta_get(Op& op, std::string_view key) override {
    Buf value = with([&](MemoryLog& log) {
      const std::vector<uint8_t>* found = log.meta(key);
      return found == nullptr ? Buf() : Buf::copy(*found);
    });
    if (value.data() == nullptr) return op.refuse(Status(ION_E_NOT_FOUND, "no meta item of this name"));
    return op.ok(0, 0, std::span<Buf>(&value, 1));
  }
  Result<std::vector<ion_range>> ranges(Offset from, size_t cap) override {
    return with([&](MemoryLog& log) { return log.sealed_ranges(from, cap); });
  }
  Status configure(const OpenOptions& options) override {
    compaction_ = options.compaction;
    with([&](MemoryLog& log) { log.set_piece_bytes(options.segment_bytes != 0 ? options.segment_bytes : storage_.config_.segment_bytes); });
    return {};
  }
  Answer seal(Op& op) override {
    return done(op, with([](MemoryLog& log) { return log.seal(), Status(); }));
  }
  Answer replace(Op& op, Offset base, Offset next, std::unique_ptr<Replacement>* out) override {
    if (!compaction_) return op.refuse(Status(ION_E_UNSUPPORTED, "the log was opened without compaction"));
    const Result<uint64_t> begun = with([&](MemoryLog& log) { return log.begin_replacement(base, next); });
    if (!begun) return op.refuse(begun.error());
    *out = std::make_unique<MemoryReplacement>(kept_, *begun);
    return op.ok();
  }

 private:
  template <class F>
  std::invoke_result_t<F, MemoryLog&> with(F&& f) {
    const std::lock_guard lock(kept_->mutex);
    return f(kept_->log);
  }
  Answer done(Op& op, const Status& status) {
    return status.ok() ? op.ok(static_cast<uint64_t>(with([](MemoryLog& log) { return log.next(); }).v)) : op.refuse(status);
  }
  MemoryStorage& storage_;
  const std::shared_ptr<MemoryStorage::Kept> kept_;
  bool compaction_;
};

Answer MemoryStorage::open(Op& op, std::string_view log, const OpenOptions& options, std::unique_ptr<Log>* out) {
  if (log.empty()) return op.refuse(Status(ION_E_INVALID, "a log needs a name"));
  const uint64_t piece_bytes = options.segment_bytes != 0 ? options.segment_bytes : config_.segment_bytes;
  std::shared_ptr<Kept> kept;
  {
    const std::lock_guard lock(mutex_);
    auto at = logs_.find(log);
    if (at == logs_.end() && options.existing) return op.refuse(Status(ION_E_NOT_FOUND, "there is no log " + std::string(log)));
    if (at == logs_.end()) at = logs_.emplace(std::string(log), std::make_shared<Kept>(piece_bytes)).first;
    if (std::exchange(at->second->open, true)) return op.refuse(Status(ION_E_BUSY, "log " + std::string(log) + " is open"));
    kept = at->second;
  }
  *out = std::make_unique<MemoryLogHandle>(*this, std::move(kept), options.compaction);
  return op.ok();
}

Answer MemoryStorage::list(Op& op, std::string_view prefix, EachName each) {
  std::vector<std::pair<std::string, std::shared_ptr<Kept>>> found;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, kept] : logs_)
      if (name.starts_with(prefix)) found.emplace_back(name, kept);
  }
  for (const auto& [name, kept] : found) {
    uint64_t bytes = 0;
    {
      const std::lock_guard lock(kept->mutex);
      bytes = kept->log.bytes();
    }
    each(name, bytes);
  }
  return op.ok(found.size());
}

Answer MemoryStorage::remove(Op& op, std::string_view log) {
  const std::lock_guard lock(mutex_);
  const auto at = logs_.find(log);
  if (at == logs_.end()) return op.refuse(Status(ION_E_NOT_FOUND, "there is no log " + std::string(log)));
  if (at->second->open) return op.refuse(Status(ION_E_BUSY, "log " + std::string(log) + " is open"));
  logs_.erase(at);
  return op.ok();
}

Answer MemoryStorage::space(Op& op) { return op.ok(); }  // it refuses nothing for want of space

void MemoryStorage::let_go(Kept& kept) {
  const std::lock_guard lock(mutex_);
  kept.open = false;
}

}  // namespace ion::storage_memory
