// Admin: what operators do, one blocking call each. Any thread but the client's own (callbacks must not call it).
//
// Each call waits at most `timeout`, over retries at one broker after the other. Errors of all of them: CLOSED with UNREACHABLE when no
// broker was there, DEADLINE with TIMED_OUT when none answered in time, UNAUTHENTICATED, FORBIDDEN, and what the broker says with its
// own code, reason and words. A change (create, delete) whose answer was lost is asked for again: what is then found is this caller's
// own work and counts as success; UNKNOWN_OUTCOME when it cannot be known whether it was carried out.
#pragma once
#include <ion/ids.h>
#include <ion/result.h>
#include <ion/time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::client {

class Runtime;

struct NewTopic {
  std::string name = {};
  uint32_t partitions = 0;   // 0: the broker's default
  uint32_t replication = 0;  // copies of each partition; 0: the broker's default
  std::map<std::string, std::string> config = {};          // settings by name, as `durability`; INVALID when there is no such setting
  enum class Mode { kCreate, kDryRun } mode = Mode::kCreate;  // kDryRun: only judged
};
struct PartitionView {
  PartitionId partition;
  NodeId leader;
  Epoch leader_epoch;
  std::vector<NodeId> replicas;
  LogId log;  // part of message ids
  std::optional<Offset> log_start, high_watermark;  // first offset, and the one behind the last that can be read; missing: not known there
  uint64_t bytes = 0;                               // on disk
  Code health = ION_OK;                             // ION_E_CLOSED: not served yet; else why it is not
  struct Damaged {
    Offset from, upto;
  };
  std::optional<Damaged> damaged;  // [from, upto) cannot be read: the first such part that somebody met; missing: none was
};
struct Setting {
  std::string key, value;
  enum class Origin { kDefault, kUser } origin = Origin::kDefault;
};
struct TopicView {
  std::string name, uuid;  // another topic of the same name has another uuid
  uint32_t replication = 0;
  std::vector<PartitionView> partitions;
  std::vector<Setting> config;
  Status error;  // of this topic, where many were asked for
};
struct BrokerView {
  NodeId node;
  std::string address, rack, version;
};
struct TopicChange {
  enum class Mode { kAlter, kDryRun };  // a dry run checks and answers as if
  std::string name;
  std::map<std::string, std::string> set;
  std::vector<std::string> unset;
  Mode mode = Mode::kAlter;
};
struct ProblemView {
  std::string part, words;     // "storage", what was wanted and what is there
  bool stops_writes = false;   // no record is taken until it is gone
};
struct ClusterView {
  std::string cluster_id;
  NodeId controller, node;
  std::string version;
  std::vector<BrokerView> brokers;
  uint64_t topics = 0, partitions = 0, started_ms = 0;
  uint64_t record_bytes_max = 0, batch_bytes_max = 0, message_bytes_max = 0;  // what the broker takes; 0: it does not say
  std::string state;  // of the broker that answered: starting, serving, draining, failed; empty: it does not say
  bool refuses_writes = false;        // one of the problems stops writes
  std::vector<ProblemView> problems;  // of the broker that answered, the oldest first
};
struct InterceptorView {  // what it did since the broker began
  std::vector<std::string> hooks;  // where it is asked: produce, fetch
  uint64_t calls = 0, slow = 0, failed = 0;    // calls; of these above its budget, and without a verdict or too late
  uint64_t rejected = 0, dropped = 0;          // records; with on_reject "batch" all of a rejected batch
  uint64_t passed_over = 0;                    // batches it was not asked about
  std::string breaker;                         // off, closed, open
  uint64_t breaker_since_ms = 0;               // since 1970: when it came into that state
  std::optional<uint64_t> breaker_until_ms;    // of an open one: when it closes by itself
};
struct PluginView {
  std::string name, id, version, build, file, sha256;
  std::vector<std::string> provides, needs;
  std::string state, last_error;
  uint64_t faults = 0;
  std::string abi = {};                // MAJOR.MINOR that it was built for; empty: the broker does not say
  std::vector<Setting> config = {};    // its entry in the configuration as it is in force, keys below that entry; secrets are "***"
  std::optional<InterceptorView> interceptor = {};  // missing: it is none
  std::vector<std::string> remarks = {};            // what is wrong with its file although it was loaded
  uint64_t leases = 0, leased_bytes = 0;            // buffers that it was given by the host and that somebody holds still
  std::optional<uint64_t> oldest_lease_ms = {};     // age of the oldest of them
  uint32_t generation = 0;                          // 1: as loaded at the start; 0: the broker does not say
};
struct ReplacedPlugin {
  uint32_t generation = 0;  // of what serves now
  std::string version, old_version, file;
  bool old_stays = false;         // the old one did not end in time: it is asked nothing more and stays in memory
  bool other_at_restart = false;  // the configuration leads to another file: a restart loads that one
};
struct LostPart {
  Offset from, upto;  // of [from, upto); at most so many records
};
struct RepairView {
  std::vector<LostPart> lost;                // ascending; the first 1,000
  uint64_t lost_parts = 0, lost_bytes = 0;   // of all
  Offset log_start, next;                    // the offsets of the partition are [log_start, next)
  uint64_t records_left = 0, bytes_left = 0; // what can be read
  bool repaired = false;                     // something was damaged, and the partition is whole now
  bool dense = false;                        // a lost part had as many records as offsets, unless it was compacted; else perhaps fewer
};
enum class Loss { kOnlyTell, kAccept };
enum class OffsetOf { kStart, kEnd };
struct PartitionOffset {
  PartitionId partition;
  Offset offset;
  Status error;
  std::optional<WallMs> time;  // of the record there, when a time was asked for and a record has it or a later one
};

class Admin {
 public:
  // Answers when the topic is in the catalogue; its partitions may still be opening (PartitionView::health). EXISTS: it is there already.
  Result<TopicView> create_topic(const NewTopic& topic, Nanos timeout = seconds(10));
  // Those whose name begins with `prefix`, sorted by name; empty: all.
  Result<std::vector<TopicView>> list_topics(std::string_view prefix = {}, Nanos timeout = seconds(10));
  // NOT_FOUND with TOPIC_NOT_FOUND.
  Result<TopicView> describe_topic(std::string_view name, Nanos timeout = seconds(10));
  // Changes settings: those of `set` have these values from now on, those of `unset` the broker's default, all others stay. INVALID with
  // INVALID_CONFIG for a key that is none or a value that does not fit; NOT_FOUND with TOPIC_NOT_FOUND.
  Result<TopicView> alter_topic(const TopicChange& change, Nanos timeout = seconds(10));
  // The topic has so many partitions from now on; records with a key may go to another partition than before. INVALID with
  // INVALID_PARTITIONS when that would be fewer, CONFLICT when somebody else adds some at this time.
  Result<TopicView> add_partitions(std::string_view name, uint32_t partitions, TopicChange::Mode mode = TopicChange::Mode::kAlter, Nanos timeout = seconds(10));
  // Deletes the records of a partition below `before` for good; nothing: all that can be read. Answers the first offset that is left.
  // OUT_OF_RANGE with OFFSET_OUT_OF_RANGE when `before` is above the end.
  Result<Offset> trim_topic(std::string_view name, PartitionId partition, std::optional<Offset> before, Nanos timeout = seconds(10));
  // Reads all of a partition and says what of it is lost; with kAccept the partition is made whole without it and takes records again.
  // BUSY with REPAIRING; CONFLICT when records were deleted meanwhile. After a failure it may be asked again, and goes on.
  Result<RepairView> repair_topic(std::string_view name, PartitionId partition, Loss loss, Nanos timeout = seconds(600));
  // With all its records. NOT_FOUND with TOPIC_NOT_FOUND.
  Status delete_topic(std::string_view name, Nanos timeout = seconds(10));
  // Brokers, counts, and the limits of the broker that answers.
  Result<ClusterView> cluster_info(Nanos timeout = seconds(10));
  // What the broker that answers has loaded.
  Result<std::vector<PluginView>> list_plugins(Nanos timeout = seconds(10));
  // One of them, by its name in the configuration. NOT_FOUND with PLUGIN_NOT_FOUND.
  Result<PluginView> describe_plugin(std::string_view name, Nanos timeout = seconds(10));
  // Another generation of an interceptor or router takes the place of the one that serves; `path` as in the broker's configuration, empty: what
  // that says. After a failure the old one serves as before. NOT_FOUND, CONFLICT, UNSUPPORTED, OVERLOADED with GENERATIONS.
  Result<ReplacedPlugin> replace_plugin(std::string_view name, std::string_view path, Nanos timeout = seconds(60));
  // The first offset of each partition, or the one behind its last record. No partitions is all; one that fails has its own error.
  Result<std::vector<PartitionOffset>> list_offsets(std::string_view topic, const std::vector<int32_t>& partitions, OffsetOf what,
                                                    Nanos timeout = seconds(10));
  // The first record of each partition at or after `time`; the offset of the next record to come where there is none. As list_offsets.
  Result<std::vector<PartitionOffset>> offsets_at(std::string_view topic, const std::vector<int32_t>& partitions, WallMs time,
                                                  Nanos timeout = seconds(10));

 private:
  friend class Client;
  Result<std::vector<PartitionOffset>> ask_again_until_served(const std::string& request, Nanos timeout);
  explicit Admin(std::shared_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {}
  std::shared_ptr<Runtime> runtime_;  // shared by the client and all its handles
};

}  // namespace ion::client
