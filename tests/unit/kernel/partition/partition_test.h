// A partition in a world under the test's hand: its log, its timers and what the storage says of space.
#pragma once
#include "partition/compaction_services.h"
#include "partition_fixture.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ion::partition {

using namespace ion::test;

// One answer to one request, as a transport would keep it.
struct Produced {
  std::vector<uint8_t> bytes;
  ion_buf part{};
  ion_error_info error{};
  ion_produce_answer answer{};
  std::optional<Status> status;
};
struct Fetched {
  ion_error_info error{};
  ion_fetch_answer answer{};
  std::optional<Status> status;
  std::string bytes;
};

class PartitionTest : public ::testing::Test {
 protected:
  PartitionTest() : metrics_(*PartitionMetrics::declare(registry_)) {}

  void open(Durability durability = Durability::kFsync, const RetentionRules& rules = {}) {
    auto log = std::make_unique<HandLog>(data_);
    log_ = log.get();
    state_ = nullptr;
    log_->damaged = damaged_, log_->lost = lost_;
    PartitionOptions seed;
    seed.name = "orders/0";
    seed.log_id = {77};
    seed.epoch = {3};
    seed.config.durability = durability;
    seed.config.retention = rules;
    seed.config.compaction = compaction_;
    seed.log = std::move(log);
    const auto open_state = [this] {
      auto state = std::make_unique<HandLog>(state_bytes_);
      state_ = state.get();
      state_->sync_at_once = !hold_state_;
      state_->damaged = state_damaged_;
      return state;
    };
    if (state_bytes_.next > Offset{0}) seed.state = open_state();
    seed.open_state = [this, open_state](LogOpened opened) {
      if (!refuse_state_.ok()) return opened(refuse_state_);
      opened(std::unique_ptr<Log>(open_state()));
    };
    Partition::open({executor_, timers_, clock_, logger_, metrics_, health_, space_, &compacting_}, std::move(seed), [this](Result<PartitionPtr> opened) {
      ASSERT_TRUE(opened);
      partition_ = *opened;
    });
    run();
    ASSERT_NE(partition_, nullptr);
  }
  void run() { executor_.run_all(); }
  void pass(Nanos time) {
    clock_.move(time);
    timers_.fire_due();
    run();
  }

  // Kept until the end of the test: requests are borrowed until their completion.
  Produced* produce(std::vector<uint8_t> bytes, uint32_t acks = ION_ACKS_ALL) {
    Produced* const p = produced_.emplace_back(std::make_unique<Produced>()).get();
    p->bytes = std::move(bytes);
    p->part = borrowed(p->bytes);
    p->answer.error = &p->error;
    const auto header = batch::check(std::span<const ion_buf>(&p->part, 1), 1 << 20, batch::From::kClient);
    EXPECT_TRUE(header);
    Produced* const raw = p;
    call([&](Op& op) { return partition_->produce(op, *header, std::span<const ion_buf>(&raw->part, 1), acks, raw->answer); },
         [raw](const ion_result& r) { raw->status = Status::from(r.status, r.err); });
    run();
    return p;
  }
  std::unique_ptr<Fetched> fetch(int64_t offset, Nanos wait = {}, uint64_t bytes_min = 1, uint64_t op_id = 0) {
    auto f = std::make_unique<Fetched>();
    f->answer.error = &f->error;
    Fetched* raw = f.get();
    FetchRequest ask{{offset}, bytes_min, 1 << 20, wait.n == 0 ? Instant{} : clock_.now() + wait};
    CallOptions options;
    options.id = op_id;
    call(options, [&](Op& op) { return partition_->fetch(op, ask, raw->answer); },
         [raw](const ion_result& r) {
           Outcome o = Outcome::from(r);
           raw->status = o.status;
           for (const Buf& b : o.bufs) raw->bytes += b.text();
         });
    run();
    return f;
  }
  void close() {
    std::optional<Status> closed;
    partition_->close([&](Status s) { closed = s; });
    run();
    log_->finish_syncs();
    run();
    ASSERT_TRUE(closed);
    EXPECT_TRUE(closed->ok()) << closed->text();
    partition_.reset();
  }
  void disk_finishes(const Status& status = {}) {
    log_->finish_syncs(status);
    run();
  }

  void TearDown() override {
    if (partition_ == nullptr) return;
    executor_.full = false;
    partition_->close([](const Status&) {});  // also if a test has asked already: then it is refused
    for (int i = 0; i < 8; ++i) run(), log_->finish_syncs();
    run();
  }

  // The disk answers the sync that was asked first for no more than was asked.
  void disk_finishes_one() {
    auto waiting = std::exchange(log_->waiting, {});
    ASSERT_FALSE(waiting.empty());
    auto& [later, upto] = waiting.front();
    data_.durable = upto;
    later.ok(static_cast<uint64_t>(upto.v));
    run();
  }

  HandClock clock_;
  HandExecutor executor_;
  HandTimers timers_{clock_};
  QuietLogger logger_;
  observe::Health health_;
  Status space_there_;  // what the storage says when it is asked
  int space_asked_ = 0;
  SpaceWatch space_{{timers_, clock_, logger_, health_, {0}, [this](const std::function<void(Status)>& done) { ++space_asked_, done(space_there_); }}};
  observe::MetricRegistry registry_{1};
  PartitionMetrics metrics_;
  LogBytes data_, state_bytes_;
  HandLog *log_ = nullptr, *state_ = nullptr;
  CompactionRules compaction_;
  CompactionTurns turns_{{executor_, timers_, clock_}, {0}, logger_};
  LimitedJobs jobs_{executor_, {1, 64}};
  CompactionServices compacting_{{0, 1 << 20}, {1, 2}, turns_, jobs_};
  Status refuse_state_;      // why the state log cannot be opened
  bool state_damaged_ = false;
  bool hold_state_ = false;  // syncs of the state log wait
  bool damaged_ = false;
  std::vector<std::pair<Offset, Offset>> lost_;  // of a log that is opened
  std::vector<std::unique_ptr<Produced>> produced_;
  PartitionPtr partition_;
};

}  // namespace ion::partition
