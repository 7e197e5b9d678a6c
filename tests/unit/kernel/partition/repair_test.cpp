// A damaged partition: what an operator is told of it, what accepting the loss makes of it, and what stays as it was.
#include "partition_test.h"

namespace ion::partition {
namespace {

class RepairTest : public PartitionTest {
 protected:
  // Three pieces with two batches of one record each, of one producer, then one in the active segment.
  void fill() {
    open();
    for (int32_t i = 0; i < 7; ++i) {
      produce(make_batch({std::string(1, static_cast<char>('a' + i))}, {{9}, {0}, i}));
      disk_finishes();
      log_->active_bytes += 100;
      if (i % 2 == 1) call([&](Op& op) { return log_->seal(op); }, [](const ion_result&) {});
    }
    log_->seals = 0;
  }
  void lose(std::vector<std::pair<Offset, Offset>> parts) {
    for (const auto& [from, upto] : parts)
      std::erase_if(data_.batches, [&](const auto& b) { return b.first.base_offset >= from && b.first.base_offset < upto; });
    log_->lost = std::move(parts);
    (void)partition_->view();  // somebody meets it
  }
  using Answer = std::optional<Result<RepairReport>>;
  std::shared_ptr<Answer> ask(RepairMode mode, Instant until = {}) {
    auto answer = std::make_shared<Answer>();
    partition_->repair(mode, until, [answer](const Result<RepairReport>& r) { answer->emplace(r); });
    return answer;
  }
  Result<RepairReport> repair(RepairMode mode) {
    const auto answer = ask(mode);
    run();
    return answer->has_value() ? **answer : Result<RepairReport>(Status(ION_E_INTERNAL, "no answer"));
  }
};

TEST_F(RepairTest, a_dry_run_says_what_is_lost_and_changes_nothing) {
  fill();
  lose({{{1}, {3}}});
  const auto report = repair(RepairMode::kDryRun);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->parts, (std::vector<LostPart>{{{1}, {3}}}));
  EXPECT_EQ(report->records_left, 5u);
  EXPECT_FALSE(report->repaired);
  EXPECT_EQ(log_->replaced, 0);
  EXPECT_EQ(log_->seals, 0);
  EXPECT_EQ(partition_->view().health.code(), ION_E_CORRUPT);
}

TEST_F(RepairTest, with_the_loss_accepted_offsets_stay_every_hole_is_covered_and_records_are_taken_again) {
  for (const bool met_by_the_start : {false, true}) {
    data_ = state_bytes_ = {};
    lost_.clear();
    fill();
    lose({{{1}, {3}}, {{6}, {7}}});
    if (met_by_the_start) {
      lost_ = log_->lost;
      close();
      open();
    }
    const auto report = repair(RepairMode::kAcceptLoss);
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_TRUE(report->repaired);
    EXPECT_EQ(report->parts_all, 2u);
    EXPECT_EQ(report->next.v, 7);
    EXPECT_TRUE(partition_->view().health.ok());
    EXPECT_TRUE(health_.report().reasons.empty());
    int64_t at = 0;
    for (const auto& [header, bytes] : data_.batches) EXPECT_EQ(std::exchange(at, header.next_offset().v), header.base_offset.v);
    EXPECT_EQ(at, 7);
    EXPECT_EQ(fetch(2)->answer.next > 2, true) << "a reader that stood in the hole goes on";
    const auto p = produce(make_batch({"more"}));
    disk_finishes();
    ASSERT_TRUE(p->status && p->status->ok());
    EXPECT_EQ(p->answer.base, 7);
    close();
  }
}

TEST_F(RepairTest, a_producer_whose_batches_lie_behind_the_damage_is_known_after_a_restart) {
  fill();
  lose({{{1}, {3}}});
  lost_ = log_->lost;
  partition_->close([](const Status&) {});
  run();
  partition_.reset();
  open();
  ASSERT_TRUE(repair(RepairMode::kAcceptLoss));
  Produced* const again = produce(make_batch({"g"}, {{9}, {0}, 6}));
  ASSERT_TRUE(again->status && again->status->ok()) << (again->status ? again->status->text() : "no answer");
  EXPECT_EQ(again->answer.flags, ION_PRODUCE_DUPLICATE);
  EXPECT_EQ(again->answer.base, 6);
}

TEST_F(RepairTest, a_log_without_damage_is_left_as_it_is) {
  fill();
  const auto report = repair(RepairMode::kAcceptLoss);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->repaired);
  EXPECT_EQ(report->parts_all, 0u);
  EXPECT_EQ(log_->seals, 0);
}

TEST_F(RepairTest, one_at_a_time_and_it_ends_with_its_time_and_with_its_partition) {
  fill();
  lose({{{1}, {3}}});
  const auto first = ask(RepairMode::kAcceptLoss), second = ask(RepairMode::kDryRun);
  run();
  ASSERT_TRUE(second->has_value());
  EXPECT_EQ((*second)->error().code(), ION_E_BUSY);
  ASSERT_TRUE(first->has_value() && (*first)->has_value());
  const auto late = ask(RepairMode::kDryRun, clock_.now());
  run();
  EXPECT_EQ((*late)->error().code(), ION_E_DEADLINE);
  const auto cut = ask(RepairMode::kDryRun);
  close();
  ASSERT_TRUE(cut->has_value());
  EXPECT_EQ((*cut)->error().code(), ION_E_CLOSED);
}

TEST_F(RepairTest, a_replacement_that_is_refused_is_told_and_leaves_the_partition_damaged_for_the_next_repair) {
  fill();
  lose({{{1}, {3}}});
  log_->replace_fails = Status(ION_E_NO_SPACE, "full");
  EXPECT_EQ(repair(RepairMode::kAcceptLoss).error().code(), ION_E_NO_SPACE);
  EXPECT_EQ(log_->replacing, 0);
  EXPECT_EQ(partition_->view().health.code(), ION_E_CORRUPT);
  log_->replace_fails = {};
  EXPECT_TRUE(repair(RepairMode::kAcceptLoss));
  EXPECT_TRUE(partition_->view().health.ok());
}

TEST_F(RepairTest, producer_state_that_is_damaged_is_forgotten_when_the_partition_opens) {
  open(Durability::kFsync, {seconds(10), 0, {}});
  produce(make_batch({"a"}, {{9}, {0}, 0}));
  disk_finishes();
  log_->active_bytes = 100, log_->active_since = clock_.wall();
  call([&](Op& op) { return log_->seal(op); }, [](const ion_result&) {});
  pass(seconds(20));
  partition_->look_at_retention(clock_.wall());
  run(), disk_finishes();
  ASSERT_GT(state_bytes_.next.v, 0) << "there is a snapshot";
  close();
  state_damaged_ = true;
  open();
  EXPECT_EQ(state_bytes_.first, state_bytes_.next) << "it is emptied, and never begins at an offset again that was used";
}

}  // namespace
}  // namespace ion::partition
