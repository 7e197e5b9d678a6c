// The handle of a compaction in progress. What it does is LogCore's and SegmentRewrite's.
#pragma once
#include "io/log_core.h"

#include <memory>
#include <utility>

namespace ion::storage_mmap {

class MmapReplacement final : public Replacement {
 public:
  MmapReplacement(std::shared_ptr<LogCore> log, std::shared_ptr<SegmentRewrite> rewrite) : log_(std::move(log)), rewrite_(std::move(rewrite)) {}
  ~MmapReplacement() override { log_->forget(rewrite_); }

  Answer append(Op& op, std::span<const ion_batch> batches) override { return log_->append_to(op, rewrite_, batches); }
  Answer commit(Op& op) override { return log_->commit(op, rewrite_); }
  Answer abort(Op& op) override { return log_->abort(op, rewrite_); }

 private:
  const std::shared_ptr<LogCore> log_;  // it may be closed before this one ends
  const std::shared_ptr<SegmentRewrite> rewrite_;
};

}  // namespace ion::storage_mmap
