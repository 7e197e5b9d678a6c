#include "cluster/local_broker.h"

#include <fmt/format.h>
#include <ion/continuation.h>

#include <algorithm>
#include <utility>

namespace ion::cluster {

namespace {
constexpr size_t kClosingMax = 32;                 // partitions of one request that are closed at once: each has a job on the blocking pool
constexpr Nanos kCreateWaits = milliseconds(500);  // for partitions to open, after the commit
constexpr size_t kNamedInLog = 16;                 // partitions that cannot be opened: a full disk must not fill the log with them
constexpr std::string_view kMetadataLog = "raft/metadata";
}  // namespace

// Who waits for a topic, at most until its timer fires.
struct LocalBroker::Waiting {
  std::function<void()> done;
  Timers* timers = nullptr;
  TimerHandle timer = nullptr;
  WaitingPtr* box = nullptr;  // the timer's

  void end() {
    if (timer != nullptr && timers->disarm(std::exchange(timer, nullptr))) delete box;
    if (done) std::exchange(done, nullptr)();
  }
};

LocalBroker::LocalBroker(LocalBrokerServices world)
    : world_(std::move(world)),
      opener_({world_.around, world_.storage, world_.control, [this](std::function<void()> work) { on_control(std::move(work)); }, world_.descriptors_max / kDescriptorsOfPartition, world_.reopen_pause_max, world_.maps_max / kMapsOfPartition},
              [this](const PartitionOpener::Job& job, Result<partition::PartitionPtr> opened) { partition_tried(job, std::move(opened)); }),
      retention_({world_.around.timers, world_.around.clock, world_.around.logger, world_.control}, [this] { look_at_partitions(); }),
      progress_(world_.around.logger, world_.around.clock) {}

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

// ---- the start

void LocalBroker::inspect_storage(std::function<void(Status)> done) {
  auto names = std::make_shared<std::map<std::string, uint64_t, std::less<>>>();  // shared: std::function copies
  call([&](Op& op) { return world_.storage.list(op, "", [names](std::string_view name, uint64_t bytes) { names->emplace(name, bytes); }); },
       [this, names, done = std::move(done)](const ion_result& r) {
         on_control([this, names, done, status = Status::from(r.status, r.err)] {
           if (!status.ok()) return done(status);
           logs_ = std::move(*names);
           const auto first = logs_.lower_bound("p/");
           if (logs_.contains(kMetadataLog) || first == logs_.end() || !first->first.starts_with("p/")) return done({});
           done(Status(ION_E_CORRUPT, fmt::format("the data directory holds logs of topics, the first is {}, and no metadata log {} that names them: put it back "
                                                  "from a backup, or start with an empty directory. Nothing was changed", first->first, kMetadataLog)));
         });
       });
}

// Logs that no topic owns are left alone: they may be all that is there of a topic whose metadata was lost.
Status LocalBroker::compare_with_storage(const MetadataMachine& machine) {
  std::set<std::string> known;
  for (const auto& [name, topic] : machine.topics()) known.insert(topic->uuid.text());
  for (const auto& [uuid, tombstone] : machine.tombstones()) known.insert(uuid.text());
  size_t unknown = 0;
  std::string first;
  for (auto it = logs_.lower_bound("p/"); it != logs_.end() && it->first.starts_with("p/"); ++it) {
    const std::string& name = it->first;
    if (known.contains(name.substr(2, name.rfind('/') - 2))) continue;
    if (unknown++ == 0) first = name;
  }
  if (unknown == 0) return {};
  if (machine.log_ids_given() == 0)
    return {ION_E_CORRUPT, fmt::format("the data directory holds {} logs of topics, the first is {}, and the metadata log {} has no entries: put it back from a "
                                       "backup, or start with an empty directory", unknown, first, kMetadataLog)};
  world_.around.logger.warn("logs of topics that the metadata does not know are left alone", {{"logs", std::to_string(unknown)}, {"first", first}});
  return {};
}

void LocalBroker::start(Controller& controller, std::function<void(Status)> done) {
  controller_ = &controller;
  controller.inspect([this, done = std::move(done)](const MetadataMachine& machine) {
    auto all = std::make_shared<MetadataMachine>(machine);  // records are shared, not copied
    on_control([this, all, done] {
      if (const Status compared = compare_with_storage(*all); !compared.ok()) return done(compared);
      std::vector<std::shared_ptr<TopicEntry>> entries;
      auto left = std::make_shared<size_t>(1);  // shared: one count for all topics; control shard only
      for (const auto& [name, topic] : all->topics())
        if (auto entry = add_topic(topic)) entries.push_back(std::move(entry));
      world_.view.publish(std::vector<TopicEntryPtr>(entries.begin(), entries.end()));
      const auto one_less = [left, done] {
        if (--*left == 0) done({});
      };
      for (const auto& entry : entries) {
        Local& local = topics_.at(entry->record->uuid);
        auto waiting = std::make_shared<Waiting>();
        waiting->done = one_less;
        ++*left, local.waiters.push_back(std::move(waiting));
        if (local.untried == 0) all_tried(local);
      }
      std::map<std::string, uint64_t, std::less<>> opening;
      for (const auto& entry : entries)
        for (size_t p = 0; p < entry->partitions.size(); ++p)
          if (const auto log = logs_.find(data_log(entry->record->uuid, PartitionId{static_cast<int32_t>(p)})); log != logs_.end()) opening.insert(*log);
      progress_.begin(std::move(opening));
      for (const auto& entry : entries) open_partitions(entry, false);
      logs_.clear();
      for (const auto& [uuid, tombstone] : all->tombstones()) sweeps_.push_back({uuid, uuid.text(), tombstone.partitions});
      sweep_next();
      if (!stopping_) retention_.start();
      one_less();
    });
  });
}

// ---- topics that are there

std::shared_ptr<TopicEntry> LocalBroker::add_topic(const TopicPtr& topic) {
  if (stopping_) return nullptr;  // the next start opens it
  auto entry = std::make_shared<TopicEntry>(topic);  // shared with readers once published
  auto settings = read_settings(topic->config, world_.defaults);
  if (settings) entry->settings = *settings;  // checked before it was proposed
  topics_[topic->uuid] = Local{entry, topic->partitions.size(), {}, false};
  return entry;
}

void LocalBroker::open_partitions(const std::shared_ptr<TopicEntry>& entry, bool is_new) {
  for (size_t p = 0; p < entry->partitions.size(); ++p) {
    const PartitionId id{static_cast<int32_t>(p)};
    const bool has_state = !is_new && logs_.contains(state_log(entry->record->uuid, id));
    opener_.open({entry, id, has_state ? StateLog::kThere : StateLog::kNone});
  }
}

void LocalBroker::topic_created(TopicPtr topic) {
  on_control([this, topic] {
    const auto entry = add_topic(topic);
    if (entry == nullptr) return;
    world_.around.logger.info("topic created", {{"topic", topic->name}, {"partitions", std::to_string(topic->partitions.size())}, {"id", topic->uuid.text()}});
    world_.view.publish({entry});
    open_partitions(entry, true);
  });
}

void LocalBroker::topic_altered(TopicPtr topic) {
  on_control([this, topic] { alter_topic(topic); });
}

// Readers of the old entry have the same partitions.
void LocalBroker::alter_topic(const TopicPtr& topic) {
  const auto found = topics_.find(topic->uuid);
  if (found == topics_.end() || stopping_) return;  // the next start reads it
  Local& local = found->second;
  const TopicEntry& before = *local.entry;
  auto entry = std::make_shared<TopicEntry>(topic, before);  // shared with readers once published
  entry->settings = read_settings(topic->config, world_.defaults).value_or(before.settings);  // checked before it was proposed
  const size_t had = before.partitions.size();
  local.untried += entry->partitions.size() - had;
  local.entry = entry;
  world_.around.logger.info("topic altered", {{"topic", topic->name}, {"partitions", std::to_string(topic->partitions.size())}});
  world_.view.publish({entry});
  for (size_t p = 0; p < had; ++p)
    if (const partition::PartitionPtr served = entry->partitions[p].get()) served->configure(partition_config(entry->settings));
  for (size_t p = had; p < entry->partitions.size(); ++p) opener_.open({entry, PartitionId{static_cast<int32_t>(p)}, StateLog::kNone});
}

void LocalBroker::look_at_partitions() {
  const WallMs now = world_.around.clock.wall();
  for (const auto& [uuid, local] : topics_)
    for (const ServedPartition& p : local.entry->partitions)
      if (const partition::PartitionPtr served = p.get()) served->look_at_retention(now), served->look_at_compaction(now);
}

void LocalBroker::partition_tried(const PartitionOpener::Job& job, Result<partition::PartitionPtr> opened) {
  const Uuid topic = job.topic->record->uuid;
  Local& local = topics_.at(topic);
  ServedPartition& slot = local.entry->partitions[static_cast<size_t>(job.partition.v)];
  const std::string name = fmt::format("{}/{}", job.topic->record->name, job.partition.v);
  if (opened) {
    if (job.topic != local.entry) (*opened)->configure(partition_config(local.entry->settings));  // it was altered meanwhile
    slot.serve(*std::move(opened));
    if (not_served_.erase(name) != 0) {
      world_.around.logger.info("a partition is served now", {{"partition", name}, {"attempt", std::to_string(job.attempt + 1)}});
      tell_health();
    }
  } else {
    const Status why(opened.error().code(), fmt::format("{} cannot be opened: {}", name, opened.error().message()), opened.error().reason());
    slot.refuse(why);
    if (why.code() == ION_E_NO_SPACE) world_.around.space.refused("partition " + name, why);
    if (!local.deleted && !stopping_) {
      if (job.attempt == 0 && not_served_.size() < kNamedInLog)
        world_.around.logger.error("a partition cannot be opened and is tried again", {{"partition", name}, {"why", opened.error().text()}});
      else if (job.attempt == 0 && not_served_.size() == kNamedInLog)
        world_.around.logger.error("more partitions cannot be opened: `ion topic describe` names them", {{"partition", name}, {"why", opened.error().text()}});
      not_served_[name] = opened.error();
      tell_health();
    }
  }
  if (job.attempt == 0) progress_.tried(data_log(topic, job.partition));
  if (job.attempt == 0 && --local.untried == 0) all_tried(local);
  if (local.deleted && opener_.being_opened(topic) == 0) take_away(topic);
  maybe_close_all();
}

void LocalBroker::tell_health() {
  if (not_served_.empty()) return world_.around.health.clear("partitions");
  constexpr size_t kNamed = 3;
  std::string words = fmt::format("{} partitions cannot be opened and are tried again:", not_served_.size());
  size_t n = 0;
  for (const auto& [name, why] : not_served_) {
    if (n++ == kNamed) break;
    words += fmt::format(" {} ({})", name, why.message());
  }
  world_.around.health.raise("partitions", not_served_.size() > kNamed ? words + " ..." : words);
}

// ---- who waits for a topic

void LocalBroker::when_open(TopicPtr topic, std::function<void()> done) {
  on_control([this, uuid = topic->uuid, done = std::move(done)] { when_open_here(uuid, done); });
}

void LocalBroker::when_open_here(const Uuid& topic, std::function<void()> done) {
  const auto found = topics_.find(topic);
  if (found == topics_.end() || found->second.untried == 0 || stopping_) return done();
  auto waiting = std::make_shared<Waiting>();  // shared with its timer
  waiting->done = std::move(done);
  waiting->timers = &world_.around.timers;
  waiting->box = new WaitingPtr(waiting);
  const auto armed = world_.around.timers.arm(
      world_.control, world_.around.clock.now() + kCreateWaits,
      [](void* ctx) noexcept {
        const std::unique_ptr<WaitingPtr> mine(static_cast<WaitingPtr*>(ctx));
        (*mine)->timer = nullptr;
        (*mine)->end();
      },
      waiting->box);
  if (!armed) {
    delete std::exchange(waiting->box, nullptr);
    return waiting->end();
  }
  waiting->timer = *armed;
  found->second.waiters.push_back(std::move(waiting));
}

void LocalBroker::all_tried(Local& local) {
  for (const WaitingPtr& waiting : std::exchange(local.waiters, {})) waiting->end();
}

// ---- topics that go

void LocalBroker::topic_deleted(TopicPtr topic) {
  on_control([this, topic] { delete_topic(topic); });
}

void LocalBroker::delete_topic(const TopicPtr& topic) {
  const auto found = topics_.find(topic->uuid);
  if (found == topics_.end()) return;  // not published while stopping: the next start sweeps it
  world_.around.logger.info("topic deleted", {{"topic", topic->name}, {"id", topic->uuid.text()}});
  (void)world_.view.erase(topic->name, topic->uuid);
  found->second.deleted = true;
  opener_.cancel(topic->uuid);
  for (size_t p = 0; p < topic->partitions.size(); ++p) not_served_.erase(fmt::format("{}/{}", topic->name, p));
  tell_health();
  all_tried(found->second);
  if (opener_.being_opened(topic->uuid) == 0) take_away(topic->uuid);
}

void LocalBroker::take_away(const Uuid& topic) {
  const std::shared_ptr<TopicEntry> entry = std::move(topics_.extract(topic).mapped().entry);
  ++changes_;
  std::deque<partition::PartitionPtr> open;
  for (const ServedPartition& p : entry->partitions)
    if (auto served = p.get()) open.push_back(std::move(served));
  close_partitions(std::move(open), [this, entry](Status) {
    sweeps_.push_back({entry->record->uuid, entry->record->name, entry->partitions.size()});
    --changes_;
    sweep_next();
    maybe_close_all();
  });
}

struct LocalBroker::Closing {
  std::deque<partition::PartitionPtr> left;
  size_t closing = 0;
  Status first;
  std::function<void(Status)> done;
};

// `done` on the control shard.
void LocalBroker::close_partitions(std::deque<partition::PartitionPtr> partitions, std::function<void(Status)> done) {
  close_next(std::make_shared<Closing>(Closing{std::move(partitions), 0, {}, std::move(done)}));  // shared: one for all partitions
}

void LocalBroker::close_next(const std::shared_ptr<Closing>& c) {
  while (!c->left.empty() && c->closing < kClosingMax) {
    const partition::PartitionPtr one = std::move(c->left.front());
    c->left.pop_front();
    ++c->closing;
    one->close([this, c](Status status) {
      on_control([this, c, status] {
        if (c->first.ok() && !status.ok()) c->first = status;
        --c->closing;
        opener_.closed();
        close_next(c);
      });
    });
  }
  if (c->closing == 0 && c->done != nullptr) std::exchange(c->done, nullptr)(c->first);
}

void LocalBroker::sweep_next() {
  if (sweeping_ || stopping_ || sweeps_.empty()) return;  // what is left is swept at the next start
  sweeping_ = true;
  const Sweep sweep = std::move(sweeps_.front());
  sweeps_.pop_front();
  remove_logs(sweep, 0);
}

// Data log and state log of each partition in turn; NOT_FOUND is as good as removed.
void LocalBroker::remove_logs(const Sweep& sweep, size_t at) {
  const auto ended = [this] {
    sweeping_ = false;
    sweep_next();
    maybe_close_all();
  };
  if (stopping_) return ended();
  if (at == sweep.partitions * 2) {
    controller_->forget_tombstone(sweep.topic);
    return ended();
  }
  const PartitionId partition{static_cast<int32_t>(at / 2)};
  const std::string log = at % 2 == 0 ? data_log(sweep.topic, partition) : state_log(sweep.topic, partition);
  call([&](Op& op) { return world_.storage.remove(op, log); },
       [this, sweep, at, log, ended](const ion_result& r) {
         on_control([this, sweep, at, log, ended, status = Status::from(r.status, r.err)] {
           if (status.ok() || status.code() == ION_E_NOT_FOUND) return remove_logs(sweep, at + 1);
           world_.around.logger.warn("a log of a deleted topic stays for the next start", {{"topic", sweep.name}, {"log", log}, {"why", status.text()}});
           ended();
         });
       });
}

// ---- the end

void LocalBroker::stop(std::function<void(Status)> done) {
  on_control([this, done = std::move(done)] {
    stopping_ = true, stopped_ = done;
    opener_.stop();
    retention_.stop();
    for (auto& [uuid, local] : topics_) all_tried(local);
    maybe_close_all();
  });
}

void LocalBroker::maybe_close_all() {
  if (!stopping_ || stopped_ == nullptr || opener_.being_opened() != 0 || changes_ != 0 || sweeping_) return;
  (void)world_.view.erase_all();
  std::deque<partition::PartitionPtr> open;
  for (const auto& [uuid, local] : std::exchange(topics_, {}))
    for (const ServedPartition& p : local.entry->partitions)
      if (auto served = p.get()) open.push_back(std::move(served));
  close_partitions(std::move(open), std::exchange(stopped_, nullptr));
}

}  // namespace ion::cluster
