#include <ion/check/contract_guard.h>

#include <ion/bridge/storage_bridge.h>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace ion::check {
namespace {

// A storage of two functions whose answers a test writes, behind a guard.
class ContractGuardTest : public ::testing::Test {
 protected:
  ContractGuardTest() {
    table_.size = sizeof table_;
    table_.sync = [](void* self, ion_log*, ion_offset, const ion_op* op, ion_result* now) noexcept -> ion_status { return static_cast<ContractGuardTest*>(self)->sync_(op, now); };
    table_.read = [](void* self, ion_log*, ion_offset, ion_offset, uint64_t, const ion_op* op, ion_result* now) noexcept -> ion_status {
      return static_cast<ContractGuardTest*>(self)->read_(op, now);
    };
    const ion_ref ref = guard_.wrap(ION_STORAGE_ID, {&table_, this});
    guarded_ = static_cast<const ion_storage*>(ref.table), self_ = ref.self;
    word() = ION_WORD_SHARD;
  }
  static uint32_t& word() {
    static uint32_t current = ION_WORD_SHARD;
    return current;
  }
  ion_status sync() {
    const ion_op op{sizeof op, 0, 7, 0, &ContractGuardTest::done, this, 0, 0, 0};
    ion_result now{sizeof now, ION_OK, 0, 0, 0, 1, &slot_, nullptr};
    const ion_status answer = guarded_->sync(self_, log_, 1, &op, &now);
    if (answer == ION_OK) answered_.push_back(now.u0);
    return answer;
  }
  static void done(void* ctx, const ion_result* r) noexcept {
    auto& test = *static_cast<ContractGuardTest*>(ctx);
    test.ended_.push_back(r->status);
    for (uint32_t i = 0; i < r->nbufs; ++i) test.lent_.push_back(Buf::adopt(r->bufs[i]));
  }
  static void complete(const ion_op& op, ion_status status = ION_OK) {
    const ion_result r{sizeof r, status, 0, 0, 0, 0, nullptr, nullptr};
    op.done(op.ctx, &r);
  }

  Instant now_{1'000'000'000};
  std::vector<std::string> told_;
  ContractGuard guard_{{[this](const Status& why) { told_.push_back(why.message()); }, [this] { return now_; }, []() noexcept { return word(); }}};
  std::function<ion_status(const ion_op*, ion_result*)> sync_, read_;
  ion_storage table_{};
  const ion_storage* guarded_ = nullptr;
  void* self_ = nullptr;
  ion_log* log_ = reinterpret_cast<ion_log*>(this);
  ion_buf slot_{};
  std::vector<uint64_t> answered_;
  std::vector<ion_status> ended_;
  std::vector<Buf> lent_;
};

TEST_F(ContractGuardTest, what_keeps_the_rules_passes_unchanged) {
  sync_ = [](const ion_op* op, ion_result* now) {
    EXPECT_EQ(op->id, 7u);
    now->u0 = 42;
    return ION_OK;
  };
  EXPECT_EQ(sync(), ION_OK);
  EXPECT_EQ(answered_, std::vector<uint64_t>{42});
  ion_op kept{};
  sync_ = [&](const ion_op* op, ion_result*) { return kept = *op, ION_PENDING; };
  EXPECT_EQ(sync(), ION_PENDING);
  EXPECT_EQ(guard_.counts().ops, 1u);
  complete(kept, ION_E_IO);
  EXPECT_EQ(ended_, std::vector<ion_status>{ION_E_IO});
  EXPECT_EQ(guard_.outstanding(), "");
  EXPECT_EQ(guarded_->append, nullptr) << "what is not there is not made up";
  EXPECT_TRUE(told_.empty());
}

TEST_F(ContractGuardTest, a_second_completion_is_told_and_reaches_nobody) {
  ion_op kept{};
  sync_ = [&](const ion_op* op, ion_result*) { return kept = *op, ION_PENDING; };
  (void)sync();
  complete(kept);
  complete(kept);
  EXPECT_EQ(ended_.size(), 1u);
  EXPECT_EQ(told_, std::vector<std::string>{"ion.storage/1 sync was completed twice"});
}

TEST_F(ContractGuardTest, a_completion_after_an_answer_at_once_or_a_refusal_reaches_nobody) {
  ion_op kept{};
  for (const ion_status answer : {ion_status{ION_OK}, ion_status{ION_E_BUSY}}) {
    sync_ = [&](const ion_op* op, ion_result*) { return kept = *op, answer; };
    EXPECT_EQ(sync(), answer);
    complete(kept);
  }
  EXPECT_TRUE(ended_.empty());
  EXPECT_EQ(told_, (std::vector<std::string>(2, "ion.storage/1 sync was completed after it had answered at once")));
}

TEST_F(ContractGuardTest, one_that_completes_and_answers_as_well_counts_as_completed) {
  sync_ = [](const ion_op* op, ion_result*) { return complete(*op), ION_E_IO; };
  EXPECT_EQ(sync(), ION_PENDING) << "the caller has had its answer";
  EXPECT_EQ(ended_, std::vector<ion_status>{ION_OK});
  EXPECT_EQ(told_, std::vector<std::string>{"ion.storage/1 sync completed and answered IO as well: wanted PENDING"});
}

TEST_F(ContractGuardTest, what_is_out_at_drain_ends_and_its_late_completion_reaches_nobody) {
  ion_op kept{};
  sync_ = [&](const ion_op* op, ion_result*) { return kept = *op, ION_PENDING; };
  (void)sync();
  EXPECT_EQ(guard_.outstanding(), "1 op that did not complete, the oldest is sync");
  guard_.drained();
  EXPECT_EQ(ended_, std::vector<ion_status>{ION_E_UNKNOWN_OUTCOME});
  complete(kept);
  EXPECT_EQ(ended_.size(), 1u);
  EXPECT_EQ(told_, (std::vector<std::string>{"ion.storage/1 sync was not completed when it had drained", "ion.storage/1 sync was completed after drain"}));
  sync_ = [](const ion_op*, ion_result*) { return ION_E_CLOSED; };
  (void)sync();
  EXPECT_EQ(told_.back(), "ion.storage/1 sync was called after drain");
}

TEST_F(ContractGuardTest, a_function_of_a_shard_on_another_thread_is_told) {
  sync_ = [](const ion_op*, ion_result*) { return ION_OK; };
  word() = ION_WORD_BLOCKING;
  EXPECT_EQ(sync(), ION_OK);
  EXPECT_EQ(told_, std::vector<std::string>{"ion.storage/1 sync was called on the blocking pool: wanted a shard"});
}

TEST_F(ContractGuardTest, calls_on_one_handle_that_overlap_are_told) {
  bool again = true;
  sync_ = [&](const ion_op*, ion_result*) {
    if (std::exchange(again, false)) (void)sync();
    return ION_OK;
  };
  (void)sync();
  EXPECT_EQ(told_, std::vector<std::string>{"ion.storage/1 sync was called while another call on the same handle went on"});
  told_.clear();
  (void)sync();
  EXPECT_TRUE(told_.empty());
}

TEST_F(ContractGuardTest, leases_are_counted_until_their_last_release) {
  read_ = [](const ion_op*, ion_result* now) {
    uint8_t* to = nullptr;
    now->bufs[0] = Buf::allocate(100, &to).release();
    now->nbufs = 1;
    return ION_OK;
  };
  const ion_op op{sizeof op, 0, 0, 0, &ContractGuardTest::done, this, 0, 0, 0};
  ion_result now{sizeof now, ION_OK, 0, 0, 0, 1, &slot_, nullptr};
  ASSERT_EQ(guarded_->read(self_, log_, 0, 1, 1, &op, &now), ION_OK);
  Buf whole = Buf::adopt(slot_);
  Buf part = whole.slice(10, 20);
  now_ = now_ + seconds(3);
  whole.reset();
  const GuardCounts counts = guard_.counts();
  EXPECT_EQ(counts.leases, 1u);
  EXPECT_EQ(counts.leased_bytes, 100u);
  EXPECT_EQ(counts.oldest_lease, seconds(3));
  EXPECT_EQ(guard_.outstanding(), "1 lease of 100 bytes, the oldest for 3 s");
  part.reset();
  EXPECT_EQ(guard_.counts().leases, 0u);
}

TEST_F(ContractGuardTest, a_blocking_service_called_on_a_shard_is_told) {
  ion_files files{};
  files.size = sizeof files;
  files.sync_data = [](void*, ion_file*) noexcept -> ion_status { return ION_OK; };
  const ion_ref ref = guard_.wrap(ION_FILES_ID, {&files, nullptr});
  const auto* guarded = static_cast<const ion_files*>(ref.table);
  EXPECT_EQ(guarded->sync_data(ref.self, nullptr), ION_OK);
  EXPECT_EQ(told_, std::vector<std::string>{"ion.files/1 sync_data was called on a shard: wanted a thread that may block"});
  word() = ION_WORD_BLOCKING;
  EXPECT_EQ(guarded->sync_data(ref.self, nullptr), ION_OK);
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(ContractGuardTest, a_contract_that_it_does_not_know_and_a_table_without_a_size_stay_as_they_are) {
  const uint32_t nothing = 0;
  EXPECT_EQ(guard_.wrap(ION_STORAGE_ID, {&nothing, this}).table, &nothing);
  EXPECT_EQ(guard_.wrap("demo.thing/1", {&table_, this}).table, &table_);
}

}  // namespace
}  // namespace ion::check
