// What every ion.storage/1 promises, whoever provides it. Each case runs against each world.
#include "contract/storage/storage_suite.h"

#include <gtest/gtest.h>

namespace ion::test {
namespace {

ION_STORAGE_SUITE(StorageSuite);

TEST_P(StorageSuite, a_new_log_is_empty_and_begins_at_zero) {
  LogDriver log = open();
  const LogStat s = log.stat();
  EXPECT_EQ(s.first.v, 0);
  EXPECT_EQ(s.next.v, 0);
  EXPECT_FALSE(s.damaged || s.failed || s.cut_tail);
  const ReadBack nothing = log.read({0});
  EXPECT_TRUE(nothing.status.ok());
  EXPECT_EQ(nothing.bytes(), 0u);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, what_was_appended_is_read_back_byte_for_byte) {
  LogDriver log = open();
  const TestBatch one = make_batch({0}, {"one", "two"}), two = make_batch({2}, {"three"}, {Epoch{3}, WallMs{5}});
  std::vector<ion_batch> raw{one.raw, two.raw};
  const Asked appended = log.ask([&](Op& op) { return log.log().append(op, raw); });
  ASSERT_EQ(appended.code(), ION_OK);
  EXPECT_EQ(appended.outcome().u0, 3u);
  const ReadBack back = log.read({0});
  EXPECT_EQ(back.base.v, 0);
  EXPECT_EQ(back.next.v, 3);
  std::vector<uint8_t> wanted = one.bytes;
  wanted.insert(wanted.end(), two.bytes.begin(), two.bytes.end());
  std::vector<uint8_t> found;
  for (const Buf& b : back.bufs) found.insert(found.end(), b.data(), b.data() + b.size());
  EXPECT_EQ(found, wanted);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, a_batch_may_come_in_parts) {
  LogDriver log = open();
  const TestBatch b = make_batch({0}, {"a value in three parts"});
  const std::vector<ion_buf> parts{borrowed(std::span(b.bytes).first(16)), borrowed(std::span(b.bytes).subspan(16, 50)),
                                   borrowed(std::span(b.bytes).subspan(66))};
  const ion_batch raw{0, 1, 1000, 0, 3, parts.data()};
  ASSERT_EQ(log.ask([&](Op& op) { return log.log().append(op, {&raw, 1}); }).code(), ION_OK);
  EXPECT_EQ(log.text(), "a value in three parts");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, a_batch_that_is_not_what_its_descriptor_says_is_refused_and_nothing_changes) {
  LogDriver log = open();
  ASSERT_TRUE(log.add({"kept"}).ok());
  const auto refused = [&](auto&& spoil) {
    TestBatch b = make_batch({1}, {"wrong"});
    spoil(b);
    const Status s = log.append(std::move(b));
    EXPECT_EQ(s.code(), ION_E_INVALID) << s.text();
    EXPECT_FALSE(s.message().empty());
    EXPECT_EQ(log.stat().next.v, 1);
  };
  refused([](TestBatch& b) { b.raw.base = 0; });
  refused([](TestBatch& b) { b.raw.next = 3; });
  refused([](TestBatch& b) { b.raw.epoch = 7; });
  refused([](TestBatch& b) { b.part->n -= 1; });
  refused([](TestBatch& b) { b.part->n = 60; });
  refused([](TestBatch& b) { b.bytes[16] = 1; });                                     // magic
  refused([](TestBatch& b) { b = make_batch({0}, {"below the end"}); });
  EXPECT_EQ(log.text(), "kept");
  // All or nothing: a right batch before a wrong one does not go in either.
  std::vector<TestBatch> both;
  both.push_back(make_batch({1}, {"right"}));
  both.push_back(make_batch({1}, {"again from one"}));
  EXPECT_EQ(log.append(both).code(), ION_E_INVALID);
  EXPECT_EQ(log.text(), "kept");
  EXPECT_TRUE(log.add({"more"}).ok());
  EXPECT_EQ(log.text(), "kept,more");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, a_read_gives_whole_batches_from_the_one_that_holds_the_offset) {
  LogDriver log = open();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(log.add({"a" + std::to_string(i), "b" + std::to_string(i), "c" + std::to_string(i)}).ok());
  for (int64_t from = 0; from < 12; ++from) {
    const ReadBack r = log.read({from});
    EXPECT_EQ(r.base.v, from / 3 * 3);
    EXPECT_EQ(r.next.v, 12);
  }
  EXPECT_EQ(log.read({4}, {INT64_MAX}, 1).text(), "a1,b1,c1");  // at least one, even above bytes_max
  const uint64_t one = log.read({0}, {INT64_MAX}, 1).bytes();
  EXPECT_EQ(log.read({0}, {INT64_MAX}, 2 * one).next.v, 6);
  EXPECT_EQ(log.read({0}, {INT64_MAX}, 2 * one + one - 1).next.v, 6);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, no_batch_that_ends_above_upto_is_given) {
  LogDriver log = open();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(log.add({"a", "b", "c"}).ok());
  EXPECT_EQ(log.read({0}, {12}).next.v, 12);
  EXPECT_EQ(log.read({0}, {11}).next.v, 9);
  EXPECT_EQ(log.read({0}, {6}).next.v, 6);
  const ReadBack nothing = log.read({4}, {5});
  EXPECT_TRUE(nothing.status.ok());
  EXPECT_EQ(nothing.bytes(), 0u);
  EXPECT_EQ(nothing.base.v, 4);
  EXPECT_EQ(nothing.next.v, 4);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, reads_outside_of_the_log_are_out_of_range_and_at_its_end_empty) {
  LogDriver log = open();
  ASSERT_TRUE(log.append(make_batch({5}, {"from five"})).ok());
  EXPECT_EQ(log.read({6}).bytes(), 0u);
  EXPECT_TRUE(log.read({6}).status.ok());
  EXPECT_EQ(log.read({7}).status.code(), ION_E_OUT_OF_RANGE);
  EXPECT_EQ(log.read({-1}).status.code(), ION_E_OUT_OF_RANGE);
  ASSERT_TRUE(log.truncate_prefix({6}).ok());
  EXPECT_EQ(log.read({5}).status.code(), ION_E_OUT_OF_RANGE);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, gaps_between_batches_are_kept) {
  LogDriver log = open();
  ASSERT_TRUE(log.append(make_batch({3}, {"three"})).ok());
  ASSERT_TRUE(log.append(make_batch({10}, {"ten", "eleven"})).ok());
  EXPECT_EQ(log.read({0}).base.v, 3);  // the next one
  EXPECT_EQ(log.read({4}).base.v, 10);
  EXPECT_EQ(log.read({4}).text(), "ten,eleven");
  EXPECT_EQ(log.read({0}, {10}).next.v, 4);
  EXPECT_EQ(log.stat().next.v, 12);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, offsets_above_two_to_the_32_work) {
  const int64_t far = (int64_t{1} << 40) + 5;
  LogDriver log = open();
  ASSERT_TRUE(log.truncate_prefix({far}).ok());
  EXPECT_EQ(log.stat().first.v, far);
  ASSERT_TRUE(log.append(make_batch({far}, {"far", "away"})).ok());
  EXPECT_EQ(log.read({far + 1}).text(), "far,away");
  EXPECT_EQ(log.stat().next.v, far + 2);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, a_log_rolls_through_many_segments_and_reads_cross_them) {
  LogDriver log = open("p/a/0", {.segment_bytes = 4096});
  std::string wanted;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(log.add({"value " + std::to_string(i)}).ok());
    wanted += (i == 0 ? "" : ",") + std::string("value ") + std::to_string(i);
  }
  EXPECT_EQ(log.text(), wanted);
  EXPECT_EQ(log.text({0}, 1), wanted);
  EXPECT_GT(log.log().ranges({0}, 100)->size(), 2u);
  EXPECT_GT(log.stat().sealed.v, 0);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, a_batch_larger_than_a_segment_gets_its_own) {
  LogDriver log = open("p/a/0", {.segment_bytes = 4096});
  ASSERT_TRUE(log.add({"small"}).ok());
  ASSERT_TRUE(log.append(make_batch_of({1}, 100'000, 'y')).ok());
  ASSERT_TRUE(log.add({"after"}).ok());
  EXPECT_EQ(log.read({1}, {2}).bytes(), 100'000u);
  EXPECT_EQ(log.read({2}).text(), "after");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, truncating_the_suffix_cuts_exactly_and_the_log_goes_on_there) {
  LogDriver log = open("p/a/0", {.segment_bytes = 4096});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(log.add({"old " + std::to_string(i), "x"}).ok());
  ASSERT_TRUE(log.truncate_suffix({60}).ok());
  EXPECT_EQ(log.stat().next.v, 60);
  EXPECT_EQ(log.read({60}).bytes(), 0u);
  EXPECT_EQ(log.read({61}).status.code(), ION_E_OUT_OF_RANGE);
  ASSERT_TRUE(log.append(make_batch({60}, {"new"})).ok());
  EXPECT_EQ(log.read({58}).headers().front().base_offset.v, 58);
  EXPECT_EQ(log.read({60}).text(), "new");
  EXPECT_EQ(log.stat().next.v, 61);
  // At or above the end nothing happens; below the first it is an error.
  ASSERT_TRUE(log.truncate_suffix({61}).ok());
  ASSERT_TRUE(log.truncate_suffix({1000}).ok());
  EXPECT_EQ(log.stat().next.v, 61);
  EXPECT_EQ(log.truncate_suffix({-1}).code(), ION_E_OUT_OF_RANGE);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, a_batch_that_reaches_over_the_cut_goes_whole) {
  LogDriver log = open();
  ASSERT_TRUE(log.add({"a", "b"}).ok());
  ASSERT_TRUE(log.add({"c", "d", "e"}).ok());
  ASSERT_TRUE(log.truncate_suffix({3}).ok());
  EXPECT_EQ(log.stat().next.v, 2);
  EXPECT_EQ(log.text(), "a,b");
  ASSERT_TRUE(log.truncate_suffix({0}).ok());
  EXPECT_EQ(log.stat().next.v, 0);
  EXPECT_EQ(log.text(), "");
  ASSERT_TRUE(log.add({"again"}).ok());
  EXPECT_EQ(log.text(), "again");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, truncating_again_and_again_never_shows_old_batches) {
  LogDriver log = open("p/a/0", {.segment_bytes = 4096});
  for (int round = 0; round < 30; ++round) {
    const std::string tag = "r" + std::to_string(round);
    while (log.stat().next.v < 40) ASSERT_TRUE(log.add({tag}).ok());
    ASSERT_TRUE(log.truncate_suffix({round}).ok());
    ASSERT_EQ(log.stat().next.v, round);
  }
  std::string wanted = "r1";
  for (int i = 2; i <= 29; ++i) wanted += ",r" + std::to_string(i);
  EXPECT_EQ(log.text(), wanted);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, truncating_the_prefix_moves_the_first_offset_exactly) {
  LogDriver log = open("p/a/0", {.segment_bytes = 4096});
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(log.add({"v" + std::to_string(2 * i), "v" + std::to_string(2 * i + 1)}).ok());
  const uint64_t before = log.stat().bytes;
  ASSERT_TRUE(log.truncate_prefix({301}).ok());
  EXPECT_EQ(log.stat().first.v, 301);
  EXPECT_LT(log.stat().bytes, before);
  EXPECT_EQ(log.read({300}).status.code(), ION_E_OUT_OF_RANGE);
  EXPECT_EQ(log.read({301}).base.v, 300);  // the batch that holds it
  ASSERT_TRUE(log.truncate_prefix({100}).ok());  // it never goes back
  EXPECT_EQ(log.stat().first.v, 301);
  ASSERT_TRUE(log.truncate_prefix({400}).ok());
  EXPECT_EQ(log.stat().first.v, 400);
  EXPECT_EQ(log.read({400}).bytes(), 0u);
  ASSERT_TRUE(log.add({"on"}).ok());
  EXPECT_EQ(log.read({400}).text(), "on");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, a_prefix_beyond_the_end_empties_the_log_and_restarts_it_there) {
  LogDriver log = open();
  ASSERT_TRUE(log.add({"gone"}).ok());
  ASSERT_TRUE(log.truncate_prefix({50}).ok());
  EXPECT_EQ(log.stat().first.v, 50);
  EXPECT_EQ(log.stat().next.v, 50);
  EXPECT_EQ(log.read({0}).status.code(), ION_E_OUT_OF_RANGE);
  EXPECT_EQ(log.append(make_batch({1}, {"too low"})).code(), ION_E_INVALID);
  ASSERT_TRUE(log.append(make_batch({50}, {"fresh"})).ok());
  EXPECT_EQ(log.text({50}), "fresh");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, slices_stay_as_they_were_after_truncation_close_and_remove) {
  LogDriver log = open("p/a/0", {.segment_bytes = 4096});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(log.add({"keep " + std::to_string(i)}).ok());
  ReadBack held = log.read({10});
  const std::string before = held.text();
  ASSERT_TRUE(log.truncate_suffix({12}).ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(log.add({"write over " + std::to_string(i)}).ok());
  EXPECT_EQ(held.text(), before);
  ASSERT_TRUE(log.truncate_prefix({1000}).ok());
  EXPECT_EQ(held.text(), before);
  ASSERT_TRUE(log.close().ok());
  EXPECT_EQ(held.text(), before);
  ASSERT_TRUE(driver().remove("p/a/0").ok());
  EXPECT_EQ(held.text(), before);
}

TEST_P(StorageSuite, slices_may_be_shared_and_given_back_in_any_order) {
  LogDriver log = open();
  ASSERT_TRUE(log.add({"shared"}).ok());
  ReadBack first = log.read({0});
  Buf part = first.bufs[0].slice(0, batch::kHeaderBytes), copy = part.clone();
  first.bufs.clear();
  part = Buf();
  EXPECT_EQ(batch::read_header(copy.data()).count, 1);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, logs_survive_close_and_open) {
  LogDriver log = open();
  ASSERT_TRUE(log.add({"a", "b"}).ok());
  ASSERT_TRUE(log.truncate_prefix({1}).ok());
  ASSERT_TRUE(log.meta_put("vote", "me").ok());
  ASSERT_TRUE(log.close().ok());
  LogDriver again = open("p/a/0", {.existing = true});
  EXPECT_EQ(again.stat().first.v, 1);
  EXPECT_EQ(again.text({1}), "a,b");
  EXPECT_EQ(again.meta_get("vote"), "me");
  ASSERT_TRUE(again.add({"c"}).ok());
  EXPECT_EQ(again.text({1}), "a,b,c");
  EXPECT_TRUE(again.close().ok());
}

TEST_P(StorageSuite, a_log_is_open_once_and_missing_ones_are_not_made_when_existing_is_asked) {
  EXPECT_EQ(driver().open("p/none/0", {.existing = true}).error().code(), ION_E_NOT_FOUND);
  EXPECT_TRUE(driver().list().empty());
  LogDriver log = open();
  EXPECT_EQ(driver().open("p/a/0").error().code(), ION_E_BUSY);
  EXPECT_EQ(driver().remove("p/a/0").code(), ION_E_BUSY);
  ASSERT_TRUE(log.close().ok());
  EXPECT_TRUE(driver().remove("p/a/0").ok());
  EXPECT_EQ(driver().remove("p/a/0").code(), ION_E_NOT_FOUND);
}

TEST_P(StorageSuite, many_logs_are_listed_by_prefix_in_order_and_do_not_mix) {
  std::vector<LogDriver> logs;
  for (const char* name : {"p/b/1", "p/b/0", "p/a/0", "raft/meta", "raft/meta/snap-7", "state/b/0"}) logs.push_back(open(name));
  for (size_t i = 0; i < logs.size(); ++i) ASSERT_TRUE(logs[i].add({"log " + std::to_string(i)}).ok());
  for (size_t i = 0; i < logs.size(); ++i) EXPECT_EQ(logs[i].text(), "log " + std::to_string(i));
  EXPECT_EQ(driver().list("p/b/"), (std::vector<std::string>{"p/b/0", "p/b/1"}));
  EXPECT_EQ(driver().list("raft/meta"), (std::vector<std::string>{"raft/meta", "raft/meta/snap-7"}));
  EXPECT_EQ(driver().list().size(), 6u);
  for (LogDriver& log : logs) ASSERT_TRUE(log.close().ok());
  ASSERT_TRUE(driver().remove("raft/meta/snap-7").ok());
  LogDriver kept = open("raft/meta", {.existing = true});
  EXPECT_EQ(kept.text(), "log 3");
  EXPECT_TRUE(kept.close().ok());
}

TEST_P(StorageSuite, a_removed_log_begins_anew) {
  LogDriver log = open();
  ASSERT_TRUE(log.add({"old"}).ok());
  ASSERT_TRUE(log.meta_put("k", "v").ok());
  ASSERT_TRUE(log.close().ok());
  ASSERT_TRUE(driver().remove("p/a/0").ok());
  LogDriver anew = open();
  EXPECT_EQ(anew.stat().next.v, 0);
  EXPECT_EQ(anew.text(), "");
  EXPECT_EQ(anew.meta_get("k"), "!NOT_FOUND");
  EXPECT_TRUE(anew.close().ok());
}

TEST_P(StorageSuite, meta_items_are_put_together_replaced_and_deleted) {
  LogDriver log = open();
  EXPECT_EQ(log.meta_get("term"), "!NOT_FOUND");
  const std::vector<ion_field> two{{bytes_of("term"), bytes_of("1")}, {bytes_of("vote"), bytes_of("a")}};
  ASSERT_EQ(log.ask([&](Op& op) { return log.log().meta_put(op, two); }).code(), ION_OK);
  EXPECT_EQ(log.meta_get("term") + log.meta_get("vote"), "1a");
  ASSERT_TRUE(log.meta_put("term", "2").ok());
  EXPECT_EQ(log.meta_get("term"), "2");
  ASSERT_TRUE(log.meta_put("empty", "").ok());
  EXPECT_EQ(log.meta_get("empty"), "");
  ASSERT_TRUE(log.meta_delete("vote").ok());
  ASSERT_TRUE(log.meta_delete("never there").ok());
  EXPECT_EQ(log.meta_get("vote"), "!NOT_FOUND");
  // 64 KiB a log; a put that is too much changes nothing, and neither does one with a bad key among good ones.
  const std::string large(40'000, 'm');
  ASSERT_TRUE(log.meta_put("large", large).ok());
  EXPECT_EQ(log.meta_put("larger", large).code(), ION_E_INVALID);
  const std::vector<ion_field> bad{{bytes_of("term"), bytes_of("3")}, {bytes_of(""), bytes_of("x")}};
  EXPECT_EQ(log.ask([&](Op& op) { return log.log().meta_put(op, bad); }).code(), ION_E_INVALID);
  EXPECT_EQ(log.meta_get("term"), "2");
  ASSERT_TRUE(log.truncate_suffix({0}).ok());
  ASSERT_TRUE(log.truncate_prefix({90}).ok());
  EXPECT_EQ(log.meta_get("large"), large);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, sealing_makes_a_piece_and_an_empty_active_one_stays) {
  LogDriver log = open();
  ASSERT_TRUE(log.seal().ok());
  EXPECT_TRUE(log.log().ranges({0}, 10)->empty());
  ASSERT_TRUE(log.add({"a", "b"}, {Epoch{0}, WallMs{77}}).ok());
  EXPECT_TRUE(log.log().ranges({0}, 10)->empty());
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(log.seal().ok());
  ASSERT_TRUE(log.add({"c"}).ok());
  const std::vector<ion_range> pieces = *log.log().ranges({0}, 10);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].base, 0);
  EXPECT_EQ(pieces[0].next, 2);
  EXPECT_EQ(pieces[0].time_max_ms, 77);
  EXPECT_GT(pieces[0].bytes, 61u);
  EXPECT_EQ(log.stat().sealed.v, 2);
  EXPECT_TRUE(log.log().ranges({2}, 10)->empty());
  EXPECT_TRUE(log.log().ranges({0}, 0)->empty());
  EXPECT_EQ(log.text(), "a,b,c");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, configure_changes_the_segment_size_of_an_open_log) {
  LogDriver log = open("p/a/0", {.segment_bytes = 1 << 20});
  ASSERT_TRUE(log.log().configure({.segment_bytes = 4096}).ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(log.append(make_batch_of({i}, 1000)).ok());
  ASSERT_TRUE(log.seal().ok());
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, what_the_capabilities_do_not_claim_is_refused) {
  LogDriver log = open();
  ASSERT_TRUE(log.add({"x"}).ok());
  if (!claims(ION_STORAGE_TIME_INDEX)) {
    EXPECT_EQ(log.ask([&](Op& op) { return log.log().offset_for_time(op, {0}, {0}); }).code(), ION_E_UNSUPPORTED);
  }
  if (!claims(ION_STORAGE_COMPACTION)) {
    EXPECT_EQ(driver().open("p/c/0", {.compaction = true}).error().code(), ION_E_UNSUPPORTED);
    EXPECT_EQ(log.log().configure({.compaction = true}).code(), ION_E_UNSUPPORTED);
  }
  const Status synced = log.sync();
  if (is_volatile()) {
    EXPECT_EQ(synced.code(), ION_E_UNSUPPORTED);
    EXPECT_FALSE(synced.message().empty());
    EXPECT_EQ(log.stat().durable.v, 0);
  } else {
    EXPECT_TRUE(synced.ok());
  }
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, sync_answers_the_durable_end) {
  if (is_volatile()) return;
  LogDriver log = open();
  EXPECT_TRUE(log.sync({0}).ok());
  ASSERT_TRUE(log.add({"a", "b"}).ok());
  EXPECT_EQ(log.stat().durable.v, 0);
  const Asked synced = log.ask([&](Op& op) { return log.log().sync(op, {1}); });
  ASSERT_EQ(synced.code(), ION_OK);
  EXPECT_EQ(synced.outcome().u0, 2u);
  EXPECT_EQ(log.stat().durable.v, 2);
  EXPECT_EQ(log.sync({3}).code(), ION_E_OUT_OF_RANGE);
  ASSERT_TRUE(log.truncate_suffix({0}).ok());
  EXPECT_EQ(log.stat().durable.v, 0);
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, a_restart_keeps_what_is_durable_and_the_identity_with_it) {
  const Uuid before = *world_->storage().identity();
  EXPECT_NE(before, Uuid{});
  {
    LogDriver log = open("p/a/0", {.exact_mark = true});
    ASSERT_TRUE(log.add({"a"}).ok());
    ASSERT_TRUE(log.meta_put("k", "v").ok());
    ASSERT_TRUE(log.close().ok());
  }
  world_->restart();
  if (is_volatile()) {
    EXPECT_TRUE(driver().list().empty());
    return;
  }
  EXPECT_EQ(*world_->storage().identity(), before);
  LogDriver log = open("p/a/0", {.existing = true});
  EXPECT_EQ(log.text(), "a");
  EXPECT_EQ(log.stat().durable.v, 1);
  EXPECT_EQ(log.meta_get("k"), "v");
  EXPECT_TRUE(log.close().ok());
}

TEST_P(StorageSuite, completions_come_in_the_order_of_the_calls) {
  LogDriver log = open("p/a/0", {.segment_bytes = 4096});
  std::vector<TestBatch> batches;
  for (int i = 0; i < 60; ++i) batches.push_back(make_batch_of({i}, 700));
  std::vector<int> order;
  for (int i = 0; i < 60; ++i)
    call([&](Op& op) { return log.log().append(op, {&batches[static_cast<size_t>(i)].raw, 1}); },
         [&order, i](const ion_result& r) {
           EXPECT_EQ(r.status, ION_OK);
           EXPECT_EQ(r.u0, static_cast<uint64_t>(i + 1));
           order.push_back(i);
         });
  world_->run();
  ASSERT_EQ(order.size(), 60u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(log.stat().next.v, 60);
  EXPECT_TRUE(log.close().ok());
}

}  // namespace
}  // namespace ion::test
