// A partition whose topic is compacted: when its log is, what a failure leaves, and that it ends with its partition.
#include "partition_test.h"

#include <ion/record_reader.h>

#include <map>

namespace ion::partition {
namespace {

class CompactorTest : public PartitionTest {
 protected:
  CompactorTest() {
    compaction_.on = true, compaction_.tombstone_age = seconds(100);
  }
  void add_piece(const std::vector<std::pair<std::string, std::string>>& records, batch::Identity who = {}) {
    batch::RecordWriter writer;
    for (const auto& [key, value] : records) {
      batch::NewRecord r;
      r.key = span_of(key), r.time = clock_.wall();
      if (value != "-") r.value = span_of(value);
      writer.append(r);
    }
    Produced* const p = produce(writer.finish(who));
    disk_finishes();
    ASSERT_TRUE(p->status && p->status->ok()) << (p->status ? p->status->text() : "no answer");
    log_->active_bytes = 1000, log_->active_since = clock_.wall();
    call([&](Op& op) { return log_->seal(op); }, [](const ion_result&) {});
  }
  void look() {
    partition_->look_at_compaction(clock_.wall());
    run();
    disk_finishes();
  }
  // "key=value" of all records that are left.
  std::string left() {
    std::string all;
    for (const auto& [header, bytes] : data_.batches) {
      auto reader = batch::RecordReader::open(bytes);
      for (auto record = reader->next(); record && *record; record = reader->next())
        all += (all.empty() ? "" : " ") + std::string(text_of(*(*record)->key)) + "=" + ((*record)->value ? std::string(text_of(*(*record)->value)) : "-");
    }
    return all;
  }
  void covered() {
    int64_t at = 0;
    for (const auto& [header, bytes] : data_.batches) {
      EXPECT_EQ(header.base_offset.v, at);
      at = header.next_offset().v;
    }
    EXPECT_EQ(at, data_.next.v);
  }
};

TEST_F(CompactorTest, a_look_compacts_what_is_sealed_and_the_next_one_finds_nothing_to_do) {
  open();
  add_piece({{"a", "1"}, {"b", "1"}});
  add_piece({{"a", "2"}});
  look();
  EXPECT_EQ(left(), "b=1 a=2");
  covered();
  const int replaced = log_->replaced;
  pass(seconds(10));
  look();
  EXPECT_EQ(log_->replaced, replaced);
  add_piece({{"b", "2"}});
  pass(seconds(10));
  look();
  EXPECT_EQ(left(), "a=2 b=2");
  covered();
}

TEST_F(CompactorTest, a_topic_without_compaction_is_left_alone_until_it_is_altered) {
  compaction_.on = false;
  open();
  EXPECT_FALSE(partition_->keys_wanted());
  add_piece({{"a", "1"}});
  add_piece({{"a", "2"}});
  look();
  EXPECT_EQ(left(), "a=1 a=2");
  PartitionConfig config;
  config.compaction = compaction_, config.compaction.on = true;
  partition_->configure(config);
  run();
  EXPECT_TRUE(partition_->keys_wanted());
  look();
  EXPECT_EQ(left(), "a=2");
}

TEST_F(CompactorTest, a_restart_goes_on_where_the_last_run_ended) {
  open();
  add_piece({{"a", "1"}});
  add_piece({{"a", "2"}});
  look();
  ASSERT_EQ(data_.meta.count("compaction"), 1u);
  const std::vector<ion_range> pieces = log_->pieces;
  close();
  open();
  log_->pieces = pieces;
  look();
  EXPECT_EQ(log_->replaced, 0);
  EXPECT_EQ(left(), "a=2");
}

TEST_F(CompactorTest, a_log_that_lost_its_end_is_compacted_from_its_beginning) {
  open();
  add_piece({{"a", "1"}});
  add_piece({{"b", "2"}});
  look();
  close();
  data_.batches.pop_back();
  data_.next = data_.durable = {1};
  open();
  log_->pieces = {{0, 1, 100, -1, clock_.wall().ms}};
  look();
  add_piece({{"a", "3"}});
  look();
  EXPECT_EQ(left(), "a=3");
}

TEST_F(CompactorTest, tombstones_go_by_the_clock_when_nothing_is_written_any_more) {
  open();
  add_piece({{"a", "1"}, {"b", "1"}});
  add_piece({{"a", "-"}});
  look();
  EXPECT_EQ(left(), "b=1 a=-");
  pass(seconds(99));
  look();
  EXPECT_EQ(left(), "b=1 a=-");
  pass(seconds(2));
  look();
  EXPECT_EQ(left(), "b=1");
  covered();
}

TEST_F(CompactorTest, a_repeat_is_known_after_its_batch_was_compacted_away_and_after_a_restart) {
  open();
  add_piece({{"a", "1"}}, {{9}, {0}, 0});
  add_piece({{"a", "2"}}, {{9}, {0}, 1});
  add_piece({{"a", "3"}});
  look();
  EXPECT_EQ(left(), "a=3");
  const auto again = [&](int32_t sequence, std::string_view value) {
    batch::RecordWriter writer;
    batch::NewRecord r;
    r.key = span_of(std::string_view("a")), r.value = span_of(value);
    writer.append(r);
    Produced* const p = produce(writer.finish({{9}, {0}, sequence}));
    disk_finishes();
    return p->status && p->status->ok() ? p->answer.flags == ION_PRODUCE_DUPLICATE ? p->answer.base : int64_t{-2} : int64_t{-1};
  };
  EXPECT_EQ(again(0, "1"), 0);
  EXPECT_EQ(again(1, "2"), 1);
  partition_->close([](const Status&) {});
  run();
  partition_.reset();
  open();
  EXPECT_EQ(again(0, "1"), 0);
  EXPECT_EQ(again(1, "2"), 1);
  ASSERT_GE(data_.batches.size(), 2u);
  EXPECT_EQ(data_.batches.at(1).first.producer.v, 9) << "the newest batch of a producer stays, without its records";
}

TEST_F(CompactorTest, nothing_is_replaced_before_the_producer_state_is_durable) {
  hold_state_ = true;
  open();
  add_piece({{"a", "1"}}, {{9}, {0}, 0});
  add_piece({{"a", "2"}});
  partition_->look_at_compaction(clock_.wall());
  run();
  EXPECT_EQ(log_->replaced, 0);
  ASSERT_NE(state_, nullptr);
  state_->finish_syncs();
  run();
  EXPECT_EQ(log_->replaced, 1);
}

TEST_F(CompactorTest, without_space_for_the_producer_state_nothing_goes) {
  refuse_state_ = Status(ION_E_NO_SPACE, "full");
  open();
  add_piece({{"a", "1"}}, {{9}, {0}, 0});
  add_piece({{"a", "2"}});
  look();
  EXPECT_EQ(left(), "a=1 a=2");
  refuse_state_ = {};
  pass(seconds(31));
  look();
  EXPECT_EQ(left(), "a=2");
}

TEST_F(CompactorTest, a_full_disk_leaves_the_log_as_it_was_and_it_is_tried_again) {
  open();
  add_piece({{"a", "1"}});
  add_piece({{"a", "2"}});
  log_->replace_fails = Status(ION_E_NO_SPACE, "full");
  look();
  EXPECT_EQ(left(), "a=1 a=2");
  EXPECT_EQ(log_->replacing, 0) << "it was given up";
  log_->replace_fails = {};
  look();
  EXPECT_EQ(left(), "a=1 a=2") << "not at once";
  pass(seconds(31));
  look();
  EXPECT_EQ(left(), "a=2");
}

TEST_F(CompactorTest, a_log_that_was_changed_meanwhile_is_compacted_at_the_next_look) {
  open();
  add_piece({{"a", "1"}});
  add_piece({{"a", "2"}});
  log_->commit_fails = Status(ION_E_CONFLICT, "truncated");
  look();
  EXPECT_EQ(left(), "a=1 a=2");
  log_->commit_fails = {};
  look();
  EXPECT_EQ(left(), "a=2");
}

TEST_F(CompactorTest, few_keys_in_memory_make_several_runs) {
  compacting_.limits.key_bytes_max = 1;  // 48 keys
  compaction_.dirty_ppm = 1;
  open();
  for (int i = 0; i < 10; ++i) {
    std::vector<std::pair<std::string, std::string>> records;
    for (int k = 0; k < 20; ++k) records.push_back({"k" + std::to_string((i * 7 + k) % 100), std::to_string(i)});
    add_piece(records);
  }
  for (int i = 0; i < 40; ++i) pass(seconds(10)), look();
  std::map<std::string, int> times;
  for (const auto& [header, bytes] : data_.batches) {
    auto reader = batch::RecordReader::open(bytes);
    for (auto record = reader->next(); record && *record; record = reader->next()) ++times[std::string(text_of(*(*record)->key))];
  }
  EXPECT_EQ(times.size(), 83u);
  for (const auto& [key, n] : times) EXPECT_EQ(n, 1) << key;
  covered();
}

TEST_F(CompactorTest, it_reads_no_faster_than_it_may) {
  compacting_.limits.bytes_per_second = 1 << 20;
  open();
  for (int i = 0; i < 4; ++i) add_piece({{"a", std::string(500'000, static_cast<char>('0' + i))}});
  partition_->look_at_compaction(clock_.wall());
  run();
  EXPECT_EQ(log_->replaced, 0);
  for (int i = 0; i < 12; ++i) pass(milliseconds(250));
  EXPECT_EQ(log_->replaced, 0) << "2 MB are read twice, and are not in three seconds";
  for (int i = 0; i < 20; ++i) pass(milliseconds(250));
  EXPECT_EQ(log_->replaced, 1);
}

TEST_F(CompactorTest, a_partition_that_closes_ends_its_run) {
  compacting_.limits.bytes_per_second = 1 << 20;
  open();
  for (int i = 0; i < 4; ++i) add_piece({{"a", std::string(500'000, static_cast<char>('0' + i))}});
  partition_->look_at_compaction(clock_.wall());
  run();
  std::optional<Status> closed;
  partition_->close([&](const Status& s) { closed = s; });
  for (int i = 0; i < 4; ++i) pass(milliseconds(250)), disk_finishes();
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(log_->replacing, 0);
  EXPECT_EQ(data_.batches.size(), 4u);
  partition_.reset();
}

TEST_F(CompactorTest, damage_ends_a_run_and_leaves_the_log_as_it_was) {
  open();
  add_piece({{"a", "1"}});
  add_piece({{"a", "2"}});
  log_->damaged = true;
  look();
  log_->damaged = false;
  EXPECT_EQ(left(), "a=1 a=2");
}

}  // namespace
}  // namespace ion::partition
