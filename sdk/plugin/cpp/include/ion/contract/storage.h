// ion.storage/1 in C++: Storage opens Logs. Words, failures and promises: ion/abi/contract/storage.h.
// Kernel, plugins and fakes speak only this; the bridge (ion/bridge/storage_bridge.h) turns it into C and back.
#pragma once
#include <ion/abi/contract/storage.h>
#include <ion/op.h>
#include <ion/ports.h>

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace ion {

struct OpenOptions {
  bool exact_mark = false, compaction = false, existing = false;
  uint64_t segment_bytes = 0;  // 0: the backend's own setting
  Nanos segment_age{};         // 0: never
};
struct LogStat {
  bool cut_tail = false, damaged = false, failed = false;
  Offset first, next, durable, sealed, bad_from{-1}, bad_upto{-1};
  uint64_t bytes = 0;
  WallMs appended{-1}, active_since{-1};  // -1: nothing, or not known
};

// What takes the place of [base, next) of a log: written beside it, unseen until commit; the promises are at replace_begin in
// ion/abi/contract/storage.h. SHARD, like the calls of its log, and one call at a time. Destroyed only when no call is in progress,
// and after commit or abort completed; destroyed without either: as if aborted.
class Replacement {
 public:
  virtual ~Replacement() = default;
  virtual Answer append(Op& op, std::span<const ion_batch> batches) = 0;
  virtual Answer commit(Op& op) = 0;
  virtual Answer abort(Op& op) = 0;
};

// One log. Calls marked SHARD never overlap. Destroyed only after close() completed.
class Log {
 public:
  virtual ~Log() = default;
  virtual Answer close(Op& op) = 0;                                                           // SHARD
  virtual Answer append(Op& op, std::span<const ion_batch> batches) = 0;                      // SHARD; u0 = next
  virtual Answer read(Op& op, Offset from, Offset upto, uint64_t bytes_max) = 0;              // ANY; u0 base, u1 next
  virtual Answer sync(Op& op, Offset upto) = 0;                                               // SHARD; u0 = durable
  virtual Answer truncate_suffix(Op& op, Offset from) = 0;                                    // SHARD
  virtual Answer truncate_prefix(Op& op, Offset before) = 0;                                  // SHARD
  virtual Answer offset_for_time(Op& op, Offset from, WallMs time) = 0;                       // ANY; u0 base, u1 time of a batch
  virtual LogStat stat() = 0;                                                                 // ANY
  virtual Answer meta_put(Op& op, std::span<const ion_field> items) = 0;                      // SHARD
  virtual Answer meta_get(Op& op, std::string_view key) = 0;                                  // SHARD; bufs[0]
  virtual Result<std::vector<ion_range>> ranges(Offset from, size_t cap) = 0;                 // SHARD
  virtual Status configure(const OpenOptions& options) = 0;                                   // SHARD
  virtual Answer seal(Op& op) = 0;                                                            // SHARD
  // SHARD. Begins to replace sealed pieces; the replacement is in *out when the op completes OK, and *out stays the caller's memory
  // until then. A backend without ION_STORAGE_COMPACTION leaves it as it is.
  virtual Answer replace(Op& op, Offset base, Offset next, std::unique_ptr<Replacement>* out) {
    (void)base, (void)next, (void)out;
    return op.refuse(Status(ION_E_UNSUPPORTED, "this storage does not compact"));
  }
};

using EachName = std::function<void(std::string_view name, uint64_t bytes)>;

class Storage {
 public:
  virtual ~Storage() = default;
  virtual uint32_t caps() const = 0;
  // CONTROL. The log is in *out when the op completes OK; *out stays the caller's memory until then.
  virtual Answer open(Op& op, std::string_view log, const OpenOptions& options, std::unique_ptr<Log>* out) = 0;
  virtual Answer list(Op& op, std::string_view prefix, EachName each) = 0;  // CONTROL
  virtual Answer remove(Op& op, std::string_view log) = 0;                  // CONTROL; NOT_FOUND
  virtual Result<Uuid> identity() = 0;                                      // CONTROL
  // ANY. Whether what was refused with NO_SPACE would be taken now.
  virtual Answer space(Op& op) { return op.refuse(Status(ION_E_UNSUPPORTED, "this storage cannot tell whether it has space")); }
};

}  // namespace ion
