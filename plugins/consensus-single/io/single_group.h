// Drives one SingleCore on a log of the storage contract: raft/<group>, a batch per entry with base = index and epoch = term.
// The term counts the incarnations of the group and is durable before the group opens.
// Thread: open and close on control, the rest on the group's shard; completions of the log hop there. Life: shared by the handle
// and by operations in flight (shared_ptr), ends after close().
#pragma once
#include "core/single_core.h"

#include <ion/contract/consensus.h>
#include <ion/contract/storage.h>
#include <ion/ports.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ion::consensus_single {

struct GroupServices {
  Executor& executor;
  Timers& timers;
  Clock& clock;
  Logger& logger;
  uint64_t proposals_max = 4096;
};

class SingleGroup final : public std::enable_shared_from_this<SingleGroup> {
 public:
  using Opened = std::function<void(Result<std::shared_ptr<SingleGroup>>)>;
  // `storage` and `spec.machine` outlive the group. Answers when everything in the log is durable and applied; on a full disk that may
  // wait for space. On an error the log is closed again.
  static void open(GroupServices world, std::shared_ptr<Storage> storage, const GroupSpec& spec, Opened done);

  // NO_SPACE and OVERLOADED of the log are answered at once, leave nothing, and the next proposal tries again. A term that could not be
  // written for want of space is tried again with each proposal, which waits for it, and at least once a second. A sync that answers
  // so is asked again until there is space or the group closes; meanwhile proposals are refused with NO_SPACE. Any other failure of an
  // append or a sync ends the group: UNKNOWN_OUTCOME for what is on its way, FAILED from then on.
  Answer propose(Op& op, std::span<const ion_buf> parts);  // SHARD
  Answer close(Op& op);                                    // CONTROL
  GroupStat stat() const;                                  // SHARD

 private:
  struct Pending {  // an entry between proposal and answer
    uint64_t index = 0;
    std::vector<uint8_t> batch;
    ion_buf part{};
    ion_batch one{};  // borrowed by the append until its completion, as are part and batch
    Later later;
  };
  SingleGroup(GroupServices world, std::shared_ptr<Storage> storage, const GroupSpec& spec);
  void on_shard(std::function<void()> work);
  void log_opened(Opened done);
  void refuse_open(Opened done, const Status& why);
  void begin_term(Opened done);
  void write_term(std::function<void(const Status&)> done);
  void write_term_later();
  void stop_term_timer();
  void try_term();
  void takes_none(const Status& why);
  void takes_entries();
  void replay(Opened done);
  void append_next();
  void appended(const Status& status);
  void withdraw(const Status& why);
  void sync(uint64_t upto);
  void sync_refused(uint64_t upto, const Status& why);
  void sync_later(uint64_t upto, Nanos after);
  void obey(const Actions& actions);
  void synced(const Status& status, uint64_t durable);
  void apply(uint64_t from, uint64_t upto);
  Status apply_replayed(std::span<const uint8_t> bytes);
  void fail(const Status& status);
  void maybe_close();

  const GroupServices world_;
  const std::shared_ptr<Storage> storage_;  // shared: the plugin imports one per reference that it was handed
  const std::string name_;
  const ShardId shard_;
  const NodeId node_;
  const bool volatile_;
  Machine& machine_;
  std::unique_ptr<Log> log_;
  uint64_t term_ = 0;

  std::unique_ptr<SingleCore> core_;
  std::deque<Pending> pending_;  // in index order; the front ones are appended, applied and answered first
  size_t appended_count_ = 0;    // of pending_
  std::deque<Pending> failed_entries_;
  bool appending_ = false, closed_ = false;
  bool refused_ = false;             // it does not open
  std::function<void()> refusal_;    // waits for the term that is being written
  bool term_durable_ = false, writing_term_ = false;  // nothing is appended in a term that is not on the disk
  bool refusing_ = false;                             // the log takes nothing now, and the operator was told
  Status failed_;
  Status sync_waits_;  // a sync found no space and is tried again; OK when none did
  Nanos sync_retry_ = milliseconds(10), term_retry_ = milliseconds(10);
  TimerHandle term_timer_ = nullptr;
  Opened opened_;
  Later closing_;
};

}  // namespace ion::consensus_single
