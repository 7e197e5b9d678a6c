#include "sim/run.h"

#include "sim/sim_producer.h"
#include "sim/sim_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace ion::sim {
namespace {

constexpr size_t kFollowers = 2;  // of each partition
constexpr Nanos kDeliveredWithin = seconds(200);  // more than a producer waits for a receipt

struct Topic {
  std::string name;
  uint32_t partitions = 1;
  Durability durability = Durability::kFsync;
  uint64_t retention_bytes = 0;  // 0: none
  bool trimmed = false;
};
struct Partition {
  uint64_t log = 0;
  int64_t start = 0, end = 0;
};

class Run {
 public:
  explicit Run(const RunOptions& options) : stage_(options.seed, options.keep_trace), broker_(stage_, options.data_dir, options.plugin_dir), plan_(options.seed * 4) {
    plan_topics();
    history_.when_acknowledged([this](uint64_t log, int64_t offset) {
      for (auto& follower : followers_[by_log_.at(log)]) follower->acknowledged(log, offset);
    });
  }

  Verdict go() {
    const uint64_t lives = plan_.between(3, 7);
    for (uint64_t i = 0; i < lives && well(); ++i) live(i + 1 == lives);
    if (well()) last_life();
    Verdict verdict{history_.wrong(), 0, stage_.trace.lines(), broker_.log_text(), (broker_.life() + 1) / 2, history_.acknowledgements(), history_.records_read(), faults_};
    verdict.trace_hash = stage_.trace.hash();
    if (broker_.is_up()) (void)broker_.go_down(Down::kKilled);
    return verdict;
  }

 private:
  bool well() const { return history_.wrong().empty(); }
  void plan_topics();
  void live(bool last);
  void last_life();
  void read_all();
  bool begin(bool with_faults);
  bool make_topics();
  bool look(bool first);
  void connect();
  void work(Nanos until_at_most);
  void act();
  const Topic& topic_of(const SimProducer& producer) const {
    return *std::find_if(topics_.begin(), topics_.end(), [&](const Topic& t) { return t.name == producer.topic(); });
  }
  void send_some();
  enum class Wanted { kStop, kAny };
  void go_down(Wanted wanted = Wanted::kAny);
  void damage();
  void set_clock();
  void arm_faults();
  template <class F>
  void each_partition(F&& f) {
    for (const Topic& topic : topics_)
      for (uint32_t p = 0; p < topic.partitions; ++p) f(topic, PartitionName{topic.name, static_cast<int32_t>(p)});
  }
  PartitionName any_partition() {
    const Topic& topic = topics_[plan_.below(topics_.size())];
    return {topic.name, static_cast<int32_t>(plan_.below(topic.partitions))};
  }

  Stage stage_;
  SimBroker broker_;
  History history_;
  SeededRandom plan_;
  std::vector<Topic> topics_;
  std::map<PartitionName, Partition> partitions_;
  std::map<uint64_t, PartitionName> by_log_;
  std::vector<std::shared_ptr<SimProducer>> producers_;
  std::map<PartitionName, std::vector<std::shared_ptr<SimFollower>>> followers_;
  uint32_t producers_made_ = 0;
  uint64_t faults_ = 0;
  bool topics_made_ = false, stop_after_ = false, works_ = false, stopped_ = false, clock_is_back_ = false;
};

void Run::plan_topics() {
  const uint64_t topics = plan_.between(1, 2);
  for (uint64_t i = 0; i < topics; ++i) {
    Topic topic;
    topic.name = fmt::format("t{}", i);
    topic.partitions = static_cast<uint32_t>(plan_.between(1, 2));
    topic.durability = plan_.one_in(2) ? Durability::kOs : Durability::kFsync;
    topic.retention_bytes = plan_.one_in(4) ? plan_.between(64, 256) << 10 : 0;
    topic.trimmed = plan_.one_in(2) || topic.durability == Durability::kOs;
    topics_.push_back(topic);
  }
  for (const Topic& topic : topics_)
    for (uint64_t n = plan_.between(1, 3); n > 0; --n)
      producers_.push_back(std::make_shared<SimProducer>(stage_, broker_, history_, ++producers_made_, topic.name));
}

// ---- a life of the broker

bool Run::begin(bool with_faults) {
  stage_.say(fmt::format("life {}", broker_.life() + 1));
  if (with_faults && plan_.one_in(4)) broker_.storage().crash_at_change(plan_.below(60)), ++faults_;  // while it starts
  const Status started = broker_.start();
  if (!started.ok()) {
    stage_.say("does not start: " + started.text());
    if (!broker_.crashed()) history_.fail("the broker does not start: " + started.text());
    return false;
  }
  if (!make_topics() || !look(true)) return false;
  connect();
  return true;
}

bool Run::make_topics() {
  if (topics_made_) return true;
  for (const Topic& topic : topics_) {
    std::vector<std::pair<std::string, std::string>> settings{{"durability", topic.durability == Durability::kFsync ? "fsync" : "os"}, {"segment.bytes", "65536"}};
    if (topic.retention_bytes > 0) settings.emplace_back("retention.bytes", std::to_string(topic.retention_bytes));
    std::vector<ion_field> fields;
    for (const auto& [key, value] : settings) fields.push_back({bytes_of(key), bytes_of(value)});
    auto x = std::make_shared<Exchange<Verb::topic_create>>(topic.name);
    x->request.name = bytes_of(x->topic), x->request.partitions = topic.partitions, x->request.replication = 1;
    x->request.config = fields.data(), x->request.nconfig = static_cast<uint32_t>(fields.size());
    x->request.each = [](void*, const ion_topic_info*) noexcept {};
    x->request.each_broker = [](void*, const ion_broker_info*) noexcept {};
    if (!broker_.ask<Verb::topic_create>(x)) return false;
    const Code code = x->outcome.status.code();
    stage_.say(fmt::format("create {}: {}", topic.name, x->outcome.status.text()));
    if (code == ION_OK || code == ION_E_EXISTS) continue;
    if (!broker_.crashed()) history_.fail("a topic cannot be made: " + x->outcome.status.text());
    return false;
  }
  topics_made_ = true;
  return true;
}

// Asks for the bounds of every partition. The first look of a life waits until all of them are open.
bool Run::look(bool first) {
  for (const Topic& topic : topics_) {
    struct Told {
      std::vector<ion_partition_info> partitions;
    };
    for (int tries = 0;; ++tries) {
      auto told = std::make_shared<Told>();
      auto x = std::make_shared<Exchange<Verb::topic_describe>>(topic.name);
      x->request.name = bytes_of(x->topic), x->request.ctx = told.get();
      x->request.each = [](void* ctx, const ion_topic_info* t) noexcept {
        for (uint32_t i = 0; i < t->npartitions; ++i) static_cast<Told*>(ctx)->partitions.push_back(*t->partitions[i]);
      };
      if (!broker_.ask<Verb::topic_describe>(x)) return false;
      if (!x->outcome.status.ok()) {
        if (!broker_.crashed()) history_.fail(fmt::format("{} is gone: {}", topic.name, x->outcome.status.text()));
        return false;
      }
      const bool all_open = std::all_of(told->partitions.begin(), told->partitions.end(), [](const auto& p) { return p.high_watermark >= 0; });
      if (!all_open && (tries < 100 || !first)) {
        if (!first) return true;
        if (stage_.time.run_until(milliseconds(300), [&] { return broker_.crashed(); })) return false;
        continue;
      }
      for (const ion_partition_info& p : told->partitions) {
        const PartitionName name{topic.name, p.partition};
        if (p.high_watermark < 0) {
          history_.fail(fmt::format("{} is not open half a minute after the start: {}", name.text(), code_name(to_code(p.health))));
          return false;
        }
        Partition& to = partitions_[name];
        if (to.log == 0) history_.log_is(to.log = p.log_id, name.text(), topic.durability), by_log_[to.log] = name;
        if (to.log != p.log_id) history_.fail(fmt::format("{} has log {}, it had {} before", name.text(), p.log_id, to.log));
        to.start = p.log_start, to.end = p.high_watermark;
        if (first) stage_.say(fmt::format("{} has [{}, {}), {}", name.text(), to.start, to.end, code_name(to_code(p.health))));
        history_.bounds(to.log, to.start, to.end);
        if (p.health == ION_E_CORRUPT && !history_.is_damaged(to.log)) history_.fail(fmt::format("{} is called damaged, and nobody touched it", name.text()));
      }
      break;
    }
  }
  return well();
}

void Run::connect() {
  each_partition([&](const Topic&, const PartitionName& name) {
    std::vector<std::shared_ptr<SimFollower>>& followers = followers_[name];
    while (followers.size() < kFollowers) followers.push_back(std::make_shared<SimFollower>(stage_, broker_, history_, name));
    for (auto& follower : followers) follower->follow(partitions_.at(name).log, partitions_.at(name).end);
  });
}

// Producers send for a while, and operators do this and that.
void Run::work(Nanos limit) {
  const Instant end = stage_.now() + limit;
  works_ = true;
  send_some();
  while (well() && !broker_.crashed() && stage_.now() < end) {
    const Nanos pause = milliseconds(static_cast<int64_t>(plan_.between(20, 400)));
    (void)stage_.time.run_until(pause, [&] { return broker_.crashed() || !well(); });
    if (well() && !broker_.crashed()) act();
  }
  works_ = false;
}

void Run::send_some() {
  if (!works_) return;
  SeededRandom& random = stage_.clients;
  for (auto& producer : producers_) {
    if (!producer->fatal().ok() || producer->waiting() > 200 || !random.one_in(2)) continue;
    for (uint64_t n = random.between(1, 6); n > 0; --n) {
      const size_t bytes = random.one_in(2) ? random.between(1, 12) << 10 : random.between(20, 500);
      producer->send(bytes, random.one_in(3) ? std::nullopt : std::optional<int32_t>(static_cast<int32_t>(random.below(topic_of(*producer).partitions))));
    }
  }
  const int64_t pause_ms = static_cast<int64_t>(random.one_in(8) ? random.between(150, 500) : random.between(1, 60));
  stage_.agenda.after(milliseconds(pause_ms), [this] { send_some(); });
}

void Run::act() {
  switch (plan_.below(9)) {
    case 0: {
      auto& producer = producers_[plan_.below(producers_.size())];
      stage_.say("a connection breaks");
      producer->lose_connections();
      break;
    }
    case 1: {
      const PartitionName name = any_partition();
      if (!look(false)) return;
      const Partition& p = partitions_.at(name);
      (void)scan(broker_, history_, name, p.log, p.start, p.end);
      break;
    }
    case 2:
    case 5:
    case 6: {
      const PartitionName name = any_partition();
      const auto topic = std::find_if(topics_.begin(), topics_.end(), [&](const Topic& t) { return t.name == name.topic; });
      if (!topic->trimmed || !look(false)) return;
      const Partition& p = partitions_.at(name);
      if (p.end <= p.start) return;
      auto x = std::make_shared<Exchange<Verb::topic_trim>>(name.topic);
      x->request.topic = bytes_of(x->topic), x->request.partition = name.partition;
      x->request.before = p.start + static_cast<int64_t>(plan_.below(static_cast<uint64_t>(p.end - p.start) + 1));
      if (plan_.one_in(2)) broker_.storage().crash_at_change(plan_.below(40)), ++faults_;  // in the middle of it, or soon after
      if (broker_.ask<Verb::topic_trim>(x)) stage_.say(fmt::format("trim {} before {}: {}", name.text(), x->request.before, x->outcome.status.text()));
      break;
    }
    case 3: (void)look(false); break;
    case 4:
    case 7: set_clock(); break;
    default: break;
  }
  // Who cannot go on is replaced, as a client that was started again.
  for (auto& producer : producers_) {
    if (producer->fatal().ok()) continue;
    stage_.say(fmt::format("a producer of {} ends: {}", producer->topic(), producer->fatal().text()));
    const auto topic = std::find_if(topics_.begin(), topics_.end(), [&](const Topic& t) { return t.name == producer->topic(); });
    bool excused = topic->durability == Durability::kOs;
    each_partition([&](const Topic& t, const PartitionName& name) { excused |= t.name == topic->name && history_.is_damaged(partitions_.at(name).log); });
    if (!excused) history_.fail(fmt::format("a producer of {} cannot go on: {}", producer->topic(), producer->fatal().text()));
    producer = std::make_shared<SimProducer>(stage_, broker_, history_, ++producers_made_, producer->topic());
  }
}

// ---- faults

void Run::arm_faults() {
  test::FakeDisk& disk = broker_.storage();
  using test::DiskOp;
  switch (plan_.below(6)) {
    case 0: disk.add_fault({DiskOp::kSyncData, "p+", ION_E_IO, plan_.below(20), 1}), ++faults_, stop_after_ = true; break;
    case 1: disk.add_fault({DiskOp::kPwrite, "p+", ION_E_IO, plan_.below(30), 1}), ++faults_, stop_after_ = true; break;
    case 2: disk.add_fault({DiskOp::kPwrite, "p+", ION_E_NO_SPACE, plan_.below(30), plan_.between(1, 5)}), ++faults_; break;
    default: break;
  }
  if (!plan_.one_in(3)) broker_.storage().crash_at_change(plan_.below(500)), ++faults_;
}

void Run::live(bool last) {
  stop_after_ = false;
  if (begin(true)) {
    arm_faults();
    work(milliseconds(static_cast<int64_t>(plan_.between(200, 4000))));
  }
  if (!well()) return;
  go_down();
  if (clock_is_back_) set_clock();
  const bool damages = plan_.one_in(last ? 2 : 8);
  if (damages && !stopped_ && begin(false)) go_down(Wanted::kStop);
  if (damages && stopped_ && well()) damage();
}

void Run::go_down(Wanted wanted) {
  for (auto& producer : producers_) producer->lose_connections();
  const uint64_t kind = wanted == Wanted::kStop ? 0 : plan_.below(6);
  Down how = kind == 0 && !broker_.crashed() && !stop_after_ ? Down::kStopped : kind <= 2 ? Down::kKilled : Down::kPowerCut;
  const Status stopped = broker_.go_down(how);
  stopped_ = how == Down::kStopped && broker_.ended_in_order();
  stage_.say(how == Down::kStopped ? "stopped: " + stopped.text() : how == Down::kKilled ? "killed" : "the power is cut");
  if (how == Down::kPowerCut) history_.power_was_cut();
  if (!stopped.ok()) history_.fail("it does not stop well: " + stopped.text());
}

// Something happens to a file while nobody runs. After a stop all of it lies below the durable mark, so none of it may go unnoticed.
void Run::damage() {
  const PartitionName name = any_partition();
  const auto known = partitions_.find(name);
  if (known == partitions_.end() || history_.is_damaged(known->second.log)) return;
  const auto record = history_.any_record(known->second.log, plan_.u64(), plan_.one_in(3) ? SIZE_MAX : 30);
  if (!record) return;
  const std::string text = record->text() + "|";
  test::FakeDisk& disk = broker_.storage();
  for (const std::string& directory : disk.names_in("logs")) {
    if (!directory.starts_with("p+")) continue;
    for (const std::string& file : disk.names_in("logs/" + directory)) {
      const std::string path = "logs/" + directory + "/" + file;
      if (!file.ends_with(".log")) continue;
      std::vector<uint8_t> bytes = disk.bytes(path);
      const auto at = std::search(bytes.begin(), bytes.end(), text.begin(), text.end());
      if (at == bytes.end()) continue;
      const auto position = static_cast<uint64_t>(at - bytes.begin());
      if (plan_.one_in(2)) {
        bytes.resize(plan_.below(position));
        stage_.say(fmt::format("{}: {} is cut to {} bytes, before {} at {}", name.text(), path, bytes.size(), record->text(), position));
        disk.set_bytes(path, bytes);
      } else {
        stage_.say(fmt::format("{}: a bit of {} flips at {}, in {}", name.text(), path, position, record->text()));
        disk.flip(path, position + plan_.below(text.size()), static_cast<unsigned>(plan_.below(8)));
      }
      history_.was_damaged(known->second.log), ++faults_;
      return;
    }
  }
  // Not there any more: its segment was deleted.
}

// Somebody sets the clock back by more than producers live, and sets it right again.
void Run::set_clock() {
  constexpr Nanos kStep = seconds(8 * 86'400);
  // A log whose producers know no other time than the wrong one cannot tell the correction from a week that passed.
  if (!clock_is_back_ && (!look(false) || std::any_of(partitions_.begin(), partitions_.end(), [](const auto& p) { return p.second.end == 0; }))) return;
  clock_is_back_ = !clock_is_back_;
  stage_.time.clock().set_wall_by(clock_is_back_ ? Nanos{-kStep.n} : kStep);
  stage_.say(clock_is_back_ ? "the clock is set back" : "the clock is set right"), ++faults_;
}

// ---- the end

// Whatever waits is delivered, every partition takes a record, and what was promised is there, before and after a stop.
void Run::last_life() {
  if (!begin(false)) return history_.fail("the last life did not begin");
  std::vector<std::shared_ptr<SimProducer>> probes;
  each_partition([&](const Topic& topic, const PartitionName& name) {
    if (history_.is_damaged(partitions_.at(name).log)) return;
    probes.push_back(std::make_shared<SimProducer>(stage_, broker_, history_, ++producers_made_, topic.name));
    probes.back()->send(100, name.partition);
  });
  producers_.insert(producers_.end(), probes.begin(), probes.end());
  for (auto& producer : producers_) producer->flush();
  const auto rest = [&] { return std::all_of(producers_.begin(), producers_.end(), [](const auto& p) { return p->waiting() == 0 || !p->fatal().ok(); }); };
  if (!stage_.time.run_until(kDeliveredWithin, [&] { return !well() || rest(); })) return history_.fail("producers still wait long after the last fault");
  for (const auto& probe : probes)
    if (probe->delivered() != 1) history_.fail(fmt::format("after the last fault {} takes nothing: {}", probe->topic(), probe->last_failure().text()));
  read_all();
  for (auto& producer : producers_) producer->lose_connections();
  if (const Status stopped = broker_.go_down(Down::kStopped); !stopped.ok()) return history_.fail("it does not stop well at the end: " + stopped.text());
  if (!begin(false)) return history_.fail("it does not begin again after a stop");
  read_all();
}

void Run::read_all() {
  if (!well() || !look(false)) return;
  each_partition([&](const Topic&, const PartitionName& name) {
    const Partition& p = partitions_.at(name);
    if (well()) (void)scan(broker_, history_, name, p.log, p.start, p.end);
  });
}

}  // namespace

Verdict run(const RunOptions& options) { return Run(options).go(); }

}  // namespace ion::sim
