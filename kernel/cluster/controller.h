// The metadata group of this cluster: proposes commands, applies them to the pure machine, tells an observer what came of them.
// Thread: the verbs from ANY (they hop to the group's shard), the Machine's calls on that shard. Outlives the group.
#pragma once
#include "cluster/cluster_limits.h"
#include "cluster/core/metadata_codec.h"
#include "cluster/core/metadata_machine.h"
#include "cluster/core/topic_rules.h"
#include "observe/health.h"
#include "partition/partition.h"

#include <ion/contract/consensus.h>
#include <ion/contract/router.h>
#include <ion/ports.h>
#include <ion/thread_role.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace ion::cluster {

// Told on the group's shard, in log order. While the log is replayed at start nothing is told: ask for the topics afterwards.
class ControllerObserver {
 public:
  virtual ~ControllerObserver() = default;
  virtual void topic_created(TopicPtr topic) = 0;
  virtual void topic_altered(TopicPtr topic) = 0;  // other settings, or more partitions behind those that were there
  virtual void topic_deleted(TopicPtr topic) = 0;
};

// Space that is kept for deletes, which make space. Thread: ANY.
class DeleteReserve {
 public:
  virtual ~DeleteReserve() = default;
  // Frees it, or does nothing if there is none, and runs `lent` on any thread. The bytes stay free until put_back(), once for each lend().
  virtual void lend(std::function<void()> lent) = 0;
  virtual void put_back() noexcept = 0;
};

struct NewTopic {
  std::string name;
  uint32_t partitions = 1, replication = 1;
  std::map<std::string, std::string> config;
  bool dry_run = false;
};
// Settings or partitions, not both in one change.
struct TopicChange {
  std::string name;
  std::map<std::string, std::string> set;
  std::vector<std::string> unset;  // back to the broker's default
  uint32_t partitions = 0;         // so many altogether; 0: as they are
  bool dry_run = false;
};
struct ControllerServices {
  Executor& executor;
  Timers& timers;
  Clock& clock;
  Logger& logger;
  Random& random;
  Router* router;  // null: replicas are placed on this node
  NodeId node;
  ShardId shard;  // of the metadata group
  ClusterLimits limits;
  TopicSettings defaults;
  observe::Health& health;  // metadata entries that this version cannot apply, and a log that failed, are reasons there
  partition::SpaceWatch& space;  // told when the metadata log takes no entries for want of space
  bool volatile_storage = false;  // fsync cannot be promised: who asks for it by name is refused
  DeleteReserve* reserve = nullptr;  // null: there is none, and a delete is refused on a full disk as any change
  bool compacts = false;             // the storage can replace parts of logs: else who asks for compaction is refused
};

class Controller final : public Machine {
 public:
  using TopicDone = std::function<void(Result<TopicPtr>)>;
  using ProducersDone = std::function<void(Result<int64_t>)>;

  Controller(ControllerServices world, ControllerObserver& observer) : world_(world), observer_(observer) {}

  // Opens the group; `done` when its log is replayed. CONTROL.
  void open(Consensus& consensus, ion_ref storage, std::function<void(Status)> done) ION_ON(control_role);
  void close(std::function<void(Status)> done) ION_ON(control_role);

  // `done` when the change is committed and applied here; opening the logs goes on behind it (LocalBroker tells how far). On an
  // error nothing is left in the catalogue, UNKNOWN_OUTCOME excepted. NO_SPACE: the metadata log cannot grow now; it recovers. A
  // delete that is refused so is tried once more with the reserve.
  void create_topic(NewTopic topic, TopicDone done);
  // INVALID for unknown keys, bad values, fewer partitions, or nothing to change; CONFLICT when the partitions were changed meanwhile.
  void alter_topic(TopicChange change, TopicDone done);
  void delete_topic(std::string name, TopicDone done);
  void forget_tombstone(Uuid uuid);
  // Effective ones of a topic that is not served here. ANY
  TopicSettings settings_of(const TopicRecord& topic) const { return read_settings(topic.config, world_.defaults).value_or(world_.defaults); }
  void reserve_producers(uint32_t count, ProducersDone done);

  // For the start, on the group's shard after open: everything there is.
  void inspect(std::function<void(const MetadataMachine&)> look);

  void apply(std::span<const Entry> entries) override;
  void role(ion_role role, uint64_t term, NodeId leader) override;
  Answer snapshot(Op& op, uint64_t index) override;
  Answer restore(Op& op, uint64_t index, uint64_t term, std::span<const ion_buf> parts) override;

 private:
  using AppliedDone = std::function<void(Result<Applied>)>;
  struct EntryId {
    uint64_t index = 0, term = 0;
    auto operator<=>(const EntryId&) const = default;
  };
  void on_shard(std::function<void()> work, std::function<void(Status)> refused);
  Result<Command> plan(const NewTopic& topic) ION_ON(shard_role);
  Result<Command> plan_change(const TopicChange& change) ION_ON(shard_role);
  Result<Command> plan_more_partitions(const TopicRecord& topic, uint32_t wanted) ION_ON(shard_role);
  Status check_settings(const std::string& topic, const std::map<std::string, std::string>& config) const;
  Status check_process_limits(const std::string& topic, uint64_t more) const;
  Result<std::vector<PartitionRecord>> place(const NewTopic& topic, uint64_t seed) ION_ON(shard_role);
  void propose(const Command& command, AppliedDone done) ION_ON(shard_role);
  void propose_making_space(const Command& command, AppliedDone done) ION_ON(shard_role);
  void propose_from_reserve(const Command& command, AppliedDone done) ION_ON(shard_role);
  void proposed(EntryId entry, const Status& status, const AppliedDone& done) ION_ON(shard_role);
  void pass_over(const Entry& entry, const Status& why) ION_ON(shard_role);

  const ControllerServices world_;
  ControllerObserver& observer_;
  std::unique_ptr<Group> group_;
  MetadataMachine machine_;
  // Between apply and the completion of the proposal. Only of the term in which this node leads: its entries are all our own, and
  // so there are no more than proposals in flight.
  std::map<EntryId, Result<Applied>> outcomes_;
  uint64_t proposals_ = 0, leading_term_ = 0;  // 0: another node leads
  bool replayed_ = false;
  Status unreadable_;                // an entry that may not be passed over: what is there is served, changes are refused
  std::atomic<bool> closed_{false};  // set on control, asked on the shard
};

}  // namespace ion::cluster
