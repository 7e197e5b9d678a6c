#include "cluster/partition_opener.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ion::cluster {

std::string data_log(const Uuid& topic, PartitionId partition) { return fmt::format("p/{}/{}", topic.text(), partition.v); }
std::string state_log(const Uuid& topic, PartitionId partition) { return fmt::format("state/{}/{}", topic.text(), partition.v); }

// Segments are small enough that deleting one does not take much more than the limit wants gone.
partition::PartitionConfig partition_config(const TopicSettings& settings) {
  partition::PartitionConfig config;
  config.durability = settings.fsync ? partition::Durability::kFsync : partition::Durability::kOs;
  config.retention.segment_age = settings.segment_age;
  if (settings.deletes) config.retention.age = settings.retention_age, config.retention.bytes = settings.retention_bytes;
  if (settings.compacts) {
    config.compaction = {true, settings.compaction_lag_min, settings.compaction_lag_max, settings.tombstone_age, settings.dirty_ppm};
    config.retention.segment_age = partition::compacted_segment_age(config.compaction, settings.segment_age);
  }
  config.segment_bytes = settings.segment_bytes;
  config.producer_expiry = settings.producer_expiry, config.append_time = settings.append_time;
  if (config.retention.bytes > 0)
    config.segment_bytes = std::min(settings.segment_bytes == 0 ? kSegmentBytesMax : settings.segment_bytes, std::max(kSegmentBytesMin, settings.retention_bytes / partition::kSegmentsOfBytes));
  return config;
}

namespace {
constexpr size_t kOpeningMax = 32;  // each has a job on the blocking pool and continuations on the control shard
constexpr Nanos kFirstRetry = seconds(1);
constexpr uint32_t kDoublings = 12;  // to the largest pause that can be set

// FNV-1a over topic and partition: the same shard for a partition at every start.
ShardId shard_of(const Uuid& topic, PartitionId partition, uint32_t shards) {
  uint64_t h = 0xcbf29ce484222325ULL;
  const auto mix = [&h](uint8_t b) { h = (h ^ b) * 0x100000001b3ULL; };
  for (uint8_t b : topic.bytes) mix(b);
  for (int i = 0; i < 4; ++i) mix(static_cast<uint8_t>(partition.v >> (8 * i)));
  return {static_cast<uint32_t>((h >> 32) % shards)};
}

Nanos back_off(uint32_t attempt, Nanos pause_max) { return Nanos{std::min(pause_max.n, kFirstRetry.n << std::min(attempt, kDoublings))}; }
}  // namespace

void PartitionOpener::open(Job job) {
  waiting_.push_back(std::move(job));
  begin_waiting();
}

void PartitionOpener::cancel(const Uuid& topic) {
  std::erase_if(waiting_, [&](const Job& job) { return job.topic->record->uuid == topic; });
  std::erase_if(retries_, [&](const Retry& retry) { return retry.job.topic->record->uuid == topic; });
}

void PartitionOpener::stop() {
  stopping_ = true;
  waiting_.clear(), retries_.clear();
  if (timer_ != nullptr) (void)services_.around.timers.disarm(std::exchange(timer_, nullptr));
}

size_t PartitionOpener::being_opened(const Uuid& topic) const {
  const auto found = per_topic_.find(topic);
  return found == per_topic_.end() ? 0 : found->second;
}

void PartitionOpener::begin_waiting() {
  while (!stopping_ && !waiting_.empty() && being_opened_ < kOpeningMax) {
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    begin(std::move(job));
  }
}

partition::PartitionOptions PartitionOpener::options_of(const Job& job) const {
  const TopicRecord& topic = *job.topic->record;
  const PartitionRecord& record = topic.partitions[static_cast<size_t>(job.partition.v)];
  partition::PartitionOptions options;
  options.name = fmt::format("{}/{}", topic.name, job.partition.v);
  options.log_id = record.log_id;
  options.epoch = record.leader_epoch;
  options.shard = shard_of(topic.uuid, job.partition, services_.around.executor.shards());
  options.config = partition_config(job.topic->settings);
  return options;
}

void PartitionOpener::open_state_log(std::string name, bool existing, partition::LogOpened done) {
  services_.on_control([this, name = std::move(name), existing, done = std::move(done)] {
    OpenOptions small;
    small.segment_bytes = kSegmentBytesMin;
    small.existing = existing;
    auto log = std::make_shared<std::unique_ptr<Log>>();  // shared: std::function copies
    call([&](Op& op) { return services_.storage.open(op, name, small, log.get()); },
         [log, done](const ion_result& r) {
           if (r.status != ION_OK) done(Status::from(r.status, r.err));
           else done(std::move(*log));
         });
  });
}

void PartitionOpener::begin(Job job) {
  ++being_opened_, ++per_topic_[job.topic->record->uuid];
  struct Opening {
    Job job;
    partition::PartitionOptions options;
    OpenOptions log;
  };
  auto o = std::make_shared<Opening>(Opening{std::move(job), {}, {}});  // shared by the callbacks of one attempt
  const Uuid& topic = o->job.topic->record->uuid;
  o->options = options_of(o->job);
  o->options.open_state = [this, name = state_log(topic, o->job.partition)](partition::LogOpened opened) { open_state_log(name, false, std::move(opened)); };
  o->log.compaction = (services_.storage.caps() & ION_STORAGE_COMPACTION) != 0;  // whatever the topic says now: it may be altered
  o->log.segment_bytes = o->options.config.segment_bytes, o->log.segment_age = o->options.config.retention.segment_age;
  const auto done = [this, o](Result<partition::PartitionPtr> result) {
    auto kept = std::make_shared<Result<partition::PartitionPtr>>(std::move(result));  // shared: std::function copies
    services_.on_control([this, o, kept] { ended(o->job, std::move(*kept)); });
  };
  if (open_ + being_opened_ > services_.partitions_max)
    return done(Status(ION_E_OVERLOADED, fmt::format("wanted a descriptor for its log, and the {} that this process may hold for logs are taken: raise `ulimit -n`", services_.partitions_max), "TOO_FEW_DESCRIPTORS"));
  if (open_ + being_opened_ > services_.mapped_max)
    return done(Status(ION_E_OVERLOADED, fmt::format("wanted maps of its segments, and this process may hold those of {} partitions: raise vm.max_map_count", services_.mapped_max), "TOO_FEW_MAPS"));
  const auto logs_open = [this, o, done] { partition::Partition::open(services_.around, std::move(o->options), done); };
  call([&](Op& op) { return services_.storage.open(op, data_log(topic, o->job.partition), o->log, &o->options.log); },
       [this, o, done, logs_open](const ion_result& r) {
         if (r.status != ION_OK) return done(Status::from(r.status, r.err));
         if (o->job.state == StateLog::kNone) return logs_open();
         open_state_log(state_log(o->job.topic->record->uuid, o->job.partition), true, [o, done, logs_open](Result<std::unique_ptr<Log>> state) {
           if (state) o->options.state = *std::move(state);
           if (state || state.error().code() == ION_E_NOT_FOUND) return logs_open();
           call([&](Op& op) { return o->options.log->close(op); }, [o, done, why = state.error()](const ion_result&) { done(why); });
         });
       });
}

void PartitionOpener::ended(const Job& job, Result<partition::PartitionPtr> result) {
  const auto of_topic = per_topic_.find(job.topic->record->uuid);
  if (--of_topic->second == 0) per_topic_.erase(of_topic);
  --being_opened_;
  if (result) ++open_;
  if (!result && !stopping_) {
    Job next = job;
    ++next.attempt, next.state = StateLog::kUnknown;
    retries_.push_back({services_.around.clock.now() + back_off(job.attempt, services_.pause_max), std::move(next)});
    arm();
  }
  opened_(job, std::move(result));
  begin_waiting();
}

void PartitionOpener::arm() {
  if (retries_.empty() || stopping_) return;
  Timers& timers = services_.around.timers;
  const Instant first = std::min_element(retries_.begin(), retries_.end(), [](const Retry& a, const Retry& b) { return a.at < b.at; })->at;
  if (timer_ != nullptr && timer_at_ <= first) return;
  if (timer_ != nullptr) (void)timers.disarm(std::exchange(timer_, nullptr));
  const auto armed = timers.arm(
      services_.control, first,
      [](void* ctx) noexcept {
        RoleScope scope(control_role);
        static_cast<PartitionOpener*>(ctx)->due();
      },
      this);
  if (armed) timer_ = *armed, timer_at_ = first;
  else services_.around.logger.error("partitions that could not be opened wait for the next start", {{"why", armed.error().text()}});
}

void PartitionOpener::due() {
  timer_ = nullptr;
  const Instant now = services_.around.clock.now();
  const auto due = std::stable_partition(retries_.begin(), retries_.end(), [&](const Retry& r) { return r.at > now; });
  for (auto it = due; it != retries_.end(); ++it) waiting_.push_back(std::move(it->job));
  retries_.erase(due, retries_.end());
  arm();
  begin_waiting();
}

}  // namespace ion::cluster
