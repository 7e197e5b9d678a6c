#include "cluster/local_broker.h"

#include <fmt/format.h>
#include <ion/continuation.h>

#include <utility>

namespace ion::cluster {

std::string data_log(const Uuid& topic, PartitionId partition) { return fmt::format("p/{}/{}", topic.text(), partition.v); }
std::string state_log(const Uuid& topic, PartitionId partition) { return fmt::format("state/{}/{}", topic.text(), partition.v); }

namespace {
constexpr size_t kTopicsOpeningMax = 16;  // each has a continuation on the control shard and a job on the disk

// FNV-1a over topic and partition: the same shard for a partition at every start.
ShardId shard_of(const Uuid& topic, PartitionId partition, uint32_t shards) {
  uint64_t h = 0xcbf29ce484222325ULL;
  const auto mix = [&h](uint8_t b) { h = (h ^ b) * 0x100000001b3ULL; };
  for (uint8_t b : topic.bytes) mix(b);
  for (int i = 0; i < 4; ++i) mix(static_cast<uint8_t>(partition.v >> (8 * i)));
  return {static_cast<uint32_t>((h >> 32) % shards)};
}
}  // namespace

// In order, also when the control shard's queue is full: what is told of a topic must not overtake what was told before. Who finds
// the mailbox empty sees to it that it is emptied; so there is one such continuation at a time, and nothing to overtake it.
void LocalBroker::on_control(std::function<void()> work) {
  auto* const change = new Change{std::move(work), mailbox_.load(std::memory_order_relaxed)};
  while (!mailbox_.compare_exchange_weak(change->before, change, std::memory_order_release, std::memory_order_relaxed)) {
  }
  if (change->before != nullptr) return;
  const partition::PartitionServices& around = world_.around;
  const Status given = go_on_at({around.executor, around.timers, around.clock}, world_.control, Hop::kPost, [this] {
    RoleScope scope(control_role);
    empty_mailbox();
  });
  if (!given.ok()) around.logger.error("control work was refused", {{"why", given.text()}});  // the process goes down
}

void LocalBroker::empty_mailbox() {
  std::deque<std::unique_ptr<Change>> changes;
  for (Change* newest = mailbox_.exchange(nullptr, std::memory_order_acquire); newest != nullptr; newest = changes.front()->before)
    changes.emplace_front(newest);
  for (const auto& change : changes) change->work();
}

LocalBroker::~LocalBroker() {
  for (Change* newest = mailbox_.load(); newest != nullptr;) delete std::exchange(newest, newest->before);
}

void LocalBroker::start(Controller& controller, std::function<void(Status)> done) {
  controller_ = &controller;
  controller.inspect([this, done = std::move(done)](const MetadataMachine& machine) {
    struct Found {
      std::vector<TopicPtr> topics;
      std::vector<std::pair<Uuid, size_t>> deleted;
      size_t left = 1;
    };
    auto found = std::make_shared<Found>();  // shared: one count for all topics; control shard only
    for (const auto& [name, topic] : machine.topics()) found->topics.push_back(topic);
    for (const auto& [uuid, tombstone] : machine.tombstones()) found->deleted.emplace_back(uuid, tombstone.partitions);
    on_control([this, found, done] {
      found->left += found->topics.size();
      const auto one_less = [found, done](Status status) {
        (void)status;  // a partition that cannot be served says so itself; the broker serves the others
        if (--found->left == 0) done({});
      };
      for (const TopicPtr& topic : found->topics) {
        open_topic(topic);
        when_open_here(topic, one_less);
      }
      if (!stopping_)
        for (const auto& [uuid, partitions] : found->deleted) ++changes_, sweep(uuid, partitions);
      one_less({});
    });
  });
}

void LocalBroker::topic_created(TopicPtr topic) {
  on_control([this, topic] { open_topic(topic); });
}

void LocalBroker::when_open(TopicPtr topic, std::function<void(Status)> done) {
  on_control([this, topic, done = std::move(done)] { when_open_here(topic, done); });
}

void LocalBroker::when_open_here(const TopicPtr& topic, std::function<void(Status)> done) {
  const auto opening = opening_.find(topic->uuid);
  if (opening != opening_.end()) return opening->second.waiters.push_back(std::move(done));
  const TopicEntryPtr entry = world_.view.find(topic->name);
  if (entry != nullptr && entry->record->uuid == topic->uuid) return done({});
  if (stopping_) return done(Status(ION_E_CLOSED, "the broker is stopping", "DRAINING"));
  done(Status(ION_E_NOT_FOUND, "topic " + topic->name + " is gone", "TOPIC_NOT_FOUND"));
}

void LocalBroker::open_topic(TopicPtr topic) {
  if (stopping_) return;  // the next start opens it
  auto entry = std::make_shared<TopicEntry>();  // shared with readers once published
  entry->record = topic;
  auto settings = read_settings(topic->config, world_.defaults);
  if (settings) entry->settings = *settings;  // checked before it was proposed
  entry->partitions.resize(topic->partitions.size());
  opening_[topic->uuid] = Opening{std::move(entry), 0, {}, false};
  waiting_.push_back(topic->uuid);
  open_waiting();
}

void LocalBroker::open_waiting() {
  while (!waiting_.empty() && changes_ < kTopicsOpeningMax) {
    ++changes_;
    const Uuid topic = waiting_.front();
    waiting_.pop_front();
    open_next(topic);
  }
}

void LocalBroker::open_next(Uuid topic) {
  Opening& o = opening_.at(topic);
  if (o.next == o.entry->partitions.size()) return topic_ready(topic);
  open_partition(topic, {static_cast<int32_t>(o.next++)});
}

void LocalBroker::open_partition(Uuid topic, PartitionId partition) {
  const Opening& o = opening_.at(topic);
  struct Logs {
    OpenOptions options;
    std::unique_ptr<Log> data, state;
  };
  auto logs = std::make_shared<Logs>();  // shared by the two opens
  logs->options.segment_bytes = o.entry->settings.segment_bytes;
  const auto failed = [this, topic, partition](Status why) {
    on_control([this, topic, partition, why] { partition_ready(topic, partition, why); });
  };
  const auto both_open = [this, topic, partition, logs, entry = o.entry] {
    const PartitionRecord& record = entry->record->partitions[static_cast<size_t>(partition.v)];
    partition::PartitionOptions seed;
    seed.name = fmt::format("{}/{}", entry->record->name, partition.v);
    seed.log_id = record.log_id;
    seed.epoch = record.leader_epoch;
    seed.shard = shard_of(topic, partition, world_.around.executor.shards());
    seed.config.durability = entry->settings.fsync ? partition::Durability::kFsync : partition::Durability::kOs;
    seed.log = std::move(logs->data);
    seed.state = std::move(logs->state);
    partition::Partition::open(world_.around, std::move(seed), [this, topic, partition](Result<partition::PartitionPtr> opened) {
      on_control([this, topic, partition, opened = std::move(opened)] { partition_ready(topic, partition, opened); });
    });
  };
  call([&](Op& op) { return world_.storage.open(op, data_log(topic, partition), logs->options, &logs->data); },
       [this, topic, partition, logs, failed, both_open](const ion_result& r) {
         if (r.status != ION_OK) return failed(Status::from(r.status, r.err));
         on_control([this, topic, partition, logs, failed, both_open] {
           OpenOptions small;
           small.segment_bytes = kSegmentBytesMin;
           call([&](Op& op) { return world_.storage.open(op, state_log(topic, partition), small, &logs->state); },
                [failed, both_open, logs](const ion_result& state) {
                  if (state.status == ION_OK) return both_open();
                  call([&](Op& op) { return logs->data->close(op); },
                       [failed, logs, why = Status::from(state.status, state.err)](const ion_result&) { failed(why); });
                });
         });
       });
}

void LocalBroker::partition_ready(Uuid topic, PartitionId partition, Result<partition::PartitionPtr> opened) {
  Opening& o = opening_.at(topic);
  ServedPartition& served = o.entry->partitions[static_cast<size_t>(partition.v)];
  if (opened) {
    served.partition = *std::move(opened);
  } else {
    served.why = Status(opened.error().code(), fmt::format("{}/{}: {}", o.entry->record->name, partition.v, opened.error().message()), opened.error().reason());
    world_.around.logger.error("a partition cannot be served", {{"topic", o.entry->record->name}, {"partition", std::to_string(partition.v)}, {"why", opened.error().text()}});
  }
  open_next(topic);
}

void LocalBroker::topic_ready(Uuid topic) {
  Opening done = std::move(opening_.extract(topic).mapped());
  Status status;
  for (const ServedPartition& p : done.entry->partitions)
    if (!p.why.ok() && status.ok()) status = p.why;
  if (done.deleted) status = Status(ION_E_NOT_FOUND, "topic " + done.entry->record->name + " was deleted", "TOPIC_NOT_FOUND");
  else world_.view.publish(done.entry);
  for (const auto& waiter : done.waiters) waiter(status);
  if (done.deleted) take_away(done.entry->record, done.entry);
  change_ended();
}

// One that was being opened or taken away: space for the next, or the last before the end.
void LocalBroker::change_ended() {
  --changes_;
  if (!stopping_) return open_waiting();
  if (changes_ == 0) close_all();
}

void LocalBroker::topic_deleted(TopicPtr topic) {
  on_control([this, topic] {
    const auto opening = opening_.find(topic->uuid);
    if (opening != opening_.end()) opening->second.deleted = true;
    else take_away(topic, world_.view.erase(topic->name, topic->uuid));
  });
}

void LocalBroker::take_away(TopicPtr topic, TopicEntryPtr entry) {
  if (entry == nullptr) return;
  ++changes_;
  auto left = std::make_shared<size_t>(entry->partitions.size());  // shared: one count; control shard only
  const auto one_less = [this, left, topic](Status) {
    on_control([this, left, topic] {
      if (--*left == 0) sweep(topic->uuid, topic->partitions.size());
    });
  };
  for (const ServedPartition& p : entry->partitions) {
    if (p.partition != nullptr) p.partition->close(one_less);
    else one_less({});
  }
}

void LocalBroker::sweep(Uuid topic, size_t partitions) { remove_logs(topic, partitions, 0); }

// Data log and state log of each partition in turn; NOT_FOUND is as good as removed.
void LocalBroker::remove_logs(Uuid topic, size_t partitions, size_t at) {
  if (at == partitions * 2) {
    controller_->forget_tombstone(topic);
    return change_ended();
  }
  const PartitionId partition{static_cast<int32_t>(at / 2)};
  const std::string log = at % 2 == 0 ? data_log(topic, partition) : state_log(topic, partition);
  call([&](Op& op) { return world_.storage.remove(op, log); },
       [this, topic, partitions, at, log](const ion_result& r) {
         if (r.status != ION_OK && r.status != ION_E_NOT_FOUND) {
           world_.around.logger.warn("a deleted log stays for the next start", {{"log", log}, {"why", Status::from(r.status, r.err).text()}});
           return on_control([this] { change_ended(); });
         }
         on_control([this, topic, partitions, at] { remove_logs(topic, partitions, at + 1); });
       });
}

void LocalBroker::stop(std::function<void(Status)> done) {
  on_control([this, done = std::move(done)] {
    stopping_ = true, stopped_ = done;
    for (const Uuid& topic : std::exchange(waiting_, {})) {
      const Opening never = std::move(opening_.extract(topic).mapped());
      for (const auto& waiter : never.waiters) waiter(Status(ION_E_CLOSED, "the broker is stopping", "DRAINING"));
    }
    if (changes_ == 0) close_all();
  });
}

void LocalBroker::close_all() {
  struct Closing {
    size_t left = 1;
    Status first;
    std::function<void(Status)> done;
  };
  auto closing = std::make_shared<Closing>();  // shared: one count for all partitions; control shard only
  closing->done = std::exchange(stopped_, nullptr);
  if (closing->done == nullptr) return;  // once
  const auto one_less = [this, closing](Status status) {
    on_control([closing, status] {
      if (closing->first.ok() && !status.ok()) closing->first = status;
      if (--closing->left == 0) closing->done(closing->first);
    });
  };
  for (const auto& [name, entry] : world_.view.erase_all())
    for (const ServedPartition& p : entry->partitions)
      if (p.partition != nullptr) ++closing->left, p.partition->close(one_less);
  one_less({});
}

}  // namespace ion::cluster
