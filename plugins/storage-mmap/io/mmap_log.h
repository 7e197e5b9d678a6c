// The handle of an open log. What it does is LogCore's.
#pragma once
#include "io/log_core.h"

#include <memory>

namespace ion::storage_mmap {

class MmapLog final : public Log {
 public:
  explicit MmapLog(std::shared_ptr<LogCore> core) : core_(std::move(core)) {}

  Answer close(Op& op) override { return core_->close(op); }
  Answer append(Op& op, std::span<const ion_batch> batches) override { return core_->append(op, batches); }
  Answer read(Op& op, Offset from, Offset upto, uint64_t bytes_max) override { return core_->read(op, {from, upto, bytes_max}); }
  Answer sync(Op& op, Offset upto) override { return core_->sync(op, upto); }
  Answer truncate_suffix(Op& op, Offset from) override { return core_->truncate_suffix(op, from); }
  Answer truncate_prefix(Op& op, Offset before) override { return core_->truncate_prefix(op, before); }
  Answer offset_for_time(Op& op, Offset from, WallMs time) override { return core_->offset_for_time(op, from, time); }
  LogStat stat() override { return core_->stat(); }
  Answer meta_put(Op& op, std::span<const ion_field> items) override { return core_->meta_put(op, items); }
  Answer meta_get(Op& op, std::string_view key) override { return core_->meta_get(op, key); }
  Result<std::vector<ion_range>> ranges(Offset from, size_t cap) override { return core_->ranges(from, cap); }
  Status configure(const OpenOptions& options) override { return core_->configure(options); }
  Answer seal(Op& op) override { return core_->seal(op); }
  Answer replace(Op& op, Offset base, Offset next, std::unique_ptr<Replacement>* out) override { return core_->replace(op, base, next, out); }

 private:
  const std::shared_ptr<LogCore> core_;  // jobs that were begun keep it too
};

}  // namespace ion::storage_mmap
