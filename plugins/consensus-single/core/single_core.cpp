#include "core/single_core.h"

#include <ion/assert.h>

namespace ion::consensus_single {

SingleCore::SingleCore(uint64_t first, uint64_t next) : next_(next), appended_(next), durable_(first), applied_(first) {
  ION_ASSERT(first <= next);
  ION_ASSERT(first >= 1);  // indexes begin with 1, as in Raft
}

Actions SingleCore::opened() { return sync_if_needed(); }

uint64_t SingleCore::propose() {
  ION_ASSERT(!failed_);
  return next_++;
}

Actions SingleCore::appended(uint64_t upto) {
  ION_ASSERT(upto > appended_ && upto <= next_);
  appended_ = upto;
  return sync_if_needed();
}

Actions SingleCore::persisted(uint64_t upto) {
  ION_ASSERT(syncing_);
  ION_ASSERT(upto <= appended_);
  syncing_ = false;
  if (failed_) return {};
  if (upto > durable_) durable_ = upto;
  Actions actions = sync_if_needed();
  actions.apply_from = applied_;
  actions.apply_upto = durable_;
  applied_ = durable_;
  return actions;
}

Actions SingleCore::sync_if_needed() {
  Actions actions;
  actions.apply_from = actions.apply_upto = applied_;
  if (syncing_ || failed_ || durable_ == appended_) return actions;
  syncing_ = actions.sync = true;
  actions.sync_upto = appended_;
  return actions;
}

}  // namespace ion::consensus_single
